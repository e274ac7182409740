using System.Buffers.Binary;
using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

/// <summary>Sealers and openers of every suite, by what must hold for all of them.</summary>
public class EspTransformTests
{
    public static TheoryData<string> Suites => [.. Given.EspSuites.Select(s => s.ToString())];

    [Theory, MemberData(nameof(Suites))]
    public void What_is_sealed_opens_again_at_every_length(string name)
    {
        using var pair = new Pair(name);
        for (var length = pair.Suite.Alignment; length <= 600; length += pair.Suite.Alignment)
            pair.AssertRoundTrip(length);
        foreach (var length in (int[])[4096 - 16, 4096, 4096 + 16, 9008, 65520])
            pair.AssertRoundTrip(length);
    }

    [Theory, MemberData(nameof(Suites))]
    public void One_flipped_bit_anywhere_is_refused(string name)
    {
        using var pair = new Pair(name);
        var packet = pair.Seal(64);
        var room = new byte[64];
        for (var bit = 0; bit < packet.Length * 8; bit++)
        {
            packet[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(-1, pair.Opener.Open(packet, pair.Sequence, room));
            packet[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.Equal(64, pair.Opener.Open(packet, pair.Sequence, room));
    }

    [Theory, MemberData(nameof(Suites))]
    public void A_packet_cut_short_or_made_longer_is_refused(string name)
    {
        using var pair = new Pair(name);
        var packet = pair.Seal(64);
        var room = new byte[200];
        for (var length = 0; length < packet.Length; length++)
            Assert.Equal(-1, pair.Opener.Open(packet.AsSpan(..length), pair.Sequence, room));
        for (var more = 1; more <= 40; more++)
            Assert.Equal(-1, pair.Opener.Open([.. packet, .. new byte[more]], pair.Sequence, room));
    }

    [Theory, MemberData(nameof(Suites))]
    public void The_high_half_of_the_sequence_number_is_protected_exactly_with_ESN(string name)
    {
        using var pair = new Pair(name);
        var packet = pair.Seal(64);
        Assert.Equal(pair.Suite.IsEsn ? -1 : 64, pair.Opener.Open(packet, pair.Sequence ^ (1UL << 32), new byte[64]));
    }

    [Theory, MemberData(nameof(Suites))]
    public void Another_key_does_not_open_it(string name)
    {
        using var pair = new Pair(name);
        using var stranger = EspOpener.Create(pair.Suite, Given.Keys(pair.Suite, new SeededDice(1000)));
        Assert.Equal(-1, stranger.Open(pair.Seal(64), pair.Sequence, new byte[64]));
    }

    [Theory, MemberData(nameof(Suites))]
    public void Nothing_is_allocated_for_good_and_forged_packets(string name)
    {
        using var pair = new Pair(name);
        var (plaintext, packet, opened) = (new byte[1408], new byte[1408 + pair.Suite.Overhead], new byte[1408]);
        Turn(500);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Turn(1500);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Turn(ulong sequence)
        {
            for (var end = sequence + 100; sequence < end; sequence++)
            {
                pair.Sealer.Seal(7, sequence, plaintext, packet);
                if (pair.Opener.Open(packet, sequence, opened) != 1408)
                    throw new InvalidOperationException();
                packet[^1] ^= 1;
                if (pair.Opener.Open(packet, sequence, opened) != -1)
                    throw new InvalidOperationException();
            }
        }
    }

    [Theory, MemberData(nameof(Suites))]
    public void A_sequence_number_is_used_once_and_never_beyond_its_range(string name)
    {
        using var pair = new Pair(name);
        var room = new byte[64 + pair.Suite.Overhead];
        pair.Sealer.Seal(7, 10, new byte[64], room);
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Sealer.Seal(7, 10, new byte[64], room));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Sealer.Seal(7, 9, new byte[64], room));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Sealer.Seal(7, 0, new byte[64], room));
        pair.Sealer.Seal(7, uint.MaxValue, new byte[64], room);
        if (pair.Suite.IsEsn)
            pair.Sealer.Seal(7, 1UL << 32, new byte[64], room);
        else
            Assert.Throws<ArgumentOutOfRangeException>(() => pair.Sealer.Seal(7, 1UL << 32, new byte[64], room));
    }

