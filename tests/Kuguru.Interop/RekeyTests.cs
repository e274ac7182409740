using System.Globalization;
using System.Text.RegularExpressions;
using Kuguru.Cli;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>New keys while packets flow, whoever asks for them.</summary>
public partial class RekeyTests
{
    const int Pings = 600;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Twice a second, under iperf3 and a hundred pings a second each way, of which not one is lost. TCP's window is so small that what is on its way
    /// fits into a socket's buffer of Linux' usual size, which is what charon has: a daemon that is not given the time for a while loses nothing.
    /// </summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void Child_and_IKE_SA_are_rekeyed_from_either_side_and_no_ping_is_lost(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        var tunnel = new Tunnel { Esp = "aes128gcm16-x25519" };
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        using var iperf = world.Server.Start("iperf3", "iperf3", "--server", "--forceflush");
        Wait.Until("iperf3 listens", Patience, () => iperf.Log.Contains("Server listening", StringComparison.Ordinal));
        using var load = world.Clients[0].Start("load", "iperf3", "--client", RoadWarriors.Server4, "--time", "60", "--bitrate", "5M", "--window", "24K", "--length", "8K", "--bidir");
        using var ping = world.Clients[0].Start("ping", "ping", "-i0.01", $"-c{Pings}", "-W5", RoadWarriors.Server4);
        using var back = world.Server.Start("back", "ping", "-i0.01", $"-c{Pings}", "-W5", "10.3.0.1");

        var rekeyings = 0;
        while (!ping.HasEnded || !back.HasEnded)
        {
            foreach (var (asks, other) in ((IkeDaemon, IkeDaemon)[])[(near, far), (far, near)])
            {
                var spi = Newest(asks)!.SpiIn;
                asks.Swanctl("--rekey", "--child", "net");
                Wait.Until("both ends have a new child", Patience, () => Newest(asks) is { } child && child.SpiIn != spi && child.SpiIn == Newest(other)?.SpiOut);
                var sa = asks.Single();
                asks.Swanctl("--rekey", "--ike", sa.Name);
                Wait.Until("both ends have one new IKE SA", Patience, () => IsSettled(asks, other) && asks.Single().Id != sa.Id);
                rekeyings += 2;
                world.Server.Run("sleep", "0.5");
            }
        }
        Assert.InRange(rekeyings, 4, int.MaxValue);
        var (there, andBack) = (Lost(ping), Lost(back));
        Assert.True((there, andBack) == (0, 0), $"{there} and {andBack} pings lost; buffers without room: {Overflow(world.Clients[0])} at the client, {Overflow(world.Gateway)} at the gateway");
        Assert.False(load.HasEnded, load.Log);
        load.Stop("INT");
        near.Swanctl("--terminate", "--ike", "home");
        Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(5), () => far.List().Count == 0);
    }

    /// <summary>Datagrams that came and for which their socket's buffer had no room.</summary>
    static int Overflow(Host host)
    {
        var lines = host.Run("grep", "^Udp:", "/proc/net/snmp").Split('\n');
        return int.Parse(lines[1].Split(' ')[Array.IndexOf(lines[0].Split(' '), "RcvbufErrors")], CultureInfo.InvariantCulture);
    }

    /// <summary>Null at the moment of its rekeying.</summary>
    static SaChild? Newest(IkeDaemon daemon) =>
        daemon.List().SelectMany(sa => sa.Children).Where(child => child.State == "INSTALLED").MaxBy(child => int.Parse(child.Id, CultureInfo.InvariantCulture));

    static bool IsSettled(IkeDaemon one, IkeDaemon other) =>
        one.List() is [{ State: "ESTABLISHED" }] && other.List() is [{ State: "ESTABLISHED" }] && Newest(one) is { } child && child.SpiIn == Newest(other)?.SpiOut;

    /// <summary>How many pings were not answered, when it has sent all of them, or is told to stop; then the last may be on its way and is not lost.</summary>
    internal static int Lost(Job ping)
    {
        var isStopped = !ping.HasEnded;
        ping.Stop("INT");
        var counts = Counts().Match(ping.Log);
        Assert.True(counts.Success, ping.Log);
        var (sent, answered) = (int.Parse(counts.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(counts.Groups[2].Value, CultureInfo.InvariantCulture));
        bool IsAnswered(int number) => ping.Log.Contains($"icmp_seq={number} ", StringComparison.Ordinal);
        return sent - answered - (isStopped && IsAnswered(sent - 1) && !IsAnswered(sent) ? 1 : 0);
    }

    [GeneratedRegex("(\\d+) packets transmitted, (\\d+) received")]
    private static partial Regex Counts();
}
