using System.Globalization;
using System.Text.RegularExpressions;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>New keys while packets flow, whoever asks for them.</summary>
public partial class RekeyTests
{
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void Child_and_IKE_SA_are_rekeyed_from_either_side_and_hardly_a_ping_is_lost(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel { Esp = "aes128gcm16-x25519" };
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        using var ping = world.Clients[0].Start("ping", "ping", "-i0.05", "-W1", RoadWarriors.Server4);
        using var back = world.Server.Start("back", "ping", "-i0.05", "-W1", "10.3.0.1");

        foreach (var (asks, other) in ((IkeDaemon, IkeDaemon)[])[(near, far), (far, near)])
        {
            var spi = asks.Single().Children.Single().SpiIn;
            asks.Swanctl("--rekey", "--child", "net");
            Wait.Until("both ends have one new child", TimeSpan.FromSeconds(15), () => IsSettled(asks, other) && asks.Single().Children.Single().SpiIn != spi);
            var id = asks.Single().Id;
            asks.Swanctl("--rekey", "--ike", asks.Single().Name);
            Wait.Until("both ends have one new IKE SA", TimeSpan.FromSeconds(15), () => IsSettled(asks, other) && asks.Single().Id != id);
        }
        Assert.InRange(Lost(ping), 0, 2);
        Assert.InRange(Lost(back), 0, 2);
        world.FilesCross(world.Clients[0], "10.3.0.1");
        near.Swanctl("--terminate", "--ike", "home");
        Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(5), () => far.List().Count == 0);
    }

    static bool IsSettled(IkeDaemon one, IkeDaemon other) =>
        one.List() is [{ State: "ESTABLISHED", Children: [{ State: "INSTALLED" } mine] }] && other.List() is [{ State: "ESTABLISHED", Children: [{ State: "INSTALLED" } theirs] }]
        && mine.SpiIn == theirs.SpiOut && mine.SpiOut == theirs.SpiIn;

    internal static int Lost(Job ping)
    {
        ping.Stop("INT");
        var counts = Counts().Match(ping.Log);
        Assert.True(counts.Success, ping.Log);
        return int.Parse(counts.Groups[1].Value, CultureInfo.InvariantCulture) - int.Parse(counts.Groups[2].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("(\\d+) packets transmitted, (\\d+) received")]
    private static partial Regex Counts();
}
