using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Who both are is proved anew in another IKE SA, which is there before the old one goes (make_before_break), while packets flow.</summary>
public class ReauthTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void A_tunnel_that_is_authenticated_anew_loses_no_ping(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0], "make_before_break = yes");
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel();
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        using var ping = world.Clients[0].Start("ping", "ping", "-i0.01", "-c100000", RoadWarriors.Server4);
        for (var i = 0; i < 3; i++)
        {
            var id = near.Single().Id;
            near.Swanctl("--rekey", "--ike", "home", "--reauth");
            Wait.Until("both ends have another IKE SA, and only that", Patience,
                () => near.List() is [{ State: "ESTABLISHED" } sa] && sa.Id != id && far.List() is [{ State: "ESTABLISHED" }]);
            world.Server.Run("sleep", "0.5");
        }
        Assert.True(RekeyTests.Lost(ping) == 0, $"{ping.Log}\n{near.Log}\n{far.Log}");
    }
}
