using System.Buffers.Binary;
using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>Super-packets as the kernel hands them over, against the same segments built one by one.</summary>
public sealed class SegmentationTests
{
    static readonly byte[] _timestamps = [1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4];

    [Theory]
    [InlineData(false, 1300, 13_000)]
    [InlineData(false, 1300, 13_001)]
    [InlineData(false, 1300, 1_301)]
    [InlineData(false, 1348, 65_000)]
    [InlineData(false, 1, 40)]
    [InlineData(false, 7, 1000)]
    [InlineData(false, 536, 536)]
    [InlineData(true, 1300, 13_000)]
    [InlineData(true, 1328, 65_000)]
    [InlineData(true, 100, 9_999)]
    public void Tcp_is_cut_as_a_network_card_would(bool isV6, int segmentSize, int length)
    {
        var (from, to) = isV6 ? (Packets.A6, Packets.B6) : (Packets.A4, Packets.B4);
        var payload = Packets.Payload(length);
        const byte flags = Packets.Ack | Packets.Psh | Packets.Fin | Packets.Cwr;
        using var tunnel = Tunnel.Between().Connected();
        tunnel.A.Send(Partial(Packets.Tcp(from, to, payload, 0xFFFF_F000, flags, options: _timestamps), isV6, 6), new VirtioNetHeader
        {
            Flags = VirtioNetHeader.NeedsChecksum,
            GsoBits = (byte)((isV6 ? GsoType.TcpV6 : GsoType.TcpV4) | (GsoType)VirtioNetHeader.EcnBit),
            SegmentSize = (ushort)segmentSize,
            ChecksumStart = (ushort)(isV6 ? 40 : 20),
            ChecksumOffset = 16,
        });
        List<byte[]> expected = [];
        for (var at = 0; at < length; at += segmentSize)
        {
            var size = Math.Min(segmentSize, length - at);
            var first = at == 0 ? Packets.Cwr : 0;
            var last = at + size == length ? Packets.Psh | Packets.Fin : 0;
            expected.Add(Packets.Tcp(from, to, payload.AsSpan(at, size), unchecked(0xFFFF_F000 + (uint)at), (byte)(Packets.Ack | first | last),
                identification: (ushort)(7 + expected.Count), options: _timestamps));
        }
        Assert.Equal("", tunnel.A.Drops);
        Assert.Equal(expected, tunnel.B.WrittenPackets);
    }

