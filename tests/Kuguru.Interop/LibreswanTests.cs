using System.Text.RegularExpressions;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// What libreswan's testsuite describes of NATs that change in mid-tunnel, some of it as "work in progress" there: <c>ikev2-mobike-08-nat-expire-liveness-road</c>
/// in its three variants and <c>nat-pluto-07</c>.
/// </summary>
public partial class LibreswanTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>mobike-yes: a liveness check that comes from elsewhere brings MOBIKE about, and IKE SA and child go on from the new port.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void An_idle_client_whose_NAT_changes_updates_its_addresses_by_MOBIKE(Peer client, Peer gateway) => Remapped(client, gateway, "yes", (near, far) =>
    {
        Wait.Until("the client has found the change", Patience, () => near.Log.Contains("detected changes in NAT mappings, initiating MOBIKE update", StringComparison.Ordinal));
        Follows(far, gateway);
    });

    /// <summary>mobike-nat: an authentic liveness check from elsewhere is enough, without MOBIKE.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void An_idle_client_whose_NAT_changes_is_followed_without_MOBIKE(Peer client, Peer gateway) => Remapped(client, gateway, "no", (near, far) =>
    {
        Follows(far, gateway);
        Assert.DoesNotContain("MOBIKE update", near.Log, StringComparison.Ordinal);
    });

    /// <summary>mobike-no: the gateway drops what comes from elsewhere, so the client's checks remain unanswered, and it comes anew from the new port.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void An_idle_client_whose_NAT_changes_comes_anew_to_a_gateway_that_follows_nobody(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0], "retransmit_timeout = 0.5\nretransmit_base = 1\nretransmit_tries = 3");
        using var far = gateway.On(world.Gateway);
        far.Load(new Tunnel { GatewayExtra = "mobike = no" }.ForGateway());
        near.Load(new Tunnel { ClientExtra = "mobike = no\ndpd_delay = 1s\nkeyingtries = 0", ChildExtra = "start_action = start\ndpd_action = start" }
            .ForClient(1, world.GatewayAddress));
        Wait.Until("the tunnel is up", Patience, () => near.List() is [{ State: "ESTABLISHED", Children: [{ State: "INSTALLED" }] }]);
        var before = near.Single().Id;
        // What carries the cookies of this IKE SA behind the marker is not heard any more, wherever it comes from.
        var spi = InitiatorSpi().Match(far.Sas()).Groups[1].Value;
        far.Host.Try(["nft", "-f", "-"], input: $$"""
            add table inet deaf
            add chain inet deaf input { type filter hook input priority filter; }
            add rule inet deaf input udp dport 4500 @th,96,64 0x{{spi}} drop
            """).Text();
        world.Nat!.Remap(40000, 49999);
        Wait.Until("the client is back as another", Patience, () => near.List() is [{ State: "ESTABLISHED", Children: [{ State: "INSTALLED" }] } sa] && sa.Id != before);
        Wait.Until("the gateway has it alone, at the new port", Patience,
            () => far.List() is [{ State: "ESTABLISHED" } sa] && sa.Remote.StartsWith("192.0.2.1[4", StringComparison.Ordinal));
        Wait.Until("a ping gets in, to the address of before", Patience, () => world.Server.Try(["ping", "-c1", "-W1", "10.3.0.1"]).Status == 0);
    }

    /// <summary>
    /// nat-pluto-07: ports 500 and 4500 come from different public addresses and never from their own ports, ESP is dropped, mappings die soon; then they
    /// come from others yet. IKE SA and child go by the second address, and by the third.
    /// </summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon, 1)]
    [InlineData(Peer.Charon, Peer.Kuguru, 1)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, 1)]
    [InlineData(Peer.Kuguru, Peer.Charon, 2)]
    [InlineData(Peer.Charon, Peer.Kuguru, 2)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, 2)]
    public void Ports_500_and_4500_come_from_different_public_addresses(Peer client, Peer gateway, int version)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var nat = world.Nat!;
        nat.Host.Ip("addr add 192.0.2.111/24 dev outside", "addr add 192.0.2.112/24 dev outside");
        nat.DropEsp();
        nat.Timeouts(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(4));
        Split("192.0.2.1:11000-12000", "192.0.2.111:14000-16000");
        using var near = client.On(world.Clients[0], "keep_alive = 2s");
        using var far = gateway.On(world.Gateway);
        far.Load(version == 1 ? IkeV1Tests.Gateway(users: false) : new Tunnel().ForGateway());
        near.Load(version == 1 ? IkeV1Tests.Client(world.GatewayAddress, users: false) : new Tunnel().ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        Assert.Equal($"{version}", far.Single().Version);
        Assert.StartsWith("192.0.2.111[1", far.Single().Remote);
        Assert.True(Assert.Single(far.Single().Children).IsEncapsulated);
        world.Clients[0].Run("ping", "-c4", "-i0.2", "-W5", RoadWarriors.Server4);
        // Longer than a mapping lives; and it is still the same.
        world.Server.Run("sleep", "5");
        world.Server.Run("ping", "-c1", "-W5", "10.3.0.1");
        Assert.StartsWith("192.0.2.111[1", far.Single().Remote);

        // charon's libipsec tells it nothing of ESP that comes from elsewhere.
        if (gateway == Peer.Charon)
            return;
        Split("192.0.2.1:11000-12000", "192.0.2.112:32000-32999");
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);
        Wait.Until("the gateway knows the new address", Patience, () => far.Single().Remote.StartsWith("192.0.2.112[32", StringComparison.Ordinal));
        world.Server.Run("ping", "-c1", "-W5", "10.3.0.1");

        void Split(string ike, string natPort)
        {
            nat.Host.Try(["nft", "-f", "-"], input: $$"""
                flush chain inet napt translation
                add rule inet napt translation oifname "outside" udp sport 500 snat ip to {{ike}}
                add rule inet napt translation oifname "outside" udp sport 4500 snat ip to {{natPort}}
                add rule inet napt translation oifname "outside" masquerade
                """).Text();
            nat.Flush();
        }
    }

    /// <summary>The NAT gives an idle client another port in mid-tunnel; in the end the gateway reaches it again, in the same IKE SA.</summary>
    static void Remapped(Peer client, Peer gateway, string mobike, Action<IkeDaemon, IkeDaemon> then)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Load(new Tunnel { GatewayExtra = $"mobike = {mobike}" }.ForGateway());
        near.Load(new Tunnel { ClientExtra = $"mobike = {mobike}\ndpd_delay = 1s" }.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        Assert.StartsWith("192.0.2.1[2", far.Single().Remote);
        var (here, there) = (near.Single().Id, far.Single().Id);
        if (mobike == "yes")
            // Two checks: the second can tell that the NAT makes something else of us.
            world.Server.Run("sleep", "2.5");
        world.Nat!.Remap(40000, 49999);
        then(near, far);
        Wait.Until("a ping gets in", Patience, () => world.Server.Try(["ping", "-c1", "-W1", "10.3.0.1"]).Status == 0);
        Assert.Equal((here, there), (near.Single().Id, far.Single().Id));
    }

    static void Follows(IkeDaemon far, Peer gateway)
    {
        Wait.Until("the gateway knows the new port", Patience, () => far.Single().Remote.StartsWith("192.0.2.1[4", StringComparison.Ordinal));
        if (gateway == Peer.Kuguru)
            Assert.Contains("moves=1 ", far.Sas(), StringComparison.Ordinal);
    }

    [GeneratedRegex("initiator-spi=([0-9a-f]{16})")]
    private static partial Regex InitiatorSpi();
}
