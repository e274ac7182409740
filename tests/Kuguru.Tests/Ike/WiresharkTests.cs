using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Ike;

/// <summary>Key tables as tshark 4.0 takes them; that it decodes with them is a matter of the interop tests.</summary>
public class WiresharkTests
{
    static readonly Spi s_spi = new(0xc0ffee01);

    [Fact]
    public void An_ESP_key_stands_with_its_salt_and_without_addresses()
    {
        var suite = new EspSuite(new(EncryptionAlgorithm.AesGcm16, 128), IntegrityAlgorithm.None, ExtendedSequenceNumbers.No);
        using var keys = new EspKeys(Key(20), Secret.Empty());
        Assert.Equal("\"IPv4\",\"*\",\"*\",\"0xc0ffee01\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x000102030405060708090a0b0c0d0e0f10111213\",\"NULL\",\"\"",
            Wireshark.Esp(isV6: false, s_spi, suite, keys));
    }

    [Fact]
    public void A_cipher_and_its_integrity_each_have_a_key()
    {
        var suite = new EspSuite(new(EncryptionAlgorithm.AesCbc, 128), IntegrityAlgorithm.HmacSha1_96, ExtendedSequenceNumbers.No);
        using var keys = new EspKeys(Key(16), Key(4));
        Assert.Equal("\"IPv6\",\"*\",\"*\",\"0xc0ffee01\",\"AES-CBC [RFC3602]\",\"0x000102030405060708090a0b0c0d0e0f\",\"HMAC-SHA-1-96 [RFC2404]\",\"0x00010203\"",
            Wireshark.Esp(isV6: true, s_spi, suite, keys));
    }

    [Fact]
    public void What_Wireshark_has_no_name_for_is_left_out()
    {
        var suite = new EspSuite(new(EncryptionAlgorithm.ChaCha20Poly1305, 0), IntegrityAlgorithm.None, ExtendedSequenceNumbers.No);
        using var keys = new EspKeys(Key(36), Secret.Empty());
        Assert.Null(Wireshark.Esp(isV6: false, s_spi, suite, keys));
    }

    [Fact]
    public void Both_ends_reveal_the_same_keys_and_nobody_does_unasked()
    {
        var pair = new Pair();
        pair.Moon.Settings = pair.Moon.Settings with { RevealKeys = true };
        pair.Sun.Settings = pair.Sun.Settings with { RevealKeys = true };
        pair.Up();
        string[] Lines(Host host) => [.. host.Effects.OfType<Effect.RevealKeys>().Select(reveal => reveal.Keys switch { KeyTable.Ike ike => ike.Line, KeyTable.Esp esp => esp.Line, _ => "" }).Order()];
        Assert.Equal(3, Lines(pair.Moon).Length);
        Assert.Equal(Lines(pair.Moon), Lines(pair.Sun));
        Assert.Contains(Lines(pair.Moon), line => line.StartsWith($"{pair.Moon.Session.LocalSpi},{pair.Sun.Session.LocalSpi},", StringComparison.Ordinal)
            && line.Contains("\"AES-CBC-128 [RFC3602]\"", StringComparison.Ordinal) && line.EndsWith("\"HMAC_SHA2_256_128 [RFC4868]\"", StringComparison.Ordinal));
        Assert.Empty(new Pair().Up().Moon.Effects.OfType<Effect.RevealKeys>());
    }

    [Fact]
    public void Of_IKEv1_both_ends_reveal_the_same_key_under_the_initiators_cookie()
    {
        var pair = V1.MainModeStories.Two();
        pair.Moon.Settings = pair.Moon.Settings with { RevealKeys = true };
        pair.Sun.Settings = pair.Sun.Settings with { RevealKeys = true };
        pair.Up();
        string[] lines = [.. pair.Moon.Effects.Concat(pair.Sun.Effects).OfType<Effect.RevealKeys>().Select(reveal => reveal.Keys).OfType<KeyTable.IkeV1>().Select(key => key.Line)];
        Assert.Equal(2, lines.Length);
        Assert.Equal(lines[0], lines[1]);
        Assert.Matches("^[0-9a-f]{16},[0-9a-f]{32}$", lines[0]);
    }

    static Secret Key(int length) => Secret.Copy([.. Enumerable.Range(0, length).Select(i => (byte)i)]);
}
