using Kuguru.Daemon;
using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Daemon;

public sealed class RoutePlanTests
{
    static readonly RoutesOptions _options = new() { Mark = 0x100 };

    [Theory]
    // a road warrior with a virtual address, everything into the tunnel
    [InlineData("10.3.0.1/32", "0.0.0.0/0", "0.0.0.0/0")]
    // two networks
    [InlineData("10.1.0.0/16", "10.2.0.0/16 10.4.0.0/16", "10.2.0.0/16 10.4.0.0/16")]
    // a range that is no prefix
    [InlineData("10.1.0.0/16", "10.2.0.1-10.2.0.4", "10.2.0.1/32 10.2.0.2/31 10.2.0.4/32")]
    // two services of one network are one route
    [InlineData("10.1.0.0/16", "10.2.0.0/16[tcp/80] 10.2.0.0/16[udp/53]", "10.2.0.0/16")]
    // a family that only the other end has is nowhere to go
    [InlineData("10.1.0.0/16", "fd02::/64 10.2.0.0/16", "10.2.0.0/16")]
    [InlineData("10.1.0.0/16 fd01::/64", "fd02::/64 10.2.0.0/16", "fd02::/64 10.2.0.0/16")]
    public void Remote_selectors_become_routes(string local, string remote, string routes) =>
        Assert.Equal(routes, string.Join(' ', RoutePlan.Destinations(Given.Selectors(local), Given.Selectors(remote))));

    [Theory]
    [InlineData("10.3.0.1/32", "0.0.0.0/0", """
        220: from 10.3.0.1/32 fwmark 0x0/0x100 lookup 220
        220: from 0.0.0.0/32 fwmark 0x0/0x100 lookup 220
        """)]
    [InlineData("10.1.0.0/16", "10.2.0.0/16 10.4.0.0/16", """
        220: from 10.1.0.0/16 fwmark 0x0/0x100 lookup 220
        220: from 0.0.0.0/32 fwmark 0x0/0x100 lookup 220
        """)]
    // everything local, without a source yet or not
    [InlineData("0.0.0.0/0", "10.3.0.1/32", "220: from all fwmark 0x0/0x100 lookup 220")]
    // IPv6 looks itself
    [InlineData("fd01::/64", "fd02::/64", "220: from fd01::/64 fwmark 0x0/0x100 lookup 220")]
    // what another protocol says is none of ours
    [InlineData("10.1.0.0/16[tcp]", "10.2.0.0/16[tcp/80]", """
        220: from 10.1.0.0/16 fwmark 0x0/0x100 ipproto 6 dport 80-80 lookup 220
        220: from 0.0.0.0/32 fwmark 0x0/0x100 ipproto 6 dport 80-80 lookup 220
        """)]
    [InlineData("10.1.0.10/32[udp/0-1023]", "10.2.0.0/16", """
        220: from 10.1.0.10/32 fwmark 0x0/0x100 ipproto 17 sport 1-1023 lookup 220
        220: from 0.0.0.0/32 fwmark 0x0/0x100 ipproto 17 sport 1-1023 lookup 220
        """)]
    // ICMP's type and code are no ports
    [InlineData("10.1.0.0/16[icmp/8]", "10.2.0.0/16[icmp/8]", """
        220: from 10.1.0.0/16 fwmark 0x0/0x100 ipproto 1 lookup 220
        220: from 0.0.0.0/32 fwmark 0x0/0x100 ipproto 1 lookup 220
        """)]
    [InlineData("10.1.0.0/16", "fd02::/64", "")]
    public void Local_selectors_become_rules(string local, string remote, string rules) =>
        Assert.Equal(rules, string.Join('\n', RoutePlan.Rules(Given.Selectors(local), Given.Selectors(remote), _options)));

    [Theory]
    [InlineData("10.3.0.1/32", "10.2.0.0/16[tcp/80]", """
        220: from all to 10.2.0.0/16 iif lan fwmark 0x0/0x100 ipproto 6 dport 80-80 lookup 220
        220: from all to 10.2.0.0/16 iif eth fwmark 0x0/0x100 ipproto 6 dport 80-80 lookup 220
        """)]
    [InlineData("fd03::1/128 10.3.0.1/32", "fd02::/64", """
        220: from all to fd02::/64 iif lan fwmark 0x0/0x100 lookup 220
        220: from all to fd02::/64 iif eth fwmark 0x0/0x100 lookup 220
        """)]
    // its source port the NAT changes
    [InlineData("10.3.0.1/32[udp/53]", "10.2.0.0/16", """
        220: from all to 10.2.0.0/16 iif lan fwmark 0x0/0x100 ipproto 17 lookup 220
        220: from all to 10.2.0.0/16 iif eth fwmark 0x0/0x100 ipproto 17 lookup 220
        """)]
    // the peer (192.0.2.1) is inside: the tunnel is the way to everywhere, for this host
    [InlineData("10.3.0.1/32", "0.0.0.0/0", "")]
    // no virtual address
    [InlineData("10.3.0.0/16", "10.2.0.0/16", "")]
    [InlineData("10.3.0.2/32", "10.2.0.0/16", "")]
    public void What_a_host_with_a_virtual_address_forwards_is_led_by_its_links(string local, string remote, string rules) =>
        Assert.Equal(rules, string.Join('\n', RoutePlan.ForwardRules(Given.Selectors(local), Given.Selectors(remote),
            [IpAddress.Parse("10.3.0.1"), IpAddress.Parse("fd03::1")], IpAddress.Parse("192.0.2.1"), ["lan", "eth"], _options)));

