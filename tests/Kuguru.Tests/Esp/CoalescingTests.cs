using System.Buffers.Binary;
using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>What is written to TUN as super-packets, cut again as the kernel would, is what went in.</summary>
public sealed class CoalescingTests
{
    static readonly byte[] _timestamps = [1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Neighbouring_segments_become_one_super_packet_and_cut_again_the_same_segments(bool isV6)
    {
        var packets = Stream(isV6, count: 10, size: 1300, lastSize: 700);
        var written = Assert.Single(Carry(packets));
        Assert.Equal(VirtioNetHeader.NeedsChecksum, written.Header.Flags);
        Assert.Equal(isV6 ? GsoType.TcpV6 : GsoType.TcpV4, written.Header.Gso);
        Assert.Equal(1300, written.Header.SegmentSize);
        Assert.Equal((isV6 ? 40 : 20) + 32, written.Header.HeaderLength);
        Assert.Equal(packets, Cut([written]));
    }

    [Fact]
    public void A_super_packet_becomes_a_super_packet_again()
    {
        using var tunnel = Tunnel.Between(coalescing: Coalescing.Tcp);
        var payload = Packets.Payload(40_000);
        var whole = Packets.Tcp(Packets.A4, Packets.B4, payload, flags: Packets.Ack | Packets.Psh);
        tunnel.A.Send(SegmentationTests.Partial(whole, isV6: false, 6),
            new VirtioNetHeader { Flags = 1, GsoBits = (byte)GsoType.TcpV4, SegmentSize = 1398, ChecksumStart = 20, ChecksumOffset = 16 });
        byte[] burst = [.. tunnel.A.Sent.SelectMany(sent => sent.Bytes)];
        tunnel.B.Inbound.Add(burst, tunnel.A.Sent[0].Bytes.Length, new Arrival(Tunnel.PathToA, true, 0, tunnel.B.Now));
        tunnel.B.Inbound.Flush();
        var written = Assert.Single(tunnel.B.Written);
        Assert.Equal(SegmentationTests.Partial(whole, isV6: false, 6), written.Packet);
    }

    [Fact]
    public void Udp_datagrams_of_one_size_become_one_and_the_last_may_be_shorter()
    {
        List<byte[]> packets = [];
        for (var i = 0; i < 8; i++)
            packets.Add(Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(i == 7 ? 30 : 1200, from: i), identification: (ushort)(7 + i)));
        var written = Assert.Single(Carry(packets, Coalescing.TcpAndUdp));
        Assert.Equal(GsoType.UdpSegments, written.Header.Gso);
        Assert.Equal(packets, Cut([written]));
        Assert.Equal(8, Carry(packets, Coalescing.Tcp).Count);
    }

    public static TheoryData<string> Breaks() => [.. _breaks.Keys];

