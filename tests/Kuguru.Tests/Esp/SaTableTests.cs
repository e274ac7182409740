using Kuguru.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

public sealed class SaTableTests
{
    static readonly byte[] _packet = Packets.Udp(Packets.A4, Packets.B4, Packets.Payload(32));

    [Fact]
    public void A_pair_that_is_inbound_only_receives_but_sends_when_used()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Table.Install(Tunnel.AtA(Tunnel.Gcm128, 1), inboundOnly: true);
        tunnel.B.Table.Install(Tunnel.AtB(Tunnel.Gcm128, 1));
        tunnel.A.Send(_packet);
        Assert.Equal(Tunnel.SpiOfB, SpiOf(tunnel.A));
        tunnel.B.Send(Packets.Udp(Packets.B4, Packets.A4, []));
        Assert.Equal(Tunnel.SpiOfA.Value + 1, SpiOf(tunnel.B).Value);
        tunnel.A.Receive(tunnel.B.Sent[^1].Bytes, Tunnel.PathToB);
        Assert.Single(tunnel.A.Written);
        Assert.True(tunnel.A.Table.Use(new(Tunnel.SpiOfA.Value + 1)));
        tunnel.A.Send(_packet);
        Assert.Equal(Tunnel.SpiOfB.Value + 1, SpiOf(tunnel.A).Value);
    }

    /// <summary>In another IKE SA that proves anew who is there, say: the old one's end is all that is heard of it.</summary>
    [Fact]
    public void A_pair_that_is_inbound_only_sends_when_nothing_else_is_left_to_send_with()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Table.Install(Tunnel.AtA(Tunnel.Gcm128, 1));
        tunnel.A.Table.Install(Tunnel.AtA(Tunnel.Gcm128, 2), inboundOnly: true);
        Assert.True(tunnel.A.Table.Remove(new(Tunnel.SpiOfA.Value + 1)));
        tunnel.A.Send(_packet);
        Assert.Equal(Tunnel.SpiOfB, SpiOf(tunnel.A));
        Assert.True(tunnel.A.Table.ReceiveOnly(Tunnel.SpiOfA));
        tunnel.A.Send(_packet);
        Assert.Equal(Tunnel.SpiOfB.Value + 2, SpiOf(tunnel.A).Value);
        Assert.True(tunnel.A.Table.Remove(new(Tunnel.SpiOfA.Value + 2)));
        tunnel.A.Send(_packet);
        Assert.Equal("NoPolicy 1", tunnel.A.Drops);
    }

    [Fact]
    public void When_the_newest_goes_the_older_one_is_used_again()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Table.Install(Tunnel.AtA(Tunnel.Gcm128, 1));
        tunnel.A.Send(_packet);
        Assert.Equal(Tunnel.SpiOfB.Value + 1, SpiOf(tunnel.A).Value);
        Assert.True(tunnel.A.Table.Remove(new(Tunnel.SpiOfA.Value + 1)));
        tunnel.A.Send(_packet);
        Assert.Equal(Tunnel.SpiOfB, SpiOf(tunnel.A));
        Assert.Equal(1, tunnel.A.Table.Count);
    }

    [Fact]
    public void A_pair_that_was_removed_neither_sends_nor_receives()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Send(_packet);
        Assert.True(tunnel.B.Table.Remove(Tunnel.SpiOfB));
        tunnel.B.Receive(tunnel.A.Sent[0].Bytes);
        tunnel.B.Send(Packets.Udp(Packets.B4, Packets.A4, []));
        Assert.Equal("UnknownSpi 1, NoPolicy 1", tunnel.B.Drops);
        Assert.False(tunnel.B.Table.Remove(Tunnel.SpiOfB));
        Assert.False(tunnel.B.Table.Use(Tunnel.SpiOfB));
        Assert.False(tunnel.B.Table.Move(Tunnel.SpiOfB, Tunnel.PathToA, true));
    }

    [Fact]
    public void Installing_an_spi_twice_is_a_bug()
    {
        using var tunnel = Tunnel.Between();
        Assert.Throws<InvalidOperationException>(() => tunnel.A.Table.Install(Tunnel.AtA(Tunnel.Gcm128)));
    }

    [Fact]
    public void A_moved_pair_sends_elsewhere_with_the_mtu_of_there()
    {
        using var tunnel = Tunnel.Between();
        var path = new Path(new(IpAddress.Parse("2001:db8::1"), 4500), new(IpAddress.Parse("2001:db8::2"), 4500));
        Assert.True(tunnel.A.Table.Move(Tunnel.SpiOfA, path, udpEncapsulated: false));
        tunnel.A.Send(_packet);
        Assert.Equal((path, false), (tunnel.A.Sent[0].Route.Path, tunnel.A.Sent[0].Route.UdpEncapsulated));
        Assert.Equal(1426, tunnel.A.Table.RouteOf(Tunnel.SpiOfA)!.InnerMtu);
    }

    [Fact]
    public void The_keys_may_be_wiped_as_soon_as_they_are_installed()
    {
        using var end = new End();
        var sa = Tunnel.AtA(Tunnel.Gcm128);
        end.Table.Install(sa);
        sa.InboundKeys.Dispose();
        sa.OutboundKeys.Dispose();
        end.Send(_packet);
        using var other = Tunnel.Between();
        other.B.Receive(end.Sent[0].Bytes);
        Assert.Single(other.B.Written);
    }

    [Fact]
    public void A_trap_asks_for_an_sa_once_a_second()
    {
        using var end = new End();
        end.Table.InstallTrap(new(7, Tunnel.SelectorsOfA, Tunnel.SelectorsOfB));
        var start = end.Now;
        foreach (var milliseconds in (int[])[0, 10, 999, 1000, 1500, 2001])
        {
            end.Now = start + TimeSpan.FromMilliseconds(milliseconds);
            end.Send(_packet);
        }
        var flow = new Flow(IpProtocol.Udp, new(Packets.A4, 5000), new(Packets.B4, 6000));
        Assert.Equal(
            ((int[])[0, 1000, 2001]).Select(milliseconds => new EspReport.Acquire(7, flow, start + TimeSpan.FromMilliseconds(milliseconds))), end.Reports());
        Assert.Equal("AwaitingSa 6", end.Drops);
    }

    [Fact]
    public void An_sa_comes_before_the_trap_of_the_same_selectors_whichever_came_first()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Table.InstallTrap(new(1, Tunnel.SelectorsOfA, Tunnel.SelectorsOfB));
        tunnel.A.Send(_packet);
        Assert.Single(tunnel.A.Sent);
        tunnel.A.Table.Remove(Tunnel.SpiOfA);
        tunnel.A.Send(_packet);
        Assert.Equal("AwaitingSa 1", tunnel.A.Drops);
        Assert.True(tunnel.A.Table.RemoveTrap(1));
        Assert.False(tunnel.A.Table.RemoveTrap(1));
        tunnel.A.Send(_packet);
        Assert.Equal("NoPolicy 1, AwaitingSa 1", tunnel.A.Drops);
    }

    [Fact]
    public void A_drop_takes_what_no_sa_and_no_trap_takes_and_asks_for_none()
    {
        using var tunnel = Tunnel.Between();
        tunnel.A.Table.InstallDrop(new(9, Tunnel.SelectorsOfA, Tunnel.SelectorsOfB));
        tunnel.A.Send(_packet);
        Assert.Single(tunnel.A.Sent);
        tunnel.A.Table.Remove(Tunnel.SpiOfA);
        tunnel.A.Send(_packet);
        Assert.Equal("Shunted 1", tunnel.A.Drops);
        Assert.Empty(tunnel.A.Reports());
        tunnel.A.Table.InstallTrap(new(1, Tunnel.SelectorsOfA, Tunnel.SelectorsOfB));
        tunnel.A.Send(_packet);
        Assert.Equal("AwaitingSa 1, Shunted 1", Sorted(tunnel.A.Drops));
        Assert.True(tunnel.A.Table.RemoveTrap(1));
        Assert.True(tunnel.A.Table.RemoveTrap(9));
        tunnel.A.Send(_packet);
        Assert.Equal("AwaitingSa 1, NoPolicy 1, Shunted 1", Sorted(tunnel.A.Drops));

        static string Sorted(string drops) => string.Join(", ", drops.Split(", ").Order(StringComparer.Ordinal));
    }

    /// <summary>Each row: what each policy takes, by name; then a packet, and whose it is.</summary>
    [Theory]
    [InlineData("10.2.0.9", 17, 53, "host")]
    [InlineData("10.2.0.10", 17, 53, "subnet")]
    [InlineData("10.2.200.1", 6, 22, "range")]
    [InlineData("10.2.100.1", 17, 53, "dns")]
    [InlineData("10.2.100.1", 17, 54, "udp")]
    [InlineData("10.2.100.1", 6, 53, "subnet")]
    [InlineData("10.3.0.1", 6, 53, "everything")]
    [InlineData("192.0.2.1", 1, 0, "everything")]
    [InlineData("fd02::1", 6, 53, "v6")]
    [InlineData("2001:db8::1", 6, 53, "")]
    public void The_narrowest_policy_wins(string destination, byte protocol, int port, string expected)
    {
        using var end = new End();
        var any = Tunnel.Prefix("10.1.0.0", 16);
        (string Name, Selector Remote)[] policies =
        [
            ("everything", Tunnel.Prefix("0.0.0.0", 0)),
            ("host", Tunnel.Prefix("10.2.0.9", 32)),
            ("subnet", Tunnel.Prefix("10.2.0.0", 16)),
            ("dns", Tunnel.Prefix("10.2.96.0", 19, 17, 53, 53)),
            ("udp", Tunnel.Prefix("10.2.96.0", 19, 17)),
            ("range", new(new(IpAddress.Parse("10.2.192.0"), IpAddress.Parse("10.2.200.1")))),
            ("v6", Tunnel.Prefix("fd02::", 16)),
        ];
        foreach (var ((_, remote), i) in policies.Select((policy, i) => (policy, i)))
            end.Table.InstallTrap(new((uint)i, [any, Tunnel.Prefix("fd01::", 16)], [remote]));
        var to = IpAddress.Parse(destination);
        var from = to.IsV6 ? Packets.A6 : Packets.A4;
        end.Send(protocol switch
        {
            6 => Packets.Tcp(from, to, [], destinationPort: (ushort)port),
            17 => Packets.Udp(from, to, [], destinationPort: (ushort)port),
            _ => Packets.Ip(from, to, protocol, [8, 0, 0, 0]),
        });
        Assert.Equal(expected, end.Reports() is [EspReport.Acquire acquire] ? policies[acquire.ReqId].Name : "");
    }

    [Fact]
    public void Icmp_is_selected_by_type_and_code()
    {
        using var end = new End();
        end.Table.InstallTrap(new(1, [Tunnel.Prefix("10.1.0.0", 16)], [Tunnel.Prefix("10.2.0.0", 16, 1, 8 << 8, 8 << 8 | 255)]));
        end.Send(Packets.Ip(Packets.A4, Packets.B4, 1, [8, 0, 0, 0]));
        end.Send(Packets.Ip(Packets.A4, Packets.B4, 1, [0, 0, 0, 0]));
        Assert.Equal("NoPolicy 1, AwaitingSa 1", end.Drops);
    }

    [Fact]
    public void Hundreds_of_selectors_are_one_policy()
    {
        using var tunnel = Tunnel.Between(a: sa => sa with
        {
            Local = [.. Enumerable.Range(0, 200).Select(i => Tunnel.Prefix($"10.1.{i}.0", 24))],
            Remote = [.. Enumerable.Range(0, 200).Select(i => Tunnel.Prefix($"10.2.{i}.0", 24))],
        });
        tunnel.A.Send(_packet);
        tunnel.A.Send(Packets.Udp(IpAddress.Parse("10.1.199.1"), IpAddress.Parse("10.2.199.1"), []));
        tunnel.A.Send(Packets.Udp(IpAddress.Parse("10.1.199.1"), IpAddress.Parse("10.2.200.1"), []));
        Assert.Equal(2, tunnel.A.Sent.Count);
        Assert.Equal("NoPolicy 1", tunnel.A.Drops);
        tunnel.A.Table.Remove(Tunnel.SpiOfA);
        tunnel.A.Send(_packet);
        Assert.Equal("NoPolicy 2", tunnel.A.Drops);
    }

    /// <summary>A gateway's table: each client has one address. What is looked at for a packet does not grow with their number.</summary>
    [Fact]
    public void A_hundred_thousand_policies_are_found_and_forgotten()
    {
        const int count = 100_000;
        var policies = new Policies();
        var traps = new Trap[count];
        for (var i = 0; i < count; i++)
            policies.Add(traps[i] = new(new((uint)i, [Tunnel.Prefix("0.0.0.0", 0)], [new(AddressRange.Single(IpAddress.V4(0x0A020000u + (uint)i)))])));
        var found = 0;
        for (var i = 0; i < count; i += 7)
            found += policies.Find(PacketTo(i)) == traps[i] ? 1 : 0;
        Assert.Equal((count + 6) / 7, found);
        for (var i = 0; i < count; i += 2)
            policies.Remove(traps[i]);
        Assert.Null(policies.Find(PacketTo(70_000)));
        Assert.Same(traps[70_001], policies.Find(PacketTo(70_001)));
        for (var i = 1; i < count; i += 2)
            policies.Remove(traps[i]);
        Assert.Null(policies.Find(PacketTo(70_001)));
    }

    static IpPacket PacketTo(int client)
    {
        Assert.True(IpPacket.TryRead(Packets.Udp(Packets.A4, IpAddress.V4(0x0A020000u + (uint)client), []), out var packet));
        return packet;
    }

    static Spi SpiOf(End end) => EspHeader.TryRead(end.Sent[^1].Bytes, out var header) ? header.Spi : default;
}
