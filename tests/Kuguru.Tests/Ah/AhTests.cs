using System.Buffers.Binary;
using System.Security.Cryptography;
using Kuguru.Ah;
using Kuguru.Crypto;
using Kuguru.Esp;
using Kuguru.Tests.Crypto;
using Kuguru.Tests.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Ah;

/// <summary>AH through the packet path, both modes and families, against a plain reading of the RFC.</summary>
public sealed class AhTests
{
    static readonly IpAddress A4 = IpAddress.Parse("192.0.2.1"), B4 = IpAddress.Parse("198.51.100.2");
    static readonly IpAddress A6 = IpAddress.Parse("2001:db8:1::1"), B6 = IpAddress.Parse("2001:db8:2::2");

    public static TheoryData<IntegrityAlgorithm, bool> Suites => new(
        from integrity in Given.Integrities
        from esn in (bool[])[false, true]
        select (integrity, esn));

    [Theory]
    [MemberData(nameof(Suites))]
    public void What_one_end_seals_the_other_opens(IntegrityAlgorithm integrity, bool esn)
    {
        foreach (var transport in (bool[])[false, true])
        {
            foreach (var v6 in (bool[])[false, true])
            {
                using var tunnel = Between(Suite(integrity, esn), transport, v6).Connected();
                byte[][] packets = [.. Enumerable.Range(0, 5).Select(i => Inner(transport, v6, 100 + i))];
                foreach (var packet in packets)
                    tunnel.A.Send(packet);
                Assert.Equal("", tunnel.B.Drops);
                Assert.Equal(packets, tunnel.B.WrittenPackets);
            }
        }
    }

    public static TheoryData<IntegrityAlgorithm, bool, bool, bool> References => new(
        from integrity in (IntegrityAlgorithm[])
        [
            IntegrityAlgorithm.HmacSha1_96, IntegrityAlgorithm.HmacSha2_256_128, IntegrityAlgorithm.HmacSha2_384_192, IntegrityAlgorithm.HmacSha2_512_256,
        ]
        from esn in (bool[])[false, true]
        from transport in (bool[])[false, true]
        from v6 in (bool[])[false, true]
        select (integrity, esn, transport, v6));