    /// <summary>Each changes the third of five segments so that it cannot stand in one super-packet with those before it.</summary>
    static readonly Dictionary<string, Action<byte[]>> _breaks = new()
    {
        ["type of service"] = packet => packet[1] = 2,
        ["time to live"] = packet => packet[8]--,
        ["don't fragment"] = packet => packet[6] = 0,
        ["acknowledgment"] = packet => packet[31]++,
        ["window"] = packet => packet[34]++,
        ["urgent pointer"] = packet => packet[39]++,
        ["options"] = packet => packet[45]++,
        ["sequence gap"] = packet => packet[27]++,
        ["source"] = packet => packet[15]++,
        ["port"] = packet => packet[21]++,
        ["FIN"] = packet => packet[33] |= Packets.Fin,
        ["SYN"] = packet => packet[33] |= Packets.Syn,
        ["CWR"] = packet => packet[33] |= Packets.Cwr,
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public void A_segment_that_differs_is_kept_apart_and_nothing_changes_places(string what)
    {
        var packets = Stream(isV6: false, count: 5, size: 500, lastSize: 500);
        _breaks[what](packets[2]);
        Mend(packets[2]);
        var written = Carry(packets);
        Assert.True(written.Count > 1);
        var cut = Cut(written);
        Assert.Equal(packets.Count, cut.Count);
        Assert.All(packets, packet => Assert.Contains(packet, cut));
        Assert.Equal(InFlow(packets), InFlow(cut));
    }

    [Fact]
    public void A_wrong_checksum_is_passed_on_as_it_is_and_alone()
    {
        for (var broken = 0; broken < 4; broken++)
        {
            foreach (var at in (int[])[100, 10])
            {
                var packets = Stream(isV6: false, count: 4, size: 500, lastSize: 500);
                packets[broken][at] ^= 1;
                var written = Carry(packets);
                Assert.Contains(written, one => one.Header.Gso == GsoType.None && one.Packet.AsSpan().SequenceEqual(packets[broken]));
                Assert.Equal(packets, Cut(written));
            }
        }
    }

    [Fact]
    public void Psh_and_a_shorter_segment_end_a_super_packet()
    {
        var packets = Stream(isV6: false, count: 9, size: 500, lastSize: 500);
        packets[2] = Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(500, 1000), 2000, Packets.Ack | Packets.Psh, identification: 9, options: _timestamps);
        Assert.Equal([3, 6], Carry(packets).Select(SegmentsIn));
        packets = Stream(isV6: false, count: 3, size: 500, lastSize: 100);
        packets.AddRange(Stream(isV6: false, count: 3, size: 500, lastSize: 500, from: 1100));
        Assert.Equal([3, 3], Carry(packets).Select(SegmentsIn));
    }

    [Fact]
    public void A_larger_segment_begins_anew()
    {
        List<byte[]> packets = [.. Stream(isV6: false, 2, 300, 300), .. Stream(isV6: false, 3, 500, 500, from: 600)];
        Assert.Equal([2, 3], Carry(packets).Select(SegmentsIn));
    }

