using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Kuguru.Linux;

// The room where Kuguru meets the kernel; nothing else in the project calls libc.
//
//   packets   TunDevice      inner packets, with the kernel's offloads (super-packets of up to 64 KB)
//             UdpPort        IKE and ESP in UDP, with UDP_GRO and UDP_SEGMENT
//             RawEspSocket   plain ESP, IP protocol 50
//             RawAhSocket    AH, IP protocol 51, as whole IP packets
//             ReceiveBatch, SendBatch   native memory and headers of one recvmmsg or sendmmsg
//   network   Netlink        links, addresses, routes, rules; NetlinkMonitor says that they changed
//   waiting   Poller, WakeUp, MonotonicClock
//   rest      SystemDice, NetworkNamespace, LinuxException
//
// Names and shapes below are libc's own. Structures are blittable and fit 64-bit Linux; the numbers are those of asm-generic,
// which x86-64, arm64 and riscv64 share.

/// <summary>The functions of libc that are called. The caller reads <see cref="Errno"/> directly after a call that failed.</summary>
static unsafe partial class Libc
{
    const string Library = "libc";

    public static Errno Errno => (Errno)Marshal.GetLastSystemError();

    [LibraryImport(Library)]
    public static partial int open(byte* path, int flags, int mode);

    [LibraryImport(Library)]
    public static partial int close(int descriptor);

    [LibraryImport(Library)]
    public static partial nint read(int descriptor, void* buffer, nuint count);

    [LibraryImport(Library)]
    public static partial nint write(int descriptor, void* buffer, nuint count);

    [LibraryImport(Library)]
    public static partial nint writev(int descriptor, IoVector* vectors, int count);

    [LibraryImport(Library)]
    public static partial int ioctl(int descriptor, nuint request, nuint argument);

    [LibraryImport(Library)]
    public static partial int socket(int family, int type, int protocol);

    [LibraryImport(Library)]
    public static partial int bind(int descriptor, void* address, uint length);

    [LibraryImport(Library)]
    public static partial int getsockname(int descriptor, void* address, uint* length);

    [LibraryImport(Library)]
    public static partial int setsockopt(int descriptor, int level, int name, void* value, uint length);

    [LibraryImport(Library)]
    public static partial int getsockopt(int descriptor, int level, int name, void* value, uint* length);

    [LibraryImport(Library)]
    public static partial nint send(int descriptor, void* buffer, nuint count, int flags);

    [LibraryImport(Library)]
    public static partial nint recv(int descriptor, void* buffer, nuint count, int flags);

    [LibraryImport(Library)]
    public static partial nint recvmsg(int descriptor, MessageHeader* message, int flags);

    [LibraryImport(Library)]
    public static partial int recvmmsg(int descriptor, MultiMessageHeader* messages, uint count, int flags, void* timeout);

    [LibraryImport(Library)]
    public static partial int sendmmsg(int descriptor, MultiMessageHeader* messages, uint count, int flags);

    [LibraryImport(Library)]
    public static partial int poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [LibraryImport(Library)]
    public static partial int eventfd(uint initial, int flags);

    [LibraryImport(Library)]
    public static partial int timerfd_create(int clock, int flags);

    [LibraryImport(Library)]
    public static partial int timerfd_settime(int descriptor, int flags, TimerSetting* setting, TimerSetting* old);

    [LibraryImport(Library)]
    public static partial int clock_gettime(int clock, TimeValue* time);

    [LibraryImport(Library)]
    public static partial int unshare(int flags);

    [LibraryImport(Library)]
    public static partial int setns(int descriptor, int kind);

    [LibraryImport(Library)]
    public static partial uint if_nametoindex(byte* name);

    /// <summary>Opens a file of the kernel's; the path is UTF-8 and ends with a zero octet, as a <c>u8</c> literal does.</summary>
    public static int Open(ReadOnlySpan<byte> path, int flags)
    {
        fixed (byte* p = path)
            return open(p, flags | O_CLOEXEC, 0);
    }

    public const int O_RDONLY = 0, O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
    public const int CLONE_NEWNET = 0x40000000;
    public const int CLOCK_MONOTONIC = 1, CLOCK_BOOTTIME = 7;
    public const int TFD_TIMER_ABSTIME = 1;
    public const short POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32;

    public const int AF_UNSPEC = 0, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16;
    public const int SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
    public const int IPPROTO_IP = 0, IPPROTO_UDP = 17, IPPROTO_IPV6 = 41, IPPROTO_ESP = 50, IPPROTO_AH = 51;
    public const int MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_ERRQUEUE = 0x2000;

    public const int SOL_SOCKET = 1, SO_NO_CHECK = 11, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33, SO_MARK = 36;
    public const int IP_TOS = 1, IP_HDRINCL = 3, IP_PKTINFO = 8, IP_MTU_DISCOVER = 10, IP_RECVERR = 11, IP_RECVTOS = 13, IP_FREEBIND = 15;
    public const int IPV6_MTU_DISCOVER = 23, IPV6_RECVERR = 25, IPV6_V6ONLY = 26, IPV6_HDRINCL = 36, IPV6_RECVPKTINFO = 49, IPV6_PKTINFO = 50;
    public const int IPV6_RECVHOPOPTS = 53, IPV6_HOPOPTS = 54, IPV6_RECVRTHDR = 56, IPV6_RTHDR = 57, IPV6_RECVDSTOPTS = 58, IPV6_DSTOPTS = 59;
    public const int IPV6_RECVTCLASS = 66, IPV6_TCLASS = 67, IPV6_FREEBIND = 78;
    public const int UDP_SEGMENT = 103, UDP_GRO = 104;

    public const int NETLINK_ROUTE = 0, SOL_NETLINK = 270, NETLINK_EXT_ACK = 11, NETLINK_GET_STRICT_CHK = 12;

    public const nuint TUNSETIFF = 0x400454ca, TUNSETOFFLOAD = 0x400454d0, TUNGETIFF = 0x800454d2;
    public const ushort IFF_TUN = 1, IFF_PERSIST = 0x800, IFF_NO_PI = 0x1000, IFF_VNET_HDR = 0x4000;
    public const nuint TUN_F_CSUM = 1, TUN_F_TSO4 = 2, TUN_F_TSO6 = 4, TUN_F_TSO_ECN = 8, TUN_F_USO4 = 0x20, TUN_F_USO6 = 0x40;
}
