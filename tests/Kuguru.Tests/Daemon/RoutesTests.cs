using Kuguru.Daemon;
using Kuguru.Linux;
using Kuguru.Tests.Linux;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Daemon;

/// <summary>In host A of <see cref="TwoHosts"/>: 10.9.0.1 and fd09::1 on a link to B, who is also the way to 192.0.2.0/24 and 2001:db8::/32.</summary>
public sealed class RoutesTests
{
    static readonly RouteOwner _first = RouteOwner.Sa(new Spi(0x1001)), _second = RouteOwner.Sa(new Spi(0x1002));

    static void InHost(Action<Netlink, TunDevice> test)
    {
        Needs.Tun();
        using var hosts = new TwoHosts();
        hosts.A.Run(() =>
        {
            using var netlink = Netlink.Open();
            using var tun = TunDevice.Open(new() { Name = "ipsec0" });
            netlink.ForgoLinkLocal(tun.Index);
            netlink.SetUp(tun.Index);
            var link = netlink.IndexOf(TwoHosts.Link);
            netlink.AddRoute(new(Prefix.Parse("192.0.2.0/24")) { Link = link, Gateway = TwoHosts.B4 });
            netlink.AddRoute(new(Prefix.Parse("2001:db8::/32")) { Link = link, Gateway = TwoHosts.B6 });
            test(netlink, tun);
        });
    }

    static string Way(Netlink netlink, TunDevice tun, string to, string? from = null, uint mark = 0) =>
        netlink.RouteGet(IpAddress.Parse(to), mark, from is null ? null : IpAddress.Parse(from)) is { } way
            ? $"{(way.Link == tun.Index ? "tun" : "link")} from {way.Source}"
            : "none";

    [Theory]
    [InlineData("10.3.0.1", "192.0.2.7", "10.9.0.1", "0.0.0.0/0")]
    [InlineData("fd03::1", "2001:db8::7", "fd09::1", "::/0")]
    public void With_a_virtual_address_our_own_traffic_goes_into_the_tunnel_and_what_says_otherwise_does_not(
        string virtualIp, string peer, string outer, string remote) => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        routes.AddAddress(1, IpAddress.Parse(virtualIp));
        routes.Add(_first, Given.Selectors($"{virtualIp}/{IpAddress.Parse(virtualIp).Bits}"), Given.Selectors(remote), IpAddress.Parse(outer), innerMtu: 1400);

