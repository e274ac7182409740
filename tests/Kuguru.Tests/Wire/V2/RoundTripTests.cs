using System.Buffers.Binary;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Wire.V2;

public class RoundTripTests
{
    public static TheoryData<Type> Kinds => [.. Arbitrary.PayloadKinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_payload_reads_back_as_it_was_written(Type kind)
    {
        var random = new Arbitrary(seed: 7296);
        for (var i = 0; i < 300; i++)
        {
            var message = random.Message(random.Payload(kind));
            var bytes = message.Write();
            Assert.True(IkeMessage.TryParse(bytes, out var read, out var error), $"{error}: {Convert.ToHexString(bytes)}");
            Assert.Equal(message, read);
            Assert.Equal(bytes, read.Write());
        }
    }

    [Fact]
    public void A_message_of_every_payload_of_the_RFC_reads_back_and_none_is_unknown_to_the_parser()
    {
        var message = new Arbitrary(seed: 1).Message([.. new Arbitrary(seed: 2).OneOfEachKind()]);
        Assert.True(IkeMessage.TryParse(message.Write(), out var read, out _));
        Assert.Equal(message, read);
        Assert.Equal(Arbitrary.PayloadKinds.Count - 2, read.Payloads.Select(payload => payload.GetType()).Distinct().Count());
    }

    [Fact]
    public void Inner_payloads_read_back_from_their_chain()
    {
        var random = new Arbitrary(seed: 3);
        for (var i = 0; i < 300; i++)
        {
            Sequence<Payload> payloads = [.. random.OneOfEachKind()];
            var bytes = Payload.WriteChain(payloads, out var first);
            Assert.True(Payload.TryReadChain(first, bytes, out var read, out var error), error.ToString());
            Assert.Equal(payloads, read);
        }
    }

    [Fact]
    public void An_empty_chain_is_no_payload_and_no_octet()
    {
        Assert.Empty(Payload.WriteChain([], out var first));
        Assert.Equal(PayloadType.None, first);
        Assert.True(Payload.TryReadChain(first, [], out var read, out _));
        Assert.True(read.IsEmpty);
    }

    [Fact]
    public void Every_truncation_is_refused_with_and_without_a_length_that_admits_it()
    {
        var random = new Arbitrary(seed: 4);
        var bytes = random.Message([.. random.OneOfEachKind(), random.Payload(typeof(Payload.SK))]).Write();
        for (var length = 0; length < bytes.Length; length++)
        {
            var cut = bytes.AsSpan(0, length);
            Assert.False(IkeMessage.TryParse(cut, out _, out var error));
            Assert.Equal(length < IkeHeader.Size ? ParseErrorKind.Truncated : ParseErrorKind.LengthMismatch, error.Kind);
            if (length < IkeHeader.Size)
                continue;
            BinaryPrimitives.WriteUInt32BigEndian(cut[24..], (uint)length);
            Assert.False(IkeMessage.TryParse(cut, out _, out error));
            Assert.Equal(ParseErrorKind.Truncated, error.Kind);
            BinaryPrimitives.WriteUInt32BigEndian(cut[24..], (uint)bytes.Length);
        }
    }

    [Fact]
    public void Every_single_flipped_bit_is_refused_or_reads_back()
    {
        var random = new Arbitrary(seed: 5);
        var bytes = random.Message([.. random.OneOfEachKind(), random.Payload(typeof(Payload.SKF))]).Write();
        var accepted = 0;
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
            accepted += RefusedOrReadsBack(bytes) ? 1 : 0;
            bytes[bit / 8] ^= (byte)(1 << bit % 8);
        }
        Assert.InRange(accepted, 1, bytes.Length * 8 - 1);
    }

    [Fact]
    public void Two_hundred_thousand_mutated_messages_are_refused_or_read_back()
    {
        const int seed = 20260717;
        var random = new Random(seed);
        var source = new Arbitrary(seed);
        var accepted = 0;
        for (var i = 0; i < 2000; i++)
        {
            var good = source.Message().Write();
            for (var j = 0; j < 100; j++)
                accepted += RefusedOrReadsBack(Mutate(good, random)) ? 1 : 0;
        }
        Assert.InRange(accepted, 10_000, 190_000);
    }

    /// <summary>The oracle of every parser: it does not throw, and what it accepts is written and read again as the same value.</summary>
    static bool RefusedOrReadsBack(ReadOnlySpan<byte> bytes)
    {
        if (!IkeMessage.TryParse(bytes, out var message, out var error))
        {
            Assert.NotEqual(ParseErrorKind.None, error.Kind);
            Assert.InRange(error.Offset, 0, bytes.Length);
            return false;
        }
        Assert.True(IkeMessage.TryParse(message.Write(), out var again, out _));
        Assert.Equal(message, again);
        Assert.NotEmpty(message.ToString());
        return true;
    }

    /// <summary>Some octets changed, removed, inserted or repeated; mostly with the message's length put right, so that the payloads are looked at.</summary>
    static byte[] Mutate(byte[] good, Random random)
    {
        var bytes = new List<byte>(good);
        for (var i = random.Next(1, 5); i > 0 && bytes.Count > 0; i--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => (byte)random.Next() };
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 9)));
                    break;
                case 3:
                    bytes.Insert(at, (byte)random.Next());
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 40))));
                    break;
            }
        }
        var mutated = bytes.ToArray();
        if (mutated.Length >= IkeHeader.Size && random.Next(10) > 0)
            BinaryPrimitives.WriteUInt32BigEndian(mutated.AsSpan(24), (uint)mutated.Length);
        return mutated;
    }
}
