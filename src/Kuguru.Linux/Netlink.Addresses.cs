using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>
/// An address of ours on a link. <see cref="Prefix"/> keeps its host bits. <see cref="IsTemporary"/>: an IPv6 privacy address (RFC 8981);
/// <see cref="IsUsable"/>: neither tentative, nor a duplicate, nor deprecated.
/// </summary>
public sealed record InterfaceAddress(int Link, Prefix Prefix, AddressScope Scope, bool IsUsable = true, bool IsTemporary = false);

/// <summary>How far an address means something (rtm_scope).</summary>
public enum AddressScope
{
    Universe = 0,
    Site = 200,
    Link = 253,
    Host = 254,
    Nowhere = 255,
}

public sealed unsafe partial class Netlink
{
    const int IFA_ADDRESS = 1, IFA_LOCAL = 2, IFA_FLAGS = 8;
    const uint IFA_F_TEMPORARY = 1, IFA_F_NODAD = 2, IFA_F_DADFAILED = 8, IFA_F_DEPRECATED = 0x20, IFA_F_TENTATIVE = 0x40;
    const uint IFA_F_NOPREFIXROUTE = 0x200, IFA_F_OPTIMISTIC = 4;

    /// <summary>struct ifaddrmsg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct AddressHeader
    {
        public byte Family;
        public byte PrefixLength;
        public byte Flags;
        public byte Scope;
        public int Index;
    }

    /// <summary>All addresses of this host, or of one link.</summary>
    public IReadOnlyList<InterfaceAddress> Addresses(int? link = null)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.GetAddress, Rtnetlink.Dump);
        message.Fixed(new AddressHeader());
        var all = List(message.Finish(), "list addresses", ReadAddress);
        return link is null ? all : all.FindAll(a => a.Link == link);
    }

    /// <summary>
    /// False when the link has it already. It is usable at once (no duplicate address detection), and brings no route to its network.
    /// </summary>
    public bool AddAddress(int link, Prefix address)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewAddress,
            Rtnetlink.Acknowledge | Rtnetlink.Create | Rtnetlink.Exclusive);
        Put(ref message, link, address);
        message.Attribute(IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
        return Change(ref message, $"add address {address} to link {link}", Errno.EEXIST);
    }

    /// <summary>False when it was gone.</summary>
    public bool DeleteAddress(int link, Prefix address)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.DelAddress, Rtnetlink.Acknowledge);
        Put(ref message, link, address);
        return Change(ref message, $"delete address {address} of link {link}", Errno.EADDRNOTAVAIL, Errno.ENODEV);
    }

    static void Put(ref NetlinkMessage message, int link, Prefix address)
    {
        message.Fixed(new AddressHeader { Family = Family(address.IsV6), PrefixLength = (byte)address.Length, Index = link });
        message.Attribute(IFA_LOCAL, address.Address);
        message.Attribute(IFA_ADDRESS, address.Address);
    }

    static byte Family(bool isV6) => (byte)(isV6 ? Libc.AF_INET6 : Libc.AF_INET);

    /// <summary>On a point-to-point link IFA_ADDRESS is the far end and IFA_LOCAL is ours; IPv6 mostly has IFA_ADDRESS alone.</summary>
    static InterfaceAddress? ReadAddress(ushort type, ReadOnlySpan<byte> body)
    {
        if (type != Rtnetlink.NewAddress || body.Length < sizeof(AddressHeader))
            return null;
        var header = MemoryMarshal.Read<AddressHeader>(body);
        IpAddress? address = null, local = null;
        uint flags = header.Flags;
        for (var attributes = new NetlinkAttributes(body[sizeof(AddressHeader)..]); attributes.Next();)
        {
            if (attributes.Type == IFA_ADDRESS)
                address = attributes.Address;
            else if (attributes.Type == IFA_LOCAL)
                local = attributes.Address;
            else if (attributes.Type == IFA_FLAGS)
                flags = attributes.U32;
        }
        if ((local ?? address) is not { } ours)
            return null;
        var tentative = (flags & IFA_F_TENTATIVE) != 0 && (flags & IFA_F_OPTIMISTIC) == 0;
        return new(header.Index, new(ours, header.PrefixLength), (AddressScope)header.Scope,
            IsUsable: !tentative && (flags & (IFA_F_DADFAILED | IFA_F_DEPRECATED)) == 0,
            IsTemporary: ours.IsV6 && (flags & IFA_F_TEMPORARY) != 0);
    }
}
