using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Wire;

public class TcpTests
{
    [Fact]
    public void The_fields_of_a_real_SYN_are_read()
    {
        var packet = PacketVectors.Dpdk("pkt_aes_256_gcm");
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.True(Tcp.TryRead(packet.AsSpan(ip.TransportAt), out var tcp));
        Assert.Equal((TcpFlags.Syn, 28, ip.SourcePort, ip.DestinationPort), (tcp.Flags, tcp.HeaderLength, tcp.SourcePort, tcp.DestinationPort));
        Assert.Equal(22, tcp.FindMaximumSegmentSize());
    }

    [Fact]
    public void The_MSS_of_a_real_SYN_is_lowered_and_the_checksum_stays_right()
    {
        var packet = PacketVectors.Dpdk("pkt_aes_256_gcm");
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.True(Tcp.ClampMss(packet, ip, 1360));
        Assert.Equal(1360, packet[ip.TransportAt + 22] << 8 | packet[ip.TransportAt + 23]);
        Assert.Equal(0, Checksum.OfSegment(ip.Source, ip.Destination, IpProtocol.Tcp, packet.AsSpan(ip.TransportAt)));
        Assert.False(Tcp.ClampMss(packet, ip, 1360), "it is low enough now");
    }

    [Theory]
    [InlineData("020405b4", true, "alone")]
    [InlineData("01010101 020405b4", true, "behind padding")]
    [InlineData("01 020405b4 010101", true, "at an odd offset")]
    [InlineData("03030701 01 020405b4 01 00 00", true, "at an odd offset behind another option")]
    [InlineData("02040200", false, "below the maximum")]
    [InlineData("00 020405b4 000000", false, "behind the end of the options")]
    [InlineData("020605b4 00000000", false, "of a wrong length")]
    [InlineData("03 00 020405b4 0101", false, "behind an option of length 0")]
    [InlineData("0801 020405b4 0101", false, "behind an option of length 1")]
    [InlineData("01010102", false, "without its length")]
    [InlineData("01010204", false, "cut off by the end of the header")]
    [InlineData("", false, "not there")]
    public void An_MSS_option_is_clamped_wherever_it_stands_unless_it_is_malformed(string options, bool clamped, string why)
    {
        var packet = Segment(TcpFlags.Syn | TcpFlags.Ack, Convert.FromHexString(options.Replace(" ", "")));
        var before = packet.ToArray();
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.True(Tcp.ClampMss(packet, ip, 1300) == clamped, why);
        Assert.Equal(clamped, !packet.AsSpan().SequenceEqual(before));
        Assert.Equal(0, Checksum.OfSegment(ip.Source, ip.Destination, IpProtocol.Tcp, packet.AsSpan(20)));
    }

    [Fact]
    public void Only_a_SYN_is_clamped()
    {
        var packet = Segment(TcpFlags.Ack, [2, 4, 5, 0xb4]);
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.False(Tcp.ClampMss(packet, ip, 1300));
    }

    [Fact]
    public void A_header_longer_than_its_segment_is_refused()
    {
        var packet = Segment(TcpFlags.Syn, [2, 4, 5, 0xb4]);
        packet[20 + 12] = 0xf0;
        Assert.False(Tcp.TryRead(packet.AsSpan(20), out _));
        packet[20 + 12] = 0x40;
        Assert.False(Tcp.TryRead(packet.AsSpan(20), out _));
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.False(Tcp.ClampMss(packet, ip, 1300));
    }

    [Fact]
    public void Random_options_never_throw()
    {
        var random = new Random(9293);
        var options = new byte[40];
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(options);
            for (var j = 0; j < options.Length; j++)
                options[j] %= 6;
            var packet = Segment(TcpFlags.Syn, options);
            Assert.True(IpPacket.TryRead(packet, out var ip));
            Tcp.ClampMss(packet, ip, 0);
            Assert.Equal(0, Checksum.OfSegment(ip.Source, ip.Destination, IpProtocol.Tcp, packet.AsSpan(20)));
        }
    }

    static byte[] Segment(TcpFlags flags, ReadOnlySpan<byte> options)
    {
        IpAddress source = IpAddress.Parse("10.0.0.1"), destination = IpAddress.Parse("10.0.0.2");
        var packet = new byte[20 + Tcp.MinSize + options.Length];
        Ipv4.Write(packet, source, destination, IpProtocol.Tcp, packet.Length);
        var segment = packet.AsSpan(20);
        segment[12] = (byte)((Tcp.MinSize + options.Length) / 4 << 4);
        options.CopyTo(segment[Tcp.MinSize..]);
        Assert.True(Tcp.TryRead(segment, out var tcp));
        tcp.SourcePort = 40000;
        tcp.DestinationPort = 443;
        tcp.Sequence = 0x01020304;
        tcp.Flags = flags;
        tcp.SegmentChecksum = Checksum.OfSegment(source, destination, IpProtocol.Tcp, segment);
        return packet;
    }
}
