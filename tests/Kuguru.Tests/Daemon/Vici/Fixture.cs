using Kuguru.Daemon;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kuguru.Tests.Daemon.Vici;

/// <summary>A daemon without sockets and packets: a node on its loop, VICI on a socket of its own. Every path is found to be 192.0.2.1...its peer.</summary>
public sealed class BareDaemon : IAsyncDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("vici-").FullName;
    readonly ViciDoor _door;

    public BareDaemon()
    {
        Loop = new ControlLoop(new Node(new IkeSettings(), new SystemDice()), Obey, () => []);
        _door = new ViciDoor(Loop, CharonSettings.Default, () => Task.FromResult<string?>(null), TimeProvider.System, NullLogger.Instance);
        Loop.Start();
        _door.Listen(Socket);
    }

    public ControlLoop Loop { get; }
    public string Socket => System.IO.Path.Combine(_folder, "vici");

    public Task<LoadResult> Load(SwanctlConf conf, Complaints complaints) => _door.Load(conf, complaints);

    /// <summary>A file in this daemon's own folder.</summary>
    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        await _door.DisposeAsync();
        Loop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    void Obey(Effect effect)
    {
        if (effect is Effect.FindPath find)
        {
            var peer = find.Connection.RemoteAddresses[0].Single;
            Loop.Tell(new Order.PathFound(find.Request, peer is { } remote ? new Path(new(IpAddress.Parse("192.0.2.1"), 500), new(remote, 500)) : null, "no way"));
        }
    }
}
