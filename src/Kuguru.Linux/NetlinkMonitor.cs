using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>What changed in the host's network since last asked.</summary>
[Flags]
public enum NetworkChange
{
    None = 0,
    Links = 1,
    Addresses = 2,
    Routes = 4,
    Rules = 8,
    All = Links | Addresses | Routes | Rules,
}

/// <summary>
/// Says that links, addresses, routes or rules changed, by whomever; what they are now is <see cref="Netlink"/>'s to tell. When too much
/// happened to be remembered, everything changed. Non-blocking.
/// </summary>
public sealed unsafe class NetlinkMonitor : IDisposable
{
    const int LinkGroup = 1, AddressV4Group = 5, RouteV4Group = 7, RuleV4Group = 8, AddressV6Group = 9, RouteV6Group = 11, RuleV6Group = 19;

    readonly Descriptor _socket;
    readonly byte[] _buffer = new byte[65536];
    readonly int _exceptLink;
    readonly byte _exceptProtocol;

    NetlinkMonitor(Descriptor socket, int exceptLink, byte exceptProtocol) =>
        (_socket, _exceptLink, _exceptProtocol) = (socket, exceptLink, exceptProtocol);

    /// <summary>For a <see cref="Poller"/>.</summary>
    public int Number => _socket.Number;

    /// <param name="exceptLink">What happens to this link, its addresses and the routes by it is not told; 0: all is.</param>
    /// <param name="exceptProtocol">Nor are routes of this protocol (rtm_protocol); 0: all are.</param>
    public static NetlinkMonitor Open(int exceptLink = 0, byte exceptProtocol = 0)
    {
        var socket = Netlink.OpenSocket();
        // struct sockaddr_nl: family, pad, port id 0 (the kernel chooses), group bits
        var address = stackalloc uint[3];
        address[0] = Libc.AF_NETLINK;
        foreach (var group in (ReadOnlySpan<int>)[LinkGroup, AddressV4Group, RouteV4Group, RuleV4Group, AddressV6Group, RouteV6Group, RuleV6Group])
            address[2] |= 1u << (group - 1);
        if (Libc.bind(socket.Number, address, 12) == 0)
            return new(socket, exceptLink, exceptProtocol);
        var errno = Libc.Errno;
        socket.Dispose();
        throw new LinuxException("bind(NETLINK_ROUTE)", errno, "watch the network for changes");
    }

    /// <summary>All that came since, <see cref="NetworkChange.None"/> when nothing did.</summary>
    public NetworkChange Read()
    {
        var changes = NetworkChange.None;
        fixed (byte* first = _buffer)
        {
            while (true)
            {
                var length = Libc.recv(_socket.Number, first, (nuint)_buffer.Length, Libc.MSG_DONTWAIT);
                var errno = length < 0 ? Libc.Errno : Errno.None;
                if (errno == Errno.EAGAIN)
                    return changes;
                if (errno == Errno.ENOBUFS)
                    changes = NetworkChange.All;
                else if (errno is not (Errno.None or Errno.EINTR))
                    throw new LinuxException("recv(NETLINK_ROUTE)", errno, "watch the network for changes");
                else if (length > 0)
                    changes |= In(_buffer.AsSpan(0, (int)length));
            }
        }
    }

    NetworkChange In(ReadOnlySpan<byte> messages)
    {
        var changes = NetworkChange.None;
        while (messages.Length >= NetlinkMessage.HeaderLength)
        {
            var length = MemoryMarshal.Read<int>(messages);
            if (length < NetlinkMessage.HeaderLength || length > messages.Length)
                break;
            changes |= Of(MemoryMarshal.Read<ushort>(messages[4..]), messages[NetlinkMessage.HeaderLength..length]);
            messages = messages[Math.Min((length + 3) & ~3, messages.Length)..];
        }
        return changes;
    }

    NetworkChange Of(ushort type, ReadOnlySpan<byte> body) => type switch
    {
        Rtnetlink.NewLink or Rtnetlink.DelLink => IsExcept(body) ? NetworkChange.None : NetworkChange.Links,
        Rtnetlink.NewAddress or Rtnetlink.DelAddress => IsExcept(body) ? NetworkChange.None : NetworkChange.Addresses,
        Rtnetlink.NewRoute or Rtnetlink.DelRoute => IsExceptRoute(body) ? NetworkChange.None : NetworkChange.Routes,
        Rtnetlink.NewRule or Rtnetlink.DelRule => NetworkChange.Rules,
        _ => NetworkChange.None,
    };

    /// <summary>struct ifinfomsg and struct ifaddrmsg both have the link's number behind four octets.</summary>
    bool IsExcept(ReadOnlySpan<byte> body) => _exceptLink != 0 && body.Length >= 8 && MemoryMarshal.Read<int>(body[4..]) == _exceptLink;

    bool IsExceptRoute(ReadOnlySpan<byte> body) => (_exceptProtocol != 0 && body.Length > 5 && body[5] == _exceptProtocol)
        || (_exceptLink != 0 && Netlink.LinkOfRoute(body) == _exceptLink);

    public void Dispose() => _socket.Dispose();
}
