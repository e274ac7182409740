using Kuguru.Daemon;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kuguru.Tests.Daemon.Vici;

/// <summary>
/// A daemon without sockets and packets: a node on its loop, VICI on a socket of its own. What it sends goes to <see cref="Peer"/>, where there is one.
/// </summary>
public sealed class BareDaemon : IAsyncDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("vici-").FullName;
    readonly IpAddress _address;
    readonly ViciDoor _door;

    public BareDaemon(string address = "192.0.2.1")
    {
        _address = IpAddress.Parse(address);
        Loop = new ControlLoop(new Node(new IkeSettings(), new SystemDice(), new SystemWallClock()), Obey, () => []);
        _door = new ViciDoor(Loop, CharonSettings.Default, () => [("esp-Replayed", 3)], () => Task.FromResult<string?>(null), TimeProvider.System, NullLogger.Instance);
        Loop.Start();
        Loop.Tell(new Order.LocalAddresses([_address]));
        _door.Listen(Socket);
    }

    public ControlLoop Loop { get; }
    public BareDaemon? Peer { get; set; }
    public string Socket => System.IO.Path.Combine(_folder, "vici");

    /// <summary>Loads a swanctl.conf, which must be right.</summary>
    public async Task Load(string text)
    {
        var complaints = new Complaints();
        await Load(SwanctlConf.Load(Write("loaded.conf", text), complaints) ?? throw new InvalidOperationException(string.Join('\n', complaints.All)));
    }

    /// <summary>Loads what must be right, from inside.</summary>
    public async Task Load(SwanctlConf conf)
    {
        var complaints = new Complaints();
        await _door.Load(conf, complaints);
        if (complaints.HasErrors)
            throw new InvalidOperationException(string.Join('\n', complaints.All));
    }

    /// <summary>A file in this daemon's own folder.</summary>
    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(_folder, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
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
            Loop.Tell(new Order.PathFound(find.Request, peer is { } remote ? new Path(new(_address, 500), new(remote, 500)) : null, "no way"));
        }
        else if (effect is Effect.Transmit transmit && Peer is { } other)
        {
            other.Loop.Offer(new Path(transmit.Path.Remote, transmit.Path.Local), transmit.Bytes.Span);
            other.Loop.Wake();
        }
    }
}
