using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>The NAT forgets and changes its mappings; the tunnel lives on.</summary>
public class MappingTests
{
    static readonly TimeSpan Expiry = TimeSpan.FromSeconds(4);

    [Theory]
    [InlineData(Peer.Charon, Peer.Charon)]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void Keepalives_hold_the_mapping_while_nobody_talks(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        world.Nat!.Timeouts(Expiry, Expiry);
        using var near = client.On(world.Clients[0], "keep_alive = 2s");
        using var far = gateway.On(world.Gateway);
        Up(world, near, far);
        using var capture = new Capture(world.Gateway, "eth0", "udp port 4500");
        world.Server.Run("sleep", "10");
        world.Server.Run("ping", "-c1", "-W2", "10.3.0.1");
        capture.End();
        Assert.InRange(capture.Count("udpencap.nat_keepalive and ip.src == 192.0.2.1"), 4, 6);
        Assert.Equal(0, capture.Count("udpencap.nat_keepalive and ip.src == 192.0.2.2"));
    }

    [Theory]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void The_gateway_follows_a_client_whose_nat_restarts(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        Up(world, near, far);
        Assert.StartsWith("192.0.2.1[2", far.Single().Remote);

        world.Nat!.Remap(40000, 49999);
        Assert.NotEqual(0, world.Server.Try(["ping", "-c1", "-W1", "10.3.0.1"]).Status);
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);

        Wait.Until("the gateway knows the new port", TimeSpan.FromSeconds(5),
            () => far.Single().Remote.StartsWith("192.0.2.1[4", StringComparison.Ordinal));
        world.Server.Run("ping", "-c1", "-W2", "10.3.0.1");
        world.FilesCross(world.Clients[0], "10.3.0.1");
    }

    static void Up(RoadWarriors world, IkeDaemon near, IkeDaemon far) => Up(world, near, far, new Tunnel());

    static void Up(RoadWarriors world, IkeDaemon near, IkeDaemon far, Tunnel tunnel)
    {
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        world.Clients[0].Run("ping", "-c1", RoadWarriors.Server4);
    }
}
