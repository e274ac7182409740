using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>
/// Asks the kernel about links, addresses, routes and rules, and changes them (rtnetlink). Every request waits for its acknowledgement, and
/// a refusal is a <see cref="LinuxException"/> that says what was being done. What may well be the case already, that something is there
/// or gone, is a plain false. For one thread at a time.
/// </summary>
public sealed unsafe partial class Netlink : IDisposable
{
    const int RequestLength = 1024;

    readonly Descriptor _socket;
    readonly byte[] _answer = new byte[65536];
    uint _sequence;

    Netlink(Descriptor socket) => _socket = socket;

    public static Netlink Open()
    {
        var socket = OpenSocket();
        // Both are niceties of newer kernels: the reason in words, and dumps filtered by the kernel.
        _ = SocketOption.TrySet(socket, Libc.SOL_NETLINK, Libc.NETLINK_EXT_ACK, 1);
        _ = SocketOption.TrySet(socket, Libc.SOL_NETLINK, Libc.NETLINK_GET_STRICT_CHK, 1);
        return new(socket);
    }

    internal static Descriptor OpenSocket() => Descriptor.Own(
        Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, Libc.NETLINK_ROUTE), "socket", "open a netlink socket");

    public void Dispose() => _socket.Dispose();

    delegate T? Read<T>(ushort type, ReadOnlySpan<byte> body) where T : class;

    NetlinkMessage Message(Span<byte> buffer, ushort type, int flags) => new(buffer, type, flags, ++_sequence);

    /// <summary>A change; false when the kernel answers <paramref name="expected"/>.</summary>
    bool Change(ref NetlinkMessage message, string doing, Errno expected = Errno.None, Errno alsoExpected = Errno.None)
    {
        Send(message.Finish(), doing);
        var (errno, reason) = Answers(doing, static (_, _) => (object?)null, []);
        if (errno == Errno.None)
            return true;
        return errno == expected || errno == alsoExpected ? false : throw Refused(errno, doing, reason);
    }

    /// <summary>One thing asked for by name; null when the kernel answers one of those expected.</summary>
    T? Ask<T>(ref NetlinkMessage message, string doing, Read<T> read, params ReadOnlySpan<Errno> expected) where T : class
    {
        Send(message.Finish(), doing);
        List<T> found = [];
        var (errno, reason) = Answers(doing, read, found);
        if (errno == Errno.None)
            return found.Count > 0 ? found[0] : null;
        return expected.Contains(errno) ? null : throw Refused(errno, doing, reason);
    }

    /// <summary>All of a kind. A dump that a change interrupted is done again, so that the list is consistent.</summary>
    List<T> List<T>(ReadOnlySpan<byte> request, string doing, Read<T> read) where T : class
    {
        List<T> found = [];
        for (var tries = 0; ; tries++)
        {
            found.Clear();
            Send(request, doing);
            var (errno, reason) = Answers(doing, read, found);
            if (errno == Errno.None)
                return found;
            if (errno != Errno.EINTR || tries == 10)
                throw Refused(errno, doing, reason);
        }
    }

    void Send(ReadOnlySpan<byte> request, string doing)
    {
        fixed (byte* first = request)
        {
            while (Libc.send(_socket.Number, first, (nuint)request.Length, 0) < 0)
            {
                var errno = Libc.Errno;
                if (errno != Errno.EINTR)
                    throw Refused(errno, doing, null);
            }
        }
    }

    /// <summary>Reads until the acknowledgement, the end of the dump or an error. Leftovers of an earlier request are passed over.</summary>
    (Errno, string?) Answers<T>(string doing, Read<T> read, List<T> found) where T : class
    {
        var interrupted = false;
        while (true)
        {
            var rest = Receive(doing);
            while (rest.Length >= NetlinkMessage.HeaderLength)
            {
                var length = MemoryMarshal.Read<int>(rest);
                if (length < NetlinkMessage.HeaderLength || length > rest.Length)
                    break;
                var type = MemoryMarshal.Read<ushort>(rest[4..]);
                var flags = MemoryMarshal.Read<ushort>(rest[6..]);
                var mine = MemoryMarshal.Read<uint>(rest[8..]) == _sequence;
                var body = rest[NetlinkMessage.HeaderLength..length];
                rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
                if (!mine)
                    continue;
                interrupted |= (flags & Rtnetlink.DumpInterrupted) != 0;
                if (type == Rtnetlink.Error)
                    return ((Errno)(-MemoryMarshal.Read<int>(body)), Reason(flags, body));
                if (type == Rtnetlink.Done)
                    return (interrupted ? Errno.EINTR : Errno.None, null);
                if (read(type, body) is { } one)
                    found.Add(one);
            }
        }
    }

    ReadOnlySpan<byte> Receive(string doing)
    {
        fixed (byte* first = _answer)
        {
            nint length;
            while ((length = Libc.recv(_socket.Number, first, (nuint)_answer.Length, 0)) < 0)
            {
                var errno = Libc.Errno;
                if (errno != Errno.EINTR)
                    throw new LinuxException("recv(NETLINK_ROUTE)", errno, doing);
            }
            return _answer.AsSpan(0, (int)length);
        }
    }

    /// <summary>The kernel's own words (NLMSGERR_ATTR_MSG), behind the error and the request that it quotes.</summary>
    static string? Reason(ushort flags, ReadOnlySpan<byte> body)
    {
        const int message = 1;
        if ((flags & Rtnetlink.AnswerHasAttributes) == 0 || body.Length < 4 + NetlinkMessage.HeaderLength)
            return null;
        var quoted = (flags & Rtnetlink.AnswerCapped) != 0 ? NetlinkMessage.HeaderLength : (MemoryMarshal.Read<int>(body[4..]) + 3) & ~3;
        if (quoted < 0 || quoted > body.Length - 4)
            return null;
        for (var attributes = new NetlinkAttributes(body[(4 + quoted)..]); attributes.Next();)
        {
            if (attributes.Type == message)
                return attributes.Text;
        }
        return null;
    }

    static LinuxException Refused(Errno errno, string doing, string? reason) => new("rtnetlink", errno, doing,
        LinuxException.WantsRight(errno, doing, "CAP_NET_ADMIN") ?? (reason is null ? null : $"cannot {doing}: {reason}"));
}
