using System.Globalization;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Xunit;

namespace Kuguru.Tests.Wire;

public class EapPacketTests
{
    public static TheoryData<string, string> Packets => new()
    {
        { "01 01 00 05 01", "EAP-Request/EAP_IDENTITY" },
        { "02 01 00 0a 01 6361726f6c", "EAP-Response/EAP_IDENTITY" },
        { "01 02 00 16 04 10 000102030405060708090a0b0c0d0e0f", "EAP-Request/EAP_MD5" },
        { "02 02 00 07 03 1a 0d", "EAP-Response/EAP_NAK" },
        { "02 07 00 06 0d 00", "EAP-Response/EAP_TLS" },
        { "01 03 00 0e fe 00372a 00000007 beef", "EAP-Request/EAP type 7 of vendor 14122" },
        { "03 09 00 04", "EAP-Success" },
        { "04 09 00 04", "EAP-Failure" },
    };

    [Theory]
    [MemberData(nameof(Packets))]
    public void A_packet_is_read_named_and_written_as_it_came(string hex, string expected)
    {
        var bytes = Hex(hex);
        Assert.True(EapPacket.TryParse(bytes, out var packet, out var error), error.ToString());
        Assert.Equal(expected, packet.ToString());
        Assert.Equal(bytes, packet.ToBlob().ToArray());
    }

    [Theory]
    [InlineData("", ParseErrorKind.Truncated)]
    [InlineData("01 01 00", ParseErrorKind.Truncated)]
    [InlineData("01 01 00 04", ParseErrorKind.Truncated)]
    [InlineData("01 01 00 06 01", ParseErrorKind.Truncated)]
    [InlineData("01 01 00 05 01 00", ParseErrorKind.Trailing)]
    [InlineData("01 01 00 08 fe 00372a", ParseErrorKind.Truncated)]
    [InlineData("03 01 00 05 00", ParseErrorKind.Trailing)]
    [InlineData("05 01 00 05 01", ParseErrorKind.BadValue)]
    [InlineData("00 01 00 04", ParseErrorKind.BadValue)]
    public void What_is_no_packet_is_refused(string hex, ParseErrorKind expected)
    {
        Assert.False(EapPacket.TryParse(Hex(hex), out _, out var error));
        Assert.Equal((expected, PayloadType.Eap), (error.Kind, error.Payload));
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var bytes = EapPacket.Request(7, new EapType(14122, 7), new byte[20]).ToBlob().Span;
        for (var length = 0; length < bytes.Length; length++)
            Assert.False(EapPacket.TryParse(bytes[..length], out _, out _));
    }

    [Fact]
    public void A_type_of_IANA_in_the_expanded_form_is_that_type()
    {
        Assert.True(EapPacket.TryParse(Hex("01 03 00 0c fe 000000 0000001a"), out var packet, out _));
        Assert.Equal(EapType.MsChapV2, packet.Method);
        Assert.True(EapPacket.TryParse(packet.ToBlob(), out var again, out _));
        Assert.Equal(packet, again);
    }

    [Fact]
    public void Whatever_a_hundred_thousand_mutations_make_of_a_packet_is_refused_or_reads_back()
    {
        var random = new Random(3748);
        var seeds = Packets.Select(row => Hex(row.Data.Item1)).ToList();
        for (var i = 0; i < 100_000; i++)
        {
            var bytes = seeds[random.Next(seeds.Count)].ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (!EapPacket.TryParse(bytes, out var packet, out _))
                continue;
            Assert.True(EapPacket.TryParse(packet.ToBlob(), out var again, out _));
            Assert.Equal(packet, again);
        }
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("00", "")]
    [InlineData("1a0d", "EAP_MSCHAPV2,EAP_TLS")]
    [InlineData("fe06", "EAP_GTC")]
    public void A_nak_says_what_is_wanted_instead(string hex, string expected) =>
        Assert.Equal(expected, string.Join(',', EapType.Wanted(Blob.FromHex(hex))));

    static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", false, CultureInfo.InvariantCulture));
}
