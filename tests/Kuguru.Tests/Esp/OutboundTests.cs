using System.Buffers.Binary;
using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

public sealed class OutboundTests
{
    /// <summary>GCM in UDP over IPv4 at 1500: 1438.</summary>
    const int InnerMtu = 1438;

    static byte[] Udp4(int length, bool dontFragment = true) => Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(length - 28), dontFragment: dontFragment);

    [Fact]
    public void A_packet_of_the_inner_mtu_fits_the_outer_mtu_exactly()
    {
        using var tunnel = Tunnel.Between().Connected();
        tunnel.A.Send(Udp4(InnerMtu));
        Assert.Equal(1500 - 20 - 8, tunnel.A.Sent[0].Bytes.Length);
        Assert.Single(tunnel.B.Written);
    }

    [Fact]
    public void An_ipv4_packet_that_is_too_big_is_answered_with_the_mtu()
    {
        using var tunnel = Tunnel.Between();
        var packet = Udp4(InnerMtu + 1);
        tunnel.A.Send(packet);
        Assert.Empty(tunnel.A.Sent);
        Assert.Equal("TooBig 1", tunnel.A.Drops);
        var answer = Assert.Single(tunnel.A.WrittenPackets);
        Assert.True(Packets.HasRightHeaderChecksum(answer));
        Assert.Equal(answer.Length, BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(2)));
        Assert.Equal(1, answer[9]);
        Assert.Equal(Packets.B4.ToBytes(), answer[12..16]);
        Assert.Equal(Packets.A4.ToBytes(), answer[16..20]);
        Assert.Equal([3, 4], answer[20..22]);
        Assert.Equal(InnerMtu, BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(26)));
        Assert.Equal(packet[..100], answer[28..128]);
        Assert.Equal(0, Packets.Complement(Packets.Sum(answer.AsSpan(20))));
    }

    [Fact]
    public void An_ipv6_packet_that_is_too_big_is_answered_with_the_mtu()
    {
        using var tunnel = Tunnel.Between();
        var packet = Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(1500));
        tunnel.A.Send(packet);
        Assert.Empty(tunnel.A.Sent);
        var answer = Assert.Single(tunnel.A.WrittenPackets);
        Assert.Equal(answer.Length - 40, BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(4)));
        Assert.Equal(58, answer[6]);
        Assert.Equal([2, 0], answer[40..42]);
        Assert.Equal((uint)InnerMtu, BinaryPrimitives.ReadUInt32BigEndian(answer.AsSpan(44)));
        Assert.Equal(0, Packets.SegmentChecksum(Packets.B6, Packets.A6, 58, answer.AsSpan(40)));
        Assert.Equal(packet[..600], answer[48..648]);
    }

    [Fact]
    public void Ipv6_is_never_told_of_less_than_1280()
    {
        using var tunnel = Tunnel.Between(a: sa => sa with { OuterMtu = 1200 });
        tunnel.A.Send(Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(1280 - 48)));
        Assert.Single(tunnel.A.Sent);
        tunnel.A.Send(Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(1280 - 47)));
        Assert.Equal(1280u, BinaryPrimitives.ReadUInt32BigEndian(Assert.Single(tunnel.A.WrittenPackets).AsSpan(44)));
    }

    [Fact]
    public void A_super_packet_whose_segments_are_too_big_is_answered_once()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(14_600)),
            new VirtioNetHeader { GsoBits = (byte)GsoType.TcpV4, SegmentSize = 1460, Flags = 1, ChecksumStart = 20, ChecksumOffset = 16 });
        Assert.Empty(tunnel.A.Sent);
        Assert.Equal("TooBig 1", tunnel.A.Drops);
        Assert.Single(tunnel.A.Written);
    }

    [Fact]
    public void A_super_packet_that_may_be_fragmented_goes_as_fragments_of_its_segments()
    {
        using var tunnel = Tunnel.Between(a: sa => sa with { OuterMtu = 700 }).Connected();
        var payload = Packets.Payload(5_000);
        tunnel.A.Send(Packets.Tcp(Packets.A4, Packets.B4, payload, dontFragment: false),
            new VirtioNetHeader { GsoBits = (byte)GsoType.TcpV4, SegmentSize = 1460, Flags = 1, ChecksumStart = 20, ChecksumOffset = 16 });
        Assert.Equal("", tunnel.A.Drops);
        var segments = tunnel.B.WrittenPackets.GroupBy(packet => BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(4))).ToArray();
        Assert.Equal([7, 8, 9, 10], segments.Select(segment => segment.Key));
        for (var i = 0; i < segments.Length; i++)
        {
            byte[] transport = [.. segments[i].SelectMany(fragment => fragment[20..])];
            var expected = Packets.Tcp(Packets.A4, Packets.B4, payload[(i * 1460)..Math.Min(5_000, (i + 1) * 1460)], (uint)(1000 + i * 1460));
            Assert.Equal(expected[20..], transport);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(11)]
    public void An_icmp_error_is_not_answered(byte type)
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(Packets.Ip(Packets.A4, Packets.B4, 1, [type, 0, .. new byte[1500]]));
        Assert.Equal("TooBig 1", tunnel.A.Drops);
        Assert.Empty(tunnel.A.Written);
    }

    [Theory]
    [InlineData(InnerMtu + 1, 0)]
    [InlineData(4000, 0)]
    [InlineData(9000, 4)]
    [InlineData(60_000, 40)]
    public void An_ipv4_packet_that_may_be_fragmented_is_and_comes_together_again(int length, int optionLength)
    {
        using var tunnel = Tunnel.Between().Connected();
        // Record route (not copied), then router alert (copied), then the end: what stands in later fragments is the second.
        byte[] options = optionLength switch
        {
            0 => [],
            4 => [0x94, 4, 0, 0],
            _ => [7, 11, 4, .. new byte[8], 0x94, 4, 0, 0, .. new byte[25]],
        };
        var payload = Packets.Payload(length - 20 - options.Length);
        tunnel.A.Send(Packets.Ip(Packets.A4, Packets.B4, 17, payload, dontFragment: false, options: options));
        Assert.Equal("", tunnel.A.Drops);
        var whole = new byte[payload.Length];
        foreach (var (fragment, i) in tunnel.B.WrittenPackets.Select((fragment, i) => (fragment, i)))
        {
            Assert.True(fragment.Length <= InnerMtu);
            Assert.True(Packets.HasRightHeaderChecksum(fragment));
            var header = (fragment[0] & 15) * 4;
            Assert.Equal(20 + options.Length, header);
            var flags = BinaryPrimitives.ReadUInt16BigEndian(fragment.AsSpan(6));
            var at = (flags & 0x1FFF) * 8;
            fragment.AsSpan(header).CopyTo(whole.AsSpan(at));
            Assert.Equal(at + fragment.Length - header < payload.Length, (flags & 0x2000) != 0);
            if (optionLength == 40)
                Assert.Equal(i == 0 ? options : [.. Enumerable.Repeat((byte)1, 11), .. options[11..]], fragment[20..60]);
        }
        Assert.Equal(payload, whole);
        Assert.True(tunnel.B.Written.Count > 1);
    }

    [Fact]
    public void A_fragment_is_fragmented_further_and_stays_one_of_the_middle()
    {
        using var tunnel = Tunnel.Between(a: sa => sa with { OuterMtu = 600 }).Connected();
        var fragment = Packets.Ip(Packets.A4, Packets.B4, 17, Packets.Payload(1200), dontFragment: false);
        BinaryPrimitives.WriteUInt16BigEndian(fragment.AsSpan(6), 0x2000 | 185);
        tunnel.A.Send(fragment);
        Assert.Equal([185, 185 + 64, 185 + 128], tunnel.B.WrittenPackets.Select(packet => BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(6)) & 0x1FFF));
        Assert.All(tunnel.B.WrittenPackets, packet => Assert.Equal(0x20, packet[6] & 0xE0));
    }

    [Theory]
    [InlineData(false, 1460, InnerMtu - 40)]
    [InlineData(false, 1398, 1398)]
    [InlineData(false, 536, 536)]
    [InlineData(true, 1440, InnerMtu - 60)]
    public void A_syn_announces_no_more_than_fits_in_both_directions(bool isV6, int announced, int expected)
    {
        var (from, to) = isV6 ? (Packets.A6, Packets.B6) : (Packets.A4, Packets.B4);
        byte[] Options(int mss) => [1, 1, 4, 2, 2, 4, (byte)(mss >> 8), (byte)mss];
        using var tunnel = Tunnel.Between(b: sa => sa with { OuterMtu = 9000 }).Connected();
        tunnel.A.Send(Packets.Tcp(from, to, [], flags: Packets.Syn, options: Options(announced)));
        Assert.Equal(Packets.Tcp(from, to, [], flags: Packets.Syn, options: Options(expected)), tunnel.B.Written[^1].Packet);
        // B's side has no reason to clamp: it is A that lowers what comes in.
        tunnel.B.Send(Packets.Tcp(to, from, [], flags: Packets.Syn | Packets.Ack, options: Options(announced)));
        tunnel.A.Receive(tunnel.B.Sent[^1].Bytes);
        Assert.Equal(Packets.Tcp(to, from, [], flags: Packets.Syn | Packets.Ack, options: Options(expected)), tunnel.A.Written[^1].Packet);
    }

    [Fact]
    public void A_syn_with_a_partial_checksum_is_clamped_too()
    {
        using var tunnel = Tunnel.Between().Connected();
        var syn = Packets.Tcp(Packets.A4, Packets.B4, [], flags: Packets.Syn, options: [2, 4, 5, 0xB4]);
        tunnel.A.Send(SegmentationTests.Partial(syn, isV6: false, 6), new VirtioNetHeader { Flags = 1, ChecksumStart = 20, ChecksumOffset = 16 });
        Assert.Equal(Packets.Tcp(Packets.A4, Packets.B4, [], flags: Packets.Syn, options: [2, 4, 5, 0x76]), tunnel.B.Written[^1].Packet);
    }

    [Fact]
    public void What_no_selector_takes_is_dropped()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(Packets.Udp(Packets.A4, IpAddress.Parse("10.3.0.1"), []));
        tunnel.A.Send(Packets.Udp(IpAddress.Parse("10.9.0.1"), Packets.B4, []));
        tunnel.A.Send(Packets.Udp(Packets.A6, IpAddress.Parse("ff02::2"), []));
        Assert.Equal("NoPolicy 3", tunnel.A.Drops);
    }

    [Fact]
    public void What_is_no_ip_packet_is_dropped()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send([]);
        tunnel.A.Send([0x45, 0]);
        tunnel.A.Send(new byte[40]);
        tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, []).AsSpan()[..^1]);
        Assert.Equal("BadPacket 4", tunnel.A.Drops);
    }

    [Fact]
    public void Dscp_and_ecn_are_handed_on_for_the_outer_header()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, [], tos: 0xBA));
        tunnel.A.Send(Packets.Udp(Packets.A6, Packets.B6, [], tos: 0x2D));
        Assert.Equal([(byte)0xBA, (byte)0x2D], tunnel.A.Sent.Select(sent => sent.Tos));
    }

    [Fact]
    public void Sequence_numbers_end_and_never_begin_again()
    {
        using var tunnel = Tunnel.Between();
        var packet = Packets.Udp(Packets.A4, Packets.B4, []);
        Skip(tunnel.A, uint.MaxValue - 2);
        for (var i = 0; i < 5; i++)
            tunnel.A.Send(packet);
        Assert.Equal(2, tunnel.A.Sent.Count);
        Assert.Equal("SequenceExhausted 3", tunnel.A.Drops);
        Assert.Equal(
            [new EspReport.Wearing(Tunnel.SpiOfA, tunnel.A.Now), new EspReport.Exhausted(Tunnel.SpiOfA, tunnel.A.Now)], tunnel.A.Reports());
    }

    [Fact]
    public void A_super_packet_stops_where_the_numbers_end()
    {
        using var tunnel = Tunnel.Between();
        Skip(tunnel.A, uint.MaxValue - 3);
        tunnel.A.Send(Packets.Tcp(Packets.A4, Packets.B4, Packets.Payload(10_000)),
            new VirtioNetHeader { GsoBits = (byte)GsoType.TcpV4, SegmentSize = 1000, Flags = 1, ChecksumStart = 20, ChecksumOffset = 16 });
        Assert.Equal(3, tunnel.A.Sent.Count);
        Assert.Equal("SequenceExhausted 1", tunnel.A.Drops);
    }

    [Fact]
    public void Extended_numbers_go_on_beyond_32_bits()
    {
        var suite = Tunnel.Suite(Kuguru.Crypto.EncryptionAlgorithm.AesGcm16, 256, esn: true);
        using var tunnel = Tunnel.Between(suite).Connected();
        // The receiver follows in strides that its inference allows: less than half of 2^32 apart.
        foreach (var at in (ulong[])[0, 0x7000_0000, 0xE000_0000, 0xFFFF_FFFC])
        {
            Skip(tunnel.A, at);
            for (var i = 0; i < 6; i++)
                tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, [(byte)i]));
        }
        Assert.Equal("", tunnel.A.Drops);
        Assert.Equal("", tunnel.B.Drops);
        Assert.Equal(24, tunnel.B.Written.Count);
    }

    [Fact]
    public void A_limit_on_the_outer_mtu_is_obeyed_from_the_next_packet_on()
    {
        using var tunnel = Tunnel.Between();
        Assert.True(tunnel.A.Table.LimitMtu(Tunnel.SpiOfA, 1400));
        tunnel.A.Send(Udp4(InnerMtu));
        Assert.Equal("TooBig 1", tunnel.A.Drops);
        Assert.Equal(1338, BinaryPrimitives.ReadUInt16BigEndian(tunnel.A.Written[0].Packet.AsSpan(26)));
        Assert.False(tunnel.A.Table.LimitMtu(new(0x12345678), 1400));
    }

    static void Skip(End end, ulong lastSequence)
    {
        Kuguru.Wire.IpPacket.TryRead(Packets.Udp(Packets.A4, Packets.B4, []), out var packet);
        Assert.IsType<OutboundSa>(end.Table.Find(packet)).SkipTo(lastSequence);
    }
}
