namespace Kuguru.Linux;

/// <summary>
/// What the network said about a datagram of ours (RFC 792, RFC 4443). Not authenticated: anybody can send one, so it is a hint.
/// </summary>
/// <param name="Destination">Where the datagram went; the port is 0 when it never left this host.</param>
/// <param name="Reporter">Who says so; null when this host does.</param>
/// <param name="Error">As the kernel reads it: EHOSTUNREACH, ECONNREFUSED (port unreachable), EMSGSIZE (too big).</param>
/// <param name="Type">Of ICMP or ICMPv6.</param>
/// <param name="Code">Of ICMP or ICMPv6.</param>
/// <param name="Mtu">For EMSGSIZE the path MTU that it asks for, else 0.</param>
public readonly record struct IcmpError(Endpoint Destination, IpAddress? Reporter, Errno Error, byte Type, byte Code, int Mtu)
{
    /// <summary>The errors that ICMP puts on a socket with IP_RECVERR, told at the next call whatever that is.</summary>
    internal static bool IsPending(Errno errno) => errno is Errno.ECONNREFUSED or Errno.EHOSTUNREACH or Errno.ENETUNREACH or Errno.EMSGSIZE
        or Errno.EHOSTDOWN or Errno.ENOPROTOOPT or Errno.EACCES or Errno.EOPNOTSUPP or Errno.EPROTO or Errno.ENONET;

    internal static unsafe bool TryRead(int socket, out IcmpError error)
    {
        error = default;
        var name = stackalloc byte[SocketAddress.MaxLength];
        var control = stackalloc byte[ControlMessage.Room];
        var head = stackalloc byte[64];
        IoVector vector = new(head, 64);
        MessageHeader message = new()
        {
            Name = name,
            NameLength = SocketAddress.MaxLength,
            Vectors = &vector,
            VectorCount = 1,
            Control = control,
            ControlLength = ControlMessage.Room,
        };
        while (Libc.recvmsg(socket, &message, Libc.MSG_ERRQUEUE | Libc.MSG_DONTWAIT) < 0)
        {
            var errno = Libc.Errno;
            if (errno == Errno.EAGAIN)
                return false;
            if (errno != Errno.EINTR)
                throw new LinuxException("recvmsg", errno, "read ICMP errors");
        }
        for (var reader = ControlMessage.Read(message); reader.Next();)
        {
            if (reader.Is(Libc.IPPROTO_IP, Libc.IP_RECVERR) || reader.Is(Libc.IPPROTO_IPV6, Libc.IPV6_RECVERR))
                error = From((ExtendedError*)reader.Data, SocketAddress.Read(name));
        }
        return true;
    }

    /// <summary>The reporter's socket address follows the fixed part (SO_EE_OFFENDER).</summary>
    static unsafe IcmpError From(ExtendedError* said, Endpoint destination)
    {
        var errno = (Errno)said->Errno;
        return new(destination,
            said->Origin is ExtendedError.OriginIcmp or ExtendedError.OriginIcmp6 ? SocketAddress.Read((byte*)(said + 1)).Address : null,
            errno, said->Type, said->Code, errno == Errno.EMSGSIZE ? (int)said->Info : 0);
    }
}
