using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Wire;

public class EspTests
{
    [Theory]
    [InlineData("zeek/ip6_esp.pcap.json", 120)]
    [InlineData("tcpdump/02-sunrise-sunset-esp.pcap.json", 8)]
    public void The_headers_of_a_capture_are_read_as_its_index_states(string capture, int packets)
    {
        var frames = new Capture(Vectors.Json(capture)).Frames.Where(f => f.TryGetProperty("class", out var kind) && kind.GetString() == "esp").ToList();
        Assert.Equal(packets, frames.Count);
        foreach (var frame in frames)
        {
            var packet = Capture.Octets(frame, "ip_packet");
            Assert.True(IpPacket.TryRead(packet, out var ip));
            Assert.Equal(IpProtocol.Esp, ip.Protocol);
            Assert.Equal(frame.GetProperty("src").GetString(), ip.Source.ToString());
            Assert.Equal(frame.GetProperty("dst").GetString(), ip.Destination.ToString());
            Assert.True(EspHeader.TryRead(packet.AsSpan(ip.TransportAt), out var esp));
            Assert.Equal(frame.GetProperty("spi").GetString(), esp.Spi.ToString());
            Assert.Equal(frame.GetProperty("seq").GetUInt32(), esp.Sequence);
            var written = new byte[EspHeader.Size];
            esp.Write(written);
            Assert.Equal(packet[ip.TransportAt..][..EspHeader.Size], written);
        }
    }

    [Fact]
    public void Seven_octets_are_no_ESP_header() => Assert.False(EspHeader.TryRead(new byte[7], out _));

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(16)]
    public void A_trailer_aligns_every_payload_and_is_taken_off_again(int alignment)
    {
        for (var length = 0; length < 70; length++)
        {
            var bytes = new byte[length + alignment + 1];
            var padding = EspTrailer.Padding(length, alignment);
            Assert.InRange(padding, 0, alignment - 1);
            var trailer = EspTrailer.Write(bytes.AsSpan(length), padding, IpProtocol.Ipv4);
            Assert.Equal(0, (length + trailer) % alignment);
            Assert.Equal(Enumerable.Range(1, padding).Select(i => (byte)i), bytes[length..(length + padding)]);
            Assert.True(EspTrailer.TryRead(bytes.AsSpan(0, length + trailer), out var payload, out var next));
            Assert.Equal((length, IpProtocol.Ipv4), (payload, next));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("04")]
    [InlineData("0104")]
    [InlineData("010203 ff 04")]
    public void A_pad_length_beyond_the_octets_is_refused(string hex) =>
        Assert.False(EspTrailer.TryRead(Convert.FromHexString(hex.Replace(" ", "")), out _, out _));

    [Fact]
    public void Reserved_SPIs_are_told() => Assert.Equal((true, true, false), (new Spi(0).IsReserved, new Spi(255).IsReserved, new Spi(256).IsReserved));
}
