using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>What the daemon does to its host, it takes back; scripts hear of it as they do from charon.</summary>
public class HostStateTests
{
    [Fact]
    public void Routes_rules_and_addresses_are_put_back_and_the_peer_is_told_when_the_daemon_ends()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var host = world.Clients[0];
        var before = State(host);
        using (var near = Peer.Kuguru.On(host))
        using (var far = Peer.Charon.On(world.Gateway))
        {
            Up(world, near, far);
            Assert.Contains("10.3.0.1", State(host));
            Assert.NotEqual(before, State(host));
            Assert.Equal(0, near.Stop());
            Wait.Until("the gateway has been told", TimeSpan.FromSeconds(5), () => far.List().Count == 0);
        }
        Assert.Equal(before, State(host));
    }

    [Fact]
    public void What_a_crash_leaves_the_next_start_puts_back()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var host = world.Clients[0];
        var before = State(host);
        using var far = Peer.Charon.On(world.Gateway);
        using (var crashing = Peer.Kuguru.On(host))
        {
            Up(world, crashing, far);
            crashing.Job.Signal("KILL");
            Wait.Until("the daemon is dead", TimeSpan.FromSeconds(5), () => crashing.Job.HasEnded);
        }
        using (var next = Peer.Kuguru.On(host))
        {
            Assert.DoesNotContain("10.3.0.1", State(host));
            Up(world, next, far);
            world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            Assert.Equal(0, next.Stop());
        }
        Assert.Equal(before, State(host));
    }

    [Fact]
    public void Updown_scripts_get_the_variables_that_charon_gives_them()
    {
        Peers.NeedRoot();
        Assert.Equal(Told(Peer.Charon), Told(Peer.Kuguru));
    }

    /// <summary>What an updown script hears while a tunnel goes up and down; numbers that differ from run to run are left out.</summary>
    static string Told(Peer peer)
    {
        using var world = new RoadWarriors();
        var host = world.Clients[0];
        host.Write("/run/updown", "#!/bin/sh\nenv | grep ^PLUTO_ | sort >>/run/told\necho >>/run/told\n");
        host.Run("chmod", "755", "/run/updown");
        using var near = peer.On(host);
        using var far = Peer.Charon.On(world.Gateway);
        Up(world, near, far, "updown = /run/updown");
        near.Swanctl("--terminate", "--ike", "home");
        Wait.Until("the script has run twice", TimeSpan.FromSeconds(10), () => host.Try(["grep", "-c", "^$", "/run/told"]).Output == "2\n");
        string[] differing = ["PLUTO_UNIQUEID", "PLUTO_REQID", "PLUTO_INTERFACE"];
        return string.Join('\n', host.Read("/run/told").Split('\n').Where(line => !differing.Contains(line.Split('=')[0])));
    }

    static void Up(RoadWarriors world, IkeDaemon near, IkeDaemon far, string childExtra = "")
    {
        far.Load(new Tunnel().ForGateway());
        near.Load(new Tunnel { ChildExtra = childExtra }.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
    }

    static string State(Host host) => host.Run("bash", "-c", """
        for family in 4 6
        do
            ip -$family -o addr
            ip -$family rule
            ip -$family route show table all
        done | sed 's/expires [0-9]*sec//'
        ls /run | grep -Ev 'pid$|strongswan.conf'
        cat /etc/resolv.conf
        """);
}
