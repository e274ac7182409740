using Kuguru.Crypto;
using Kuguru.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>
/// Transport mode between a client A and a server B. Behind a NAT at either end: A is 10.1.0.5 and calls B 198.51.100.2; B is 172.16.0.2 and
/// sees A as 192.0.2.1, or under a stand-in.
/// </summary>
public sealed class TransportTests
{
    static readonly IpAddress A = IpAddress.Parse("10.1.0.5"), Nat = IpAddress.Parse("192.0.2.1");
    static readonly IpAddress B = IpAddress.Parse("172.16.0.2"), FarNat = IpAddress.Parse("198.51.100.2");
    static readonly IpAddress StandInForA = IpAddress.Parse("198.18.0.9");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Packets_come_out_under_the_names_of_the_host_with_right_checksums(bool hasStandIn)
    {
        using var tunnel = Between(hasStandIn).Connected();
        var seen = hasStandIn ? StandInForA : Nat;
        tunnel.A.Send(Packets.Tcp(A, FarNat, Packets.Payload(100), tos: 0xB8));
        tunnel.A.Send(Packets.Udp(A, FarNat, Packets.Payload(3000)));
        tunnel.A.Send(Packets.Ip(A, FarNat, 1, [8, 0, 0x11, 0x22, 1, 2, 3, 4]));
        Assert.Equal("", tunnel.A.Drops + tunnel.B.Drops);
        Assert.Equal(
            [Packets.Tcp(seen, B, Packets.Payload(100), tos: 0xB8)[20..], Packets.Udp(seen, B, Packets.Payload(3000))[20..], [8, 0, 0x11, 0x22, 1, 2, 3, 4]],
            tunnel.B.WrittenPackets.Select(packet => packet[20..]));
        Assert.All(tunnel.B.WrittenPackets, packet =>
        {
            Assert.True(IpPacket.TryRead(packet, out var ip));
            Assert.Equal((seen, B, packet.Length), (ip.Source, ip.Destination, ip.Length));
            Assert.True(Packets.HasRightHeaderChecksum(packet));
        });
        // Only what is behind the IP header was inside.
        Assert.Equal(Tunnel.Gcm128.PacketLength(120), tunnel.A.Sent[0].Bytes.Length);
        Assert.Equal(0xB8, tunnel.A.Sent[0].Tos);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Answers_go_back_the_same_way(bool hasStandIn)
    {
        using var tunnel = Between(hasStandIn);
        tunnel.B.Forward = sent => tunnel.A.Receive(sent.Bytes, Tunnel.PathToB);
        var seen = hasStandIn ? StandInForA : Nat;
        tunnel.B.Send(Packets.Tcp(B, seen, Packets.Payload(100)));
        tunnel.B.Send(Packets.Tcp(B, seen, Packets.Payload(5000)), new() { Flags = 1, GsoBits = (byte)GsoType.TcpV4, SegmentSize = 1300, ChecksumStart = 20, ChecksumOffset = 16 });
        Assert.Equal("", tunnel.A.Drops + tunnel.B.Drops);
        Assert.Equal(5, tunnel.A.Written.Count);
        Assert.Equal(Packets.Tcp(FarNat, A, Packets.Payload(100))[20..], tunnel.A.Written[0].Packet[20..]);
        Assert.All(tunnel.A.WrittenPackets, packet =>
            Assert.Equal(0, Packets.SegmentChecksum(IpAddress.Read(packet.AsSpan(12, 4)), IpAddress.Read(packet.AsSpan(16, 4)), 6, packet.AsSpan(20))));
        Assert.All(tunnel.A.WrittenPackets, packet => Assert.Equal(FarNat, IpAddress.Read(packet.AsSpan(12, 4))));
    }

    [Fact]
    public void UDP_without_a_checksum_stays_without()
    {
        using var tunnel = Between(hasStandIn: true).Connected();
        var packet = Packets.Udp(A, FarNat, Packets.Payload(10));
        packet.AsSpan(26, 2).Clear();
        tunnel.A.Send(packet);
        Assert.Equal(packet[20..], Assert.Single(tunnel.B.WrittenPackets)[20..]);
    }

    [Fact]
    public void A_checksum_that_was_wrong_does_not_become_right()
    {
        using var tunnel = Between(hasStandIn: true).Connected();
        var packet = Packets.Udp(A, FarNat, Packets.Payload(10));
        packet[^1] ^= 0x40;
        tunnel.A.Send(packet);
        Assert.NotEqual(0, Packets.SegmentChecksum(StandInForA, B, 17, Assert.Single(tunnel.B.WrittenPackets).AsSpan(20)));
    }

    [Fact]
    public void An_ICMP_error_comes_to_the_flow_that_it_is_about()
    {
        using var tunnel = Between(hasStandIn: true).Connected();
        // B has answered from port 53; A has closed by then, and says so about the packet as A saw it.
        var quoted = Packets.Udp(FarNat, A, Packets.Payload(20), sourcePort: 53, destinationPort: 40000);
        tunnel.A.Send(Packets.Ip(A, FarNat, 1, Packets.Checked([3, 3, 0, 0, 0, 0, 0, 0, .. quoted])));
        var seen = Packets.Udp(B, StandInForA, Packets.Payload(20), sourcePort: 53, destinationPort: 40000);
        Assert.Equal(Packets.Checked([3, 3, 0, 0, 0, 0, 0, 0, .. seen]), Assert.Single(tunnel.B.WrittenPackets)[20..]);
    }

    [Fact]
    public void Two_peers_behind_one_NAT_with_the_same_ports_are_two_flows_to_the_host()
    {
        var other = IpAddress.Parse("198.18.0.10");
        using var first = Between(hasStandIn: true);
        using var second = Between(hasStandIn: false);
        first.B.Table.Install(AtServer(other) with { InboundSpi = new(0xB1000001), OutboundSpi = new(0xA1000001) });
        // The second client's SA has the numbers of the first but its own SPI.
        second.A.Table.Remove(Tunnel.SpiOfA);
        second.A.Table.Install(AtClient() with { OutboundSpi = new(0xB1000001), InboundSpi = new(0xA1000001) });
        first.A.Forward = sent => first.B.Receive(sent.Bytes, Tunnel.PathToA);
        second.A.Forward = sent => first.B.Receive(sent.Bytes, Tunnel.PathToA);
        first.A.Send(Packets.Udp(A, FarNat, [1], sourcePort: 1701, destinationPort: 1701));
        second.A.Send(Packets.Udp(A, FarNat, [2], sourcePort: 1701, destinationPort: 1701));
        Assert.Equal([StandInForA, other], first.B.WrittenPackets.Select(packet => IpAddress.Read(packet.AsSpan(12, 4))));
        first.B.Send(Packets.Udp(B, other, [3], sourcePort: 1701, destinationPort: 1701));
        first.B.Send(Packets.Udp(B, StandInForA, [4], sourcePort: 1701, destinationPort: 1701));
        Assert.Equal(["a1000001", "a0000001"], first.B.Sent.Select(sent => Convert.ToHexStringLower(sent.Bytes[..4])));
        // What is said to the NAT's own address is said to somebody without an SA: it is none of ours.
        first.B.Send(Packets.Udp(B, Nat, [5], sourcePort: 1701, destinationPort: 1701));
        Assert.Equal("NoPolicy 1", first.B.Drops);
    }

    [Fact]
    public void Ports_outside_of_the_selectors_are_dropped_and_counted()
    {
        using var tunnel = Between(hasStandIn: true, protocol: 17, port: 1701).Connected();
        tunnel.A.Send(Packets.Udp(A, FarNat, [1], sourcePort: 1701, destinationPort: 1701));
        Assert.Single(tunnel.B.Written);
        tunnel.A.Send(Packets.Udp(A, FarNat, [1], sourcePort: 1701, destinationPort: 1702));
        Assert.Equal("NoPolicy 1", tunnel.A.Drops);
        // A peer that does not keep to what was agreed.
        using var rogue = Between(hasStandIn: true);
        rogue.A.Forward = sent => tunnel.B.Receive(sent.Bytes, Tunnel.PathToA);
        rogue.A.Send(Packets.Udp(A, FarNat, [1], sourcePort: 5, destinationPort: 1701));
        rogue.A.Send(Packets.Udp(A, FarNat, [1], sourcePort: 1701, destinationPort: 22));
        rogue.A.Send(Packets.Tcp(A, FarNat, [1], sourcePort: 1701, destinationPort: 1701));
        Assert.Equal("Replayed 1, OutsideSelectors 2", tunnel.B.Drops);
        Assert.Single(tunnel.B.Written);
    }

    [Fact]
    public void Fragments_do_not_go_into_transport_mode_and_large_packets_go_whole()
    {
        using var tunnel = Between(hasStandIn: false).Connected();
        var fragment = Packets.Udp(A, FarNat, Packets.Payload(100), dontFragment: false);
        fragment[6] |= 0x20;
        tunnel.A.Send(fragment);
        Assert.Equal("Fragment 1", tunnel.A.Drops);
        tunnel.A.Send(Packets.Udp(A, FarNat, Packets.Payload(60_000)));
        Assert.Equal(60_028, Assert.Single(tunnel.B.Written).Packet.Length);
    }

    [Fact]
    public void The_announced_segment_size_leaves_room_for_ESP_but_not_for_a_second_IP_header()
    {
        using var tunnel = Between(hasStandIn: false).Connected();
        tunnel.A.Send(Packets.Tcp(A, FarNat, [], flags: Packets.Syn, options: [2, 4, 0xFF, 0xFF]));
        var mss = Assert.Single(tunnel.B.Written).Packet.AsSpan(42, 2);
        // 1500 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV - 2 trailer = 1438, of which 20 are TCP's header
        Assert.Equal(1418, System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(mss));
        Assert.Equal(1458, Mtu.Inner(Tunnel.Gcm128, outerIsV6: false, udpEncapsulated: true, 1500, ChildMode.Transport));
    }

    [Fact]
    public void Over_IPv6_extension_headers_go_inside()
    {
        using var tunnel = Tunnel.Between(a: sa => Host(sa, Packets.A6, Packets.B6), b: sa => Host(sa, Packets.B6, Packets.A6)).Connected();
        byte[] options = [17, 0, 1, 4, 0, 0, 0, 0];
        var packet = Packets.Ip(Packets.A6, Packets.B6, 60, [.. options, .. Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(50))[40..]]);
        tunnel.A.Send(packet);
        Assert.Equal(packet[40..], Assert.Single(tunnel.B.Written).Packet[40..]);
        Assert.Equal("", tunnel.A.Drops + tunnel.B.Drops);
    }

