using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Wire;

public class IcmpTests
{
    static readonly IpAddress Us4 = IpAddress.Parse("10.9.9.9"), Us6 = IpAddress.Parse("2001:db8:9::9");

    [Theory]
    [InlineData(100, 28 + 100)]
    [InlineData(1500, 576)]
    public void IPv4_is_told_fragmentation_needed_with_the_packets_beginning(int size, int expected)
    {
        var packet = V4("10.0.0.1", "10.0.0.2", IpProtocol.Udp, size);
        var answer = Answer(packet, 1400, Us4);
        Assert.Equal(expected, answer.Length);
        Assert.True(IpPacket.TryRead(answer, out var ip));
        Assert.Equal((Us4, IpAddress.Parse("10.0.0.1"), IpProtocol.Icmp, 0x0304), (ip.Source, ip.Destination, ip.Protocol, ip.SourcePort));
        Assert.Equal(0, Checksum.Of(answer.AsSpan(0, 20)));
        Assert.Equal(0, Checksum.Of(answer.AsSpan(20)));
        Assert.Equal([0, 0, 1400 >> 8, 1400 & 255], answer[24..28]);
        Assert.Equal(packet[..(expected - 28)], answer[28..]);
    }

    [Theory]
    [InlineData(100, 48 + 100)]
    [InlineData(1500, 1280)]
    public void IPv6_is_told_packet_too_big_with_the_packets_beginning(int size, int expected)
    {
        var packet = V6("2001:db8::1", "2001:db8::2", IpProtocol.Udp, size);
        var answer = Answer(packet, 1380, Us6);
        Assert.Equal(expected, answer.Length);
        Assert.True(IpPacket.TryRead(answer, out var ip));
        Assert.Equal((Us6, IpAddress.Parse("2001:db8::1"), IpProtocol.IcmpV6, 0x0200), (ip.Source, ip.Destination, ip.Protocol, ip.SourcePort));
        Assert.Equal(0, Checksum.OfSegment(ip.Source, ip.Destination, IpProtocol.IcmpV6, answer.AsSpan(40)));
        Assert.Equal([0, 0, 1380 >> 8, 1380 & 255], answer[44..48]);
        Assert.Equal(packet[..(expected - 48)], answer[48..]);
    }

    [Theory]
    [InlineData("10.0.0.1", "224.0.0.5")]
    [InlineData("10.0.0.1", "255.255.255.255")]
    [InlineData("0.0.0.0", "10.0.0.2")]
    [InlineData("127.0.0.1", "10.0.0.2")]
    [InlineData("224.0.0.1", "10.0.0.2")]
    [InlineData("::", "2001:db8::2")]
    [InlineData("ff02::1", "2001:db8::2")]
    public void What_is_not_from_and_to_one_host_is_not_answered(string source, string destination) =>
        Assert.Empty(IpAddress.Parse(source).IsV6
            ? Answer(V6(source, destination, IpProtocol.Udp, 1500), 1400, Us6)
            : Answer(V4(source, destination, IpProtocol.Udp, 1500), 1400, Us4));

    [Fact]
    public void In_IPv6_a_packet_to_a_group_is_answered_too() =>
        Assert.NotEmpty(Answer(V6("2001:db8::1", "ff0e::1", IpProtocol.Udp, 1500), 1400, Us6));

    [Theory]
    [InlineData(0, true)]
    [InlineData(8, true)]
    [InlineData(3, false)]
    [InlineData(5, false)]
    [InlineData(11, false)]
    public void An_ICMP_error_is_not_answered_but_an_echo_is(byte type, bool answered)
    {
        var packet = V4("10.0.0.1", "10.0.0.2", IpProtocol.Icmp, 1500);
        packet[20] = type;
        Assert.Equal(answered, Answer(packet, 1400, Us4).Length > 0);
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(2, false)]
    [InlineData(137, false)]
    public void An_ICMPv6_error_is_not_answered_but_an_echo_is(byte type, bool answered)
    {
        var packet = V6("2001:db8::1", "2001:db8::2", IpProtocol.IcmpV6, 1500);
        packet[40] = type;
        Assert.Equal(answered, Answer(packet, 1400, Us6).Length > 0);
    }

    [Fact]
    public void A_later_fragment_is_not_answered()
    {
        var packet = V4("10.0.0.1", "10.0.0.2", IpProtocol.Udp, 1500);
        packet[7] = 185;
        Assert.Empty(Answer(packet, 1400, Us4));
    }

    static byte[] Answer(byte[] packet, int mtu, IpAddress from)
    {
        Assert.True(IpPacket.TryRead(packet, out var ip));
        var answer = new byte[Icmp.MaxLength];
        return answer[..Icmp.WriteTooBig(packet, ip, mtu, from, answer)];
    }

    static byte[] V4(string source, string destination, IpProtocol protocol, int size)
    {
        var packet = Filled(size);
        Ipv4.Write(packet, IpAddress.Parse(source), IpAddress.Parse(destination), protocol, size);
        return packet;
    }

    static byte[] V6(string source, string destination, IpProtocol next, int size)
    {
        var packet = Filled(size);
        Ipv6.Write(packet, IpAddress.Parse(source), IpAddress.Parse(destination), next, size - Ipv6.Size);
        return packet;
    }

    static byte[] Filled(int size) => [.. Enumerable.Range(0, size).Select(i => (byte)i)];
}
