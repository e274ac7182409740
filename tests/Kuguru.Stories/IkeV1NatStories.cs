using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>IKEv1 through every kind of NAT, in main and aggressive mode, and many clients behind one.</summary>
public sealed class IkeV1NatStories
{
    public static TheoryData<string, string, bool> Grid()
    {
        var grid = new TheoryData<string, string, bool>();
        foreach (var gateway in (string[])[nameof(Sites.Public), nameof(Sites.Forwarded)])
        {
            foreach (var client in (string[])[nameof(Sites.Public), nameof(Sites.Easy), nameof(Sites.Napt), nameof(Sites.Symmetric), nameof(Sites.Forgetful),
                nameof(Sites.Passthrough), nameof(Sites.Cgnat), nameof(Sites.TwoAddresses), nameof(Sites.Forwarded), nameof(Sites.DropsFragments), nameof(Sites.Firewalled)])
            {
                grid.Add(client, gateway, false);
                grid.Add(client, gateway, true);
            }
        }
        return grid;
    }

    [Theory]
    [MemberData(nameof(Grid))]
    public void A_tunnel_comes_up_from_every_site_to_every_gateway_and_both_know_where_the_NATs_are(string client, string gateway, bool aggressive)
    {
        var scene = Scene.Between(Plan(client), Plan(gateway), IkeV1.Options(aggressive));
        Assert.True(scene.Connect(), scene.Why());
        Assert.True(scene.PingsBothWays(), scene.Why());
        var (clientNat, gatewayNat) = (scene.ClientSite.PublicAddress is not null, scene.GatewaySite.PublicAddress is not null);
        Assert.Equal((1, clientNat, gatewayNat), (scene.Client.Sa.Version, scene.Client.Sa.Nat.Local, scene.Client.Sa.Nat.Remote));
        Assert.Equal((gatewayNat, clientNat), (scene.Gateway.Sa.Nat.Local, scene.Gateway.Sa.Nat.Remote));
        Assert.Equal(clientNat || gatewayNat, scene.Client.Sa.Children[0].UdpEncapsulated);
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        if (client == nameof(Sites.TwoAddresses) && gateway == nameof(Sites.Public))
            Assert.Equal(scene.ClientSite.Nat.Table.Addresses[1], scene.Gateway.Sa.Path.Remote.Address);
        // And it holds, by keepalives from behind a NAT, and in spite of a NAT that forgets.
        scene.RunFor(TimeSpan.FromMinutes(10));
        Assert.True(scene.PingsBothWays(), scene.Why());
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(200, false)]
    [InlineData(200, true)]
    public void So_many_homes_with_equal_private_addresses_behind_one_NAT_are_all_up_and_reachable_both_ways(int count, bool aggressive)
    {
        var scene = new Scene(Sites.Public, IkeV1.Options(aggressive));
        var provider = Sites.With(new() { Ports = PortAssignment.Random, MappingTimeout = TimeSpan.FromMinutes(2) })(scene.World.Internet, "provider");
        for (var i = 0; i < count; i++)
            scene.AddClient(Sites.Home(provider, $"home {i}"));
        Assert.True(scene.Connect(), scene.Why());
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        Assert.Equal(count, scene.Gateway.Status().Select(sa => sa.Path.Remote).Distinct().Count());
        Assert.Single(scene.Gateway.Status().Select(sa => sa.Path.Remote.Address).Distinct());
        foreach (var client in scene.Clients)
            Assert.True(scene.PingsBothWays(client), $"{client} cannot ping both ways");

        // One of them comes anew and says INITIAL-CONTACT: his neighbours stay.
        var first = scene.Client;
        first.PowerOff();
        var again = new Peer(scene.World, "client again", scene.ClientSite.Lan, address: first.Address);
        scene.Equip(again, "client@kuguru.example");
        var up = again.Up(Scene.ChildName);
        scene.RunFor(TimeSpan.FromSeconds(10));
        Assert.True(up.Succeeded, $"{up}");
        Assert.Equal(count, scene.Gateway.Status().Count());
        foreach (var client in scene.Clients.Skip(1).Append(again))
            Assert.True(scene.PingsBothWays(client), $"{client} cannot ping both ways");
    }

    [Fact]
    public void A_NAT_that_restarts_gives_another_mapping_and_the_gateway_finds_it()
    {
        var scene = Scene.Between(Sites.Napt, Sites.Public, IkeV1.Options(aggressive: false));
        Assert.True(scene.Connect(), scene.Why());
        var before = scene.Gateway.Sa.Path.Remote;
        scene.ClientSite.Nat.Reboot();
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.True(scene.PingsBothWays(), scene.Why());
        Assert.NotEqual(before, scene.Gateway.Sa.Path.Remote);
    }

    [Theory]
    [InlineData(nameof(Sites.Easy), nameof(Sites.Napt), 1)]
    [InlineData(nameof(Sites.Public), nameof(Sites.Napt), 2)]
    [InlineData(nameof(Sites.Public), nameof(Sites.Public), 2)]
    public void A_client_that_roams_goes_on_from_behind_another_NAT_and_comes_anew_where_there_was_none(string home, string elsewhere, uint ikeSa)
    {
        var scene = Scene.Between(Plan(home), Sites.Public, IkeV1.Options(aggressive: false));
        Assert.True(scene.Connect(), scene.Why());
        scene.Client.Roam(Plan(elsewhere)(scene.World.Internet, "hotel").Lan);
        scene.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal((ikeSa, ikeSa), (scene.Client.Sa.UniqueId, scene.Gateway.Sa.UniqueId));
        Assert.Equal(scene.Client.Address, scene.Client.Sa.Path.Local.Address);
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_a_night_s_sleep_the_tunnel_is_back_within_a_second(bool elsewhere)
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, IkeV1.Options(aggressive: false) with
        {
            Client = Long,
            Gateway = Long,
        });
        MobilityStories.SleepsANight(scene, elsewhere);

        static Connection Long(Connection c) => c with { Version = 1, RekeyTime = TimeSpan.Zero, Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero, LifeTime = TimeSpan.Zero }] };
    }

    static SitePlan Plan(string name) => typeof(Sites).GetMethod(name)!.CreateDelegate<SitePlan>();
}

/// <summary>The usual scene, but with IKEv1.</summary>
static class IkeV1
{
    public static SceneOptions Options(bool aggressive) => new()
    {
        IkeProposal = "aes128-sha256-x25519",
        Client = c => c with { Version = 1, Aggressive = aggressive },
        Gateway = c => c with { Version = 1, Aggressive = aggressive },
        GatewaySettings = new() { AggressiveSharedKey = true, CookieThresholdPerAddress = 0, CookieThreshold = 0 },
    };
}
