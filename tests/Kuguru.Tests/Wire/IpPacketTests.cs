using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Wire;

public class IpPacketTests
{
    static readonly IpAddress A4 = IpAddress.Parse("192.0.2.1"), B4 = IpAddress.Parse("198.51.100.2");
    static readonly IpAddress A6 = IpAddress.Parse("2001:db8::1"), B6 = IpAddress.Parse("2001:db8::2");

    [Fact]
    public void An_IPv4_header_is_read_as_it_was_written()
    {
        var bytes = new byte[60];
        Ipv4.Write(bytes, A4, B4, IpProtocol.Udp, 60, typeOfService: 0xb9, identification: 0x1234, dontFragment: true, timeToLive: 7);
        new UdpHeader(4500, 500, 40, 0).Write(bytes.AsSpan(20));
        Assert.Equal(0, Checksum.Of(bytes.AsSpan(0, 20)));
        Assert.True(IpPacket.TryRead(bytes, out var ip));
        Assert.Equal((A4, B4, IpProtocol.Udp, 20, 60), (ip.Source, ip.Destination, ip.Protocol, ip.TransportAt, ip.Length));
        Assert.Equal((false, 0xb9, 7, true, false), (ip.IsV6, ip.TypeOfService, ip.HopLimit, ip.DontFragment, ip.IsFragment));
        Assert.Equal((true, 4500, 500), (ip.HasPorts, ip.SourcePort, ip.DestinationPort));
        Assert.Equal(0x1234, new Ipv4(bytes).Identification);
    }

    [Fact]
    public void An_IPv6_header_is_read_as_it_was_written()
    {
        var bytes = new byte[60];
        Ipv6.Write(bytes, A6, B6, IpProtocol.Udp, 20, trafficClass: 0xb9, flowLabel: 0xfffff, hopLimit: 7);
        new UdpHeader(4500, 500, 20, 0).Write(bytes.AsSpan(40));
        Assert.True(IpPacket.TryRead(bytes, out var ip));
        Assert.Equal((A6, B6, IpProtocol.Udp, 40, 60), (ip.Source, ip.Destination, ip.Protocol, ip.TransportAt, ip.Length));
        Assert.Equal((true, 0xb9, 7, true, false), (ip.IsV6, ip.TypeOfService, ip.HopLimit, ip.DontFragment, ip.IsFragment));
        Assert.Equal((true, 4500, 500), (ip.HasPorts, ip.SourcePort, ip.DestinationPort));
        var header = new Ipv6(bytes) { TrafficClass = 0x12 };
        Assert.Equal((0x12, 0xfffffu, IpProtocol.Udp), (header.TrafficClass, header.FlowLabel, header.NextHeader));
    }

    [Fact]
    public void Extension_headers_are_passed_to_the_transport()
    {
        var bytes = V6(IpProtocol.Any, "2b 00 050200000000", "3c 01 000000000000 0000000000000000", "11 00 010400000000", "0035 c000 0008 0000");
        Assert.True(IpPacket.TryRead(bytes, out var ip));
        Assert.Equal((IpProtocol.Udp, 72, 53, 0xc000), (ip.Protocol, ip.TransportAt, ip.SourcePort, ip.DestinationPort));
    }

    [Theory]
    [InlineData("0001", 0, true, true)]
    [InlineData("0000", 0, true, true)]
    [InlineData("00b9", 0xb8, true, false)]
    [InlineData("00b8", 0xb8, true, false)]
    public void An_IPv6_fragment_is_recognised(string field, int offset, bool isFragment, bool hasPorts)
    {
        var bytes = V6(IpProtocol.Fragment, $"11 00 {field} 01020304", "0035 c000 0008 0000");
        Assert.True(IpPacket.TryRead(bytes, out var ip));
        Assert.Equal((IpProtocol.Udp, 48, offset, isFragment, hasPorts), (ip.Protocol, ip.TransportAt, ip.FragmentOffset, ip.IsFragment, ip.HasPorts));
    }

    [Fact]
    public void Behind_a_later_fragment_no_extension_header_is_looked_for()
    {
        Assert.True(IpPacket.TryRead(V6(IpProtocol.Fragment, "3c 00 00b8 01020304", "ff ff 0000 0000 0000"), out var ip));
        Assert.Equal((IpProtocol.DestinationOptions, 48), (ip.Protocol, ip.TransportAt));
    }

