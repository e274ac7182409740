using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Clients that share one public address are told apart by SPI.</summary>
public class ManyClientsTests
{
    [Theory]
    [InlineData(Peer.Charon, Peer.Charon, Peer.Charon)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Kuguru, Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru, Peer.Kuguru)]
    public void Two_clients_behind_one_nat(Peer first, Peer second, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(clients: 2);
        using var one = first.On(world.Clients[0]);
        using var two = second.On(world.Clients[1]);
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel();
        far.Load(tunnel.ForGateway(2));
        one.Load(tunnel.ForClient(1, world.GatewayAddress));
        two.Load(tunnel.ForClient(2, world.GatewayAddress));
        one.Swanctl("--initiate", "--child", "net");
        two.Swanctl("--initiate", "--child", "net");

        var sas = far.List();
        Assert.Equal(2, sas.Count);
        Assert.All(sas, sa => Assert.StartsWith("192.0.2.1[2", sa.Remote));
        Assert.NotEqual(sas[0].Remote, sas[1].Remote);
        Assert.Equal(["client1.example", "client2.example"], sas.Select(sa => sa.RemoteId).Order());
        var inside = new[] { one, two }.Select(daemon => Assert.Single(daemon.Single().LocalVirtual)).ToArray();
        Assert.Equal(["10.3.0.1", "10.3.0.2"], inside);

        Parallel.For(0, 2, client => world.FilesCross(world.Clients[client], inside[client]));
        one.Swanctl("--terminate", "--ike", "home");
        world.Server.Run("ping", "-c2", "-i0.2", inside[1]);
        Assert.Equal("client2.example", far.Single().RemoteId);
    }

    [Theory, InlineData(Peer.Charon), InlineData(Peer.Kuguru)]
    public void Two_hundred_clients_behind_one_nat(Peer gateway)
    {
        const int Count = 200;
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        // charon by default takes only five half-open SAs from one address, however many clients are behind it
        using var far = gateway.On(world.Gateway, gateway == Peer.Charon ? "dos_protection = no" : "");
        var tunnel = new Tunnel();
        far.Load(tunnel.ForGateway(Count));
        using var crowd = new Crowd(world.Clients[0], Count, tunnel, world.GatewayAddress);

        var attempts = crowd.Up(TimeSpan.FromSeconds(90));
        var ends = attempts.GroupBy(attempt => $"{attempt}").Select(group => $"{group.Count()} x {group.Key}");
        Assert.Equal($"{Count} x done", string.Join(", ", ends));
        Assert.Equal(Count, crowd.VirtualAddresses.Distinct().Count());
        var sas = far.List();
        Assert.Equal(Count, sas.Count);
        Assert.Equal(Count, sas.Select(sa => sa.Remote).Distinct().Count());
        Assert.All(sas, sa => Assert.StartsWith("192.0.2.1[2", sa.Remote));

        Assert.Equal(Count, crowd.Ping(RoadWarriors.Server4, TimeSpan.FromSeconds(20)));
        var pings = $"for address in {string.Join(' ', crowd.VirtualAddresses)}; do ping -q -c1 -W5 $address || exit; done";
        var back = Task.Run(() => world.Server.Run("bash", "-c", pings));
        crowd.RunUntil(() => back.IsCompleted, TimeSpan.FromSeconds(60));
        Assert.True(back.IsCompletedSuccessfully, back.Exception?.InnerException?.Message ?? "the server's pings are not through");
    }
}
