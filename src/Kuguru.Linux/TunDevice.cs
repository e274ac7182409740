using System.Runtime.InteropServices;
using System.Text;

namespace Kuguru.Linux;

/// <summary>How a <see cref="TunDevice"/> is opened.</summary>
public sealed record TunOptions
{
    /// <summary>Up to 15 octets; a <c>%d</c> in it becomes the first free number.</summary>
    public string Name { get; init; } = "ipsec%d";

    /// <summary>Super-packets both ways, where the kernel can.</summary>
    public bool Offload { get; init; } = true;
}

/// <summary>Which packets the kernel leaves unsegmented and without checksum on their way to us. What we write may always be so.</summary>
public enum TunOffload
{
    None,

    /// <summary>TCP over both families.</summary>
    Tcp,

    /// <summary>And UDP; since Linux 6.2.</summary>
    TcpAndUdp,
}

/// <summary>
/// A layer 3 device of the kernel whose other end we are. Every packet both ways is preceded by struct virtio_net_hdr of
/// <see cref="HeaderLength"/> octets, host byte order, and may be up to 65535 octets long. Non-blocking. One thread may read while another
/// writes. The device goes away with its descriptor, so a crash leaves none behind.
/// </summary>
public sealed unsafe class TunDevice : IDisposable
{
    public const int HeaderLength = 10;
    public const int MaxPacket = 65535;

    const int InterfaceRequestLength = 40, NameLength = 16;

    readonly Descriptor _tun;

    TunDevice(Descriptor tun, string name, int index, TunOffload offload, bool wasPersistent)
    {
        _tun = tun;
        Name = name;
        Index = index;
        Offload = offload;
        WasPersistent = wasPersistent;
    }

    /// <summary>As the kernel made it of <see cref="TunOptions.Name"/>. It is only a label: others may rename the device later.</summary>
    public string Name { get; }

    /// <summary>The link's number in <see cref="Netlink"/>.</summary>
    public int Index { get; }

    public TunOffload Offload { get; }

    /// <summary>It was there before, made to last (<c>ip tuntap add</c>), with whatever addresses and routes it had; it stays when we go.</summary>
    public bool WasPersistent { get; }

    /// <summary>For a <see cref="Poller"/>.</summary>
    public int Number => _tun.Number;

