namespace Kuguru.Linux;

/// <summary>How a <see cref="RawEspSocket"/> is opened; the meanings are those of <see cref="UdpPortOptions"/>.</summary>
public sealed record RawEspOptions
{
    public IpAddress Address { get; init; } = IpAddress.AnyV4;
    public uint Mark { get; init; }
    public PathMtu PathMtu { get; init; } = PathMtu.Dont;
    public int BufferOctets { get; init; } = 16 << 20;
}

/// <summary>
/// Plain ESP, IP protocol 50, of one family: what peers without a NAT between them send (RFC 4303). It sees every ESP packet for this
/// host, also those that are somebody else's. Ports in paths are 0. Threads as for <see cref="UdpPort"/>.
/// </summary>
public sealed class RawEspSocket : IDisposable
{
    const int SendPatience = 50;

    readonly Descriptor _socket;

    RawEspSocket(Descriptor socket, IpAddress address) => (_socket, Address) = (socket, address);

    public IpAddress Address { get; }
    public bool IsV6 => Address.IsV6;

    /// <summary>For a <see cref="Poller"/>.</summary>
    public int Number => _socket.Number;

    public static RawEspSocket Open(RawEspOptions options)
    {
        var isV6 = options.Address.IsV6;
        var socket = SocketOption.Open(isV6, Libc.SOCK_RAW, Libc.IPPROTO_ESP, "open a raw socket for ESP", "CAP_NET_RAW");
        try
        {
            SocketOption.Mark(socket, options.Mark);
            SocketOption.PathMtu(socket, isV6, options.PathMtu);
            if (isV6)
                SocketOption.PacketInformation(socket, isV6);
            SocketOption.Buffers(socket, options.BufferOctets);
            if (!options.Address.IsAny)
                SocketOption.Bind(socket, options.Address, "ESP");
            return new(socket, options.Address);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes what is there, one call; 0 when nothing is. A slot holds the ESP packet, without the IP header.</summary>
    public int Receive(ReceiveBatch batch)
    {
        var errno = batch.Receive(_socket.Number);
        if (errno != Errno.None)
            throw new LinuxException("recvmmsg", errno, "receive ESP");
        for (var i = 0; i < batch.Count; i++)
        {
            if (IsV6)
                batch.Decode(i, Address, port: 0);
            else
                batch.DecodeRawV4(i);
        }
        return batch.Count;
    }

    /// <inheritdoc cref="UdpPort.Send"/>
    public SendOutcome Send(SendBatch batch)
    {
        var segmentation = false;
        return batch.Send(_socket.Number, ref segmentation, icmp: false, SendPatience);
    }

    public void Dispose() => _socket.Dispose();
}