    [Theory]
    [MemberData(nameof(References))]
    public void The_ICV_is_what_a_plain_reading_of_the_RFC_gives(IntegrityAlgorithm integrity, bool esn, bool transport, bool v6)
    {
        var suite = Suite(integrity, esn);
        using var tunnel = Between(suite, transport, v6);
        tunnel.A.Send(Inner(transport, v6, 333));
        var packet = Assert.Single(tunnel.A.Sent).Bytes;
        var at = v6 ? 40 : 20;
        Assert.Equal(51, packet[v6 ? 6 : 9]);
        Assert.Equal(suite.HeaderLength(v6), (packet[at + 1] + 2) * 4);
        Assert.Equal(0, suite.HeaderLength(v6) % (v6 ? 8 : 4));
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(at + 8)));
        var key = Tunnel.Keys(suite, 2).Integrity.Span.ToArray();
        Assert.Equal(
            Reference.Icv(packet, at, key, HashOf(integrity), suite.IcvLength, esn ? 0 : null), packet.AsSpan(at + 12, suite.IcvLength).ToArray());
        Assert.True(v6 || Packets.HasRightHeaderChecksum(packet));
    }

    [Fact]
    public void Published_packets_agree()
    {
        var count = 0;
        foreach (var vector in Given.Cases(Vectors.Json("dpdk/ipsec-packets.json")).Where(v => v.Text("proto") == "AH" && v.GetProperty("algs")[0].GetString() == "AUTH_SHA256_HMAC"))
        {
            var suite = Suite(IntegrityAlgorithm.HmacSha2_256_128, esn: false);
            var (input, output) = (vector.Hex("input_ip_packet"), vector.Hex("output_ip_packet"));
            var isTransport = vector.Text("mode") == "TRANSPORT";
            using var integrity = new AhIntegrity(suite, new(Secret.Empty(), Secret.Copy(vector.Hex("auth_key"))));
            Assert.True(AhHeader.TryRead(output.AsSpan(20), out var header));
            Assert.True(integrity.Verify(output, 20, header, header.Sequence));
            Assert.Equal(input, isTransport ? [.. input[..20], .. output[(20 + header.Length)..]] : output[(20 + header.Length)..]);
            byte[] again = [.. output];
            again.AsSpan(20, header.Length).Fill(0xAA);
            Assert.True(integrity.Seal(again, 20, header, header.Sequence));
            // The vectors leave one packet with a padding of its own; ICV and all before it are equal.
            Assert.Equal(output[..48], again[..48]);
            count++;
        }
        Assert.Equal(2, count);
    }

    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(false, false, 6)]
    [InlineData(false, false, 8)]
    [InlineData(true, false, 1)]
    [InlineData(false, true, 1)]
    [InlineData(false, true, 3)]
    [InlineData(false, true, 7)]
    public void What_routers_change_on_the_way_does_no_harm(bool transport, bool v6, int at)
    {
        using var tunnel = Between(Suite(), transport, v6);
        tunnel.A.Send(Inner(transport, v6, 50));
        var packet = tunnel.A.Sent[0].Bytes;
        packet[at] ^= 0x40;
        tunnel.B.ReceiveAh(packet);
        Assert.Equal("", tunnel.B.Drops);
        Assert.Single(tunnel.B.Written);
    }

    /// <summary>Version, length, identification, protocol, addresses, AH, payload: a change of any other bit shows.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Any_other_change_is_seen(bool transport, bool v6)
    {
        using var tunnel = Between(Suite(), transport, v6);
        tunnel.A.Send(Inner(transport, v6, 40));
        var good = tunnel.A.Sent[0].Bytes;
        int[] mutable = v6 ? [0, 1, 2, 3, 7] : [1, 6, 7, 8, 10, 11];
        for (var i = 0; i < good.Length; i++)
        {
            if (mutable.Contains(i))
                continue;
            for (var bit = 0; bit < 8; bit++)
            {
                byte[] bad = [.. good];
                bad[i] ^= (byte)(1 << bit);
                tunnel.B.ReceiveAh(bad);
            }
        }
        Assert.Empty(tunnel.B.Written);
        tunnel.B.ReceiveAh(good);
        Assert.Single(tunnel.B.Written);
    }

    [Fact]
    public void A_NAT_breaks_it_which_is_counted()
    {
        using var tunnel = Between(Suite(), transport: false, v6: false);
        tunnel.A.Send(Inner(transport: false, v6: false, 40));
        var packet = tunnel.A.Sent[0].Bytes;
        IpAddress.Parse("203.0.113.7").Write(packet.AsSpan(12));
        tunnel.B.ReceiveAh(packet);
        Assert.Equal("NotAuthentic 1", tunnel.B.Drops);
    }

    [Fact]
    public void Options_are_covered_as_appendix_A_says()
    {
        // Router alert and NOP are covered; record route and timestamp are not; a closed source route is zero as a whole.
        byte[] options = [148, 4, 0, 0, 1, 7, 7, 4, 10, 0, 0, 1, 131, 7, 8, 10, 0, 0, 9, 0];
        using var tunnel = Between(Suite(), transport: true, v6: false);
        var inner = Packets.Ip(A4, B4, 17, Packets.Udp(A4, B4, Packets.Payload(30))[20..], options: options);
        tunnel.A.Send(inner);
        var packet = Assert.Single(tunnel.A.Sent).Bytes;
        Assert.Equal(Reference.Icv(packet, 40, Key(), HashAlgorithmName.SHA256, 16), packet.AsSpan(52, 16).ToArray());
        byte[] recorded = [.. packet];
        recorded[20 + 8] ^= 0xFF;
        tunnel.B.ReceiveAh(recorded);
        Assert.Single(tunnel.B.Written);
        tunnel.A.Send(inner);
        byte[] unalerted = [.. tunnel.A.Sent[1].Bytes];
        unalerted[20 + 3] ^= 1;
        tunnel.B.ReceiveAh(unalerted);
        Assert.Equal("NotAuthentic 1", tunnel.B.Drops);
    }

    [Fact]
    public void A_source_route_that_is_not_at_its_end_cannot_be_covered()
    {
        using var tunnel = Between(Suite(), transport: true, v6: false);
        tunnel.A.Send(Packets.Ip(A4, B4, 17, Packets.Udp(A4, B4, [1])[20..], options: [131, 7, 4, 10, 0, 0, 9, 0]));
        Assert.Equal("BadPacket 1", tunnel.A.Drops);
    }

    [Fact]
    public void Extension_headers_that_routers_read_stay_in_front()
    {
        using var tunnel = Between(Suite(), transport: true, v6: true);
        // Hop-by-hop: router alert (covered) and an option that may change; then destination options, which the AH covers as payload.
        byte[] hop = [60, 1, 5, 2, 0, 0, 0x3E, 4, 1, 2, 3, 4, 1, 0, 0, 0], destination = [17, 0, 1, 4, 0, 0, 0, 0];
        var udp = Packets.Udp(A6, B6, Packets.Payload(30))[40..];
        var inner = Packets.Ip(A6, B6, 0, [.. hop, .. destination, .. udp]);
        tunnel.A.Send(inner);
        var packet = Assert.Single(tunnel.A.Sent).Bytes;
        Assert.Equal((0, 51, 60), (packet[6], packet[40], packet[56]));
        Assert.Equal(Reference.Icv(packet, 56, Key(), HashAlgorithmName.SHA256, 16), packet.AsSpan(68, 16).ToArray());
        packet[49] ^= 0xFF;
        tunnel.B.ReceiveAh(packet);
        inner[49] ^= 0xFF;
        Assert.Equal(inner, Assert.Single(tunnel.B.WrittenPackets));
        packet[43] ^= 1;
        tunnel.A.Send(inner);
        byte[] changed = [.. tunnel.A.Sent[1].Bytes];
        changed[45] ^= 1;
        tunnel.B.ReceiveAh(changed);
        Assert.Equal("NotAuthentic 1", tunnel.B.Drops);
    }

    [Fact]
    public void A_peer_may_pad_to_eight_octets_over_IPv4()
    {
        var suite = Suite();
        using var end = new End();
        end.Table.Install(Described(suite, transport: false, v6: false, atA: false));
        using var integrity = new AhIntegrity(suite, Tunnel.Keys(suite, 2));
        var inner = Inner(transport: false, v6: false, 20);
        byte[] packet = [.. Packets.Ip(A4, B4, 51, new byte[32 + inner.Length])];
        inner.CopyTo(packet.AsSpan(52));
        Assert.True(integrity.Seal(packet, 20, new(IpProtocol.Ipv4, 32, Tunnel.SpiOfB, 1), 1));
        end.ReceiveAh(packet, Tunnel.PathToA);
        Assert.Equal(inner, Assert.Single(end.WrittenPackets));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void What_is_too_long_for_the_path_is_cut_behind_the_ICV(bool transport, bool v6)
    {
        using var tunnel = Between(Suite(), transport, v6, outerMtu: 1300);
        var inner = Inner(transport, v6, 2500, dontFragment: transport);
        if (transport || !v6)
            tunnel.A.Send(inner);
        else
            // A tunnel over IPv6 answers "too big", but for what IPv6 has to carry at least.
            tunnel.A.Send(inner = Inner(transport: false, v6: true, 1232));
        if (!transport && !v6)
        {
            // IPv4 is cut inside, since the inner packet allows it.
            Assert.All(tunnel.A.Sent, sent => Assert.InRange(sent.Bytes.Length, 1, 1300));
            Assert.True(tunnel.A.Sent.Count > 1);
            foreach (var sent in tunnel.A.Sent)
                tunnel.B.Receive(sent);
            Assert.Equal(tunnel.A.Sent.Count, tunnel.B.Written.Count);
            return;
        }
        Assert.True(tunnel.A.Sent.Count > 1);
        Assert.All(tunnel.A.Sent, sent => Assert.InRange(sent.Bytes.Length, 1, 1300));
        var whole = PutTogether(tunnel.A.Sent.Select(sent => sent.Bytes), v6);
        tunnel.B.ReceiveAh(whole);
        Assert.Equal("", tunnel.B.Drops);
        var opened = Assert.Single(tunnel.B.WrittenPackets);
        Assert.Equal(inner[(v6 ? 40 : 20)..], opened[(v6 ? 40 : 20)..]);
    }

    [Fact]
    public void A_fragment_is_no_packet()
    {
        using var tunnel = Between(Suite(), transport: true, v6: false, outerMtu: 600);
        tunnel.A.Send(Inner(transport: true, v6: false, 1000));
        foreach (var sent in tunnel.A.Sent)
            tunnel.B.Receive(sent);
        Assert.Equal($"BadLength {tunnel.A.Sent.Count}", tunnel.B.Drops);
    }

    [Fact]
    public void Replays_and_the_past_are_dropped()
    {
        using var tunnel = Between(Suite(), transport: false, v6: false);
        for (var i = 0; i < 40; i++)
            tunnel.A.Send(Inner(transport: false, v6: false, 10));
        foreach (var sent in tunnel.A.Sent.Skip(1))
            tunnel.B.Receive(sent);
        tunnel.B.Receive(tunnel.A.Sent[39]);
        tunnel.B.Receive(tunnel.A.Sent[0]);
        Assert.Equal("Replayed 1, TooOld 1", tunnel.B.Drops);
    }

    [Fact]
    public void The_high_half_of_the_sequence_number_is_covered_and_not_sent()
    {
        var suite = Suite(esn: true);
        using var end = new End();
        end.Table.Install(Described(suite, transport: false, v6: false, atA: false));
        using var integrity = new AhIntegrity(suite, Tunnel.Keys(suite, 2));
        foreach (var sequence in (ulong[])[0xFFFF_0000, 0xFFFF_FFF0, 0x1_0000_0005])
        {
            var inner = Inner(transport: false, v6: false, 20);
            byte[] packet = [.. Packets.Ip(A4, B4, 51, new byte[28 + inner.Length])];
            inner.CopyTo(packet.AsSpan(48));
            Assert.True(integrity.Seal(packet, 20, new(IpProtocol.Ipv4, 28, Tunnel.SpiOfB, (uint)sequence), sequence));
            Assert.Equal(Reference.Icv(packet, 20, Key(), HashAlgorithmName.SHA256, 16, (uint)(sequence >> 32)), packet[32..48]);
            end.ReceiveAh(packet, Tunnel.PathToA);
        }
        Assert.Equal("", end.Drops);
        Assert.Equal(3, end.Written.Count);
    }

    [Fact]
    public void What_is_inside_has_to_be_within_the_selectors()
    {
        using var tunnel = Between(Suite(), transport: false, v6: false, bSelectors: sa => sa with { Remote = [Tunnel.Prefix("10.9.0.0", 16)] });
        tunnel.A.Send(Inner(transport: false, v6: false, 10));
        tunnel.B.Receive(tunnel.A.Sent[0]);
        Assert.Equal("OutsideSelectors 1", tunnel.B.Drops);
    }

    [Fact]
    public void An_SA_takes_its_own_protocol_only()
    {
        using var tunnel = Between(Suite(), transport: false, v6: false);
        tunnel.A.Send(Inner(transport: false, v6: false, 10));
        tunnel.B.Receive([.. Tunnel.SpiOfB.ToBlob().Span, 0, 0, 0, 1, .. Packets.Payload(40)], Tunnel.PathToA, udp: false);
        Assert.Equal("UnknownSpi 1", tunnel.B.Drops);
        using var esp = Tunnel.Between();
        esp.B.ReceiveAh(tunnel.A.Sent[0].Bytes);
        Assert.Equal("UnknownSpi 1", esp.B.Drops);
    }

    [Fact]
    public void Strangers_packets_are_dropped_whatever_they_hold()
    {
        var random = new Random(7);
        using var tunnel = Between(Suite(), transport: false, v6: false);
        using var six = Between(Suite(), transport: true, v6: true);
        tunnel.A.Send(Inner(transport: false, v6: false, 100));
        six.A.Send(Packets.Ip(A6, B6, 0, [17, 0, 5, 2, 0, 0, 1, 0, .. Packets.Udp(A6, B6, Packets.Payload(30))[40..]]));
        foreach (var (end, good) in ((End, byte[])[])[(tunnel.B, tunnel.A.Sent[0].Bytes), (six.B, six.A.Sent[0].Bytes)])
        {
            for (var i = 0; i < 20_000; i++)
            {
                byte[] bad = [.. good[..random.Next(good.Length + 1)]];
                for (var k = random.Next(1, 5); k > 0 && bad.Length > 0; k--)
                    bad[random.Next(Math.Min(bad.Length, 90))] = (byte)random.Next(256);
                if (random.Next(4) > 0 && bad.Length > 6)
                    BinaryPrimitives.WriteUInt16BigEndian(bad.AsSpan(good[0] >> 4 == 4 ? 2 : 4), (ushort)(bad.Length - (good[0] >> 4 == 4 ? 0 : 40)));
                end.Inbound.AddAh(bad, new Arrival(Tunnel.PathToA, false, (byte)random.Next(256), end.Now));
            }
            end.Inbound.Flush();
            // A change of octets that nobody covers is none; once.
            Assert.InRange(end.Written.Count, 0, 1);
        }
    }

    [Fact]
    public void It_allocates_nothing_a_packet()
    {
        using var tunnel = Between(Suite(), transport: false, v6: false, bSelectors: sa => sa with { ReplayWindow = 0 });
        var inner = Inner(transport: false, v6: false, 1000);
        tunnel.A.Send(inner);
        var sent = tunnel.A.Sent[0];
        tunnel.B.Receive(sent);
        (tunnel.A.Remembers, tunnel.B.Remembers) = (false, false);
        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            tunnel.A.Send(inner);
            tunnel.B.ReceiveAh(sent.Bytes, Tunnel.PathToA);
        }
    }

    [Fact]
    public void The_MTU_is_what_AH_leaves()
    {
        Assert.Equal("1500 - 20 IPv4 - 12 AH - 16 ICV - 0 padding = 1452", Mtu.Derive(Suite(), false, false, 1500).ToString());
        Assert.Equal("1500 - 40 IPv6 - 12 AH - 16 ICV - 4 padding = 1428", Mtu.Derive(Suite(), true, false, 1500).ToString());
        Assert.Equal("1500 - 20 IPv4 - 12 AH - 12 ICV - 0 padding + 20 kept = 1476", Mtu.Derive(Suite(IntegrityAlgorithm.HmacSha1_96), false, false, 1500, ChildMode.Transport).ToString());
    }

    static AhSuite Suite(IntegrityAlgorithm integrity = IntegrityAlgorithm.HmacSha2_256_128, bool esn = false) =>
        new(integrity, esn ? ExtendedSequenceNumbers.Yes : ExtendedSequenceNumbers.No);

    static byte[] Key() => Tunnel.Keys(Suite(), 2).Integrity.Span.ToArray();

    static Tunnel Between(
        AhSuite suite, bool transport, bool v6, int outerMtu = 1500, Func<SaDescription, SaDescription>? bSelectors = null) => Tunnel.Between(suite,
        a: _ => Described(suite, transport, v6, atA: true) with { OuterMtu = outerMtu },
        b: _ => (bSelectors ?? (sa => sa))(Described(suite, transport, v6, atA: false)));

    static SaDescription Described(AhSuite suite, bool transport, bool v6, bool atA)
    {
        var (local, remote) = (v6, atA) switch { (false, true) => (A4, B4), (false, false) => (B4, A4), (true, true) => (A6, B6), _ => (B6, A6) };
        var sa = (atA ? Tunnel.AtA(suite) : Tunnel.AtB(suite)) with { UdpEncapsulated = false, Path = new(new(local, 0), new(remote, 0)) };
        return transport
            ? sa with
            {
                Transport = TransportEnds.Between(local, remote),
                Local = [new Selector(AddressRange.Single(local))],
                Remote = [new Selector(AddressRange.Single(remote))],
            }
            : sa;
    }

    static byte[] Inner(bool transport, bool v6, int length, bool dontFragment = false) => transport
        ? Packets.Udp(v6 ? A6 : A4, v6 ? B6 : B4, Packets.Payload(length), dontFragment: dontFragment)
        : Packets.Udp(v6 ? Packets.A6 : Packets.A4, v6 ? Packets.B6 : Packets.B4, Packets.Payload(length), dontFragment: dontFragment);

    static HashAlgorithmName HashOf(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.HmacSha1_96 => HashAlgorithmName.SHA1,
        IntegrityAlgorithm.HmacSha2_256_128 => HashAlgorithmName.SHA256,
        IntegrityAlgorithm.HmacSha2_384_192 => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };

    /// <summary>As a receiving host does it.</summary>
    static byte[] PutTogether(IEnumerable<byte[]> fragments, bool v6)
    {
        List<byte> data = [];
        var header = (byte[])[];
        foreach (var fragment in fragments)
        {
            var (at, word) = v6
                ? (48, BinaryPrimitives.ReadUInt16BigEndian(fragment.AsSpan(42)) & 0xFFF8)
                : (20, (BinaryPrimitives.ReadUInt16BigEndian(fragment.AsSpan(6)) & 0x1FFF) * 8);
            Assert.Equal(data.Count, word);
            header = fragment[..(v6 ? 40 : 20)];
            data.AddRange(fragment[at..]);
        }
        byte[] whole = [.. header, .. data];
        if (v6)
        {
            whole[6] = 51;
            BinaryPrimitives.WriteUInt16BigEndian(whole.AsSpan(4), (ushort)data.Count);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(whole.AsSpan(2), (ushort)whole.Length);
            whole.AsSpan(6, 2).Clear();
        }
        return whole;
    }
}
