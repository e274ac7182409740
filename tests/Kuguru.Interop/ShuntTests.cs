using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>What is never to go into a tunnel, and what is not to go out at all (<c>mode = pass</c> and <c>drop</c>); charon's libipsec can do neither.</summary>
public class ShuntTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(Peer.Charon)]
    [InlineData(Peer.Kuguru)]
    public void With_everything_in_the_tunnel_the_home_network_is_reached_past_it_as_long_as_the_shunt_is_there(Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var host = world.Clients[0];
        using var near = Peer.Kuguru.On(host);
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel { Office = "0.0.0.0/0" };
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress) + Shunt("home-net", "local_ts = 10.1.0.0/24\nremote_ts = 10.1.0.0/24\nmode = pass"));
        near.Swanctl("--initiate", "--child", "net");
        host.Run("ping", "-c1", "-W5", RoadWarriors.Server4);
        host.Run("ping", "-c1", "-W5", "-I", "10.1.0.10", "10.1.0.1");
        host.Run("ping", "-c1", "-W5", "10.1.0.1");
        near.Swanctl("--uninstall", "--child", "home-net");
        Assert.False(Answers(host, "10.1.0.1"));
        near.Swanctl("--install", "--child", "home-net");
        host.Run("ping", "-c1", "-W5", "10.1.0.1");
        host.Run("ping", "-c1", "-W5", RoadWarriors.Server4);
    }

    [Theory]
    [InlineData(Peer.Charon)]
    [InlineData(Peer.Kuguru)]
    public void What_is_to_be_dropped_is_but_what_a_tunnel_takes_and_the_tunnel_itself(Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var host = world.Clients[0];
        using var near = Peer.Kuguru.On(host);
        using var far = gateway.On(world.Gateway);
        far.Load(new Tunnel().ForGateway());
        Assert.True(Answers(host, world.GatewayAddress));
        near.Load(new Tunnel().ForClient(1, world.GatewayAddress) + Shunt("nothing-else", "remote_ts = 192.0.2.0/24,10.2.0.0/16\nmode = drop"));
        Assert.False(Answers(host, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        host.Run("ping", "-c1", "-W5", RoadWarriors.Server4);
        Assert.False(Answers(host, world.GatewayAddress));
        near.Swanctl("--uninstall", "--child", "nothing-else");
        Wait.Until("the gateway answers outside the tunnel", Patience, () => Answers(host, world.GatewayAddress));
        host.Run("ping", "-c1", "-W5", RoadWarriors.Server4);
    }

    static bool Answers(Host host, string address) => host.Try(["ping", "-c1", "-W1", address]).Status == 0;

    static string Shunt(string name, string what) => $$"""
        connections {
          shunts {
            children {
              {{name}} {
                {{what}}
                start_action = trap
              }
            }
          }
        }

        """;
}
