using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Tunnels through every kind of NAT, and many clients behind one.</summary>
public sealed class NatStories
{
    public static TheoryData<string, string> Grid()
    {
        var grid = new TheoryData<string, string>();
        foreach (var gateway in (string[])[nameof(Sites.Public), nameof(Sites.Forwarded)])
        {
            foreach (var client in (string[])[nameof(Sites.Public), nameof(Sites.Easy), nameof(Sites.Napt), nameof(Sites.Symmetric), nameof(Sites.Forgetful),
                nameof(Sites.Passthrough), nameof(Sites.Carrier), nameof(Sites.Cgnat), nameof(Sites.TwoAddresses), nameof(Sites.Forwarded),
                nameof(Sites.DropsFragments), nameof(Sites.Firewalled)])
                grid.Add(client, gateway);
        }
        return grid;
    }

    [Theory]
    [MemberData(nameof(Grid))]
    public void A_tunnel_comes_up_from_every_site_to_every_gateway_and_both_know_where_the_NATs_are(string client, string gateway)
    {
        var scene = Scene.Between(Plan(client), Plan(gateway));
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays(), scene.Why());
        var (clientNat, gatewayNat) = (scene.ClientSite.PublicAddress is not null, scene.GatewaySite.PublicAddress is not null);
        Assert.Equal((clientNat, gatewayNat), (scene.Client.Sa.Nat.Local, scene.Client.Sa.Nat.Remote));
        Assert.Equal((gatewayNat, clientNat), (scene.Gateway.Sa.Nat.Local, scene.Gateway.Sa.Nat.Remote));
        Assert.Equal(clientNat || gatewayNat, scene.Client.Sa.Children[0].UdpEncapsulated);
        Assert.Equal(!(clientNat || gatewayNat), scene.Transcript.Contains("plain ESP", StringComparison.Ordinal));
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(200)]
    public void So_many_clients_behind_one_NAT_are_all_up_and_reachable_both_ways(int count)
    {
        var scene = new Scene(Sites.Public);
        var site = Sites.Napt(scene.World.Internet, "office");
        for (var i = 0; i < count; i++)
            scene.AddClient(site);
        AllUpAndReachable(scene);
        Assert.Equal(count, scene.Gateway.Status().Select(sa => sa.Path.Remote).Distinct().Count());
        Assert.Single(scene.Gateway.Status().Select(sa => sa.Path.Remote.Address).Distinct());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(200)]
    public void So_many_homes_with_equal_private_addresses_and_ports_behind_one_NAT_are_all_up_and_reachable_both_ways(int count)
    {
        var scene = new Scene(Sites.Public);
        var provider = Sites.With(new() { Ports = PortAssignment.Random, MappingTimeout = TimeSpan.FromMinutes(2) })(scene.World.Internet, "provider");
        for (var i = 0; i < count; i++)
            scene.AddClient(Sites.Home(provider, $"home {i}"));
        AllUpAndReachable(scene);
        Assert.Single(scene.Clients.Select(c => c.Sa.Path.Local).Distinct());
    }

    [Fact]
    public void Passthrough_lets_one_client_at_a_time_shake_hands_on_500_and_the_second_gets_through_on_4500()
    {
        var scene = new Scene(Sites.Public, new() { Client = c => c with { RemotePort = 4500 } });
        var site = Sites.Passthrough(scene.World.Internet, "cafe");
        scene.AddClient(site);
        scene.AddClient(site);
        AllUpAndReachable(scene);
        Assert.Equal(0, scene.World.Count(Fate.PassthroughTaken));
    }

    [Fact]
    public void A_peer_that_starts_on_4500_uses_nothing_else()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Client = c => c with { RemotePort = 4500 } });
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays());
        Assert.All(scene.World.Transcript.Crossings, c => Assert.True(c.Packet.To.Port != 500 && c.Packet.From.Port != 500));
    }

    [Fact]
    public void When_500_and_4500_get_different_public_addresses_the_gateway_goes_along()
    {
        var scene = Scene.Between(Sites.TwoAddresses, Sites.Public);
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays());
        Assert.Equal(scene.ClientSite.Nat.Table.Addresses[1], scene.Gateway.Sa.Path.Remote.Address);
    }

    [Fact]
    public void Forced_encapsulation_puts_ESP_in_UDP_without_a_NAT()
    {
        var scene = Scene.Between(Sites.Public, Sites.Public, new() { Client = c => c with { Encapsulation = Encapsulation.Always } });
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays());
        Assert.True(scene.Client.Sa.Nat.Forced);
        Assert.True(scene.Client.Sa.Children[0].UdpEncapsulated && scene.Gateway.Sa.Children[0].UdpEncapsulated);
        Assert.DoesNotContain("plain ESP", scene.Transcript);
        Assert.Contains(" ESP ", scene.Transcript);
    }

    [Fact]
    public void Over_IPv6_behind_a_firewall_there_is_no_NAT_and_ESP_is_plain()
    {
        var scene = Scene.Between(Sites.FirewalledV6, Sites.Public, new() { OuterV6 = true });
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays());
        Assert.Equal("none", scene.Client.Sa.Nat.ToString());
        Assert.Contains("plain ESP", scene.Transcript);
    }

    [Fact]
    public void A_NAT_that_drops_fragments_does_not_stop_large_pings()
    {
        var scene = Scene.Between(Sites.DropsFragments, Sites.Public);
        Assert.True(scene.Connect(), scene.Why());
        var ping = scene.Client.Ping(scene.Server.Address, size: 1200);
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(ping.IsAnswered);
        Assert.Equal(0, scene.World.Count(Fate.FragmentsDropped));
    }

    static void AllUpAndReachable(Scene scene)
    {
        Assert.True(scene.Connect(), scene.Why());
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        Assert.Equal(scene.Clients.Count, scene.Clients.Select(c => c.VirtualAddresses.Single()).Distinct().Count());
        foreach (var client in scene.Clients)
            Assert.True(scene.PingsBothWays(client), $"{client} cannot ping both ways");
    }

    static SitePlan Plan(string name) => typeof(Sites).GetMethod(name)!.CreateDelegate<SitePlan>();
}
