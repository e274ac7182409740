using System.Diagnostics;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>A machine that has slept: its deadlines are over, its NAT has forgotten it, and nobody has told it.</summary>
public class SleepTests
{
    const int Liveness = 6;

    /// <summary>
    /// A daemon that is stopped for longer than a liveness interval stands for the machine: what was due meanwhile is done when it goes on, not an
    /// interval later. (That a machine has slept, the loop learns from two clocks, which cannot be set apart here: ControlLoopTests.)
    /// </summary>
    [Theory]
    [InlineData(Peer.Charon, "yes")]
    [InlineData(Peer.Kuguru, "no")]
    public void A_client_that_has_slept_is_reached_as_soon_as_it_is_awake_although_its_NAT_has_forgotten_it(Peer gateway, string mobike)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Load(new Tunnel { GatewayExtra = $"mobike = {mobike}" }.ForGateway());
        near.Load(new Tunnel { ClientExtra = $"mobike = {mobike}\ndpd_delay = {Liveness}s" }.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        world.Server.Run("ping", "-c1", "-W5", "10.3.0.1");
        var id = near.Single().Id;

        near.Job.Pause();
        world.Nat!.Remap(40000, 49999);
        world.Server.Run("sleep", $"{Liveness + 1}");
        Assert.StartsWith("192.0.2.1[2", far.Single().Remote);
        near.Job.Resume();
        var begin = Stopwatch.GetTimestamp();
        Wait.Until("the gateway reaches the client", TimeSpan.FromSeconds(20), () => world.Server.Try(["ping", "-c1", "-W0.3", "10.3.0.1"]).Status == 0);
        var away = Stopwatch.GetElapsedTime(begin);
        TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant($"{gateway}, mobike = {mobike}: {away.TotalSeconds:0.00} s"));
        Assert.InRange(away, TimeSpan.Zero, TimeSpan.FromSeconds(Liveness / 2));
        Assert.Equal(id, near.Single().Id);
        Assert.StartsWith("192.0.2.1[4", far.Single().Remote);
    }
}
