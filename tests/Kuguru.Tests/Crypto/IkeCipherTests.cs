using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class IkeCipherTests
{
    public static TheoryData<string> Suites => [.. Given.IkeSuites.Select(s => s.ToString())];

    static readonly byte[] Before = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void The_SK_message_of_RFC_7634_agrees()
    {
        var test = Given.Cases(Vectors.Json("rfc/rfc7634_chacha20poly1305.json")).Last();
        var suite = Given.IkeSuites.Single(s => s.Encryption.Algorithm == EncryptionAlgorithm.ChaCha20Poly1305);
        using var skE = Secret.Copy([.. test.Hex("key"), .. test.Hex("salt")]);
        using var sealer = IkeCipher.ForSealing(suite, skE, Secret.Empty());
        using var opener = IkeCipher.ForOpening(suite, skE, Secret.Empty());
        var (message, before, plaintext) = (test.Hex("ike_message"), test.Hex("aad"), test.Hex("plaintext_with_pad_length")[..^1]);
        var body = message[before.Length..];

        Assert.True(opener.TryOpen(before, body, out var opened));
        Assert.Equal(plaintext, opened);

        var again = new byte[sealer.BodyLength(plaintext.Length)];
        test.Hex("iv").CopyTo(again, 0);
        sealer.SealWithIv(before, plaintext, again);
        Assert.Equal(body, again);
    }

    [Theory, MemberData(nameof(Suites))]
    public void What_is_sealed_opens_again_at_every_length(string name)
    {
        using var pair = new Pair(name);
        for (var length = 0; length < 100; length++)
            pair.AssertRoundTrip(length);
        pair.AssertRoundTrip(5000);
        pair.AssertRoundTrip(65000);
    }

    [Theory, MemberData(nameof(Suites))]
    public void One_flipped_bit_anywhere_in_the_message_is_refused(string name)
    {
        using var pair = new Pair(name);
        var body = pair.Seal(new byte[40]);
        byte[] message = [.. Before, .. body];
        for (var bit = 0; bit < message.Length * 8; bit++)
        {
            message[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(pair.Opener.TryOpen(message.AsSpan(..Before.Length), message.AsSpan(Before.Length..), out _));
            message[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.True(pair.Opener.TryOpen(Before, message.AsSpan(Before.Length..), out _));
    }

    [Theory, MemberData(nameof(Suites))]
    public void A_body_of_any_other_length_is_refused(string name)
    {
        using var pair = new Pair(name);
        var body = pair.Seal(new byte[40]);
        for (var length = 0; length < body.Length; length++)
            Assert.False(pair.Opener.TryOpen(Before, body.AsSpan(..length), out _));
        for (var more = 1; more < 40; more++)
            Assert.False(pair.Opener.TryOpen(Before, [.. body, .. new byte[more]], out _));
    }

    [Theory, MemberData(nameof(Suites))]
    public void The_same_payloads_are_never_sealed_to_the_same_octets(string name)
    {
        using var pair = new Pair(name);
        Assert.Distinct(Enumerable.Range(0, 100).Select(_ => Convert.ToHexString(pair.Seal([1, 2, 3])[..pair.Sealer.IvLength])));
    }

    [Theory, MemberData(nameof(Suites))]
    public void What_fits_a_body_is_the_reverse_of_its_length(string name)
    {
        using var pair = new Pair(name);
        for (var room = 0; room < 200; room++)
        {
            var most = pair.Sealer.MaxPlaintext(room);
            if (most >= 0)
                Assert.True(pair.Sealer.BodyLength(most) <= room);
            Assert.True(pair.Sealer.BodyLength(most + 1) > room);
        }
    }

    [Fact]
    public void Padding_longer_than_the_text_is_refused()
    {
        var suite = Given.IkeSuites.First(s => s.Encryption.Algorithm == EncryptionAlgorithm.AesGcm16);
        using var key = Secret.Copy(new byte[20]);
        using var opener = IkeCipher.ForOpening(suite, key, Secret.Empty());
        using var aead = Aead.Create(EncryptionAlgorithm.AesGcm16, key.Span[..16], encrypt: true);
        Assert.False(TryOpenPadded([1, 2, 3, 4]));
        Assert.False(TryOpenPadded([255]));
        Assert.True(TryOpenPadded([1, 2, 3, 3]));
        Assert.True(TryOpenPadded([0]));

        bool TryOpenPadded(byte[] padded)
        {
            var body = new byte[8 + padded.Length + 16];
            aead.Seal(new byte[12], Before, padded, body.AsSpan(8));
            return opener.TryOpen(Before, body, out _);
        }
    }

    sealed class Pair : IDisposable
    {
        readonly SeededDice _dice = new(7);

        public Pair(string name)
        {
            var suite = Given.IkeSuites.Single(s => s.ToString() == name);
            using var skE = Secret.Random(suite.Encryption.KeyLength, _dice);
            using var skA = Secret.Random(suite.Integrity.KeyLength(), _dice);
            Sealer = IkeCipher.ForSealing(suite, skE, skA);
            Opener = IkeCipher.ForOpening(suite, skE, skA);
        }

        public IkeCipher Sealer { get; }
        public IkeCipher Opener { get; }

        public byte[] Seal(byte[] plaintext)
        {
            var body = new byte[Sealer.BodyLength(plaintext.Length)];
            Sealer.Seal(_dice, Before, plaintext, body);
            return body;
        }

        public void AssertRoundTrip(int length)
        {
            var plaintext = _dice.Bytes(length);
            Assert.True(Opener.TryOpen(Before, Seal(plaintext), out var opened));
            Assert.Equal(plaintext, opened);
        }

        public void Dispose()
        {
            Sealer.Dispose();
            Opener.Dispose();
        }
    }
}
