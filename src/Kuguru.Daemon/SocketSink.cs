using Kuguru.Esp;
using Kuguru.Linux;
using Kuguru.Wire;

namespace Kuguru.Daemon;

/// <summary>
/// Where one worker's ESP and AH packets go: a <see cref="SendBatch"/> for each socket, sent when full and by <see cref="Flush"/>. ESP packets are
/// sealed straight into the batch.
/// </summary>
sealed class SocketSink : IDatagramSink, IDisposable
{
    readonly Sockets _sockets;
    readonly Outlet[] _udp, _raw, _ah;
    readonly Outlet _nowhere = new(_ => default);
    Route? _route;
    Outlet _current;
    Path _path;
    long _sent, _unsent;

    public SocketSink(Sockets sockets)
    {
        _sockets = sockets;
        _udp = [.. sockets.Udp.Select(port => new Outlet(port.Send))];
        _raw = [.. sockets.Raw.Select(socket => new Outlet(socket.Send))];
        _ah = [.. sockets.Ah.Select(socket => new Outlet(socket.Send))];
        _current = _nowhere;
    }

    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Packets that the kernel refused, or for which there is no socket.</summary>
    public long Unsent => Volatile.Read(ref _unsent);

    /// <summary>The last refusal.</summary>
    public Errno LastError { get; private set; }

    public Span<byte> Room(Route route, int length)
    {
        if (!ReferenceEquals(route, _route))
            Choose(route);
        var room = _current.Batch.Room(length);
        if (!room.IsEmpty)
            return room;
        Send(_current);
        return _current.Batch.Room(length);
    }

    public void Append(Route route, int length, byte tos) => _current.Batch.Append(_path, length, tos);

    /// <summary>Sends what is held.</summary>
    public void Flush()
    {
        foreach (var outlet in _udp)
            Send(outlet);
        foreach (var outlet in _raw)
            Send(outlet);
        foreach (var outlet in _ah)
            Send(outlet);
        Send(_nowhere);
    }

    public void Dispose()
    {
        foreach (var outlet in (IEnumerable<Outlet>)[.. _udp, .. _raw, .. _ah, _nowhere])
            outlet.Batch.Dispose();
    }

    void Choose(Route route)
    {
        _route = route;
        if (route.UdpEncapsulated)
        {
            _path = route.Path;
            _current = Find(_udp, _sockets.Udp, _sockets.For(_path));
        }
        else
        {
            // A raw IPv6 socket takes a port for a protocol, and refuses it.
            _path = new(route.Path.Local with { Port = 0 }, route.Path.Remote with { Port = 0 });
            _current = route.Protocol == IpProtocol.Ah
                ? Find(_ah, _sockets.Ah, _sockets.AhFor(_path.Remote.Address))
                : Find(_raw, _sockets.Raw, _sockets.RawFor(_path.Remote.Address));
        }
    }

    Outlet Find<T>(Outlet[] outlets, IReadOnlyList<T> sockets, T? socket) where T : class
    {
        for (var i = 0; i < sockets.Count; i++)
        {
            if (ReferenceEquals(sockets[i], socket))
                return outlets[i];
        }
        return _nowhere;
    }

    void Send(Outlet outlet)
    {
        if (outlet.Batch.IsEmpty)
            return;
        var packets = outlet.Batch.Datagrams;
        var outcome = outlet.Send(outlet.Batch);
        outlet.Batch.Clear();
        Volatile.Write(ref _sent, _sent + outcome.Sent);
        if (outcome.Sent == packets)
            return;
        Volatile.Write(ref _unsent, _unsent + packets - outcome.Sent);
        LastError = outcome.Error;
    }

    /// <summary>A socket's batch, and how it is sent.</summary>
    sealed record Outlet(Func<SendBatch, SendOutcome> Send)
    {
        public SendBatch Batch { get; } = new();
    }
}
