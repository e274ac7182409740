using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Laptops that roam and sleep, NATs that restart under traffic, and what keepalives learn of NATs.</summary>
public sealed class MobilityStories
{
    static readonly IkeSettings s_examining = new() { ProbePort = 40404 };

    [Theory]
    [InlineData(nameof(Sites.Easy), nameof(Sites.Napt), nameof(Sites.Public))]
    [InlineData(nameof(Sites.Public), nameof(Sites.Easy), nameof(Sites.Public))]
    [InlineData(nameof(Sites.Symmetric), nameof(Sites.Public), nameof(Sites.Public))]
    [InlineData(nameof(Sites.Easy), nameof(Sites.Cgnat), nameof(Sites.Forwarded))]
    [InlineData(nameof(Sites.Public), nameof(Sites.TwoAddresses), nameof(Sites.Forwarded))]
    public void A_client_that_roams_is_reachable_within_a_second_and_back_again(string home, string elsewhere, string gateway)
    {
        var scene = Scene.Between(Plan(home), Plan(gateway), new() { Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect(), scene.Why());
        var other = Plan(elsewhere)(scene.World.Internet, "elsewhere");
        foreach (var net in new[] { other.Lan, scene.ClientSite.Lan })
        {
            scene.Client.Roam(net);
            scene.RunFor(TimeSpan.FromSeconds(1));
            Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
            Assert.True(scene.Pings(scene.Client, scene.Server.Address), scene.Why());
            Assert.Equal(scene.Client.Sa.Nat.Local || scene.Client.Sa.Nat.Remote, scene.Client.Sa.Children[0].UdpEncapsulated);
            Assert.Equal(scene.Client.Sa.Children[0].UdpEncapsulated, scene.Gateway.Sa.Children[0].UdpEncapsulated);
        }
        Assert.Equal(1u, scene.Client.Sa.UniqueId);
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
    }

    [Theory]
    [InlineData(nameof(Sites.Easy), nameof(Sites.Napt))]
    [InlineData(nameof(Sites.Public), nameof(Sites.Easy))]
    public void Children_of_both_families_move_along(string home, string elsewhere)
    {
        var scene = Scene.Between(Plan(home), Sites.Public, new() { InnerV6 = true, Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect(), scene.Why());
        scene.Client.Roam(Plan(elsewhere)(scene.World.Internet, "elsewhere").Lan);
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(scene.PingsBothWays(), scene.Why());
        Assert.True(scene.Pings(scene.Client, scene.ServerV6), scene.Why());
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single(a => a.IsV6)), scene.Why());
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void After_a_night_s_sleep_the_tunnel_is_back_within_a_second(bool mobike, bool elsewhere)
    {
        Connection Night(Connection c) => Quiet(c) with { Mobike = mobike };
        SleepsANight(Scene.Between(Sites.Forgetful, Sites.Public, new() { Client = Night, Gateway = Night }), elsewhere);
    }

    /// <summary>For eight hours, and wakes up where it was or in another network: the same IKE SA goes on.</summary>
    internal static void SleepsANight(Scene scene, bool elsewhere)
    {
        Assert.True(scene.Connect(), scene.Why());
        scene.Client.Sleep();
        scene.RunFor(TimeSpan.FromHours(8));
        Assert.False(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()));
        if (elsewhere)
            scene.Client.Roam(Sites.Napt(scene.World.Internet, "hotel").Lan);
        scene.Client.WakeUp();
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
        Assert.Equal(1u, scene.Client.Sa.UniqueId);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void The_NAT_restarts_every_minute_while_traffic_flows(bool mobike, bool fromClient)
    {
        Connection Busy(Connection c) => Quiet(c) with { Mobike = mobike };
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, new() { Client = Busy, Gateway = Busy });
        Assert.True(scene.Connect());
        var inside = scene.Client.VirtualAddresses.Single();
        for (var minute = 0; minute < 5; minute++)
        {
            scene.ClientSite.Nat.Reboot();
            for (var second = 0; second < 60; second++)
            {
                _ = fromClient ? scene.Client.Ping(scene.Server.Address) : scene.Server.Ping(inside);
                scene.RunFor(TimeSpan.FromSeconds(1));
                if (fromClient)
                    Assert.True(scene.Pings(scene.Server, inside), $"minute {minute}, second {second}: {scene.Why()}");
            }
            // From the gateway nothing gets in until the client says something: a liveness check, a minute after it last heard of the peer.
            Assert.True(scene.World.RunUntil(() => scene.Gateway.Sa.Path.Remote.Address == scene.ClientSite.PublicAddress
                && scene.Pings(scene.Server, inside), TimeSpan.FromSeconds(10)), $"minute {minute}: {scene.Why()}");
        }
        Assert.InRange(scene.Gateway.Sa.Moves, 5, 6);
    }

