using Kuguru.Crypto;

namespace Kuguru.Esp;

/// <summary>How large an inner packet may be so that its ESP or AH packet fits the path outside, in octets.</summary>
public static class Mtu
{
    public const int Ipv4Header = 20, Ipv6Header = 40, UdpHeader = 8, TcpHeader = 20;

    /// <summary>No IPv6 link may have less (RFC 8200 section 5).</summary>
    public const int Ipv6Minimum = 1280;

    /// <summary>The largest inner IP packet; never below 68, the least that an IPv4 link may have (RFC 791).</summary>
    public static int Inner(ChildSuite suite, bool outerIsV6, bool udpEncapsulated, int outerMtu, ChildMode mode = ChildMode.Tunnel) =>
        Derive(suite, outerIsV6, udpEncapsulated, outerMtu, mode).Inner;

    public static MtuDerivation Derive(ChildSuite suite, bool outerIsV6, bool udpEncapsulated, int outerMtu, ChildMode mode = ChildMode.Tunnel) =>
        new(suite, outerMtu, outerIsV6 ? Ipv6Header : Ipv4Header, udpEncapsulated ? UdpHeader : 0, mode);

    /// <summary>The TCP maximum segment size that fits an inner MTU (RFC 6691: without counting options).</summary>
    public static int Mss(int innerMtu, bool innerIsV6) => innerMtu - (innerIsV6 ? Ipv6Header : Ipv4Header) - TcpHeader;
}

/// <summary>The sum behind <see cref="Mtu.Inner"/>, to be shown.</summary>
public sealed record MtuDerivation(ChildSuite Suite, int OuterMtu, int IpHeader, int UdpHeader, ChildMode Mode = ChildMode.Tunnel)
{
    const int Ipv4Minimum = 68;

    /// <summary>What is left for the ESP packet, or for AH and payload.</summary>
    public int Packet => OuterMtu - IpHeader - UdpHeader;

    /// <summary>What rounding down to the cipher's block costs.</summary>
    public int Rounding => Suite is EspSuite esp ? Packet - esp.Overhead - esp.MaxPayload(Packet) - EspSuite.TrailerLength : 0;

    /// <summary>In transport mode the packet's own IP header goes in front and is not paid for twice.</summary>
    public int Inner => Math.Max(Ipv4Minimum, Payload + (Mode == ChildMode.Transport ? IpHeader : 0));

    int Payload => Suite switch
    {
        EspSuite esp => esp.MaxPayload(Packet),
        AhSuite ah => Packet - ah.HeaderLength(IsV6),
        _ => throw new ArgumentOutOfRangeException(nameof(Suite), Suite, "neither ESP nor AH"),
    };

    bool IsV6 => IpHeader == Mtu.Ipv6Header;

    string Parts => Suite switch
    {
        EspSuite esp => $" - {EspSuite.HeaderLength} ESP - {esp.IvLength} IV - {esp.IcvLength} ICV - {EspSuite.TrailerLength} trailer"
            + $" - {Rounding} rounding to {esp.Alignment}",
        AhSuite ah => $" - {AhSuite.FixedLength} AH - {ah.IcvLength} ICV - {ah.HeaderLength(IsV6) - AhSuite.FixedLength - ah.IcvLength} padding",
        _ => "",
    };

    string Kept => Mode == ChildMode.Transport ? $" + {IpHeader} kept" : "";

    /// <summary><c>1500 - 20 IPv4 - 8 UDP - 8 ESP - 8 IV - 16 ICV - 2 trailer - 0 rounding to 4 = 1438</c></summary>
    public override string ToString() =>
        $"{OuterMtu} - {IpHeader} {(IsV6 ? "IPv6" : "IPv4")}{(UdpHeader > 0 ? $" - {UdpHeader} UDP" : "")}{Parts}{Kept} = {Inner}";
}