        Assert.Equal($"tun from {virtualIp}", Way(netlink, tun, peer));
        Assert.Equal($"tun from {virtualIp}", Way(netlink, tun, peer, from: virtualIp));
        Assert.Equal($"link from {outer}", Way(netlink, tun, peer, from: outer));
        Assert.Equal($"link from {outer}", Way(netlink, tun, peer, mark: RoutesOptions.DefaultMark));
        Assert.Equal(1400, netlink.RouteGet(IpAddress.Parse(peer))!.Mtu);
    });

    [Theory]
    [InlineData("10.3.0.1", "10.2.0.0/16", "10.2.0.5", "192.0.2.7", "10.9.0.2", "10.9.0.1", "net/ipv4/ip_forward")]
    [InlineData("fd03::1", "fd02::/64", "fd02::5", "2001:db8::7", "fd09::2", "fd09::1", "net/ipv6/conf/all/forwarding")]
    public void What_is_forwarded_enters_the_tunnel_of_a_virtual_address_and_the_host_itself_keeps_its_way(
        string virtualIp, string remote, string far, string peer, string behind, string own, string forwarding) => InHost((netlink, tun) =>
    {
        File.WriteAllText($"/proc/sys/{forwarding}", "1");
        var (address, link) = (IpAddress.Parse(virtualIp), netlink.IndexOf(TwoHosts.Link));
        netlink.AddRoute(new(Prefix.Parse(remote)) { Link = link });
        using var routes = new Routes(tun, new());
        routes.AddAddress(1, address);
        routes.Add(_first, Given.Selectors($"{virtualIp}/{address.Bits}"), Given.Selectors(remote), IpAddress.Parse(own), peer: IpAddress.Parse(peer));
        Assert.Equal(tun.Index, Forwarded());
        Assert.Equal($"link from {own}", Way(netlink, tun, far, from: own));
        Assert.Equal($"tun from {virtualIp}", Way(netlink, tun, far));

        // A link that comes later is one more by which packets come, and one that goes takes its rule with it.
        netlink.AddVethPair("lan0", "lan1");
        netlink.AddAddress(netlink.IndexOf("lan0"), Prefix.Parse("10.8.0.1/24"));
        routes.Refresh();
        Assert.Contains(netlink.Rules(), rule => rule.InLink == "lan0");
        netlink.DeleteLink(netlink.IndexOf("lan0"));
        routes.Refresh();
        Assert.DoesNotContain(netlink.Rules(), rule => rule.InLink == "lan0");

        // Everything that this host says goes to the peer: whom it forwards for keeps the way in the clear.
        routes.Add(_first, Given.Selectors($"{virtualIp}/{address.Bits}"), Given.Selectors($"{remote} {peer}/{address.Bits}"), peer: IpAddress.Parse(peer));
        Assert.Equal(link, Forwarded());
        routes.Remove(_first);
        Assert.DoesNotContain(netlink.Rules(), rule => rule.Protocol == 220);

        int? Forwarded() => netlink.RouteGet(IpAddress.Parse(far), source: IpAddress.Parse(behind), inLink: link)?.Link;
    });

    [Fact]
    public void The_peer_itself_may_be_in_the_selectors() => InHost((netlink, tun) =>
    {
        // As on strongSwan's rw-psk-ipv4: the gateway's LAN on one end, a host without virtual address on the other.
        using var routes = new Routes(tun, new());
        netlink.AddAddress(netlink.IndexOf("lo"), Prefix.Parse("10.1.0.1/32"));
        routes.Add(_first, Given.Selectors("10.1.0.0/16"), Given.Selectors("192.0.2.7/32"), TwoHosts.A4);
        Assert.Equal("tun from 10.1.0.1", Way(netlink, tun, "192.0.2.7"));
        Assert.Equal("tun from 10.1.0.1", Way(netlink, tun, "192.0.2.7", from: "10.1.0.1"));
        Assert.Equal("link from 10.9.0.1", Way(netlink, tun, "192.0.2.7", from: "10.9.0.1"));
        Assert.Equal("link from 10.9.0.1", Way(netlink, tun, "192.0.2.7", mark: RoutesOptions.DefaultMark));
        Assert.Equal("link from 10.9.0.1", Way(netlink, tun, "192.0.2.8"));

        // Host to host: only the mark tells IKE from what is to be protected.
        routes.Add(_second, Given.Selectors("10.9.0.1/32"), Given.Selectors("192.0.2.7/32"), TwoHosts.A4);
        Assert.Equal("tun from 10.9.0.1", Way(netlink, tun, "192.0.2.7", from: "10.9.0.1"));
        Assert.Equal("link from 10.9.0.1", Way(netlink, tun, "192.0.2.7", from: "10.9.0.1", mark: RoutesOptions.DefaultMark));
    });

    [Fact]
    public void An_inner_address_of_a_gateway_speaks_IPv6_into_the_tunnel() => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        netlink.AddAddress(netlink.IndexOf("lo"), Prefix.Parse("fd01::1/128"));
        routes.Add(_first, Given.Selectors("fd01::/64"), Given.Selectors("fd02::/64"), TwoHosts.A6);
        Assert.Equal("tun from fd01::1", Way(netlink, tun, "fd02::5", from: "fd01::1"));
        Assert.Equal("none", Way(netlink, tun, "fd02::5", from: "fd09::1"));
    });

    [Fact]
    public void What_several_need_stays_until_the_last_is_gone() => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        routes.Add(_first, Given.Selectors("10.9.0.1/32"), Given.Selectors("10.2.0.0/16"), innerMtu: 1400);
        routes.Add(_second, Given.Selectors("10.9.0.1/32"), Given.Selectors("10.2.0.0/16 10.4.0.0/16"), innerMtu: 1300);
        Assert.Equal(["10.2.0.0/16 1300", "10.4.0.0/16 1300"], Installed());
        routes.LimitMtu(_second, 1350);
        Assert.Equal(["10.2.0.0/16 1350", "10.4.0.0/16 1350"], Installed());
        routes.Remove(_second);
        Assert.Equal(["10.2.0.0/16 1400"], Installed());
        Assert.Equal(2, OurRules());
        routes.Remove(_first);
        Assert.Empty(Installed());
        Assert.Equal(0, OurRules());

        string[] Installed() => [.. netlink.Routes(table: 220).Select(route => $"{route.Destination} {route.Mtu}").Order()];
        int OurRules() => netlink.Rules().Count(rule => rule.Protocol == 220);
    });

    [Fact]
    public void An_owner_that_comes_again_has_only_what_it_said_last() => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        routes.Add(RouteOwner.Trap(1), Given.Selectors("10.9.0.1/32"), Given.Selectors("10.2.0.0/16 10.5.0.0/16"));
        routes.Add(RouteOwner.Trap(1), Given.Selectors("10.9.0.1/32"), Given.Selectors("10.2.0.0/16 10.4.0.0/16"));
        Assert.Equal(["10.2.0.0/16", "10.4.0.0/16"], netlink.Routes(table: 220).Select(route => route.Destination.ToString()).Order());
        routes.Remove(RouteOwner.Trap(1));
        Assert.Empty(netlink.Routes(table: 220));
    });

    [Fact]
    public void What_a_trap_has_brought_up_gives_the_source_and_the_trap_when_it_is_gone() => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        routes.Add(RouteOwner.Trap(1), Given.Selectors("10.9.0.1/32"), Given.Selectors("10.2.0.0/16"), TwoHosts.A4);
        Assert.Equal("tun from 10.9.0.1", Way(netlink, tun, "10.2.0.5"));
        routes.AddAddress(1, IpAddress.Parse("10.3.0.1"));
        routes.Add(_first, Given.Selectors("10.3.0.1/32"), Given.Selectors("10.2.0.0/16"), TwoHosts.A4);
        Assert.Equal("tun from 10.3.0.1", Way(netlink, tun, "10.2.0.5"));
        routes.Remove(_first);
        routes.RemoveAddress(1, IpAddress.Parse("10.3.0.1"));
        Assert.Equal("tun from 10.9.0.1", Way(netlink, tun, "10.2.0.5"));
    });

    [Fact]
    public void A_virtual_address_that_comes_late_becomes_the_source_and_goes_with_its_last_user() => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        routes.Add(_first, Given.Selectors("10.3.0.0/16"), Given.Selectors("10.2.0.0/16"));
        Assert.Null(Assert.Single(netlink.Routes(table: 220)).Source);
        var address = IpAddress.Parse("10.3.0.1");
        routes.AddAddress(1, address);
        routes.AddAddress(2, address);
        Assert.Equal(address, Assert.Single(netlink.Routes(table: 220)).Source);
        routes.RemoveAddress(1, address);
        Assert.Contains(netlink.Addresses(tun.Index), a => a.Prefix.Address == address);
        routes.RemoveAddress(2, address);
        Assert.DoesNotContain(netlink.Addresses(), a => a.Prefix.Address == address);
        Assert.Null(Assert.Single(netlink.Routes(table: 220)).Source);
    });

    [Fact]
    public void The_last_address_of_the_device_does_not_take_the_routes_of_others_with_it() => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        var address = IpAddress.Parse("10.3.0.1");
        routes.AddAddress(1, address);
        routes.Add(_first, Given.Selectors("10.3.0.1/32"), Given.Selectors("10.4.0.0/16"));
        routes.Add(_second, Given.Selectors("10.9.0.1/32"), Given.Selectors("10.2.0.0/16"));
        routes.Remove(_first);
        routes.RemoveAddress(1, address);
        Assert.Equal("10.2.0.0/16", Assert.Single(netlink.Routes(table: 220)).Destination.ToString());
    });

    [Fact]
    public void Routes_that_the_kernel_dropped_come_back() => InHost((netlink, tun) =>
    {
        using var routes = new Routes(tun, new());
        routes.Add(_first, Given.Selectors("10.9.0.1/32 fd09::1/128"), Given.Selectors("10.2.0.0/16 fd02::/64"));
        var before = netlink.Routes(table: 220, protocol: 220);
        Assert.Equal(2, before.Count);
        netlink.SetUp(tun.Index, up: false);
        netlink.SetUp(tun.Index);
        Assert.Empty(netlink.Routes(table: 220, protocol: 220));
        routes.Refresh();
        Assert.Equal(before, netlink.Routes(table: 220, protocol: 220));
        routes.Refresh();
    });

    [Fact]
    public void Everything_is_put_back_and_nothing_else() => InHost((netlink, tun) =>
    {
        netlink.AddRule(new() { Priority = 220, Table = 220, Protocol = 4 });
        netlink.AddRoute(new(Prefix.Parse("10.8.0.0/16")) { Link = netlink.IndexOf(TwoHosts.Link), Table = 220 });
        var before = State();
        using (var routes = new Routes(tun, new()))
        {
            routes.AddAddress(1, IpAddress.Parse("10.3.0.1"));
            routes.AddAddress(1, IpAddress.Parse("fd03::1"));
            routes.Add(_first, Given.Selectors("10.3.0.1/32 fd03::1/128"), Given.Selectors("0.0.0.0/0 ::/0"));
            Assert.NotEqual(before, State());
        }
        Assert.Equal(before, State());

        string State() => string.Join('\n', ((IEnumerable<object>)[.. netlink.Rules(), .. netlink.Routes(), .. netlink.Addresses()])
            .Select(each => $"{each}").Order());
    });

    [Fact]
    public void What_a_crash_left_is_removed_and_told() => InHost((netlink, tun) =>
    {
        netlink.AddRule(new() { Priority = 220, Table = 220, Protocol = 220, From = Prefix.Parse("10.3.0.1/32") });
        netlink.AddRule(new() { IsV6 = true, Priority = 220, Table = 220, Protocol = 220, From = Prefix.Parse("fd03::1/128"), FindSource = true });
        netlink.AddRoute(new(Prefix.AllV4) { Kind = RouteKind.Unreachable, Table = 220, Protocol = 220 });
        using var routes = new Routes(tun, new());
        Assert.Equal(
        [
            "an earlier run left routing rule 220: from 10.3.0.1/32 lookup 220: removed",
            "an earlier run left routing rule 220: from fd03::1/128 lookup 220: removed",
            "an earlier run left route 0.0.0.0/0 table 220 Unreachable: removed",
        ], routes.Leftovers);
        Assert.DoesNotContain(netlink.Rules(), rule => rule.Protocol == 220);
        Assert.Empty(netlink.Routes(table: 220));
    });

    [Fact]
    public void A_route_of_somebody_else_is_left_alone_and_named() => InHost((netlink, tun) =>
    {
        netlink.AddRoute(new(Prefix.Parse("10.2.0.0/16")) { Link = netlink.IndexOf(TwoHosts.Link), Table = 220 });
        var before = netlink.Routes(table: 220);
        using (var routes = new Routes(tun, new()))
        {
            var e = Assert.Throws<LinuxException>(() => routes.Add(_first, Given.Selectors("10.9.0.1/32"), Given.Selectors("10.2.0.0/16")));
            Assert.Contains("table 220 has a route of another program there (10.2.0.0/16 table 220 link", e.Message);
            routes.Remove(_first);
        }
        Assert.Equal(before, netlink.Routes(table: 220));
    });
}
