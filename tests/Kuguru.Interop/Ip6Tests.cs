using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>IPv6 outside, also through a NAT that translates it, and IPv6 beside IPv4 inside.</summary>
public class Ip6Tests
{
    [Theory]
    [InlineData(Peer.Charon, Peer.Charon, false)]
    [InlineData(Peer.Kuguru, Peer.Charon, false)]
    [InlineData(Peer.Charon, Peer.Kuguru, false)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, false)]
    [InlineData(Peer.Kuguru, Peer.Charon, true)]
    [InlineData(Peer.Charon, Peer.Kuguru, true)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, true)]
    public void Both_families_go_through_one_tunnel(Peer client, Peer gateway, bool isOutside6)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(ip6: isOutside6);
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel { Virtual = "0.0.0.0, ::", Office = "10.2.0.0/24, fd02::/64" };
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");

        var (here, there) = (near.Single(), far.Single());
        Assert.Equal(["10.3.0.1", "fd03::1"], here.LocalVirtual);
        Assert.StartsWith(isOutside6 ? "2001:db8::1[2" : "192.0.2.1[2", there.Remote);
        world.Clients[0].Run("ping", "-c2", "-i0.2", RoadWarriors.Server4);
        world.Clients[0].Run("ping", "-c2", "-i0.2", RoadWarriors.Server6);
        world.FilesCross(world.Clients[0], "10.3.0.1");
        world.FilesCross(world.Clients[0], "fd03::1", RoadWarriors.Server6);
    }
}
