using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>
/// A network interface. <see cref="Kind"/> is <c>tun</c>, <c>veth</c>, ..., empty for hardware; <see cref="IsRunning"/>: it is up, and so is
/// what it is plugged into.
/// </summary>
public sealed record Link(int Index, string Name, int Mtu, bool IsUp, bool IsLoopback, string Kind, bool IsRunning = true);

public sealed unsafe partial class Netlink
{
    const int IFLA_IFNAME = 3, IFLA_MTU = 4, IFLA_LINKINFO = 18, IFLA_AF_SPEC = 26, IFLA_NET_NS_FD = 28;
    const int IFLA_INFO_KIND = 1, IFLA_INFO_DATA = 2, VETH_INFO_PEER = 1, IFLA_INET6_ADDR_GEN_MODE = 8;
    const uint IFF_UP = 1, IFF_LOOPBACK = 8, IFF_RUNNING = 0x40;

    /// <summary>struct ifinfomsg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct LinkHeader
    {
        public byte Family;
        readonly byte _pad;
        public ushort Type;
        public int Index;
        public uint Flags;
        public uint Change;
    }

    public IReadOnlyList<Link> Links()
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.GetLink, Rtnetlink.Dump);
        message.Fixed(new LinkHeader());
        return List(message.Finish(), "list links", ReadLink);
    }

    /// <summary>Null when there is none of this name.</summary>
    public Link? FindLink(string name)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.GetLink, Rtnetlink.Acknowledge);
        message.Fixed(new LinkHeader());
        message.Attribute(IFLA_IFNAME, name);
        return Ask(ref message, $"look up link {name}", ReadLink, Errno.ENODEV);
    }

    /// <inheritdoc cref="FindLink(string)"/>
    public Link? FindLink(int index)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.GetLink, Rtnetlink.Acknowledge);
        message.Fixed(new LinkHeader { Index = index });
        return Ask(ref message, $"look up link {index}", ReadLink, Errno.ENODEV);
    }

    /// <summary>The number of a link that must be there.</summary>
    public int IndexOf(string name) => FindLink(name)?.Index
        ?? throw new LinuxException("rtnetlink", Errno.ENODEV, $"look up link {name}", $"there is no network device {name}");

    public void SetUp(int index, bool up = true)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewLink, Rtnetlink.Acknowledge);
        message.Fixed(new LinkHeader { Index = index, Flags = up ? IFF_UP : 0, Change = IFF_UP });
        Change(ref message, $"set link {index} {(up ? "up" : "down")}");
    }

    public void SetMtu(int index, int mtu)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewLink, Rtnetlink.Acknowledge);
        message.Fixed(new LinkHeader { Index = index });
        message.Attribute(IFLA_MTU, (uint)mtu);
        Change(ref message, $"set the MTU of link {index} to {mtu}");
    }

    /// <summary>
    /// No IPv6 link-local address comes up by itself, hence no router solicitations. False when the kernel has no IPv6 on this link.
    /// </summary>
    public bool ForgoLinkLocal(int index)
    {
        const byte none = 1;
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewLink, Rtnetlink.Acknowledge);
        message.Fixed(new LinkHeader { Index = index });
        var families = message.Begin(IFLA_AF_SPEC);
        var v6 = message.Begin(Libc.AF_INET6);
        message.Attribute(IFLA_INET6_ADDR_GEN_MODE, [none]);
        message.End(v6);
        message.End(families);
        return Change(ref message, $"keep link-local addresses off link {index}", Errno.EAFNOSUPPORT, Errno.EOPNOTSUPP);
    }

    /// <summary>Two links that are each other's far end; the second may be put into another namespace.</summary>
    public void AddVethPair(string name, string peer, NetworkNamespace? peerIn = null)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewLink,
            Rtnetlink.Acknowledge | Rtnetlink.Create | Rtnetlink.Exclusive);
        message.Fixed(new LinkHeader());
        message.Attribute(IFLA_IFNAME, name);
        var information = message.Begin(IFLA_LINKINFO);
        message.Attribute(IFLA_INFO_KIND, "veth");
        var data = message.Begin(IFLA_INFO_DATA);
        var far = message.Begin(VETH_INFO_PEER);
        message.Fixed(new LinkHeader());
        message.Attribute(IFLA_IFNAME, peer);
        if (peerIn is not null)
            message.Attribute(IFLA_NET_NS_FD, (uint)peerIn.Number);
        message.End(far);
        message.End(data);
        message.End(information);
        Change(ref message, $"make veth pair {name} and {peer}");
    }

    /// <summary>False when it was gone.</summary>
    public bool DeleteLink(int index)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.DelLink, Rtnetlink.Acknowledge);
        message.Fixed(new LinkHeader { Index = index });
        return Change(ref message, $"delete link {index}", Errno.ENODEV);
    }

    static Link? ReadLink(ushort type, ReadOnlySpan<byte> body)
    {
        if (type != Rtnetlink.NewLink || body.Length < sizeof(LinkHeader))
            return null;
        var header = MemoryMarshal.Read<LinkHeader>(body);
        var (name, mtu, kind) = ("", 0, "");
        for (var attributes = new NetlinkAttributes(body[sizeof(LinkHeader)..]); attributes.Next();)
        {
            if (attributes.Type == IFLA_IFNAME)
                name = attributes.Text;
            else if (attributes.Type == IFLA_MTU)
                mtu = (int)attributes.U32;
            else if (attributes.Type == IFLA_LINKINFO)
                kind = Kind(attributes.Value);
        }
        return new(header.Index, name, mtu, (header.Flags & IFF_UP) != 0, (header.Flags & IFF_LOOPBACK) != 0, kind,
            (header.Flags & IFF_RUNNING) != 0);
    }

    static string Kind(ReadOnlySpan<byte> information)
    {
        for (var attributes = new NetlinkAttributes(information); attributes.Next();)
        {
            if (attributes.Type == IFLA_INFO_KIND)
                return attributes.Text;
        }
        return "";
    }
}