    [Theory]
    [InlineData(30, 22.5, PortAssignment.Preserving, true)]
    [InlineData(30, 22.5, PortAssignment.Random, false)]
    [InlineData(60, 45, PortAssignment.Preserving, false)]
    [InlineData(300, 207, PortAssignment.Random, true)]
    public void Keepalives_learn_how_long_a_NAT_remembers_and_its_mapping_never_dies(double lifetime, double interval, PortAssignment ports, bool mobike)
    {
        Connection Idle(Connection c) => Quiet(c) with { Mobike = mobike };
        var site = Sites.With(new() { MappingTimeout = TimeSpan.FromSeconds(lifetime), Ports = ports });
        var scene = Scene.Between(site, Sites.Public, new() { ClientSettings = s_examining, Client = Idle, Gateway = Idle });
        Assert.True(scene.Connect());
        var seen = scene.Gateway.Sa.Path.Remote;
        for (var second = 0; second < 3000; second++)
        {
            scene.RunFor(TimeSpan.FromSeconds(1));
            Assert.Contains(scene.ClientSite.Nat.Table.Mappings(scene.World.Now), mapping => mapping.Outside == seen);
        }
        Assert.Equal((interval, seen, 0), (scene.Client.Node.Mapping.Interval(TimeSpan.FromSeconds(20)).TotalSeconds, scene.Gateway.Sa.Path.Remote, scene.Gateway.Sa.Moves));
        Assert.Null(scene.Client.Node.Mapping.Next);
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
        var before = scene.World.Transcript.Crossings.Count;
        scene.RunFor(TimeSpan.FromHours(1));
        // A keepalive, or a liveness check and its answer, each seen on the way out and in.
        Assert.InRange(scene.World.Transcript.Crossings.Count - before, 1, 3 * 3600 / interval);
    }

    /// <summary>Within one liveness interval, whatever is tried meanwhile.</summary>
    [Theory]
    [InlineData(PortAssignment.Random, true)]
    [InlineData(PortAssignment.Preserving, true)]
    [InlineData(PortAssignment.Random, false)]
    [InlineData(PortAssignment.Preserving, false)]
    public void A_NAT_that_restarts_while_it_is_learned_is_noticed_by_the_idle_client_behind_it(PortAssignment ports, bool mobike)
    {
        Connection Idle(Connection c) => Quiet(c) with { Mobike = mobike };
        for (var after = 20; after < 1300; after += 113)
        {
            var site = Sites.With(new() { MappingTimeout = TimeSpan.FromSeconds(300), Ports = ports });
            var scene = Scene.Between(site, Sites.Public, new() { ClientSettings = s_examining, Client = Idle, Gateway = Idle });
            Assert.True(scene.Connect());
            scene.RunFor(TimeSpan.FromSeconds(after));
            var life = scene.Client.Node.Mapping;
            var atMost = Math.Max(60, life.Interval(TimeSpan.FromSeconds(20)).TotalSeconds);
            scene.ClientSite.Nat.Reboot();
            Assert.True(scene.World.RunUntil(() => scene.ClientSite.Nat.Table.Mappings(scene.World.Now).Any(mapping => mapping.Outside == scene.Gateway.Sa.Path.Remote),
                TimeSpan.FromSeconds(atMost + 5)), $"after {after} s, {life}: {scene.Why()}");
            // The children follow when the client has shown that it is there.
            scene.RunFor(TimeSpan.FromSeconds(1));
            Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
        }
    }

