using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>What happens in the life of a tunnel after it is up: new keys, traps, gateways that reboot, bad days.</summary>
public sealed class LifeStories
{
    [Fact]
    public void A_child_gets_new_keys_by_order_and_no_ping_is_lost()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Client = Long, Gateway = Long });
        Assert.True(scene.Connect());
        var pings = Steadily(scene, TimeSpan.FromSeconds(10));
        var before = scene.Client.Children.Single().Sa.InboundSpi;
        scene.RunFor(TimeSpan.FromSeconds(1));
        var rekey = scene.Client.Rekey(new(Child: Scene.ChildName));
        scene.RunFor(TimeSpan.FromSeconds(12));
        Assert.True(rekey.Succeeded, rekey.ToString());
        Assert.NotEqual(before, scene.Client.Children.Single().Sa.InboundSpi);
        Assert.All(pings, p => Assert.True(p.IsAnswered, $"ping of {p.SentAt} lost\n{scene.Why()}"));
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
    }

    [Fact]
    public void An_IKE_SA_gets_new_keys_by_order_from_either_side_and_keeps_its_children()
    {
        foreach (var byClient in (bool[])[true, false])
        {
            var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Client = Long, Gateway = Long });
            Assert.True(scene.Connect());
            var (spi, child) = (scene.Client.Sa.InitiatorSpi, scene.Client.Children.Single().Sa.InboundSpi);
            var rekey = (byClient ? scene.Client : scene.Gateway).Rekey(new(Ike: byClient ? Scene.ConnectionName : "rw"));
            scene.RunFor(TimeSpan.FromSeconds(10));
            Assert.True(rekey.Succeeded, rekey.ToString());
            Assert.NotEqual(spi, scene.Client.Sa.InitiatorSpi);
            Assert.Equal(child, scene.Client.Children.Single().Sa.InboundSpi);
            Assert.Equal(byClient, scene.Client.Sa.IsInitiator);
            Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
            Assert.True(scene.PingsBothWays());
        }
    }

    [Theory] // RFC 7296 section 2.8.1 and 2.25: whoever wins, in the end there is one of each
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 0)]
    [InlineData(4, 20)]
    [InlineData(5, 40)]
    [InlineData(6, 60)]
    [InlineData(7, 100)]
    public void When_both_sides_want_new_keys_at_once_one_child_and_one_IKE_SA_are_left(ulong seed, int apart)
    {
        foreach (var (client, gateway) in new (SaFilter, SaFilter)[]
        {
            (new(Child: Scene.ChildName), new(Child: Scene.ChildName)),
            (new(Ike: Scene.ConnectionName), new(Ike: "rw")),
            (new(Ike: Scene.ConnectionName), new(Child: Scene.ChildName)),
            (new(Child: Scene.ChildName), new(Ike: "rw")),
        })
        {
            var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Seed = seed, Client = Long, Gateway = Long });
            Assert.True(scene.Connect());
            var pings = Steadily(scene, TimeSpan.FromSeconds(20));
            scene.Client.Rekey(client);
            scene.World.After(TimeSpan.FromMilliseconds(apart), () => scene.Gateway.Rekey(gateway));
            scene.RunFor(TimeSpan.FromMinutes(2));
            Assert.True(scene.Client.Status().Count() == 1 && scene.Gateway.Status().Count() == 1, scene.Why());
            Assert.Single(scene.Client.Children);
            Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
            Assert.All(pings, p => Assert.True(p.IsAnswered, $"{client} {gateway}: ping of {p.SentAt} lost\n{scene.Why()}"));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void After_an_hour_of_bad_weather_rebooting_NATs_and_hasty_rekeying_the_ends_agree(ulong seed)
    {
        static Connection Hasty(Connection c) => c with
        {
            DpdDelay = TimeSpan.FromSeconds(30),
            RekeyTime = TimeSpan.FromMinutes(5),
            OverTime = TimeSpan.FromMinutes(10),
            RandTime = TimeSpan.FromSeconds(2),
            Children = [c.Children[0] with { RekeyTime = TimeSpan.FromMinutes(1), LifeTime = TimeSpan.FromMinutes(10), RandTime = TimeSpan.FromSeconds(2) }],
        };
        var scene = new Scene(Sites.Public, new() { Seed = seed, Client = Hasty, Gateway = Hasty });
        var site = Sites.Forgetful(scene.World.Internet, "home");
        for (var i = 0; i < 10; i++)
            scene.AddClient(site);
        Assert.True(scene.Connect());
        scene.World.Internet.Link = Link.Stormy with { Loss = 0.1 };
        for (var minute = 0; minute < 60; minute++)
        {
            foreach (var client in scene.Clients)
                client.Ping(scene.Server.Address);
            if (scene.World.Dice.Chance(0.15))
                scene.World.After(TimeSpan.FromMinutes(scene.World.Dice.Fraction()), scene.ClientSite.Nat.Reboot);
            scene.RunFor(TimeSpan.FromMinutes(1));
        }
        scene.World.Internet.Link = Link.Perfect with { Latency = TimeSpan.FromMilliseconds(50) };
        scene.RunFor(TimeSpan.FromMinutes(5));
        var disagreement = Settled(scene);
        Assert.True(disagreement is null, $"seed {seed}: {disagreement}\n{scene.Why()}");
        var alive = scene.Clients.Where(c => c.Status().Any()).ToList();
        Assert.True(alive.Count >= 9, $"seed {seed}: only {alive.Count} of 10 lived through the hour");
        Assert.All(alive, c => Assert.True(scene.PingsBothWays(c), $"seed {seed}: {c} cannot ping"));
    }

    [Fact]
    public void A_trapped_child_comes_up_by_its_first_packet()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Client = c => c with { Children = [c.Children[0] with { StartAction = StartAction.Trap }] } });
        scene.RunFor(TimeSpan.FromSeconds(10));
        Assert.Empty(scene.Client.Status());
        Assert.False(scene.Pings(scene.Client, scene.Server.Address));
        Assert.Single(scene.Client.Children);
        Assert.True(scene.PingsBothWays());
    }

    [Fact]
    public void A_trapped_child_that_was_idle_for_too_long_comes_up_again_by_the_next_packet_as_often_as_that_happens()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new()
        {
            Client = c => c with { Children = [c.Children[0] with { StartAction = StartAction.Trap, Inactivity = TimeSpan.FromSeconds(20) }] },
        });
        scene.RunFor(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 4; i++)
        {
            Assert.False(scene.Pings(scene.Client, scene.Server.Address));
            Assert.True(scene.Pings(scene.Client, scene.Server.Address), scene.Why());
            Assert.True(scene.PingsBothWays());
            scene.RunFor(TimeSpan.FromSeconds(15));
            Assert.Single(scene.Client.Children);
            scene.RunFor(TimeSpan.FromSeconds(10));
            Assert.Empty(scene.Client.Children);
            Assert.Empty(scene.Gateway.Children);
        }
    }

    [Fact]
    public void A_child_with_start_action_comes_up_by_itself_and_again_after_the_gateway_lost_its_memory()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new()
        {
            Client = c => c with
            {
                DpdDelay = TimeSpan.FromSeconds(10),
                KeyingTries = 0,
                Children = [c.Children[0] with { StartAction = StartAction.Start, DpdAction = CloseAction.Start, CloseAction = CloseAction.Start }],
            },
            ClientSettings = new() { RetransmitTimeout = TimeSpan.FromSeconds(1), RetransmitTries = 3 },
        });
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(scene.PingsBothWays(), scene.Why());
        scene.RestartGateway();
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        Assert.True(scene.PingsBothWays(), scene.Why());
    }

    [Fact]
    public void Both_families_go_through_one_child_whatever_the_family_outside()
    {
        foreach (var outerV6 in (bool[])[false, true])
        {
            var scene = Scene.Between(outerV6 ? Sites.FirewalledV6 : Sites.Easy, Sites.Public, new() { InnerV6 = true, OuterV6 = outerV6 });
            Assert.True(scene.Connect(), scene.Why());
            Assert.True(scene.PingsBothWays());
            Assert.True(scene.Pings(scene.Client, scene.ServerV6));
            Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single(a => a.IsV6)));
        }
    }

    [Fact]
    public void Two_offices_behind_NATs_are_one_network()
    {
        var world = new World();
        var (east, west) = (Sites.Easy(world.Internet, "east"), Sites.Forwarded(world.Internet, "west"));
        var (eastGateway, eastHost) = Office(world, east, "east", "10.1.0.0/16");
        var (westGateway, westHost) = Office(world, west, "west", "10.2.0.0/16");
        eastGateway.Load(NetToNet("east", "west", "10.1.0.0/16", "10.2.0.0/16", west.PublicAddress));
        westGateway.Load(NetToNet("west", "east", "10.2.0.0/16", "10.1.0.0/16", null));
        var up = eastGateway.Up("net");
        Assert.True(world.RunUntil(() => up.IsDone, TimeSpan.FromMinutes(1)) && up.Succeeded, up.ToString());
        foreach (var (from, to) in new (Host, Host)[] { (eastHost, westHost), (westHost, eastHost), (eastHost, westGateway), (westGateway, eastHost) })
        {
            var ping = from.Ping(to == westGateway ? Prefix.Of("10.2.0.0/16").At(1) : to.Address);
            Assert.True(world.RunUntil(() => ping.IsAnswered, TimeSpan.FromSeconds(3)), $"{from} does not reach {to}\n{world.Transcript.Full(20)}");
        }
        Assert.Equal(("both", "both"), (eastGateway.Sa.Nat.ToString(), westGateway.Sa.Nat.ToString()));
    }

    static (Peer Gateway, Host Host) Office(World world, Site site, string name, string prefix)
    {
        var gateway = new Peer(world, name, site.Lan) { Forwards = true };
        var lan = new Net(world, $"{name} office") { Router = gateway };
        lan.Add(Prefix.Of(prefix));
        gateway.Attach(lan, Prefix.Of(prefix).At(1));
        gateway.Node.Credentials.Load(new("psk", Secret.Copy("between offices"u8), []));
        return (gateway, new(world, $"{name} host", lan, Prefix.Of(prefix).At(10)));
    }

    static Connection NetToNet(string here, string there, string local, string remote, IpAddress? address)
    {
        Assert.True(AlgorithmSet.TryParse("aes128gcm16-prfsha256-x25519", ProposalKind.Ike, out var ike, out _));
        Assert.True(AlgorithmSet.TryParse("aes128gcm16", ProposalKind.Esp, out var esp, out _));
        return new()
        {
            Name = there,
            RemoteAddresses = address is { } a ? [AddressPattern.Of(a)] : [],
            Proposals = ike,
            Local = [new() { Id = Identity.Parse($"{here}.kuguru.example") }],
            Remote = [new() { Id = Identity.Parse($"{there}.kuguru.example") }],
            Children = [new() { Name = "net", Proposals = esp, LocalSelectors = [new(Prefix.Of(local))], RemoteSelectors = [new(Prefix.Of(remote))] }],
        };
    }

    /// <summary>Agreement, or what is between them in every one of several looks: at a single moment new keys may be half way.</summary>
    static string? Settled(Scene scene)
    {
        string? disagreement = null;
        for (var look = 0; look < 10; look++)
        {
            disagreement = Ends.Disagreement(scene.Clients, scene.Gateway);
            if (disagreement is null)
                return null;
            scene.RunFor(TimeSpan.FromSeconds(3));
        }
        return disagreement;
    }

    /// <summary>Pings both ways ten times a second.</summary>
    static List<Ping> Steadily(Scene scene, TimeSpan time)
    {
        var pings = new List<Ping>();
        var inside = scene.Client.VirtualAddresses.Single();
        for (var at = TimeSpan.Zero; at < time; at += TimeSpan.FromMilliseconds(100))
        {
            scene.World.After(at, () => pings.Add(scene.Client.Ping(scene.Server.Address)));
            scene.World.After(at + TimeSpan.FromMilliseconds(50), () => pings.Add(scene.Server.Ping(inside)));
        }
        return pings;
    }

    /// <summary>Lives longer than any story.</summary>
    static Connection Long(Connection c) => c with { RekeyTime = TimeSpan.Zero, Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero }] };
}