    [Theory, MemberData(nameof(Suites))]
    public void Plaintext_that_is_not_aligned_and_keys_of_another_length_are_bugs(string name)
    {
        using var pair = new Pair(name);
        var suite = pair.Suite;
        Assert.Throws<ArgumentException>(() => pair.Sealer.Seal(7, 1, new byte[suite.Alignment + 1], new byte[200]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Sealer.Seal(7, 2, new byte[64], new byte[64 + suite.Overhead - 1]));
        var wrong = new EspKeys(Secret.Copy(new byte[suite.EncryptionKeyLength + 1]), Secret.Copy(new byte[suite.IntegrityKeyLength + 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => EspSealer.Create(suite, wrong, new SeededDice(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => EspOpener.Create(suite, wrong));
    }

    [Fact]
    public void Counter_IVs_are_the_sequence_number()
    {
        foreach (var suite in Given.EspSuites.Where(s => s is { IvLength: 8, Encryption.BlockLength: 1 }))
        {
            using var pair = new Pair(suite.ToString());
            var packet = pair.Seal(64);
            Assert.Equal(pair.Sequence, BinaryPrimitives.ReadUInt64BigEndian(packet.AsSpan(8)));
        }
    }

    [Fact]
    public void CBC_IVs_are_unique_and_depend_on_the_dice()
    {
        var suite = Given.EspSuites.First(s => s.IvLength == 16);
        using var keys = Given.Keys(suite, new SeededDice(1));
        using var one = EspSealer.Create(suite, keys, new SeededDice(2));
        using var other = EspSealer.Create(suite, keys, new SeededDice(3));
        var ivs = new List<string>();
        for (ulong sequence = 1; sequence <= 500; sequence++)
            foreach (var sealer in (EspSealer[])[one, other])
            {
                var packet = new byte[64 + suite.Overhead];
                sealer.Seal(7, sequence, new byte[64], packet);
                ivs.Add(Convert.ToHexString(packet.AsSpan(8, 16)));
            }
        Assert.Distinct(ivs);
    }

    [Fact]
    public void Two_sealers_of_one_SA_make_packets_that_one_opener_opens()
    {
        using var pair = new Pair(Given.EspSuites.First().ToString());
        using var second = EspSealer.Create(pair.Suite, pair.Keys, new SeededDice(9));
        var (packet, room) = (new byte[64 + pair.Suite.Overhead], new byte[64]);
        for (ulong sequence = 1; sequence < 20; sequence++)
        {
            (sequence % 2 == 0 ? pair.Sealer : second).Seal(7, sequence, new byte[64], packet);
            Assert.Equal(64, pair.Opener.Open(packet, sequence, room));
        }
    }

    /// <summary>Both ends of one SA.</summary>
    sealed class Pair : IDisposable
    {
        readonly SeededDice _dice = new(42);

        public Pair(string suite)
        {
            Suite = Given.EspSuites.Single(s => s.ToString() == suite);
            Keys = Given.Keys(Suite, _dice);
            Sealer = EspSealer.Create(Suite, Keys, _dice);
            Opener = EspOpener.Create(Suite, Keys);
        }

        public EspSuite Suite { get; }
        public EspKeys Keys { get; }
        public EspSealer Sealer { get; }
        public EspOpener Opener { get; }
        public ulong Sequence { get; private set; } = 0xffffff00;

        public byte[] Seal(int length) => Seal(_dice.Bytes(length));

        public void AssertRoundTrip(int length)
        {
            var plaintext = _dice.Bytes(length);
            var packet = Seal(plaintext);
            var opened = new byte[length];
            Assert.Equal(length, Opener.Open(packet, Sequence, opened));
            Assert.Equal(plaintext, opened);
            Assert.Equal(0x01020304u, BinaryPrimitives.ReadUInt32BigEndian(packet));
            Assert.Equal((uint)Sequence, BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(4)));
        }

        byte[] Seal(byte[] plaintext)
        {
            // With ESN the numbers run over the 32 bits that are sent.
            Sequence = Sequence == uint.MaxValue && !Suite.IsEsn ? throw new InvalidOperationException() : Sequence + 1;
            var packet = new byte[plaintext.Length + Suite.Overhead];
            Assert.Equal(packet.Length, Sealer.Seal(0x01020304, Sequence, plaintext, packet));
            return packet;
        }

        public void Dispose()
        {
            Sealer.Dispose();
            Opener.Dispose();
            Keys.Dispose();
        }
    }
}
