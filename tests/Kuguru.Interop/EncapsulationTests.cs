using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>ESP goes in UDP when a NAT is there or is claimed, and plain when there is none.</summary>
public class EncapsulationTests
{
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void Forced_encapsulation_crosses_a_path_that_drops_esp(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Nobody);
        world.Gateway.Try(["nft", "-f", "-"], input: "table inet f { chain in { type filter hook input priority 0; meta l4proto esp drop; }; }").Text();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel { ClientExtra = "encap = yes" };
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");

        var (here, there) = (near.Single(), far.Single());
        // charon's libipsec claims a NAT itself, so the other side sees one there
        Assert.Equal(gateway == Peer.Charon ? "remote" : "forced", here.Nat);
        Assert.Equal("remote", there.Nat);
        Assert.Contains("encap=yes", near.Sas());
        Assert.True(Assert.Single(there.Children).IsEncapsulated);
        world.FilesCross(world.Clients[0], "10.3.0.1");
    }

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void Both_sides_are_behind_nats(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Both);
        world.Nat!.DropEsp();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel();
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");

        var (here, there) = (near.Single(), far.Single());
        Assert.Equal(("both", "both"), (here.Nat, there.Nat));
        Assert.Equal(("10.1.0.10[4500]", "192.0.2.3[4500]"), (here.Local, here.Remote));
        Assert.Equal("172.16.0.2[4500]", there.Local);
        Assert.StartsWith("192.0.2.1[2", there.Remote);
        world.FilesCross(world.Clients[0], "10.3.0.1");
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Without_a_nat_esp_is_plain(bool ip6)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Nobody, ip6: ip6);
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        var tunnel = new Tunnel();
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        using var capture = new Capture(world.Gateway, "eth0", "esp or udp");
        near.Swanctl("--initiate", "--child", "net");
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);
        capture.End();

        Assert.Equal(("none", "none"), (near.Single().Nat, far.Single().Nat));
        Assert.False(Assert.Single(near.Single().Children).IsEncapsulated);
        Assert.Equal(6, capture.Count("esp and not udp"));
        Assert.Equal(0, capture.Count("esp and udp"));
        world.FilesCross(world.Clients[0], "10.3.0.1");
    }
}
