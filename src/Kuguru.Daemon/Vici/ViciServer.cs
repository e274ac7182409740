using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon.Vici;

// stock swanctl, kuguru, any VICI client
//      |  CMD_REQUEST, EVENT_REGISTER                    ^  CMD_RESPONSE, EVENT
//      v                                                 |
// ViciSession (one per client): read -> queue -> one command at a time -> outbox -> write
//      |                                                 ^
//      v                                                 |
// ViciCommand (requests -> configuration and orders)          Raise(event) from the daemon's loop

/// <summary>Answers one command. What it streams while it runs goes only to this client, and only if the client registered for that event.</summary>
public delegate Task<ViciMessage> ViciCommand(ViciCall call, CancellationToken gone);

/// <summary>
/// VICI on a Unix stream socket: any number of commands and events by name, up to <see cref="MaxClients"/> clients at once.
/// Commands and events are registered before <see cref="Listen"/>. A client that does not read what it asked for is cut off, others never wait for it.
/// </summary>
public sealed class ViciServer(ILogger log) : IAsyncDisposable
{
    public const string DefaultPath = "/run/charon.vici";

    /// <summary>Ours: far beyond what monitors and scripts of one host open.</summary>
    public const int MaxClients = 128;

    const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    readonly Dictionary<string, ViciCommand> _commands = new(StringComparer.Ordinal);
    readonly HashSet<string> _events = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<ViciSession, Task> _sessions = new();
    readonly CancellationTokenSource _stop = new();
    Socket? _listener;
    Task _accepting = Task.CompletedTask;
    int _lastId;

    public void Command(string name, ViciCommand command) => _commands.Add(name, command);
    public void Event(string name) => _events.Add(name);

    /// <summary>
    /// Serves from now on. The socket of a daemon that died is replaced, that of a living one is not: then, or when the path cannot be
    /// used, an <see cref="IOException"/> says what is wrong.
    /// </summary>
    public void Listen(string path = DefaultPath)
    {
        RemoveStale(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, Mode);
            listener.Listen(MaxClients);
        }
        catch (Exception e) when (e is SocketException or ArgumentException or UnauthorizedAccessException)
        {
            listener.Dispose();
            throw new IOException($"cannot serve VICI on {path}: {e.Message}", e);
        }
        _listener = listener;
        _accepting = Accept(listener);
    }

    /// <summary>A command from inside the daemon, as when it loads its configuration at the start.</summary>
    public Task<ViciMessage> Call(string command, ViciMessage request) => _commands[command](new ViciCall(null, request), _stop.Token);

    /// <summary>Whether somebody would receive the event: spares building it.</summary>
    public bool Listens(string eventName) => _sessions.Keys.Any(s => s.Listens(eventName));

    /// <summary>Sends an event to all that registered for it. Never waits; callable from any thread.</summary>
    public void Raise(string eventName, ViciMessage message)
    {
        if (!_events.Contains(eventName))
            throw new ArgumentException($"no event '{eventName}' is registered", nameof(eventName));
        byte[]? frame = null;
        foreach (var session in _sessions.Keys.Where(s => s.Listens(eventName)))
        {
            if (frame is null && !new ViciPacket(ViciOperation.Event, eventName, message).TryWrite(out frame))
            {
                log.EventTooLong(eventName);
                return;
            }
            session.Post(frame);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        _listener?.Dispose();
        await _accepting;
        await Task.WhenAll(_sessions.Values);
        _stop.Dispose();
    }

    internal bool TryCommand(string name, out ViciCommand? command) => _commands.TryGetValue(name, out command);
    internal bool IsEvent(string name) => _events.Contains(name);

    static void RemoveStale(string path)
    {
        if (!System.IO.Path.Exists(path))
            return;
        if (!IsSocket(path))
            throw new IOException($"cannot serve VICI on {path}: something that is no socket is in the way");
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot serve VICI on {path}: {e.Message}", e);
        }
        throw new IOException($"cannot serve VICI on {path}: another daemon serves it already; stop that one or give another path with --vici");
    }

    /// <summary>Connecting to a plain file is refused just as to a dead socket; but only a socket cannot be opened (ENXIO).</summary>
    static bool IsSocket(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    async Task Accept(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(_stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                log.AcceptFailed(e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }
            if (_sessions.Count >= MaxClients)
            {
                log.TooManyClients(MaxClients);
                client.Dispose();
                continue;
            }
            Begin(client);
        }
    }

    void Begin(Socket client)
    {
        var session = new ViciSession(this, client, ++_lastId, log);
        var started = new TaskCompletionSource();
        _sessions[session] = Run();
        started.SetResult();

        async Task Run()
        {
            using (session)
            {
                await started.Task;
                await session.Run(_stop.Token);
                _sessions.TryRemove(session, out _);
            }
        }
    }
}
