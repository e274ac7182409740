using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

public sealed class NetlinkTests
{
    const byte Ours = 220;

    /// <summary>Runs in host A with its netlink and the index of its link.</summary>
    static void InHost(Action<Netlink, int> test)
    {
        using var hosts = new TwoHosts();
        hosts.A.Run(() =>
        {
            using var netlink = Netlink.Open();
            test(netlink, netlink.IndexOf(TwoHosts.Link));
        });
    }

    [Fact]
    public void Links_are_listed_looked_up_and_changed() => InHost((netlink, link) =>
    {
        netlink.SetMtu(link, 1400);
        Assert.Equal(new Link(link, TwoHosts.Link, 1400, IsUp: true, IsLoopback: false, "veth"), netlink.FindLink(TwoHosts.Link));
        Assert.Equal(["lo", TwoHosts.Link], netlink.Links().Select(l => l.Name).Order());
        netlink.SetUp(link, up: false);
        Assert.False(netlink.FindLink(link)!.IsUp);
        Assert.Null(netlink.FindLink("nothing"));
        Assert.True(netlink.DeleteLink(link));
        Assert.False(netlink.DeleteLink(link));
    });

    [Theory]
    [InlineData("10.3.0.1/32")]
    [InlineData("fd03::1/128")]
    public void An_address_is_added_listed_and_removed(string text) => InHost((netlink, link) =>
    {
        var address = Prefix.Parse(text);
        Assert.True(netlink.AddAddress(link, address));
        Assert.False(netlink.AddAddress(link, address));
        Assert.Contains(new(link, address, AddressScope.Universe), netlink.Addresses(link));
        Assert.True(netlink.DeleteAddress(link, address));
        Assert.False(netlink.DeleteAddress(link, address));
        Assert.DoesNotContain(netlink.Addresses(), a => a.Prefix == address);
    });

    [Theory]
    [InlineData("10.2.0.0/16", "10.9.0.1", 0)]
    [InlineData("0.0.0.0/0", "10.9.0.1", 7)]
    [InlineData("fd02::/48", "fd09::1", 1024)]
    [InlineData("::/0", "fd09::1", 50)]
    public void A_route_is_added_replaced_listed_and_removed(string destination, string source, uint metric) => InHost((netlink, link) =>
    {
        var route = new IpRoute(Prefix.Parse(destination)) { Link = link, Table = 220, Protocol = Ours, Metric = metric };
        Assert.True(netlink.AddRoute(route));
        Assert.False(netlink.AddRoute(route));
        Assert.Equal([route], netlink.Routes(table: 220));
        var better = route with { Source = IpAddress.Parse(source), Mtu = 1350 };
        netlink.ReplaceRoute(better);
        Assert.Equal([better], netlink.Routes(protocol: Ours));
        Assert.True(netlink.DeleteRoute(better));
        Assert.False(netlink.DeleteRoute(better));
        Assert.Empty(netlink.Routes(table: 220));
    });

    [Fact]
    public void A_route_by_a_gateway_in_a_large_table_is_kept_as_given() => InHost((netlink, link) =>
    {
        var route = new IpRoute(Prefix.Parse("10.5.0.0/16")) { Link = link, Gateway = TwoHosts.B4, Table = 70000, Protocol = Ours };
        netlink.AddRoute(route);
        Assert.Equal([route], netlink.Routes(table: 70000));
    });

    [Theory]
    [InlineData("10.1.0.0/16", "10.2.0.0/16")]
    [InlineData("0.0.0.0/32", null)]
    [InlineData(null, "10.2.0.0/16")]
    [InlineData("fd01::/16", null)]
    public void A_rule_is_added_listed_and_removed(string? from, string? to) => InHost((netlink, _) =>
    {
        var rule = new IpRule
        {
            IsV6 = (from ?? to)!.Contains(':'),
            From = from is null ? null : Prefix.Parse(from).Network,
            To = to is null ? null : Prefix.Parse(to),
            Priority = 220,
            Table = 220,
            Mark = 0,
            MarkMask = 0x100,
            IpProtocol = 17,
            SourcePorts = (1, 65534),
            DestinationPorts = (500, 500),
            FindSource = from?.Contains(':') ?? false,
            Protocol = Ours,
        };
        Assert.True(netlink.AddRule(rule));
        Assert.False(netlink.AddRule(rule));
        Assert.Equal([rule], netlink.Rules().Where(r => r.Protocol == Ours));
        Assert.True(netlink.DeleteRule(rule));
        Assert.False(netlink.DeleteRule(rule));
        Assert.DoesNotContain(netlink.Rules(), r => r.Protocol == Ours);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_way_to_a_peer_depends_on_the_mark(bool isV6) => InHost((netlink, link) =>
    {
        var peer = isV6 ? IpAddress.Parse("2001:db8::1") : IpAddress.Parse("192.0.2.1");
        Assert.Null(netlink.RouteGet(peer));
        netlink.SetMtu(link, 1300);
        netlink.AddRoute(new(Prefix.Host(peer)) { Link = link, Gateway = TwoHosts.AddressOfB(isV6), Table = 220, Protocol = Ours });
        netlink.AddRule(new() { IsV6 = isV6, Mark = 5, MarkMask = 0xff, Table = 220, Priority = 220, Protocol = Ours });
        Assert.Null(netlink.RouteGet(peer));
        Assert.Equal(new(link, TwoHosts.AddressOfA(isV6), TwoHosts.AddressOfB(isV6), 1300), netlink.RouteGet(peer, mark: 5));
    });

    [Fact]
    public void A_refusal_says_what_was_being_done_and_why() => InHost((netlink, link) =>
    {
        var route = new IpRoute(Prefix.Parse("10.2.0.0/16")) { Link = link, Source = IpAddress.Parse("10.77.0.1"), Table = 220 };
        var e = Assert.Throws<LinuxException>(() => netlink.AddRoute(route));
        Assert.Equal($"cannot add route 10.2.0.0/16 table 220 link {link} src 10.77.0.1: Invalid prefsrc address [rtnetlink: EINVAL]", e.Message);
        Assert.Equal("there is no network device eth7 [rtnetlink: ENODEV]", Assert.Throws<LinuxException>(() => netlink.IndexOf("eth7")).Message);
    });

    [Fact]
    public void Without_the_right_the_message_says_which_one_is_missing() => InHost((netlink, link) =>
    {
        var route = new IpRoute(Prefix.Parse("10.2.0.0/16")) { Link = link };
        Capabilities.DropAll();
        Assert.Equal($"no right to add route 10.2.0.0/16 table 254 link {link}: run as root or give CAP_NET_ADMIN [rtnetlink: EPERM]",
            Assert.Throws<LinuxException>(() => netlink.AddRoute(route)).Message);
    });

    [Fact]
    public void Changes_are_told() => InHost((netlink, link) =>
    {
        using var monitor = NetlinkMonitor.Open();
        Assert.Equal(NetworkChange.None, monitor.Read());
        netlink.AddAddress(link, Prefix.Parse("10.3.0.1/32"));
        Waiting.Until(monitor.Number);
        Assert.True(monitor.Read().HasFlag(NetworkChange.Addresses));
        netlink.AddRoute(new(Prefix.Parse("10.4.0.0/16")) { Link = link });
        Assert.Equal(NetworkChange.Routes, monitor.Read());
        netlink.AddRule(new() { Priority = 5 });
        Assert.Equal(NetworkChange.Rules, monitor.Read());
        netlink.SetMtu(link, 1400);
        Assert.True(monitor.Read().HasFlag(NetworkChange.Links));
    });
}
