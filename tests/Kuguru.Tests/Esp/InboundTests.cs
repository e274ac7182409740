using Kuguru.Crypto;
using Kuguru.Esp;
using Xunit;

namespace Kuguru.Tests.Esp;

public sealed class InboundTests
{
    static readonly byte[] _packet = Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(32));

    [Fact]
    public void A_replayed_packet_is_dropped_before_it_is_decrypted()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(_packet);
        var esp = tunnel.A.Sent[0].Bytes;
        tunnel.B.Receive(esp);
        tunnel.B.Receive(esp);
        esp[^1] ^= 1;
        tunnel.B.Receive(esp);
        Assert.Equal("Replayed 2", tunnel.B.Drops);
        Assert.Single(tunnel.B.Written);
    }

    [Fact]
    public void A_forged_packet_does_not_move_the_window()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(_packet);
        byte[] good = tunnel.A.Sent[0].Bytes, forged = [.. good];
        forged[4] = 0x7F;
        tunnel.B.Receive(forged);
        tunnel.B.Receive(good);
        Assert.Equal("NotAuthentic 1", tunnel.B.Drops);
        Assert.Single(tunnel.B.Written);
    }

    [Theory]
    [InlineData(0, 2000, 2000)]
    [InlineData(1, 2000, 1)]
    [InlineData(32, 2000, 32)]
    [InlineData(1024, 2000, 1024)]
    public void The_window_is_as_wide_as_asked(int window, int sent, int expected)
    {
        using var tunnel = Tunnel.Between(b: sa => sa with { ReplayWindow = window });
        for (var i = 0; i < sent; i++)
            tunnel.A.Send(_packet);
        tunnel.B.Receive(tunnel.A.Sent[^1].Bytes);
        foreach (var late in tunnel.A.Sent.AsEnumerable().Reverse().Skip(1))
            tunnel.B.Receive(late.Bytes);
        Assert.Equal(expected, tunnel.B.Written.Count);
    }

    [Fact]
    public void An_unknown_spi_and_what_is_too_short_are_dropped()
    {
        using var tunnel = Tunnel.Between();
        tunnel.B.Receive(new byte[100]);
        tunnel.B.Receive(new byte[7]);
        tunnel.B.Receive([]);
        tunnel.B.Receive([0xB0, 0, 0, 1, 0, 0, 0, 1, 2]);
        Assert.Equal("UnknownSpi 1, BadLength 2", tunnel.B.Drops);
    }

    public static TheoryData<string, string> OutsideOfSelectors() => new()
    {
        { "10.9.0.5", "10.2.0.9" },
        { "10.1.0.5", "10.9.0.9" },
        { "10.2.0.9", "10.1.0.5" },
        { "fd09::1", "fd02::1" },
        { "fd01::1", "fd09::1" },
    };

    [Theory]
    [MemberData(nameof(OutsideOfSelectors))]
    public void What_comes_out_of_a_tunnel_fits_its_selectors_or_is_dropped(string source, string destination)
    {
        // The sender believes that everything is allowed.
        Selector[] everything = [Tunnel.Prefix("0.0.0.0", 0), Tunnel.Prefix("::", 0)];
        using var tunnel = Tunnel.Between(a: sa => sa with { Local = [.. everything], Remote = [.. everything] }).Connected();
        tunnel.A.Send(Packets.Udp(IpAddress.Parse(source), IpAddress.Parse(destination), []));
        Assert.Equal("OutsideSelectors 1", tunnel.B.Drops);
        Assert.Empty(tunnel.B.Written);
    }

    [Theory]
    [InlineData(6, 443, true)]
    [InlineData(6, 80, false)]
    [InlineData(17, 443, false)]
    public void Protocol_and_ports_count(byte protocol, int port, bool passes)
    {
        using var tunnel = Tunnel.Between(b: sa => sa with { Local = [Tunnel.Prefix("10.2.0.0", 16, 6, 443, 450)] }).Connected();
        tunnel.A.Send(protocol == 6
            ? Packets.Tcp(Packets.A4, Packets.B4, [], destinationPort: (ushort)port)
            : Packets.Udp(Packets.A4, Packets.B4, [], destinationPort: (ushort)port));
        Assert.Equal(passes ? "" : "OutsideSelectors 1", tunnel.B.Drops);
    }

    [Fact]
    public void A_later_fragment_shows_no_ports_and_so_needs_selectors_that_take_any()
    {
        byte[] fragment = [.. _packet];
        (fragment[6], fragment[7]) = (0, 100);
        using var narrow = Tunnel.Between(b: sa => sa with { Local = [Tunnel.Prefix("10.2.0.0", 16, 17, 6000, 6000)] }).Connected();
        narrow.A.Send(fragment);
        Assert.Equal("OutsideSelectors 1", narrow.B.Drops);
        using var opaque = Tunnel.Between(b: sa => sa with { Local = [Tunnel.Prefix("10.2.0.0", 16, 17, ushort.MaxValue, 0)] }).Connected();
        opaque.A.Send(fragment);
        opaque.A.Send(_packet);
        Assert.Equal("OutsideSelectors 1", opaque.B.Drops);
        Assert.Equal(fragment, Assert.Single(opaque.B.Written).Packet);
    }

    /// <summary>Plaintexts as only a peer with the keys can make them.</summary>
    [Theory]
    [InlineData("0102 02 3b", Drop.Dummy)]
    [InlineData("0102 02 06", Drop.NotTunnelMode)]
    [InlineData("0101 02 04", Drop.BadPadding)]
    [InlineData("0000 00 04", Drop.BadInnerPacket)]
    [InlineData("0102 07 04", Drop.BadPadding)]
    [InlineData("4500 00 04", Drop.BadInnerPacket)]
    [InlineData("0102 02 29", Drop.BadInnerPacket)]
    public void What_is_authentic_can_still_be_wrong(string plaintext, Drop expected)
    {
        using var peer = new Peer();
        peer.Send(Convert.FromHexString(plaintext.Replace(" ", "", StringComparison.Ordinal)));
        Assert.Equal($"{expected} 1", peer.End.Drops);
    }

    [Fact]
    public void An_inner_packet_of_the_wrong_family_or_cut_short_is_dropped()
    {
        using var peer = new Peer();
        peer.Send([.. _packet, 1, 2, 2, 41]);
        peer.Send([.. _packet[..^4], 1, 2, 2, 4]);
        Assert.Equal("BadInnerPacket 2", peer.End.Drops);
    }

    [Fact]
    public void Padding_against_traffic_analysis_is_cut_off()
    {
        using var peer = new Peer();
        peer.Send([.. _packet, .. new byte[40], 1, 2, 2, 4]);
        Assert.Equal(_packet, Assert.Single(peer.End.Written).Packet);
    }

    [Fact]
    public void The_longest_padding_is_fine()
    {
        using var peer = new Peer();
        peer.Send([.. _packet[..60], .. Enumerable.Range(1, 254).Select(i => (byte)i), 254, 4]);
        Assert.Equal("", peer.End.Drops);
    }

    [Fact]
    public void The_first_packet_is_reported_once()
    {
        using var tunnel = Tunnel.Between().Connected();
        tunnel.A.Send(_packet);
        tunnel.A.Send(_packet);
        Assert.Equal([new EspReport.FirstInbound(Tunnel.SpiOfB, tunnel.B.Now)], tunnel.B.Reports());
    }

    [Fact]
    public void A_peer_that_moves_is_reported_once_for_each_new_place_and_by_newest_packets_only()
    {
        using var tunnel = Tunnel.Between();
        for (var i = 0; i < 9; i++)
            tunnel.A.Send(_packet);
        var home = Tunnel.PathToA;
        var away = home with { Remote = new(IpAddress.Parse("203.0.113.7"), 1024) };
        var rebound = home with { Remote = home.Remote with { Port = 61_000 } };
        void Receive(int number, Path path) => tunnel.B.Receive(tunnel.A.Sent[number].Bytes, path);
        Receive(0, home);
        Assert.IsType<EspReport.FirstInbound>(Assert.Single(tunnel.B.Reports()));
        Receive(2, away);
        Receive(3, away);
        Assert.Equal([new EspReport.Moved(Tunnel.SpiOfB, away, true, tunnel.B.Now)], tunnel.B.Reports());
        Receive(1, rebound);
        Assert.Empty(tunnel.B.Reports());
        Receive(4, rebound);
        Assert.Equal([new EspReport.Moved(Tunnel.SpiOfB, rebound, true, tunnel.B.Now)], tunnel.B.Reports());
        // Followed: no more to say.
        tunnel.B.Table.Move(Tunnel.SpiOfB, rebound, udpEncapsulated: true);
        Receive(5, rebound);
        Assert.Empty(tunnel.B.Reports());
        Receive(6, away);
        Assert.Single(tunnel.B.Reports());
        // Not followed, back home, and away again: said again.
        Receive(7, rebound);
        Receive(8, away);
        Assert.Single(tunnel.B.Reports());
        tunnel.B.Send(Packets.Udp(Packets.B4, Packets.A4, []));
        Assert.Equal(rebound, tunnel.B.Sent[0].Route.Path);
    }

    [Fact]
    public void A_forged_packet_from_elsewhere_is_not_reported()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(_packet);
        var esp = tunnel.A.Sent[0].Bytes;
        esp[20] ^= 0x80;
        tunnel.B.Receive(esp, Tunnel.PathToB);
        Assert.Empty(tunnel.B.Reports());
    }

    [Fact]
    public void Plain_esp_looks_at_addresses_only_and_encapsulation_counts_as_a_move()
    {
        using var tunnel = Tunnel.Between(b: sa => sa with { UdpEncapsulated = false });
        tunnel.A.Send(_packet);
        tunnel.A.Send(_packet);
        var raw = new Path(new(Tunnel.PathToA.Local.Address, 0), new(Tunnel.PathToA.Remote.Address, 0));
        tunnel.B.Receive(tunnel.A.Sent[0].Bytes, raw, udp: false);
        Assert.IsType<EspReport.FirstInbound>(Assert.Single(tunnel.B.Reports()));
        tunnel.B.Receive(tunnel.A.Sent[1].Bytes, Tunnel.PathToA);
        Assert.Equal([new EspReport.Moved(Tunnel.SpiOfB, Tunnel.PathToA, true, tunnel.B.Now)], tunnel.B.Reports());
        Assert.Equal(2, tunnel.B.Written.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_congestion_mark_outside_is_copied_inside(bool isV6)
    {
        var (from, to) = isV6 ? (Packets.A6, Packets.B6) : (Packets.A4, Packets.B4);
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(Packets.Tcp(from, to, [1], tos: 0xB8 | 2));
        tunnel.A.Send(Packets.Tcp(from, to, [1], tos: 0xB8));
        tunnel.B.Receive(tunnel.A.Sent[0].Bytes, tos: 3);
        tunnel.B.Receive(tunnel.A.Sent[1].Bytes, tos: 3);
        Assert.Equal([Packets.Tcp(from, to, [1], tos: 0xB8 | 3)], tunnel.B.WrittenPackets);
        Assert.Equal("CongestionMark 1", tunnel.B.Drops);
    }

    /// <summary>RFC 6040 figure 4, whole.</summary>
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0, 1, 0)]
    [InlineData(0, 2, 0)]
    [InlineData(0, 3, -1)]
    [InlineData(2, 0, 2)]
    [InlineData(2, 1, 1)]
    [InlineData(2, 2, 2)]
    [InlineData(2, 3, 3)]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 1)]
    [InlineData(1, 2, 1)]
    [InlineData(1, 3, 3)]
    [InlineData(3, 0, 3)]
    [InlineData(3, 1, 3)]
    [InlineData(3, 2, 3)]
    [InlineData(3, 3, 3)]
    public void Marks_merge_by_the_table(byte inner, byte outer, int expected) => Assert.Equal(expected < 0 ? null : (byte?)expected, Ecn.Merge(inner, outer));

    /// <summary>B's end, and the keys to send it whatever one likes.</summary>
    sealed class Peer : IDisposable
    {
        readonly EspSealer _sealer = EspSealer.Create(Tunnel.Gcm128, Tunnel.Keys(Tunnel.Gcm128, 2), new TestDice());
        ulong _sequence;

        public Peer() => End.Table.Install(Tunnel.AtB(Tunnel.Gcm128));

        public End End { get; } = new();

        public void Send(ReadOnlySpan<byte> plaintext)
        {
            var esp = new byte[plaintext.Length + Tunnel.Gcm128.Overhead];
            Assert.Equal(esp.Length, _sealer.Seal(Tunnel.SpiOfB.Value, ++_sequence, plaintext, esp));
            End.Receive(esp);
        }

        public void Dispose()
        {
            _sealer.Dispose();
            End.Dispose();
        }
    }
}
