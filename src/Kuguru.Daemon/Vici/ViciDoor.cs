using Kuguru.Daemon.Settings;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon.Vici;

/// <summary>
/// The whole of VICI for a daemon: all commands and events over its loop. Made before the loop starts, since it listens to what the loop reports.
/// </summary>
public sealed class ViciDoor : IAsyncDisposable
{
    readonly ViciServer _server;

    /// <summary>The settings give connections' defaults and the ports; what reload-settings does gives null for success, else why not.</summary>
    public ViciDoor(ControlLoop loop, CharonSettings settings, Func<IEnumerable<(string Why, long Count)>> packetDrops,
        Func<Task<string?>> reloadSettings, TimeProvider time, ILogger log)
    {
        _server = new ViciServer(log);
        var events = new ViciEvents(_server, loop, log);
        events.Register();
        loop.Reported += events.Publish;
        new QueryCommands(loop, packetDrops, time).Register(_server);
        new ConfigCommands(loop, settings).Register(_server);
        new CertificateCommands(loop).Register(_server);
        new ControlCommands(loop, events, reloadSettings).Register(_server);
    }

    /// <inheritdoc cref="ViciServer.Listen"/>
    public void Listen(string path) => _server.Listen(path);

    /// <summary>Makes the node have exactly what a swanctl.conf says, as <c>kuguru load</c> does from outside.</summary>
    public Task<LoadResult> Load(SwanctlConf conf, Complaints complaints) => SwanctlLoader.Load(conf, _server.Call, complaints);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