    [Fact]
    public void The_fragments_of_a_real_message_are_recognised()
    {
        var fragments = PacketVectors.Of("zeek-spicy-ipsec/ipsec_client.pcap.json").Skip(2).Take(3).Select(packet =>
        {
            Assert.True(IpPacket.TryRead(packet, out var ip));
            return (ip.IsFragment, ip.FragmentOffset, ip.HasPorts, ip.DestinationPort, new Ipv4(packet).MoreFragments);
        });
        Assert.Equal([(true, 0, true, 4500, true), (true, 1440, false, 0, true), (true, 2880, false, 0, false)], fragments);
    }

    [Fact]
    public void Every_truncation_of_a_packet_is_refused()
    {
        byte[][] packets =
        [
            PacketVectors.Dpdk("pkt_aes_256_gcm"), PacketVectors.Dpdk("pkt_aes_256_gcm_v6"),
            V6(IpProtocol.Any, "2b 00 050200000000", "11 00 00000000 0000", "0035 c000 0008 0000"),
        ];
        foreach (var packet in packets)
            for (var length = 0; length < packet.Length; length++)
                Assert.False(IpPacket.TryRead(packet.AsSpan(0, length), out _));
    }

    [Theory]
    [InlineData("45000013", "a total length below the header's")]
    [InlineData("4400001c", "a header of less than 20 octets")]
    [InlineData("4f00001c", "a header longer than the packet")]
    [InlineData("4500001d", "a total length beyond the octets")]
    [InlineData("5500001c", "another version")]
    public void An_impossible_IPv4_header_is_refused(string start, string why)
    {
        var bytes = new byte[28];
        Convert.FromHexString(start).CopyTo(bytes, 0);
        Assert.False(IpPacket.TryRead(bytes, out _), why);
    }

    [Theory]
    [InlineData("2b ff 000000000000")]
    [InlineData("2b 01 000000000000")]
    [InlineData("2c 00 000000000000", "11 00 00")]
    public void An_extension_header_that_is_cut_off_is_refused(params string[] parts) =>
        Assert.False(IpPacket.TryRead(V6(IpProtocol.Any, parts), out _));

    [Fact]
    public void A_chain_of_extension_headers_without_end_is_refused() =>
        Assert.False(IpPacket.TryRead(V6(IpProtocol.Any, [.. Enumerable.Repeat("3c 00 000000000000", 40)]), out _));

    [Fact]
    public void What_stands_behind_the_packet_is_not_part_of_it()
    {
        var packet = PacketVectors.Dpdk("pkt_aes_256_gcm");
        Assert.True(IpPacket.TryRead([.. packet, 1, 2, 3], out var ip));
        Assert.Equal(packet.Length, ip.Length);
    }

    [Fact]
    public void ICMP_has_its_type_and_code_for_ports()
    {
        var packet = PacketVectors.PcapPlusPlus("ipsec_ah_icmp.dat")[44..];
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.Equal((IpProtocol.Icmp, true, 0x0800, 0x0800), (ip.Protocol, ip.HasPorts, ip.SourcePort, ip.DestinationPort));
    }

    [Fact]
    public void AH_and_ESP_are_transports_and_nothing_is_looked_for_behind_them()
    {
        foreach (var packet in PacketVectors.Of("tcpdump/OSPFv3_with_AH.pcap.json"))
        {
            Assert.True(IpPacket.TryRead(packet, out var ip));
            Assert.Equal((IpProtocol.Ah, false), (ip.Protocol, ip.HasPorts));
        }
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        byte[][] packets = [PacketVectors.Dpdk("pkt_aes_256_gcm"), PacketVectors.Dpdk("pkt_aes_256_gcm_v6")];
        Assert.True(IpPacket.TryRead(packets[0], out _) && IpPacket.TryRead(packets[1], out _));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            IpPacket.TryRead(packets[i & 1], out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    static byte[] V6(IpProtocol next, params string[] parts)
    {
        var behind = Convert.FromHexString(string.Concat(parts).Replace(" ", ""));
        var bytes = new byte[40 + behind.Length];
        Ipv6.Write(bytes, A6, B6, next, behind.Length);
        behind.CopyTo(bytes, 40);
        return bytes;
    }
}