    [Theory]
    // in transport mode only what goes to the other host, whatever else is said to anybody; a peer behind a NAT is its stand-in
    [InlineData("192.0.2.2/32", "198.18.4.7/32", """
        220: from 192.0.2.2/32 to 198.18.4.7/32 fwmark 0x0/0x100 lookup 220
        220: from 0.0.0.0/32 to 198.18.4.7/32 fwmark 0x0/0x100 lookup 220
        """)]
    [InlineData("192.0.2.2/32[udp/1701]", "198.18.4.7/32[udp/1701]", """
        220: from 192.0.2.2/32 to 198.18.4.7/32 fwmark 0x0/0x100 ipproto 17 sport 1701-1701 dport 1701-1701 lookup 220
        220: from 0.0.0.0/32 to 198.18.4.7/32 fwmark 0x0/0x100 ipproto 17 sport 1701-1701 dport 1701-1701 lookup 220
        """)]
    [InlineData("2001:db8::2/128", "fd6b:7567:7572:7500::9/128", "220: from 2001:db8::2/128 to fd6b:7567:7572:7500::9/128 fwmark 0x0/0x100 lookup 220")]
    public void Hosts_in_transport_mode_become_rules_for_each_other(string local, string remote, string rules) =>
        Assert.Equal(rules, string.Join('\n', RoutePlan.Rules(Given.Selectors(local), Given.Selectors(remote), _options, ChildMode.Transport)));

    [Theory]
    // the host reaches a part of it, all of it, or more than it, by a route
    [InlineData("198.18.0.0/15", "10.0.0.0/8 198.19.7.0/24", "198.19.7.0/24")]
    [InlineData("198.18.0.0/15", "198.18.0.0/15", "198.18.0.0/15")]
    [InlineData("198.18.4.0/24", "192.0.2.0/24 198.18.0.0/15", "198.18.0.0/15")]
    [InlineData("198.18.0.0/15", "198.18.0.1/32", "198.18.0.1/32")]
    [InlineData("fd6b:7567:7572:7500::/64", "10.0.0.0/8 fd6b:7567:7572:7500::1/128", "fd6b:7567:7572:7500::1/128")]
    // neighbours, the way to all the world, and the other family are none
    [InlineData("198.18.0.0/15", "198.17.0.0/16 198.20.0.0/16 0.0.0.0/0", null)]
    [InlineData("fd6b:7567:7572:7500::/64", "::/0 198.18.0.0/15 fd6b:7567:7572:7501::/64", null)]
    public void A_range_of_stand_ins_collides_with_routes_into_it(string range, string routes, string? collides)
    {
        var found = RoutePlan.FirstInto(Ike.Configs.Prefix(range), routes.Split(' ').Select(route => new IpRoute(Prefix.Parse(route))));
        Assert.Equal(collides, found?.Destination.ToString());
    }

    [Theory]
    // the virtual address on the TUN device (link 9) before all others
    [InlineData("10.0.0.0/8", "192.0.2.1", "eth:192.0.2.1 lan:10.1.0.1 tun:10.3.0.1", "10.3.0.1")]
    // an inner address before the outer one
    [InlineData("0.0.0.0/0", "192.0.2.1", "eth:192.0.2.1 lan:10.1.0.1", "10.1.0.1")]
    [InlineData("192.0.2.1/32", "192.0.2.1", "eth:192.0.2.1 lan:10.1.0.1", "192.0.2.1")]
    // it only forwards
    [InlineData("10.5.0.0/16", "192.0.2.1", "eth:192.0.2.1 lan:10.1.0.1", null)]
    [InlineData("0.0.0.0/0", null, "eth:fd01::1", null)]
    public void The_source_is_ours_and_inside_the_selectors(string local, string? outer, string addresses, string? source)
    {
        var links = new Dictionary<string, int> { ["eth"] = 2, ["lan"] = 3, ["tun"] = 9 };
        var ours = addresses.Split(' ').Select(text => text.Split(':', 2))
            .Select(parts => new InterfaceAddress(links[parts[0]], Prefix.Parse(parts[1]), AddressScope.Universe)).ToArray();
        var found = RoutePlan.Source(Given.Selectors(local), isV6: false, ours, tun: 9, outer is null ? null : IpAddress.Parse(outer));
        Assert.Equal(source, found?.ToString());
    }

    [Fact]
    public void A_deprecated_or_link_local_address_is_no_source()
    {
        InterfaceAddress[] ours =
        [
            new(2, Prefix.Parse("fe80::1/64"), AddressScope.Link),
            new(2, Prefix.Parse("2001:db8::5/64"), AddressScope.Universe, IsUsable: false),
            new(2, Prefix.Parse("2001:db8::6/64"), AddressScope.Universe),
        ];
        Assert.Equal("2001:db8::6", RoutePlan.Source(Given.Selectors("::/0"), isV6: true, ours, tun: 9, outer: null).ToString());
    }
}
