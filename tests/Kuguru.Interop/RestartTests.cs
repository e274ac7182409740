using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>A daemon that is killed says nothing, and comes back without a memory.</summary>
public class RestartTests
{
    [Fact]
    public void A_gateway_that_was_killed_tells_its_client_and_the_tunnel_is_back_within_seconds_without_liveness_checks()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        var far = Peer.Kuguru.On(world.Gateway);
        try
        {
            var tunnel = new Tunnel();
            far.Load(tunnel.ForGateway());
            near.Load((tunnel with { ChildExtra = "start_action = start" }).ForClient(1, world.GatewayAddress));
            Wait.Until("the tunnel is up", TimeSpan.FromSeconds(15), () => Answers(world));
            far = Again(far, Peer.Kuguru);
            far.Load(tunnel.ForGateway());
            using var ping = world.Clients[0].Start("ping", "ping", "-i0.2", "-W1", RoadWarriors.Server4);
            Wait.Until("the tunnel is back", TimeSpan.FromSeconds(15), () => Answers(world));
            Assert.Contains("knows nothing of this IKE SA any more", near.Log, StringComparison.Ordinal);
            Assert.Single(near.List());
            Assert.Single(far.List());
        }
        finally
        {
            far.Dispose();
        }
    }

    /// <summary>charon tells nobody: liveness checks find out.</summary>
    [Fact]
    public void A_charon_gateway_that_was_killed_is_found_again_by_liveness_checks()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0], "retransmit_timeout = 1\nretransmit_tries = 2");
        var far = Peer.Charon.On(world.Gateway);
        try
        {
            var tunnel = new Tunnel();
            far.Load(tunnel.ForGateway());
            near.Load((tunnel with { ClientExtra = "dpd_delay = 1s\nkeyingtries = 0", ChildExtra = "start_action = start\ndpd_action = start" }).ForClient(1, world.GatewayAddress));
            Wait.Until("the tunnel is up", TimeSpan.FromSeconds(15), () => Answers(world));
            far = Again(far, Peer.Charon);
            far.Load(tunnel.ForGateway());
            Wait.Until("the tunnel is back", TimeSpan.FromSeconds(20), () => Answers(world));
            Assert.Single(near.List());
            Assert.Single(far.List());
        }
        finally
        {
            far.Dispose();
        }
    }

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void A_client_that_was_killed_is_back_at_once_and_the_gateway_keeps_nothing_of_its_past(Peer client, Peer gateway)
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
            Wait.Until("the tunnel is up", TimeSpan.FromSeconds(15), () => Answers(world));
            near = Again(near, client);
            near.Load(mine);
            Wait.Until("the tunnel is back", TimeSpan.FromSeconds(20), () => Answers(world));
            Wait.Until("the gateway has one IKE SA", TimeSpan.FromSeconds(10), () => far.List().Count == 1);
            Assert.Single(near.List());
        }
        finally
        {
            near.Dispose();
        }
    }

    /// <summary>The power goes, and comes again.</summary>
    static IkeDaemon Again(IkeDaemon daemon, Peer peer)
    {
        daemon.Job.Signal("KILL");
        Wait.Until("it is dead", TimeSpan.FromSeconds(5), () => daemon.Job.HasEnded);
        daemon.Dispose();
        return peer.On(daemon.Host);
    }

    static bool Answers(RoadWarriors world) => world.Clients[0].Try(["ping", "-c1", "-W1", RoadWarriors.Server4]).Status == 0;
}
