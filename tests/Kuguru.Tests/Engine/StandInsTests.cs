using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Engine;

public sealed class StandInsTests
{
    uint _spi = 0x1000;

    [Fact]
    public void Every_transport_peer_behind_a_NAT_has_an_address_of_its_own()
    {
        var standIns = Of("198.18.0.0/24");
        var seen = Enumerable.Range(0, 200).Select(i => Assert.Single(standIns.Take(Nats($"client{i}")).StandIns).Seen.First).ToList();
        Assert.Equal(200, seen.Distinct().Count());
        Assert.All(seen, address => Assert.True(Configs("198.18.0.0/24").Contains(address)));
    }

    [Fact]
    public void Who_comes_back_is_seen_as_before_also_from_behind_another_NAT()
    {
        var standIns = Of("198.18.0.0/24");
        var first = Nats("alice");
        var before = standIns.Take(first).StandIns[0].Seen;
        standIns.Take(Nats("bob"));
        standIns.Release(first.InboundSpi);
        Assert.Equal(before, standIns.Take(Nats("alice", "203.0.113.9/32")).StandIns[0].Seen);
        // In another run too, as long as nobody took it.
        Assert.Equal(before, Of("198.18.0.0/24").Take(Nats("alice")).StandIns[0].Seen);
    }

    [Fact]
    public void Two_devices_with_one_name_are_two_peers_and_new_keys_change_nothing()
    {
        var standIns = Of("198.18.0.0/24");
        var one = Nats("alice");
        var seen = standIns.Take(one).StandIns[0].Seen;
        Assert.NotEqual(seen, standIns.Take(Nats("alice")).StandIns[0].Seen);
        var next = Nats("alice") with { Replaces = one.InboundSpi };
        Assert.Equal(seen, standIns.Take(next).StandIns[0].Seen);
        standIns.Release(one.InboundSpi);
        Assert.NotEqual(seen, standIns.Take(Nats("alice")).StandIns[0].Seen);
        standIns.Release(next.InboundSpi);
        Assert.Equal(seen, standIns.Take(Nats("alice")).StandIns[0].Seen);
    }

    [Fact]
    public void An_exhausted_range_is_named()
    {
        var standIns = Of("198.18.0.0/31");
        var first = Nats("a");
        Assert.Null(standIns.Take(first).WhyNot);
        Assert.Null(standIns.Take(Nats("b")).WhyNot);
        Assert.Equal("'c' needs a stand-in for 192.0.2.1/32 (same-nat), and charon.stand_in_ranges (198.18.0.0/31) is exhausted: set a larger one",
            standIns.Take(Nats("c")).WhyNot);
        // Somebody is away: whoever needs the address gets it.
        standIns.Release(first.InboundSpi);
        Assert.Null(standIns.Take(Nats("d")).WhyNot);
    }

    [Fact]
    public void Without_a_range_the_first_peer_has_the_NATs_address_and_the_second_is_refused()
    {
        var standIns = Of();
        var first = standIns.Take(Nats("a"));
        Assert.Empty(first.StandIns);
        Assert.Null(first.WhyNot);
        Assert.Contains("'b' needs a stand-in for 192.0.2.1/32, which somebody else has too (same-nat), and there is no range for them", standIns.Take(Nats("b")).WhyNot, StringComparison.Ordinal);
    }

    [Theory]
    // the same network, a part of it, or one host of it
    [InlineData("192.168.1.0/24", "192.168.1.0/24", true)]
    [InlineData("192.168.0.0/16", "192.168.1.0/24", true)]
    [InlineData("192.168.1.0/24", "192.168.1.7/32", true)]
    [InlineData("192.168.1.7/32", "192.168.1.0/24", true)]
    [InlineData("192.168.1.0/24", "192.168.2.0/24", false)]
    [InlineData("192.168.1.0/24[tcp/80]", "192.168.1.0/24[udp/53]", false)]
    [InlineData("fd00:1::/64", "fd00:1::/64", true)]
    [InlineData("fd00:1::/64", "fd00:2::/64", false)]
    public void Networks_that_overlap_are_seen_apart(string one, string other, bool apart)
    {
        var standIns = Of("198.18.0.0/15", "fd6b::/48");
        Assert.Empty(standIns.Take(Site("a", one)).StandIns);
        var answer = standIns.Take(Site("b", other));
        Assert.Null(answer.WhyNot);
        Assert.Equal(apart, !answer.StandIns.IsEmpty);
        if (apart)
            Assert.Equal(Daemon.Given.Selectors(other)[0].Range.PrefixLength(), answer.StandIns[0].Seen.PrefixLength());
    }

    [Fact]
    public void Sites_of_one_peer_and_from_different_places_of_ours_do_not_overlap()
    {
        var standIns = Of("198.18.0.0/15");
        standIns.Take(Site("a", "192.168.1.0/24"));
        Assert.Empty(standIns.Take(Site("a", "192.168.1.0/24")).StandIns);
        Assert.Empty(standIns.Take(Site("b", "192.168.1.0/24", local: "10.9.0.0/16")).StandIns);
        // Our gateway gave us an address: its networks keep their names.
        Assert.Empty(standIns.Take(Site("c", "192.168.1.0/24") with { IsGateway = true }).StandIns);
    }

    [Fact]
    public void A_site_that_comes_back_keeps_its_stand_in_even_when_the_other_is_gone()
    {
        var standIns = Of("198.18.0.0/15");
        var (a, b) = (Site("a", "192.168.1.0/24"), Site("b", "192.168.1.0/24"));
        standIns.Take(a);
        var seen = standIns.Take(b).StandIns[0];
        standIns.Release(a.InboundSpi);
        standIns.Release(b.InboundSpi);
        Assert.Equal(seen, standIns.Take(Site("b", "192.168.1.0/24")).StandIns[0]);
        Assert.Empty(standIns.Take(Site("a", "192.168.1.0/24")).StandIns);
    }

    [Fact]
    public void A_network_larger_than_the_range_is_said_to_be()
    {
        var standIns = Of("198.18.0.0/15");
        standIns.Take(Site("a", "10.0.0.0/8"));
        Assert.Contains("charon.stand_in_ranges (198.18.0.0/15) is smaller than that", standIns.Take(Site("b", "10.0.0.0/8")).WhyNot, StringComparison.Ordinal);
    }

    [Fact]
    public void Stand_ins_keep_off_what_peers_have()
    {
        var standIns = Of("198.18.0.0/30");
        standIns.Take(Site("a", "198.18.0.0/31"));
        var seen = new[] { Nats("b"), Nats("c") }.Select(request => standIns.Take(request).StandIns[0].Seen.First.ToString()).Order();
        Assert.Equal(["198.18.0.2", "198.18.0.3"], seen);
        Assert.NotNull(standIns.Take(Nats("d")).WhyNot);
    }

    StandIns Of(params string[] ranges) => new([.. ranges.Select(Configs)]);

    StandInRequest Nats(string peer, string remote = "192.0.2.1/32") => Site(peer, remote, "192.0.2.2/32") with { IsNats = true };

    StandInRequest Site(string peer, string remote, string? local = null) => new(
        new Spi(_spi++), Identity.Parse(peer), "net", [.. Daemon.Given.Selectors(local ?? (remote.Contains(':') ? "fd01::/16" : "10.1.0.0/16"))], [.. Daemon.Given.Selectors(remote)]);

    static AddressRange Configs(string prefix) => Ike.Configs.Prefix(prefix);
}
