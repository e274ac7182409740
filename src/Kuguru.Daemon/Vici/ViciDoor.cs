using Kuguru.Daemon.Settings;
using Kuguru.Engine;
using Kuguru.Ike;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon.Vici;

/// <summary>The whole of VICI for a daemon: all commands and events over a node's loop.</summary>
public sealed class ViciDoor : IAsyncDisposable
{
    readonly ViciServer _server;
    readonly ViciEvents _events;

    public ViciDoor(INodeLoop loop, TimeProvider time, ILogger log)
    {
        _server = new ViciServer(log);
        _events = new ViciEvents(_server, Orders);
        _events.Register();
        new QueryCommands(loop, time).Register(_server);
        new ConfigCommands(loop).Register(_server);
        new ControlCommands(loop, _events, Orders).Register(_server);
    }

    /// <summary>Whose order the daemon's own are, too: tokens come from one place.</summary>
    public OrderBook Orders { get; } = new();

    /// <inheritdoc cref="ViciServer.Listen"/>
    public void Listen(string path) => _server.Listen(path);

    /// <summary>From the loop's thread, for each <see cref="Effect.Report"/> in order: also ends the orders that clients wait for.</summary>
    public void Publish(Instant now, Event what, Node node) => _events.Publish(now, what, node);

    /// <summary>Makes the node have exactly what a swanctl.conf says, as <c>kuguru load</c> does from outside.</summary>
    public Task<LoadResult> Load(SwanctlConf conf, Complaints complaints) => SwanctlLoader.Load(conf, _server.Call, complaints);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
