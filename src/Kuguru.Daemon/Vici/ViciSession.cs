using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon.Vici;

/// <summary>
/// The request of a running command, and the way to stream events to the client meanwhile. Without a session (inside the daemon) nobody listens.
/// </summary>
public sealed class ViciCall
{
    readonly ViciSession? _session;

    internal ViciCall(ViciSession? session, ViciMessage request) => (_session, Request) = (session, request);

    public ViciMessage Request { get; }

    public bool Listens(string eventName) => _session?.Listens(eventName) ?? false;

    /// <summary>Sends an event to this client if it registered for it; waits while the client is slow.</summary>
    public ValueTask Stream(string eventName, ViciMessage message, CancellationToken gone) => _session is not null && Listens(eventName)
        ? _session.Send(new ViciPacket(ViciOperation.Event, eventName, message), gone)
        : ValueTask.CompletedTask;

    /// <summary>As <see cref="Stream"/>, from a place that cannot wait (the daemon's loop): a client that lags too far behind is cut off.</summary>
    public void Post(string eventName, ViciMessage message)
    {
        if (Listens(eventName) && new ViciPacket(ViciOperation.Event, eventName, message).TryWrite(out var frame))
            _session?.Post(frame);
    }
}

/// <summary>One client: what it registered for, its commands one after the other, and a bounded queue of what it has not read yet.</summary>
sealed class ViciSession(ViciServer server, Socket socket, int id, ILogger log) : IDisposable
{
    /// <summary>Ours: some 10 MB of list-sa events, which is when a reader that is stuck is told from one that is slow.</summary>
    const int MaxUnread = 8192;

    readonly Channel<byte[]> _requests = Channel.CreateBounded<byte[]>(4);
    readonly Channel<byte[]> _outbox = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxUnread) { SingleReader = true });
    readonly CancellationTokenSource _gone = new();
    ImmutableHashSet<string> _events = [];

    /// <summary>A client that was cut off listens no more, however long its tasks take to end.</summary>
    public bool Listens(string eventName) => !_gone.IsCancellationRequested && _events.Contains(eventName);

    /// <summary>Returns when the client has gone or the server stops.</summary>
    public async Task Run(CancellationToken stop)
    {
        using var stopping = stop.Register(_gone.Cancel);
        var tasks = new[] { Read(), Serve(), Write() };
        await Task.WhenAny(tasks);
        await _gone.CancelAsync();
        socket.Dispose();
        await Task.WhenAll(tasks);
    }

    public void Dispose()
    {
        socket.Dispose();
        _gone.Dispose();
    }

    public void Post(byte[] frame)
    {
        if (_outbox.Writer.TryWrite(frame) || _gone.IsCancellationRequested)
            return;
        log.ClientTooSlow(id, MaxUnread);
        _gone.Cancel();
    }

    public async ValueTask Send(ViciPacket packet, CancellationToken gone)
    {
        if (!packet.TryWrite(out var frame))
            throw new InvalidOperationException($"a {packet.Operation} {packet.Name} exceeds {ViciPacket.MaxLength} octets");
        await _outbox.Writer.WriteAsync(frame, gone);
    }

    async Task Read()
    {
        using var stream = new NetworkStream(socket);
        var header = new byte[ViciPacket.HeaderLength];
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(header, _gone.Token);
                var length = BinaryPrimitives.ReadUInt32BigEndian(header);
                if (length is 0 or > ViciPacket.MaxLength)
                {
                    log.BadPacket(id, $"a length of {length}");
                    return;
                }
                var packet = new byte[length];
                await stream.ReadExactlyAsync(packet, _gone.Token);
                await _requests.Writer.WriteAsync(packet, _gone.Token);
            }
        }
        catch (Exception e) when (IsGone(e))
        {
            log.ClientGone(id);
        }
    }

    async Task Write()
    {
        try
        {
            await foreach (var frame in _outbox.Reader.ReadAllAsync(_gone.Token))
            {
                for (var rest = frame.AsMemory(); !rest.IsEmpty;)
                    rest = rest[await socket.SendAsync(rest, SocketFlags.None, _gone.Token)..];
            }
        }
        catch (Exception e) when (IsGone(e))
        {
            log.ClientGone(id);
        }
    }

    async Task Serve()
    {
        try
        {
            await foreach (var bytes in _requests.Reader.ReadAllAsync(_gone.Token))
            {
                try
                {
                    if (!ViciPacket.TryParse(bytes, out var packet, out var error))
                    {
                        log.BadPacket(id, error.ToString());
                        return;
                    }
                    await Serve(packet);
                }
                finally
                {
                    CryptographicOperations.ZeroMemory(bytes);
                }
            }
        }
        catch (OperationCanceledException) when (_gone.IsCancellationRequested)
        {
            log.ClientGone(id);
        }
    }

    async Task Serve(ViciPacket packet)
    {
        switch (packet.Operation)
        {
            case ViciOperation.CommandRequest:
                await Send(await Answer(packet.Name, packet.Message), _gone.Token);
                break;
            case ViciOperation.EventRegister:
                await Confirm(server.IsEvent(packet.Name), _events.Add(packet.Name));
                break;
            case ViciOperation.EventUnregister:
                await Confirm(Listens(packet.Name), _events.Remove(packet.Name));
                break;
            case ViciOperation.CommandResponse or ViciOperation.CommandUnknown or ViciOperation.EventConfirm or ViciOperation.EventUnknown
                or ViciOperation.Event:
                log.BadPacket(id, $"a {packet.Operation}, which only the daemon sends");
                break;
        }
    }

    async Task Confirm(bool known, ImmutableHashSet<string> events)
    {
        if (known)
            _events = events;
        await Send(new ViciPacket(known ? ViciOperation.EventConfirm : ViciOperation.EventUnknown), _gone.Token);
    }

    async Task<ViciPacket> Answer(string name, ViciMessage request)
    {
        if (!server.TryCommand(name, out var command))
        {
            log.UnknownCommand(id, name);
            return new ViciPacket(ViciOperation.CommandUnknown);
        }
        try
        {
            return new ViciPacket(ViciOperation.CommandResponse, "", await command!(new ViciCall(this, request), _gone.Token));
        }
        catch (Exception e) when (!_gone.IsCancellationRequested)
        {
            // Our own bug: it ends this command, not the daemon.
            log.CommandFailed(e, name);
            return new ViciPacket(ViciOperation.CommandResponse, "",
                new ViciMessage { { "success", "no" }, { "errmsg", $"{name} failed inside the daemon: {e.Message}; its log has more" } });
        }
    }

    /// <summary>The ways in which a connection ends that are nobody's fault.</summary>
    static bool IsGone(Exception e) => e is OperationCanceledException or IOException or SocketException or ObjectDisposedException;
}
