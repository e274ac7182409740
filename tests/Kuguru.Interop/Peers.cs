using Kuguru.Cli;
using Kuguru.Cli.Namespaces;
using Kuguru.Daemon.Vici;
using Xunit;

// Stories wait more than they compute: two at a time, even on one core.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Kuguru.Interop;

/// <summary>Which daemon plays a part.</summary>
public enum Peer { Charon, Kuguru }

/// <summary>A client's and a gateway's daemon on a <see cref="RoadWarriors"/> network, and what stories say about them.</summary>
static class Peers
{
    public const int FileLength = 50_000_000;

    public static IkeDaemon On(this Peer peer, Host host, string settings = "", params string[] options)
    {
        NeedRoot();
        return peer switch
        {
            Peer.Charon => new Charon(host, settings),
            Peer.Kuguru => new KuguruDaemon(host, settings.Length == 0 ? "" : $"charon {{\n{settings}\n}}\n", options),
        };
    }

    public static void NeedRoot() => Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root: namespaces, TUN and raw sockets");

    /// <summary>The file arrives as it was sent, in both directions.</summary>
    public static void FilesCross(this RoadWarriors world, Host client, string inside, string server = RoadWarriors.Server4)
    {
        var up = Transfer.Tcp(client, world.Server, server, FileLength);
        Assert.True(up.IsIntact, $"sent {up.Sent} {up.SentHash}, received {up.Received} {up.ReceivedHash}");
        var down = Transfer.Tcp(world.Server, client, inside, FileLength);
        Assert.True(down.IsIntact, $"sent {down.Sent} {down.SentHash}, received {down.Received} {down.ReceivedHash}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{up.MegabitsPerSecond:0} Mbit/s up, {down.MegabitsPerSecond:0} down");
    }

    public static IReadOnlyList<Sa> List(this IkeDaemon daemon)
    {
        using var client = ViciClient.Connect(daemon.Socket).GetAwaiter().GetResult();
        return Sa.List(client, CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <summary>The only IKE SA of a daemon.</summary>
    public static Sa Single(this IkeDaemon daemon) => Assert.Single(daemon.List());
}
