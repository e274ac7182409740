using System.Collections.Immutable;
using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Peers whose addresses are somebody else's too, in transport mode (same-nat) and with whole networks (overlap).</summary>
public sealed class StandInStories
{
    [Fact]
    public void Twenty_clients_in_transport_mode_behind_one_NAT_reach_the_gateway_and_are_reached_while_packets_are_lost()
    {
        ImmutableArray<ChildConfig> Hosts(Connection c) => [c.Children[0] with { Mode = ChildMode.Transport, LocalSelectors = [SelectorTemplate.Dynamic], RemoteSelectors = [SelectorTemplate.Dynamic] }];
        var scene = new Scene(Sites.Public, new()
        {
            Client = c => c with { VirtualAddresses = [], Children = Hosts(c) },
            Gateway = c => c with { Pools = [], Children = Hosts(c) },
        });
        var site = Sites.Napt(scene.World.Internet, "office");
        for (var i = 0; i < 20; i++)
            scene.AddClient(site);
        scene.World.Internet.Link = scene.World.Internet.Link with { Loss = 0.1 };
        Assert.True(scene.Connect(), scene.Why());
        var children = scene.Gateway.Status().SelectMany(sa => sa.Children).Where(child => child.State == ChildState.Installed).ToList();
        Assert.All(children, child => Assert.Equal(ChildMode.Transport, child.Mode));
        Assert.Equal(20, children.Select(child => child.StandIns.Single().First).Distinct().Count());
        Assert.All(scene.Clients, client => Assert.True(Enumerable.Range(0, 10).Any(_ => scene.Pings(client, scene.GatewayAddress)), scene.Why()));
        Assert.All(children, child => Assert.True(Enumerable.Range(0, 10).Any(_ => scene.Pings(scene.Gateway, child.StandIns.Single().First)), scene.Why()));
    }

    [Fact]
    public void Two_homes_with_one_private_network_reach_the_office_and_are_reached_from_it()
    {
        ImmutableArray<SelectorTemplate> home = [new(Prefix.Of("192.168.1.0/24"))];
        var scene = new Scene(Sites.Public, new()
        {
            Client = c => c with { VirtualAddresses = [], Children = [c.Children[0] with { LocalSelectors = home }] },
            Gateway = c => c with { Pools = [], Children = [c.Children[0] with { RemoteSelectors = home }] },
        });
        foreach (var name in (string[])["home", "other home"])
            scene.AddClient(Sites.Easy(scene.World.Internet, name));
        Assert.True(scene.Connect(), scene.Why());
        var seen = scene.Gateway.Status().SelectMany(sa => sa.Children).Select(child => child.StandIns).OrderBy(standIns => standIns.Length).ToList();
        Assert.Empty(seen[0]);
        var standIn = Assert.Single(seen[1]);
        Assert.All(scene.Clients, client => Assert.Equal("192.168.1.2", $"{client.Address}"));
        Assert.All(scene.Clients, client => Assert.True(scene.Pings(client, scene.Server.Address), scene.Why()));
        foreach (var address in (IpAddress[])[scene.Client.Address, standIn.See(scene.Client.Address)])
            Assert.True(scene.Pings(scene.Server, address), scene.Why());
    }
}
