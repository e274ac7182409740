namespace Kuguru.Wire;

/// <summary>IP protocol numbers, also of IPv6's extension headers. In selectors 0 means any.</summary>
public enum IpProtocol : byte
{
    /// <summary>Any protocol in a traffic selector; hop-by-hop options in an IPv6 header.</summary>
    Any = 0,

    Icmp = 1,
    Ipv4 = 4,
    Tcp = 6,
    Udp = 17,
    Dccp = 33,
    Ipv6 = 41,
    Routing = 43,
    Fragment = 44,
    Esp = 50,
    Ah = 51,
    IcmpV6 = 58,
    NoNext = 59,
    DestinationOptions = 60,
    Sctp = 132,
    Mobility = 135,
    UdpLite = 136,
    Hip = 139,
    Shim6 = 140,
}
