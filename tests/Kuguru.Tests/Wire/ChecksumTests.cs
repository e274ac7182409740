using System.Buffers.Binary;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Wire;

public class ChecksumTests
{
    [Fact]
    public void The_example_of_RFC_1071_sums_to_ddf2() =>
        Assert.Equal(0xddf2, Checksum.Sum([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]));

    [Fact]
    public void Vectors_and_words_sum_as_the_definition_does_at_every_length()
    {
        var random = new Random(1071);
        var bytes = new byte[3000];
        for (var length = 0; length < bytes.Length; length++)
        {
            random.NextBytes(bytes);
            if (length % 3 == 0)
                bytes.AsSpan().Fill(0xFF);
            Assert.Equal(ByDefinition(bytes.AsSpan(0, length)), Checksum.Sum(bytes.AsSpan(0, length)));
        }
    }

    static ushort ByDefinition(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            sum += (uint)bytes[i] << ((i & 1) == 0 ? 8 : 0);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        return (ushort)sum;
    }

    [Fact]
    public void Parts_that_begin_at_even_offsets_add_up()
    {
        var random = new Random(2);
        var bytes = new byte[501];
        random.NextBytes(bytes);
        for (var cut = 0; cut <= bytes.Length; cut += 2)
            Assert.Equal(Checksum.Sum(bytes), Checksum.Add(Checksum.Sum(bytes.AsSpan(0, cut)), Checksum.Sum(bytes.AsSpan(cut))));
    }

    [Theory]
    [InlineData("tcpdump/02-sunrise-sunset-esp.pcap.json")]
    [InlineData("tcpdump/ikev2four.pcap.json")]
    [InlineData("zeek-spicy-ipsec/ipsec_client.pcap.json")]
    [InlineData("zeek-spicy-ipsec/IPsec_ESP-AH_tunnel_mode.cap.json")]
    public void The_IPv4_headers_of_captures_are_right_and_are_computed_the_same(string capture)
    {
        // A sender that leaves the checksum to its network card is captured with 0.
        foreach (var packet in PacketVectors.Of(capture).Where(packet => new Ipv4(packet).HeaderChecksum != 0))
        {
            var header = new Ipv4(packet);
            Assert.Equal(0, Checksum.Of(packet.AsSpan(0, header.HeaderLength)));
            var stated = header.HeaderChecksum;
            header.UpdateChecksum();
            Assert.Equal(stated, header.HeaderChecksum);
        }
    }

    [Theory]
    [InlineData("pkt_aes_128_gcm", IpProtocol.Udp)]
    [InlineData("pkt_aes_192_gcm", IpProtocol.Tcp)]
    [InlineData("pkt_aes_256_gcm", IpProtocol.Tcp)]
    [InlineData("pkt_aes_256_gcm_v6", IpProtocol.Tcp)]
    [InlineData("pkt_null_aes_xcbc", IpProtocol.Udp)]
    public void The_checksum_of_a_real_segment_is_right_and_is_computed_the_same(string name, IpProtocol protocol)
    {
        var packet = PacketVectors.Dpdk(name);
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.Equal(protocol, ip.Protocol);
        var segment = packet.AsSpan(ip.TransportAt, ip.TransportLength);
        Assert.Equal(0, Checksum.OfSegment(ip.Source, ip.Destination, protocol, segment));
        var field = segment[(protocol == IpProtocol.Tcp ? Tcp.ChecksumAt : UdpHeader.ChecksumAt)..];
        var stated = BinaryPrimitives.ReadUInt16BigEndian(field);
        field[..2].Clear();
        Assert.Equal(stated, Checksum.OfSegment(ip.Source, ip.Destination, protocol, segment));
    }

    [Fact]
    public void A_pseudo_header_sums_as_its_octets_do()
    {
        var random = new Random(8200);
        var octets = new byte[40];
        for (var i = 0; i < 10_000; i++)
        {
            random.NextBytes(octets.AsSpan(0, 32));
            if (i % 4 == 0)
                octets.AsSpan(0, 32).Fill(0xFF);
            var length = random.Next(65536);
            BinaryPrimitives.WriteInt32BigEndian(octets.AsSpan(32), length);
            octets[39] = 6;
            IpAddress source = IpAddress.Read(octets.AsSpan(0, 16)), destination = IpAddress.Read(octets.AsSpan(16, 16));
            Assert.Equal(ByDefinition(octets), Checksum.Pseudo(source, destination, IpProtocol.Tcp, length));
        }
    }

    [Fact]
    public void The_UDP_checksums_of_a_capture_are_right()
    {
        var checkedPackets = 0;
        foreach (var packet in PacketVectors.Of("zeek-spicy-ipsec/ipsec-ikev1-isakmp-main-mode.pcap.json"))
        {
            Assert.True(IpPacket.TryRead(packet, out var ip));
            var segment = packet.AsSpan(ip.TransportAt, ip.TransportLength);
            Assert.True(UdpHeader.TryRead(segment, out var udp));
            Assert.Equal(500, udp.SourcePort);
            Assert.Equal(0, Checksum.OfSegment(ip.Source, ip.Destination, IpProtocol.Udp, segment));
            checkedPackets++;
        }
        Assert.Equal(9, checkedPackets);
    }

    [Fact]
    public void An_updated_checksum_is_that_of_the_changed_octets()
    {
        var random = new Random(1624);
        var bytes = new byte[40];
        for (var i = 0; i < 10_000; i++)
        {
            random.NextBytes(bytes);
            var before = Checksum.Of(bytes);
            var field = bytes.AsSpan(random.Next(20) * 2, 2);
            var (oldWord, newWord) = (BinaryPrimitives.ReadUInt16BigEndian(field), (ushort)random.Next());
            BinaryPrimitives.WriteUInt16BigEndian(field, newWord);
            Assert.Equal(Checksum.Of(bytes), Checksum.Update(before, oldWord, newWord));
        }
    }

    [Fact]
    public void The_example_of_RFC_1624_does_not_turn_into_minus_zero() => Assert.Equal(0x0000, Checksum.Update(0xdd2f, 0x5555, 0x3285));

    [Theory]
    [InlineData("192.168.1.2", "203.0.113.9")]
    [InlineData("2001:db8::1", "fe80::1234:5678:9abc:def0")]
    public void A_checksum_follows_a_changed_address(string from, string to)
    {
        byte[] segment = [0x00, 0x50, 0xc0, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x12, 0x34];
        IpAddress before = IpAddress.Parse(from), after = IpAddress.Parse(to), other = before.First(8);
        Assert.Equal(
            Checksum.OfSegment(after, other, IpProtocol.Udp, segment),
            Checksum.Update(Checksum.OfSegment(before, other, IpProtocol.Udp, segment), before, after));
    }
}
