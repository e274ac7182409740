namespace Kuguru.Linux;

/// <summary>
/// AH, IP protocol 51, of one family, as whole IP packets both ways: the ICV covers the IP header, so what is sent has one already, which the kernel leaves
/// alone but for the IPv4 checksum (and an identification of zero, which must not be there). Too long packets are refused, not cut. It sees every AH packet for
/// this host, put together where it came in fragments. Ports in paths are 0. Threads as for <see cref="UdpPort"/>.
/// </summary>
public sealed class RawAhSocket : IDisposable
{
    const int SendPatience = 50;

    readonly Descriptor _socket;

    RawAhSocket(Descriptor socket, IpAddress address) => (_socket, Address) = (socket, address);

    public IpAddress Address { get; }
    public bool IsV6 => Address.IsV6;

    /// <summary>For a <see cref="Poller"/>.</summary>
    public int Number => _socket.Number;

    public static RawAhSocket Open(RawEspOptions options)
    {
        var isV6 = options.Address.IsV6;
        var socket = SocketOption.Open(isV6, Libc.SOCK_RAW, Libc.IPPROTO_AH, "open a raw socket for AH", "CAP_NET_RAW");
        try
        {
            SocketOption.Mark(socket, options.Mark);
            SocketOption.PathMtu(socket, isV6, options.PathMtu);
            if (isV6)
            {
                SocketOption.PacketInformation(socket, isV6);
                foreach (var extension in (ReadOnlySpan<int>)[Libc.IPV6_RECVHOPOPTS, Libc.IPV6_RECVRTHDR, Libc.IPV6_RECVDSTOPTS])
                    SocketOption.Set(socket, Libc.IPPROTO_IPV6, extension, 1, "see extension headers");
                SocketOption.Set(socket, Libc.IPPROTO_IPV6, Libc.IPV6_HDRINCL, 1, "send whole IPv6 packets");
            }
            else
                SocketOption.Set(socket, Libc.IPPROTO_IP, Libc.IP_HDRINCL, 1, "send whole IPv4 packets");
            SocketOption.Buffers(socket, options.BufferOctets);
            if (!options.Address.IsAny)
                SocketOption.Bind(socket, options.Address, "AH");
            return new(socket, options.Address);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes what is there, one call; 0 when nothing is. A slot holds the whole IP packet.</summary>
    public int Receive(ReceiveBatch batch)
    {
        var errno = batch.Receive(_socket.Number);
        if (errno != Errno.None)
            throw new LinuxException("recvmmsg", errno, "receive AH");
        for (var i = 0; i < batch.Count; i++)
            batch.DecodeWhole(i, IsV6);
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
