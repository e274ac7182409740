using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>A host changes its addresses and its tunnel goes on (RFC 4555).</summary>
public class MobikeTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon, NatsAt.Clients)]
    [InlineData(Peer.Charon, Peer.Kuguru, NatsAt.Clients)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, NatsAt.Clients)]
    [InlineData(Peer.Kuguru, Peer.Charon, NatsAt.Both)]
    [InlineData(Peer.Charon, Peer.Kuguru, NatsAt.Both)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, NatsAt.Both)]
    public void An_interface_goes_away_and_comes_back_and_the_tunnel_moves_behind_the_NAT_and_out_again(Peer client, Peer gateway, NatsAt nats)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: nats);
        var host = world.Clients[0];
        // charon tries all paths at once, and takes the IPv6 one if that answers first.
        host.Ip("addr del fd01::a/64 dev eth0");
        host.Join(world.Wan, "eth1", "192.0.2.50/24");
        using var near = client.On(host, "prefer_best_path = yes");
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel();
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        host.Run("ping", "-c1", RoadWarriors.Server4);
        Assert.Equal("192.0.2.50[4500]", near.Single().Local);
        Assert.Equal("192.0.2.50[4500]", far.Single().Remote);
        var isPlain = client == Peer.Kuguru && gateway == Peer.Kuguru && nats == NatsAt.Clients;
        Assert.Equal(!isPlain, Assert.Single(near.Single().Children).IsEncapsulated);

        host.Ip("addr flush dev eth1", "link set eth1 down");
        Wait.Until("the client is at home", Patience, () => near.Single().Local == "10.1.0.10[4500]" && far.Single().Remote.StartsWith("192.0.2.1[2", StringComparison.Ordinal));
        Wait.Until("a ping comes through the NAT", Patience, () => host.Try(["ping", "-c1", "-W1", RoadWarriors.Server4]).Status == 0);
        world.Server.Run("ping", "-c1", "-W2", "10.3.0.1");
        Assert.True(near.Single().Nat is "local" or "both");
        Assert.All(near.Single().Children, child => Assert.True(child.IsEncapsulated));
        Assert.Equal("1", near.Single().Id);

        host.Ip("link set eth1 up", "addr add 192.0.2.50/24 dev eth1");
        Wait.Until("the client is outside again", Patience, () => near.Single().Local == "192.0.2.50[4500]" && far.Single().Remote == "192.0.2.50[4500]");
        Wait.Until("a ping comes through", Patience, () => host.Try(["ping", "-c1", "-W1", RoadWarriors.Server4]).Status == 0);
        world.Server.Run("ping", "-c1", "-W2", "10.3.0.1");
        Assert.All(near.Single().Children, child => Assert.Equal(!isPlain, child.IsEncapsulated));
    }

    /// <summary>IKEv1 cannot say where it is now; it notices all the same.</summary>
    [Theory]
    [InlineData(Peer.Charon)]
    [InlineData(Peer.Kuguru)]
    public void With_IKEv1_a_client_whose_address_is_gone_comes_anew_from_behind_the_NAT(Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var host = world.Clients[0];
        host.Join(world.Wan, "eth1", "192.0.2.50/24");
        using var near = Peer.Kuguru.On(host);
        using var far = gateway.On(world.Gateway);
        far.Load(IkeV1Tests.Gateway(users: false));
        near.Load(IkeV1Tests.Client(world.GatewayAddress, users: false));
        near.Swanctl("--initiate", "--child", "net");
        Assert.StartsWith("192.0.2.50[", near.Single().Local);

        host.Ip("addr flush dev eth1", "link set eth1 down");
        Wait.Until("the client has a new IKE SA", Patience, () => near.List() is [{ State: "ESTABLISHED", Local: "10.1.0.10[4500]", Children: [{ State: "INSTALLED" }] }]);
        Wait.Until("a ping gets in", Patience, () => world.Server.Try(["ping", "-c1", "-W1", "10.3.0.1"]).Status == 0);
        Assert.StartsWith("192.0.2.1[2", far.Single().Remote);
    }
}