    [Theory]
    [InlineData(false, 1200, 12_000)]
    [InlineData(false, 1200, 12_345)]
    [InlineData(false, 3, 100)]
    [InlineData(true, 1200, 50_001)]
    public void Udp_is_cut_into_its_datagrams(bool isV6, int segmentSize, int length)
    {
        var (from, to) = isV6 ? (Packets.A6, Packets.B6) : (Packets.A4, Packets.B4);
        var payload = Packets.Payload(length);
        using var tunnel = Tunnel.Between().Connected();
        tunnel.A.Send(Partial(Packets.Udp(from, to, payload), isV6, 17), new VirtioNetHeader
        {
            Flags = VirtioNetHeader.NeedsChecksum,
            GsoBits = (byte)GsoType.UdpSegments,
            SegmentSize = (ushort)segmentSize,
            ChecksumStart = (ushort)(isV6 ? 40 : 20),
            ChecksumOffset = 6,
        });
        List<byte[]> expected = [];
        for (var at = 0; at < length; at += segmentSize)
            expected.Add(Packets.Udp(from, to, payload.AsSpan(at, Math.Min(segmentSize, length - at)), identification: (ushort)(7 + expected.Count)));
        Assert.Equal(expected, tunnel.B.WrittenPackets);
    }

    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 6)]
    [InlineData(false, 17)]
    [InlineData(true, 17)]
    public void A_partial_checksum_is_completed(bool isV6, byte protocol)
    {
        var (from, to) = isV6 ? (Packets.A6, Packets.B6) : (Packets.A4, Packets.B4);
        using var tunnel = Tunnel.Between().Connected();
        for (var length = 0; length < 20; length++)
        {
            var whole = protocol == 6 ? Packets.Tcp(from, to, Packets.Payload(length)) : Packets.Udp(from, to, Packets.Payload(length));
            tunnel.A.Send(Partial(whole, isV6, protocol), new VirtioNetHeader
            {
                Flags = VirtioNetHeader.NeedsChecksum,
                ChecksumStart = (ushort)(isV6 ? 40 : 20),
                ChecksumOffset = (ushort)(protocol == 6 ? 16 : 6),
            });
            Assert.Equal(whole, tunnel.B.Written[^1].Packet);
        }
    }

    [Fact]
    public void A_udp_checksum_that_comes_to_0_is_sent_as_all_ones()
    {
        using var tunnel = Tunnel.Between().Connected();
        // Chosen so that everything adds up to 0xFFFF: the payload is the complement of the rest.
        var probe = Packets.Udp(Packets.A4, Packets.B4, [0, 0]);
        var sum = BinaryPrimitives.ReadUInt16BigEndian(probe.AsSpan(26));
        var whole = Packets.Udp(Packets.A4, Packets.B4, [(byte)(sum >> 8), (byte)sum]);
        Assert.Equal(ushort.MaxValue, BinaryPrimitives.ReadUInt16BigEndian(whole.AsSpan(26)));
        tunnel.A.Send(Partial(whole, isV6: false, 17), new VirtioNetHeader { Flags = VirtioNetHeader.NeedsChecksum, ChecksumStart = 20, ChecksumOffset = 6 });
        Assert.Equal(whole, tunnel.B.Written[^1].Packet);
    }

    [Theory]
    [InlineData(GsoType.TcpV6, 6, 1000)]
    [InlineData(GsoType.TcpV4, 17, 1000)]
    [InlineData(GsoType.UdpSegments, 6, 1000)]
    [InlineData(GsoType.UdpFragmentation, 17, 1000)]
    [InlineData(GsoType.TcpV4, 6, 0)]
    [InlineData((GsoType)77, 6, 1000)]
    public void A_header_that_does_not_fit_the_packet_is_refused(GsoType gso, byte protocol, int segmentSize)
    {
        using var tunnel = Tunnel.Between();
        var payload = Packets.Payload(3000);
        var packet = protocol == 6 ? Packets.Tcp(Packets.A4, Packets.B4, payload) : Packets.Udp(Packets.A4, Packets.B4, payload);
        tunnel.A.Send(packet, new VirtioNetHeader { GsoBits = (byte)gso, SegmentSize = (ushort)segmentSize, ChecksumStart = 20, ChecksumOffset = 16 });
        Assert.Equal("BadPacket 1", tunnel.A.Drops);
        Assert.Empty(tunnel.A.Sent);
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(19, 2)]
    [InlineData(20, 60_000)]
    [InlineData(65_535, 65_535)]
    public void A_checksum_outside_of_the_transport_is_refused(ushort start, ushort offset)
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(30)),
            new VirtioNetHeader { Flags = VirtioNetHeader.NeedsChecksum, ChecksumStart = start, ChecksumOffset = offset });
        Assert.Equal("BadPacket 1", tunnel.A.Drops);
    }

    /// <summary>With the pseudo header's sum, not inverted, in place of the checksum, as the kernel hands it over.</summary>
    public static byte[] Partial(byte[] whole, bool isV6, byte protocol)
    {
        byte[] packet = [.. whole];
        var transport = isV6 ? 40 : 20;
        var field = packet.AsSpan(transport + (protocol == 6 ? 16 : 6), 2);
        field.Clear();
        var (source, destination) = isV6 ? (packet[8..24], packet[24..40]) : (packet[12..16], packet[16..20]);
        var empty = Packets.SegmentChecksum(IpAddress.Read(source), IpAddress.Read(destination), protocol, new byte[packet.Length - transport]);
        BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)~empty);
        return packet;
    }
}
