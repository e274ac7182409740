namespace Kuguru.Linux;

/// <summary>How a <see cref="UdpPort"/> is opened.</summary>
public sealed record UdpPortOptions
{
    /// <summary>The family, and the one address to listen on unless it is "any".</summary>
    public IpAddress Address { get; init; } = IpAddress.AnyV4;

    /// <summary>0: the kernel chooses, <see cref="UdpPort.Port"/> says which.</summary>
    public ushort Port { get; init; }

    /// <summary>Carried by all our packets, so that policy routing keeps them out of the tunnel. 0: none.</summary>
    public uint Mark { get; init; }

    public PathMtu PathMtu { get; init; } = PathMtu.Dont;

    /// <summary>Of each direction.</summary>
    public int BufferOctets { get; init; } = 16 << 20;

    /// <summary>Several datagrams per message both ways, where the kernel can.</summary>
    public bool Offload { get; init; } = true;

    /// <summary>ICMP errors come back through <see cref="UdpPort.TryReadError"/>.</summary>
    public bool ReportErrors { get; init; }

    /// <summary>
    /// UDP checksum zero over IPv4, as RFC 3948 section 2.1 recommends for ESP. The kernel has it per socket, so IKE on the same port is
    /// sent so too, and it has no segmentation offload then. Off by default: a right checksum is what every receiver must accept as well,
    /// it costs less than the offload saves, and it protects IKE.
    /// </summary>
    public bool ZeroChecksum { get; init; }
}

/// <summary>
/// A UDP socket for IKE and ESP in UDP, of one family. Non-blocking. Each arrival says which of our addresses it came to and each
/// departure may say which it leaves from, so one socket on "any" serves a host with many. Receiving belongs to one thread; any
/// number of threads may send, each with a <see cref="SendBatch"/> of its own.
/// </summary>
public sealed unsafe class UdpPort : IDisposable
{
    const int SendPatience = 50;

    readonly Descriptor _socket;
    readonly bool _reportsErrors;
    bool _segments;

    UdpPort(Descriptor socket, UdpPortOptions options, ushort port)
    {
        _socket = socket;
        _reportsErrors = options.ReportErrors;
        Address = options.Address;
        Port = port;
        Coalesces = options.Offload && SocketOption.TrySet(socket, Libc.IPPROTO_UDP, Libc.UDP_GRO, 1) == Errno.None;
        // Reading the default back says whether the kernel knows the option at all.
        int segment;
        uint length = sizeof(int);
        _segments = options.Offload && !ZeroChecksum(options)
            && Libc.getsockopt(socket.Number, Libc.IPPROTO_UDP, Libc.UDP_SEGMENT, &segment, &length) == 0;
    }

    public IpAddress Address { get; }
    public bool IsV6 => Address.IsV6;
    public ushort Port { get; }

    /// <summary>For a <see cref="Poller"/>.</summary>
    public int Number => _socket.Number;

    /// <summary>Whether a run leaves as one message; turns false when the kernel says that a device cannot.</summary>
    public bool Segments => _segments;

    /// <summary>Whether an arrival may be several datagrams in one.</summary>
    public bool Coalesces { get; }

    public static UdpPort Open(UdpPortOptions options)
    {
        var isV6 = options.Address.IsV6;
        var socket = SocketOption.Open(isV6, Libc.SOCK_DGRAM, 0, "open a UDP socket", "CAP_NET_RAW");
        try
        {
            if (isV6)
                SocketOption.Set(socket, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, 1, "keep IPv4 off an IPv6 socket");
            SocketOption.Mark(socket, options.Mark);
            SocketOption.PathMtu(socket, isV6, options.PathMtu);
            SocketOption.PacketInformation(socket, isV6);
            SocketOption.Buffers(socket, options.BufferOctets);
            if (options.ReportErrors)
                SocketOption.ReportErrors(socket, isV6);
            if (ZeroChecksum(options))
                SocketOption.Set(socket, Libc.SOL_SOCKET, Libc.SO_NO_CHECK, 1, "send UDP checksums of zero");
            Bind(socket, options);
            return new(socket, options, BoundPort(socket));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes what is there, one call; 0 when nothing is.</summary>
    public int Receive(ReceiveBatch batch)
    {
        Errno errno;
        // Pending ICMP errors are told here once each; what they are is in the error queue.
        for (var tries = 0; (errno = batch.Receive(_socket.Number)) != Errno.None; tries++)
        {
            if (!IcmpError.IsPending(errno) || tries == 16)
                throw new LinuxException("recvmmsg", errno, $"receive on udp/{Port}");
        }
        for (var i = 0; i < batch.Count; i++)
            batch.Decode(i, Address, Port);
        return batch.Count;
    }

    /// <summary>Sends and empties the batch, waiting shortly if the socket is full. What the kernel refuses is counted, never thrown.</summary>
    public SendOutcome Send(SendBatch batch) => batch.Send(_socket.Number, ref _segments, _reportsErrors, SendPatience);

    /// <summary>The next ICMP error about something sent from here, false when there is none. Asks for <see cref="UdpPortOptions.ReportErrors"/>.</summary>
    public bool TryReadError(out IcmpError error)
    {
        error = default;
        return _reportsErrors && IcmpError.TryRead(_socket.Number, out error);
    }

    public void Dispose() => _socket.Dispose();

    static bool ZeroChecksum(UdpPortOptions options) => options.ZeroChecksum && !options.Address.IsV6;

    static void Bind(Descriptor socket, UdpPortOptions options)
    {
        var address = stackalloc byte[SocketAddress.MaxLength];
        var length = SocketAddress.Write(address, new(options.Address, options.Port));
        if (Libc.bind(socket.Number, address, length) == 0)
            return;
        var errno = Libc.Errno;
        var where = $"udp/{options.Port} on {options.Address}";
        throw new LinuxException("bind", errno, $"listen on {where}", errno switch
        {
            Errno.EADDRINUSE => $"{where} is in use by another program (another IKE daemon?)",
            Errno.EADDRNOTAVAIL => $"cannot listen on {where}: this host does not have the address",
            Errno.EACCES => $"no right to listen on {where}: run as root or give CAP_NET_BIND_SERVICE",
            _ => null,
        });
    }

    static ushort BoundPort(Descriptor socket)
    {
        var address = stackalloc byte[SocketAddress.MaxLength];
        uint length = SocketAddress.MaxLength;
        return Libc.getsockname(socket.Number, address, &length) == 0
            ? SocketAddress.Read(address).Port
            : throw new LinuxException("getsockname", Libc.Errno, "read the port of a socket");
    }
}