    /// <summary>
    /// Over IPv6 a peer may put fragments into the SA, by a header of its own: the first has a checksum to mend, the later ones have not. Where the
    /// SA is for one port only, nobody can say whose the later ones are.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fragments_of_IPv6_are_translated_too(bool onePort)
    {
        IpAddress seen = IpAddress.Parse("fd6b::9"), nat = IpAddress.Parse("2001:db8::1");
        byte protocol = onePort ? (byte)17 : (byte)0;
        using var tunnel = Tunnel.Between(a: sa => Host(sa, Packets.A6, Packets.B6), b: sa => sa with
        {
            Local = [One(Packets.B6, protocol, 6000)],
            Remote = [One(nat, protocol, 5000)],
            Transport = new(Packets.B6, nat, PeerSource: Packets.A6, PeerDestination: Packets.B6),
            StandIns = [new StandIn(AddressRange.Single(nat), seen)],
        });
        var (before, after) = (Packets.Udp(Packets.A6, Packets.B6, Packets.Payload(56))[40..], Packets.Udp(seen, Packets.B6, Packets.Payload(56))[40..]);
        var number = 0u;
        void Say(byte[] fragmentHeader, byte[] part) => tunnel.B.Receive(Sealed([.. fragmentHeader, .. part], IpProtocol.Fragment, ++number), Tunnel.PathToA);
        Say([17, 0, 0, 1, 0, 0, 0, 7], before[..32]);
        Say([17, 0, 0, 32, 0, 0, 0, 7], before[32..]);
        // And what no host would make: a first piece that ends before its checksum, one that begins at the end of the world.
        Say([17, 0, 0, 1, 0, 0, 0, 8], before[..6]);
        Say([6, 0, 0xFF, 0xF9, 0, 0, 0, 9], before[..8]);
        Say([17, 0, 0], []);
        List<byte[]> expected = onePort ? [[17, 0, 0, 1, 0, 0, 0, 7, .. after[..32]], [17, 0, 0, 1, 0, 0, 0, 8, .. before[..6]]]
            : [[17, 0, 0, 1, 0, 0, 0, 7, .. after[..32]], [17, 0, 0, 32, 0, 0, 0, 7, .. after[32..]], [17, 0, 0, 1, 0, 0, 0, 8, .. before[..6]], [6, 0, 0xFF, 0xF9, 0, 0, 0, 9, .. before[..8]]];
        Assert.Equal(expected, tunnel.B.WrittenPackets.Select(packet => packet[40..]));
        Assert.Equal(onePort ? "BadInnerPacket 1, OutsideSelectors 2" : "BadInnerPacket 1", tunnel.B.Drops);
    }