    [Fact]
    public void A_NAT_that_forgets_faster_than_any_keepalive_gets_the_shortest_one()
    {
        var site = Sites.With(new() { MappingTimeout = TimeSpan.FromSeconds(12), Ports = PortAssignment.Random });
        var scene = Scene.Between(site, Sites.Public, new() { ClientSettings = s_examining, Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        scene.RunFor(TimeSpan.FromMinutes(10));
        Assert.Equal(15, scene.Client.Node.Mapping.Interval(TimeSpan.FromSeconds(20)).TotalSeconds);
    }

    [Fact]
    public void Whoever_wants_something_waits_for_no_trial_and_another_network_is_learned_anew()
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, new() { ClientSettings = s_examining, Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        scene.Client.Command(new Engine.Order.NetworkIs("home"));
        scene.RunFor(TimeSpan.FromSeconds(45));
        var rekey = scene.Client.Rekey();
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(rekey.Succeeded, scene.Why());
        scene.RunFor(TimeSpan.FromMinutes(10));
        var home = scene.Client.Node.Mapping;
        Assert.True(home.Holds > TimeSpan.Zero, scene.Why());
        scene.Client.Command(new Engine.Order.NetworkIs("cafe"));
        Assert.Equal(default, scene.Client.Node.Mapping);
        scene.Client.Command(new Engine.Order.NetworkIs("home"));
        Assert.Equal(home, scene.Client.Node.Mapping);
        var kept = Assert.Single(scene.Client.Kept.Networks);
        Assert.Equal(("home", home with { IsBlocked = false, Doubts = null }), (kept.Name, kept.Life));
        var restarted = new Peer(scene.World, "restarted", scene.ClientSite.Lan);
        restarted.Command(new Engine.Order.Recall(kept));
        restarted.Command(new Engine.Order.NetworkIs("home"));
        Assert.Equal(kept.Life, restarted.Node.Mapping);
    }

    [Fact]
    public void A_firewall_without_a_NAT_is_found_by_the_same_questions_and_held_open()
    {
        var scene = Scene.Between(Sites.Firewalled, Sites.Public, new() { ClientSettings = s_examining, Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        Assert.False(scene.Client.Sa.Children[0].UdpEncapsulated);
        scene.RunFor(TimeSpan.FromMinutes(20));
        Assert.Equal(("forced", "remote"), (scene.Client.Sa.Nat.ToString(), scene.Gateway.Sa.Nat.ToString()));
        Assert.True(scene.Client.Sa.Children[0].UdpEncapsulated && scene.Gateway.Sa.Children[0].UdpEncapsulated);
        for (var minute = 0; minute < 60; minute += 5)
        {
            Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
            scene.RunFor(TimeSpan.FromMinutes(5));
        }
        // What was learned outlives the IKE SA.
        scene.Client.Rekey(new(Ike: Scene.ConnectionName), reauthenticate: true);
        scene.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal((2u, "forced"), (scene.Client.Sa.UniqueId, scene.Client.Sa.Nat.ToString()));
        scene.RunFor(TimeSpan.FromMinutes(5));
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
        // Elsewhere there is nothing to claim.
        scene.Client.Roam(Sites.Public(scene.World.Internet, "open").Lan);
        scene.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal("none", scene.Client.Sa.Nat.ToString());
        Assert.False(scene.Client.Sa.Children[0].UdpEncapsulated || scene.Gateway.Sa.Children[0].UdpEncapsulated);
        Assert.True(scene.PingsBothWays(), scene.Why());
    }

    [Fact]
    public void Where_nothing_stands_in_the_way_the_questions_end_and_ESP_stays_plain()
    {
        var scene = Scene.Between(Sites.Public, Sites.Public, new() { ClientSettings = s_examining, Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        scene.RunFor(TimeSpan.FromMinutes(30));
        Assert.Equal((default, "none"), (scene.Client.Node.Mapping, scene.Client.Sa.Nat.ToString()));
        Assert.False(scene.Client.Sa.Children[0].UdpEncapsulated);
        var before = scene.World.Transcript.Crossings.Count;
        scene.RunFor(TimeSpan.FromHours(1));
        Assert.Equal((before, 0), (scene.World.Transcript.Crossings.Count, scene.Gateway.KeepalivesReceived));
    }

    [Fact]
    public void A_firewall_without_a_NAT_is_held_open_where_encapsulation_is_claimed()
    {
        var scene = Scene.Between(Sites.Firewalled, Sites.Public, new() { Client = c => Quiet(c) with { Encapsulation = Encapsulation.Always }, Gateway = Quiet });
        Assert.True(scene.Connect());
        for (var minute = 0; minute < 30; minute += 5)
        {
            scene.RunFor(TimeSpan.FromMinutes(5));
            Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
        }
    }

    static SitePlan Plan(string name) => typeof(Sites).GetMethod(name)!.CreateDelegate<SitePlan>();

    static Connection Quiet(Connection c) => c with { RekeyTime = TimeSpan.Zero, Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero }] };
}
