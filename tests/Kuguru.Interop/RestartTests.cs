using System.Diagnostics;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>A daemon that is killed says nothing, and comes back without a memory.</summary>
public class RestartTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>How long a tunnel may be away once both ends are there: some seconds, and what a busy machine takes.</summary>
    static readonly TimeSpan Away = TimeSpan.FromSeconds(10);

    /// <summary>
    /// With packets from the client its dead gateway says itself that it knows nothing of the SA; who is idle, and charon, which believes nothing that is
    /// said in clear, finds out by a liveness check.
    /// </summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Kuguru, true, "dpd_delay = 0s")]
    [InlineData(Peer.Kuguru, Peer.Kuguru, false, "dpd_delay = 1s")]
    [InlineData(Peer.Charon, Peer.Kuguru, true, "dpd_delay = 1s")]
    [InlineData(Peer.Charon, Peer.Kuguru, false, "dpd_delay = 1s")]
    [InlineData(Peer.Kuguru, Peer.Charon, true, "dpd_delay = 1s")]
    [InlineData(Peer.Kuguru, Peer.Charon, false, "dpd_delay = 1s")]
    public void A_gateway_that_was_killed_has_its_tunnel_back_within_seconds(Peer client, Peer gateway, bool isBusy, string liveness)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0], "retransmit_timeout = 0.5\nretransmit_base = 1\nretransmit_tries = 3");
        var far = gateway.On(world.Gateway);
        try
        {
            var tunnel = new Tunnel();
            far.Load(tunnel.ForGateway());
            near.Load((tunnel with { ClientExtra = $"{liveness}\nkeyingtries = 0", ChildExtra = "start_action = start\ndpd_action = start" }).ForClient(1, world.GatewayAddress));
            Wait.Until("the tunnel is up", Patience, () => IsReached(world));
            using var ping = isBusy ? world.Clients[0].Start("ping", "ping", "-i0.2", "-W1", RoadWarriors.Server4) : null;
            far = Again(far, gateway);
            far.Load(tunnel.ForGateway());
            var away = Until("the tunnel is back", () => far.List() is [{ State: "ESTABLISHED" }] && IsReached(world));
            Say($"{(isBusy ? "busy" : "idle")} client {client} of {gateway}", away);
            Assert.InRange(away, TimeSpan.Zero, Away);
            Assert.Single(near.List());
            Assert.Single(far.List());
            if (isBusy && client == Peer.Kuguru && gateway == Peer.Kuguru)
                Assert.Contains("knows nothing of this IKE SA any more", near.Log, StringComparison.Ordinal);
        }
        finally
        {
            far.Dispose();
        }
    }

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void A_client_that_was_killed_is_back_at_once_and_nothing_of_its_past_is_left_at_either_end(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var far = gateway.On(world.Gateway);
        far.Load(new Tunnel().ForGateway());
        var near = client.On(world.Clients[0]);
        try
        {
            var mine = new Tunnel { ChildExtra = "start_action = start" }.ForClient(1, world.GatewayAddress);
            near.Load(mine);
            Wait.Until("the tunnel is up", Patience, () => IsReached(world));
            var before = State(near.Host);
            near = Again(near, client);
            near.Load(mine);
            var away = Until("the tunnel is back", () => near.List() is [{ State: "ESTABLISHED" }] && IsReached(world));
            Say($"client {client} itself, of {gateway}", away);
            Assert.InRange(away, TimeSpan.Zero, Away);
            Assert.Single(near.List());
            Assert.Single(far.List());
            if (client == Peer.Kuguru)
                Assert.Equal(before, State(near.Host));
        }
        finally
        {
            near.Dispose();
        }
    }

    /// <summary>charon believes a refusal at once and for good, also when its gateway has just not read its configuration yet.</summary>
    [Fact]
    public void A_gateway_that_starts_refuses_nobody_before_it_has_read_its_configuration()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0], "retransmit_timeout = 0.05\nretransmit_base = 1\nretransmit_tries = 100");
        near.Load(new Tunnel { ClientExtra = "keyingtries = 0", ChildExtra = "start_action = start" }.ForClient(1, world.GatewayAddress));
        // That take their time to read.
        var others = string.Join('\n', Enumerable.Range(1, 500).Select(number => $"connections {{\n other{number} {{\n remote_addrs = 203.0.113.7\n local {{\n auth = psk\n }}\n remote {{\n auth = psk\n }}\n }}\n}}"));
        world.Gateway.Write("/run/strongswan.conf", "");
        world.Gateway.Write("/run/gateway.conf", others + "\n" + new Tunnel().ForGateway());
        using var far = world.Gateway.Start("kuguru", [.. KuguruDaemon.Program, "run", "--config", "/run/gateway.conf", "--vici", IkeDaemon.Vici]);
        Wait.Until("the tunnel is up", Patience, () => IsReached(world));
        Assert.DoesNotContain("no connection fits", far.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("NO_PROPOSAL_CHOSEN", near.Log, StringComparison.Ordinal);
    }

    /// <summary>The power goes, and comes again.</summary>
    static IkeDaemon Again(IkeDaemon daemon, Peer peer)
    {
        daemon.Job.Signal("KILL");
        Wait.Until("it is dead", Patience, () => daemon.Job.HasEnded);
        daemon.Dispose();
        return peer.On(daemon.Host);
    }

    static TimeSpan Until(string what, Func<bool> holds)
    {
        var begin = Stopwatch.GetTimestamp();
        Wait.Until(what, TimeSpan.FromSeconds(60), holds);
        return Stopwatch.GetElapsedTime(begin);
    }

    static void Say(string who, TimeSpan away) => TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant($"{who}: {away.TotalSeconds:0.0} s"));

    /// <summary>From behind the gateway: nothing that the client itself sends helps.</summary>
    static bool IsReached(RoadWarriors world) => world.Server.Try(["ping", "-c1", "-W1", "10.3.0.1"]).Status == 0;

    /// <summary>What the tunnel makes of its host.</summary>
    static string State(Host host) => host.Run("bash", "-c", "ip -4 -o addr | sed 's/^[0-9]*: //'; ip -4 rule; ip -4 route show table 220; cat /etc/resolv.conf");
}