    [Fact]
    public void Without_dont_fragment_identifications_have_to_count_up()
    {
        List<byte[]> Datagrams(params int[] identifications) => [.. identifications.Select(id =>
            Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(300), identification: (ushort)id, dontFragment: false))];
        Assert.Equal([4], Carry(Datagrams(65534, 65535, 0, 1), Coalescing.TcpAndUdp).Select(SegmentsIn));
        Assert.Equal([2, 2], Carry(Datagrams(5, 6, 9, 10), Coalescing.TcpAndUdp).Select(SegmentsIn));
    }

    [Fact]
    public void Conversations_that_take_turns_stay_open_side_by_side()
    {
        List<byte[]> packets = [];
        for (var i = 0; i < 12; i++)
        {
            for (ushort flow = 0; flow < 6; flow++)
                packets.Add(Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(700, i), (uint)(i * 700), sourcePort: (ushort)(40_000 + flow)));
        }
        Assert.Equal(Enumerable.Repeat(12, 6), Carry(packets).Select(SegmentsIn));
    }

    [Fact]
    public void More_conversations_than_are_kept_open_lose_nothing()
    {
        List<byte[]> packets = [];
        for (var i = 0; i < 5; i++)
        {
            for (ushort flow = 0; flow < 20; flow++)
                packets.Add(Packets.Tcp(
                    Packets.A4, Packets.B4, Packets.Payload(700, i), (uint)(i * 700), sourcePort: (ushort)(40_000 + flow), identification: (ushort)(7 + i)));
        }
        var cut = Cut(Carry(packets));
        Assert.Equal(100, cut.Count);
        foreach (var flow in packets.GroupBy(Port))
            Assert.Equal(flow, cut.Where(packet => Port(packet) == flow.Key).Select(packet => packet), Comparer);
    }

    [Fact]
    public void A_super_packet_stays_below_64_kilobytes_and_64_segments()
    {
        Assert.All(Carry(Stream(isV6: false, count: 100, size: 1398, lastSize: 1398)), one => Assert.InRange(one.Packet.Length, 1, 65_535));
        Assert.All(Carry(Stream(isV6: true, count: 300, size: 10, lastSize: 10)), one => Assert.InRange(SegmentsIn(one), 1, 64));
        var long4 = Stream(isV6: false, count: 300, size: 1000, lastSize: 1000);
        Assert.Equal(long4, Cut(Carry(long4)));
    }

    [Fact]
    public void An_acknowledgment_without_data_does_not_overtake_data()
    {
        var packets = Stream(isV6: false, count: 2, size: 500, lastSize: 500);
        packets.Add(Packets.Tcp(Packets.A4, Packets.B4, [], 2000, options: _timestamps));
        packets.AddRange(Stream(isV6: false, count: 2, size: 500, lastSize: 500, from: 1000));
        Assert.Equal([2, 0, 2], Carry(packets).Select(SegmentsIn));
    }

    [Fact]
    public void Without_coalescing_everything_goes_at_once()
    {
        var packets = Stream(isV6: false, count: 4, size: 500, lastSize: 500);
        Assert.Equal(packets, Carry(packets, Coalescing.None).Select(one => one.Packet));
    }

    static int SegmentsIn(Written written) => written.Header.Gso == GsoType.None
        ? Math.Min(1, written.Packet.Length - HeaderLength(written.Packet))
        : (written.Packet.Length - written.Header.HeaderLength + written.Header.SegmentSize - 1) / written.Header.SegmentSize;

    static int HeaderLength(byte[] packet) => packet[9] == 6 ? 20 + (packet[32] >> 4) * 4 : 28;

    static int Port(byte[] packet) => BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(20));

    static IEqualityComparer<byte[]> Comparer { get; } = EqualityComparer<byte[]>.Create((a, b) => a!.AsSpan().SequenceEqual(b), a => a.Length);

    static List<byte[]> InFlow(IEnumerable<byte[]> packets) => [.. packets.Where(packet => Port(packet) == 40_000 && packet[15] == 5)];

    /// <summary>A conversation's data from an offset on.</summary>
    static List<byte[]> Stream(bool isV6, int count, int size, int lastSize, int from = 0)
    {
        var (source, target) = isV6 ? (Packets.A6, Packets.B6) : (Packets.A4, Packets.B4);
        return [.. Enumerable.Range(0, count).Select(i => Packets.Tcp(source, target, Packets.Payload(i == count - 1 ? lastSize : size, from + i * size),
            (uint)(1000 + from + i * size), identification: (ushort)(7 + i), options: _timestamps))];
    }

    /// <summary>Makes both checksums right again.</summary>
    static void Mend(byte[] packet)
    {
        packet.AsSpan(10, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Packets.Complement(Packets.Sum(packet.AsSpan(0, 20))));
        packet.AsSpan(36, 2).Clear();
        var checksum = Packets.SegmentChecksum(IpAddress.Read(packet.AsSpan(12, 4)), IpAddress.Read(packet.AsSpan(16, 4)), 6, packet.AsSpan(20));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(36), checksum);
    }

    /// <summary>Through a tunnel, as one burst at the other end.</summary>
    static List<Written> Carry(List<byte[]> packets, Coalescing coalescing = Coalescing.Tcp)
    {
        using var tunnel = Tunnel.Between(coalescing: coalescing, a: sa => sa with { OuterMtu = 9000 });
        foreach (var packet in packets)
            tunnel.A.Send(packet);
        Assert.Equal(packets.Count, tunnel.A.Sent.Count);
        foreach (var sent in tunnel.A.Sent)
            tunnel.B.Inbound.Add(sent.Bytes, new Arrival(Tunnel.PathToA, true, 0, tunnel.B.Now));
        tunnel.B.Inbound.Flush();
        Assert.Equal("", tunnel.B.Drops);
        return tunnel.B.Written;
    }

    /// <summary>What the kernel makes of it: the other half of the room cuts, which <see cref="SegmentationTests"/> holds against a reference.</summary>
    static List<byte[]> Cut(IEnumerable<Written> written)
    {
        using var tunnel = Tunnel.Between(a: sa => sa with { OuterMtu = 9000 }).Connected();
        foreach (var one in written)
            tunnel.A.Send(one.Packet, one.Header);
        Assert.Equal("", tunnel.A.Drops);
        return [.. tunnel.B.WrittenPackets];
    }
}
