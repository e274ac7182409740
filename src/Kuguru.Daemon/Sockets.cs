using Kuguru.Linux;

namespace Kuguru.Daemon;

/// <summary>
/// The daemon's sockets: IKE and NAT port over IPv4 and IPv6, plain ESP and AH over both. A host without IPv6 has just the first half; without the right to raw
/// sockets there is no plain ESP or AH, only ESP in UDP, and <see cref="Missing"/> says so.
/// </summary>
public sealed class Sockets : IDisposable
{
    readonly List<UdpPort> _udp = [];
    readonly List<RawEspSocket> _raw = [];
    readonly List<RawAhSocket> _ah = [];
    readonly List<string> _missing = [];

    public IReadOnlyList<UdpPort> Udp => _udp;
    public IReadOnlyList<RawEspSocket> Raw => _raw;
    public IReadOnlyList<RawAhSocket> Ah => _ah;

    /// <summary>What could not be opened and can be done without, a sentence each.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>The ports that were really bound; they differ from those asked for where these were 0.</summary>
    public ushort IkePort { get; private set; }

    /// <inheritdoc cref="IkePort"/>
    public ushort NatPort { get; private set; }

    /// <summary>The port from which NATs are examined, which the kernel has chosen.</summary>
    public ushort ProbePort { get; private set; }

    /// <exception cref="LinuxException">A port is in use, or there is no right to it.</exception>
    public static Sockets Open(ushort ikePort, ushort natPort, uint mark)
    {
        var sockets = new Sockets();
        try
        {
            sockets.IkePort = sockets.Bind(IpAddress.AnyV4, ikePort, mark);
            sockets.NatPort = sockets.Bind(IpAddress.AnyV4, natPort, mark);
            sockets.ProbePort = sockets.Bind(IpAddress.AnyV4, 0, mark);
            sockets.TryIpv6(mark);
            sockets.TryRaw(IpAddress.AnyV4, mark);
            return sockets;
        }
        catch
        {
            sockets.Dispose();
            throw;
        }
    }

    /// <summary>The socket that a datagram with this path leaves from; null when there is none of that family and port.</summary>
    public UdpPort? For(in Path path)
    {
        foreach (var port in _udp)
        {
            if (port.Port == path.Local.Port && port.IsV6 == path.Remote.Address.IsV6)
                return port;
        }
        return null;
    }

    /// <summary>The socket for plain ESP to this address; null when there is none.</summary>
    public RawEspSocket? RawFor(IpAddress remote) => OfFamily(_raw, remote);

    /// <summary>The socket for AH to this address; null when there is none.</summary>
    public RawAhSocket? AhFor(IpAddress remote) => OfFamily(_ah, remote);

    static T? OfFamily<T>(List<T> sockets, IpAddress remote)
        where T : RawSocket
    {
        foreach (var socket in sockets)
        {
            if (socket.IsV6 == remote.IsV6)
                return socket;
        }
        return null;
    }

    public void Dispose()
    {
        _udp.ForEach(port => port.Dispose());
        _raw.ForEach(socket => socket.Dispose());
        _ah.ForEach(socket => socket.Dispose());
    }

    ushort Bind(IpAddress address, ushort port, uint mark)
    {
        var socket = UdpPort.Open(new UdpPortOptions { Address = address, Port = port, Mark = mark });
        _udp.Add(socket);
        return socket.Port;
    }

    void TryIpv6(uint mark)
    {
        try
        {
            Bind(IpAddress.AnyV6, IkePort, mark);
            Bind(IpAddress.AnyV6, NatPort, mark);
            TryProbeIpv6(mark);
            TryRaw(IpAddress.AnyV6, mark);
        }
        catch (LinuxException e) when (e.Errno is Errno.EAFNOSUPPORT or Errno.EADDRNOTAVAIL)
        {
            _missing.Add($"no IPv6 on this host ({e.Errno}): IPv4 only");
        }
    }

    /// <summary>The same port, if it is free there too; without it nothing is learned over IPv6.</summary>
    void TryProbeIpv6(uint mark)
    {
        try
        {
            Bind(IpAddress.AnyV6, ProbePort, mark);
        }
        catch (LinuxException e) when (e.Errno == Errno.EADDRINUSE)
        {
            _missing.Add($"udp/{ProbePort} is in use over IPv6: keepalives stay every 20 s there");
        }
    }

    void TryRaw(IpAddress address, uint mark)
    {
        try
        {
            _raw.Add(RawEspSocket.Open(new RawSocketOptions { Address = address, Mark = mark }));
            _ah.Add(RawAhSocket.Open(new RawSocketOptions { Address = address, Mark = mark }));
        }
        catch (LinuxException e) when (e.Errno is Errno.EPERM or Errno.EACCES)
        {
            _missing.Add($"no plain ESP and no AH, only ESP in UDP: {e.Message}");
        }
    }
}