    public static TunDevice Open(TunOptions options)
    {
        var doing = $"open TUN device {options.Name}";
        var tun = Descriptor.Own(Libc.Open("/dev/net/tun\0"u8, Libc.O_RDWR | Libc.O_NONBLOCK), "open", doing, errno => errno switch
        {
            Errno.ENOENT => "there is no /dev/net/tun: load the module (modprobe tun) or let the container have the device",
            _ => NoRight(errno),
        });
        try
        {
            var request = stackalloc byte[InterfaceRequestLength];
            Attach(tun, request, options.Name, doing);
            var name = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(request));
            var index = (int)Libc.if_nametoindex(request);
            if (index == 0)
                throw new LinuxException("if_nametoindex", Libc.Errno, doing);
            return new(tun, name, index, AskForOffload(tun, options.Offload, doing), IsPersistent(tun, doing));
        }
        catch
        {
            tun.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The next packet and its header, 0 when nothing is there now. The buffer has at least <see cref="HeaderLength"/> +
    /// <see cref="MaxPacket"/> octets.
    /// </summary>
    public int Read(byte* buffer, int capacity)
    {
        while (true)
        {
            var length = Libc.read(_tun.Number, buffer, (nuint)capacity);
            if (length >= 0)
                return (int)length;
            var errno = Libc.Errno;
            if (errno == Errno.EAGAIN)
                return 0;
            if (errno != Errno.EINTR)
                throw Broken("read", errno);
        }
    }

    /// <inheritdoc cref="Read(byte*, int)"/>
    public int Read(Span<byte> buffer)
    {
        fixed (byte* first = buffer)
            return Read(first, buffer.Length);
    }

    /// <summary>
    /// Gives the kernel one packet in pieces, header first. Anything but <see cref="Errno.None"/> means that it is dropped: EINVAL the
    /// packet or its header is nonsense, EIO the device is down, ENOBUFS or ENOMEM there is no memory.
    /// </summary>
    public Errno Write(IoVector* pieces, int count)
    {
        while (Libc.writev(_tun.Number, pieces, count) < 0)
        {
            var errno = Libc.Errno;
            if (errno is Errno.EBADFD or Errno.EBADF)
                throw Broken("writev", errno);
            if (errno != Errno.EINTR)
                return errno;
        }
        return Errno.None;
    }

    /// <inheritdoc cref="Write(IoVector*, int)"/>
    public Errno Write(ReadOnlySpan<byte> headerAndPacket)
    {
        fixed (byte* first = headerAndPacket)
        {
            IoVector whole = new(first, headerAndPacket.Length);
            return Write(&whole, 1);
        }
    }

    public void Dispose() => _tun.Dispose();

    LinuxException Broken(string call, Errno errno) => new(call, errno, $"use TUN device {Name}",
        errno is Errno.EBADFD or Errno.EBADF ? $"TUN device {Name} was removed by another program" : null);

    /// <summary>TUNSETIFF; the name that the kernel chose is in the request afterwards.</summary>
    static void Attach(Descriptor tun, byte* request, string name, string doing)
    {
        new Span<byte>(request, InterfaceRequestLength).Clear();
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) >= NameLength)
            throw new LinuxException("TUNSETIFF", Errno.EINVAL, doing, $"'{name}' cannot be the name of a device: 1 to {NameLength - 1} octets");
        Encoding.UTF8.GetBytes(name, new Span<byte>(request, NameLength));
        *(ushort*)(request + NameLength) = Libc.IFF_TUN | Libc.IFF_NO_PI | Libc.IFF_VNET_HDR;
        if (Libc.ioctl(tun.Number, Libc.TUNSETIFF, (nuint)request) == 0)
            return;
        var errno = Libc.Errno;
        throw new LinuxException("TUNSETIFF", errno, doing, errno switch
        {
            Errno.EBUSY => $"TUN device {name} is in use by another program (another Kuguru or charon?)",
            Errno.EINVAL => $"there is a device {name} already and it is not a plain TUN device: remove it (ip link del {name}) or choose another name",
            _ => NoRight(errno),
        });
    }

    static string? NoRight(Errno errno) => LinuxException.WantsRight(errno, "open TUN", "CAP_NET_ADMIN");

    static TunOffload AskForOffload(Descriptor tun, bool wanted, string doing)
    {
        const nuint tcp = Libc.TUN_F_CSUM | Libc.TUN_F_TSO4 | Libc.TUN_F_TSO6 | Libc.TUN_F_TSO_ECN;
        if (wanted && Libc.ioctl(tun.Number, Libc.TUNSETOFFLOAD, tcp | Libc.TUN_F_USO4 | Libc.TUN_F_USO6) == 0)
            return TunOffload.TcpAndUdp;
        if (wanted && Libc.ioctl(tun.Number, Libc.TUNSETOFFLOAD, tcp) == 0)
            return TunOffload.Tcp;
        return Libc.ioctl(tun.Number, Libc.TUNSETOFFLOAD, 0) == 0
            ? TunOffload.None
            : throw new LinuxException("TUNSETOFFLOAD", Libc.Errno, doing);
    }

    static bool IsPersistent(Descriptor tun, string doing)
    {
        var request = stackalloc byte[InterfaceRequestLength];
        return Libc.ioctl(tun.Number, Libc.TUNGETIFF, (nuint)request) == 0
            ? (*(ushort*)(request + NameLength) & Libc.IFF_PERSIST) != 0
            : throw new LinuxException("TUNGETIFF", Libc.Errno, doing);
    }
}
