using Kuguru.Crypto;

namespace Kuguru.Esp;

/// <summary>How large an inner packet may be so that its ESP packet fits the path outside, in octets.</summary>
public static class Mtu
{
    public const int Ipv4Header = 20, Ipv6Header = 40, UdpHeader = 8, TcpHeader = 20;

    /// <summary>No IPv6 link may have less (RFC 8200 section 5).</summary>
    public const int Ipv6Minimum = 1280;

    /// <summary>The largest inner IP packet; never below 68, the least that an IPv4 link may have (RFC 791).</summary>
    public static int Inner(EspSuite suite, bool outerIsV6, bool udpEncapsulated, int outerMtu, ChildMode mode = ChildMode.Tunnel) =>
        Derive(suite, outerIsV6, udpEncapsulated, outerMtu, mode).Inner;

    public static MtuDerivation Derive(EspSuite suite, bool outerIsV6, bool udpEncapsulated, int outerMtu, ChildMode mode = ChildMode.Tunnel) =>
        new(suite, outerMtu, outerIsV6 ? Ipv6Header : Ipv4Header, udpEncapsulated ? UdpHeader : 0, mode);

    /// <summary>The TCP maximum segment size that fits an inner MTU (RFC 6691: without counting options).</summary>
    public static int Mss(int innerMtu, bool innerIsV6) => innerMtu - (innerIsV6 ? Ipv6Header : Ipv4Header) - TcpHeader;
}

/// <summary>The sum behind <see cref="Mtu.Inner"/>, to be shown.</summary>
public sealed record MtuDerivation(EspSuite Suite, int OuterMtu, int IpHeader, int UdpHeader, ChildMode Mode = ChildMode.Tunnel)
{
    const int Ipv4Minimum = 68;

    /// <summary>What is left for the ESP packet.</summary>
    public int EspPacket => OuterMtu - IpHeader - UdpHeader;

    /// <summary>What rounding down to the cipher's block costs.</summary>
    public int Rounding => EspPacket - Suite.Overhead - Suite.MaxPayload(EspPacket) - EspSuite.TrailerLength;

    /// <summary>In transport mode the packet's own IP header goes in front and is not paid for twice.</summary>
    public int Inner => Math.Max(Ipv4Minimum, Suite.MaxPayload(EspPacket) + (Mode == ChildMode.Transport ? IpHeader : 0));

    string Kept => Mode == ChildMode.Transport ? $" + {IpHeader} kept" : "";

    /// <summary><c>1500 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV - 2 trailer - 0 rounding to 4 = 1438</c></summary>
    public override string ToString() =>
        $"{OuterMtu} - {IpHeader} {(IpHeader == Mtu.Ipv6Header ? "IPv6" : "IPv4")}{(UdpHeader > 0 ? $" - {UdpHeader} UDP" : "")}"
        + $" - {EspSuite.HeaderLength} ESP - {Suite.IvLength} IV - {Suite.IcvLength} ICV - {EspSuite.TrailerLength} trailer - {Rounding} rounding to {Suite.Alignment}{Kept} = {Inner}";
}