    /// <summary>What a peer with the keys may put behind the ESP header.</summary>
    static byte[] Sealed(byte[] payload, IpProtocol next, uint number)
    {
        var alignment = Tunnel.Gcm128.Alignment;
        var length = (payload.Length + EspTrailer.FixedSize + alignment - 1) / alignment * alignment;
        byte[] plaintext = [.. payload, .. new byte[length - payload.Length]];
        EspTrailer.Write(plaintext.AsSpan(payload.Length), length - payload.Length - EspTrailer.FixedSize, next);
        using var sealer = EspSealer.Create(Tunnel.Gcm128, Tunnel.Keys(Tunnel.Gcm128, 2), new TestDice(7));
        var packet = new byte[length + Tunnel.Gcm128.Overhead];
        sealer.Seal(Tunnel.SpiOfB.Value, number, plaintext, packet);
        return packet;
    }

    [Fact]
    public void Translating_allocates_nothing()
    {
        using var tunnel = Between(hasStandIn: true, coalescing: Coalescing.TcpAndUdp);
        (byte[] Packet, VirtioNetHeader Header)[] packets =
        [
            (Packets.Udp(A, FarNat, Packets.Payload(100)), default),
            (Packets.Tcp(A, FarNat, Packets.Payload(20_000)), new() { Flags = 1, GsoBits = (byte)GsoType.TcpV4, SegmentSize = 1300, ChecksumStart = 20, ChecksumOffset = 16 }),
            (Packets.Ip(A, FarNat, 1, Packets.Checked([3, 3, 0, 0, 0, 0, 0, 0, .. Packets.Udp(FarNat, A, Packets.Payload(20))])), default),
        ];
        foreach (var (packet, header) in packets)
            tunnel.A.Send(packet, header);
        var sent = tunnel.A.Sent.ToArray();
        byte[] answer = Packets.Tcp(B, StandInForA, Packets.Payload(900));
        (tunnel.A.Remembers, tunnel.B.Remembers) = (false, false);
        void Round()
        {
            foreach (var (packet, header) in packets)
                tunnel.A.Send(packet, header);
            foreach (var one in sent)
                tunnel.B.Receive(one.Bytes, Tunnel.PathToA);
            tunnel.B.Send(answer);
        }
        for (var i = 0; i < 50; i++)
            Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 200; i++)
            Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    static Tunnel Between(bool hasStandIn, byte protocol = 0, ushort port = 0, Coalescing coalescing = Coalescing.None) => Tunnel.Between(
        coalescing: coalescing, a: _ => AtClient(protocol, port), b: _ => AtServer(hasStandIn ? StandInForA : null, protocol, port) with { ReplayWindow = coalescing == Coalescing.None ? 32 : 0 });

    static SaDescription AtClient(byte protocol = 0, ushort port = 0) => Tunnel.AtA(Tunnel.Gcm128) with
    {
        Local = [One(A, protocol, port)],
        Remote = [One(FarNat, protocol, port)],
        Transport = new(A, FarNat, PeerSource: B, PeerDestination: Nat),
    };

    static SaDescription AtServer(IpAddress? standIn, byte protocol = 0, ushort port = 0) => Tunnel.AtB(Tunnel.Gcm128) with
    {
        Local = [One(B, protocol, port)],
        Remote = [One(Nat, protocol, port)],
        Transport = new(B, Nat, PeerSource: A, PeerDestination: FarNat),
        StandIns = standIn is { } address ? [new StandIn(AddressRange.Single(Nat), address)] : [],
    };

    static SaDescription Host(SaDescription sa, IpAddress local, IpAddress remote) => sa with
    {
        Local = [One(local, 0, 0)],
        Remote = [One(remote, 0, 0)],
        Transport = TransportEnds.Between(local, remote),
    };

    static Selector One(IpAddress address, byte protocol, ushort port) =>
        protocol == 0 ? new(AddressRange.Single(address)) : new(AddressRange.Single(address), protocol, port, port);
}
