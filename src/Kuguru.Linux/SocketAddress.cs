using System.Buffers.Binary;

namespace Kuguru.Linux;

/// <summary>struct sockaddr_in and sockaddr_in6: family in host order, port and address in network order.</summary>
static unsafe class SocketAddress
{
    public const int MaxLength = 28;
    const int LengthV4 = 16, LengthV6 = 28;

    /// <summary>Returns the length written.</summary>
    public static uint Write(byte* to, Endpoint endpoint)
    {
        var isV6 = endpoint.Address.IsV6;
        var length = isV6 ? LengthV6 : LengthV4;
        new Span<byte>(to, length).Clear();
        *(ushort*)to = (ushort)(isV6 ? Libc.AF_INET6 : Libc.AF_INET);
        BinaryPrimitives.WriteUInt16BigEndian(new(to + 2, 2), endpoint.Port);
        endpoint.Address.Write(new(to + (isV6 ? 8 : 4), isV6 ? 16 : 4));
        return (uint)length;
    }

    public static Endpoint Read(byte* from)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(new(from + 2, 2));
        return *(ushort*)from == Libc.AF_INET6
            ? new(IpAddress.Read(new(from + 8, 16)), port)
            : new(IpAddress.Read(new(from + 4, 4)), port);
    }
}

/// <summary>Options that every packet socket shares, and what to say when one is refused.</summary>
static unsafe class SocketOption
{
    public static Errno TrySet(Descriptor socket, int level, int name, int value) =>
        Libc.setsockopt(socket.Number, level, name, &value, sizeof(int)) == 0 ? Errno.None : Libc.Errno;

    public static void Set(Descriptor socket, int level, int name, int value, string doing)
    {
        var errno = TrySet(socket, level, name, value);
        if (errno != Errno.None)
            throw new LinuxException("setsockopt", errno, doing, LinuxException.WantsRight(errno, doing, "CAP_NET_ADMIN"));
    }

    /// <summary>Past the limits of net.core.[rw]mem_max where we may, up to them where not. The kernel doubles and clips as it likes.</summary>
    public static void Buffers(Descriptor socket, int octets)
    {
        if (TrySet(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, octets) != Errno.None)
            Set(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUF, octets, "size a receive buffer");
        if (TrySet(socket, Libc.SOL_SOCKET, Libc.SO_SNDBUFFORCE, octets) != Errno.None)
            Set(socket, Libc.SOL_SOCKET, Libc.SO_SNDBUF, octets, "size a send buffer");
    }

    /// <summary>Of a raw socket: only what comes to this address.</summary>
    public static void Bind(Descriptor socket, IpAddress address, string what)
    {
        var name = stackalloc byte[SocketAddress.MaxLength];
        var length = SocketAddress.Write(name, new(address, 0));
        if (Libc.bind(socket.Number, name, length) == 0)
            return;
        var errno = Libc.Errno;
        throw new LinuxException("bind", errno, $"receive {what} on {address}",
            errno == Errno.EADDRNOTAVAIL ? $"cannot receive {what} on {address}: this host does not have the address" : null);
    }

    /// <summary>Zero is no mark and needs no right.</summary>
    public static void Mark(Descriptor socket, uint mark)
    {
        if (mark != 0)
            Set(socket, Libc.SOL_SOCKET, Libc.SO_MARK, (int)mark, "mark our own packets (SO_MARK)");
    }

    public static void PathMtu(Descriptor socket, bool isV6, PathMtu setting) =>
        Set(socket, isV6 ? Libc.IPPROTO_IPV6 : Libc.IPPROTO_IP, isV6 ? Libc.IPV6_MTU_DISCOVER : Libc.IP_MTU_DISCOVER, (int)setting,
            "set path MTU discovery");

    /// <summary>Each datagram then says which of our addresses it came to, and its TOS octet.</summary>
    public static void PacketInformation(Descriptor socket, bool isV6)
    {
        const string doing = "ask for the local address of datagrams";
        Set(socket, isV6 ? Libc.IPPROTO_IPV6 : Libc.IPPROTO_IP, isV6 ? Libc.IPV6_RECVPKTINFO : Libc.IP_PKTINFO, 1, doing);
        Set(socket, isV6 ? Libc.IPPROTO_IPV6 : Libc.IPPROTO_IP, isV6 ? Libc.IPV6_RECVTCLASS : Libc.IP_RECVTOS, 1, doing);
    }

    /// <summary>ICMP errors go to the socket's error queue (IP_RECVERR).</summary>
    public static void ReportErrors(Descriptor socket, bool isV6) =>
        Set(socket, isV6 ? Libc.IPPROTO_IPV6 : Libc.IPPROTO_IP, isV6 ? Libc.IPV6_RECVERR : Libc.IP_RECVERR, 1, "ask for ICMP errors");

    public static Descriptor Open(bool isV6, int type, int protocol, string doing, string right) => Descriptor.Own(
        Libc.socket(isV6 ? Libc.AF_INET6 : Libc.AF_INET, type | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, protocol), "socket", doing,
        errno => errno == Errno.EAFNOSUPPORT
            ? $"cannot {doing}: this kernel has no {(isV6 ? "IPv6" : "IPv4")}"
            : LinuxException.WantsRight(errno, doing, right));
}

/// <summary>What the kernel does about the path MTU of our outer packets (IP_MTU_DISCOVER, ip(7)).</summary>
public enum PathMtu
{
    /// <summary>No DF bit on IPv4: what is too big is fragmented on the way. Robust where ICMP is filtered.</summary>
    Dont = 0,

    /// <summary>DF while it fits the known path MTU, fragments made here when not.</summary>
    Want = 1,

    /// <summary>DF always; what exceeds the known path MTU is refused with EMSGSIZE.</summary>
    Do = 2,

    /// <summary>DF always, the known path MTU ignored: for probes.</summary>
    Probe = 3,
}
