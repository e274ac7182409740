using Kuguru.Crypto;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>Where the packets of one SA go at present and how large they may be. Immutable, so that a move is one write of a reference.</summary>
public sealed record Route
{
    public Route(Spi inboundSpi, ChildSuite suite, Path path, bool udpEncapsulated, int outerMtu, ChildMode mode = ChildMode.Tunnel)
    {
        (InboundSpi, Path, UdpEncapsulated, OuterMtu, Mode) = (inboundSpi, path, udpEncapsulated, outerMtu, mode);
        Protocol = suite is AhSuite ? IpProtocol.Ah : IpProtocol.Esp;
        InnerMtu = Mtu.Inner(suite, path.Remote.Address.IsV6, udpEncapsulated, outerMtu, mode);
    }

    /// <summary>The name of the pair, for who has something to say about it (<see cref="SaTable.LimitMtu"/>).</summary>
    public Spi InboundSpi { get; }
    public Path Path { get; }

    /// <summary>ESP or AH. AH packets are whole IP packets; with ESP the IP header is the sink's.</summary>
    public IpProtocol Protocol { get; }
    public bool UdpEncapsulated { get; }

    /// <summary>The largest outer IP packet, in octets.</summary>
    public int OuterMtu { get; }

    public ChildMode Mode { get; }

    /// <summary>The largest inner IP packet, in octets.</summary>
    public int InnerMtu { get; }

    /// <summary>The largest inner packet of this family: IPv6 never has less than 1280, even if the outer packet is fragmented then.</summary>
    internal int InnerMtuFor(bool isV6) => isV6 ? Math.Max(InnerMtu, Mtu.Ipv6Minimum) : InnerMtu;

    /// <summary>What came like this came from where we send to.</summary>
    internal bool Fits(in Arrival arrival) => arrival.UdpEncapsulated == UdpEncapsulated
        && (UdpEncapsulated
            ? arrival.Path == Path
            : arrival.Path.Remote.Address == Path.Remote.Address && arrival.Path.Local.Address == Path.Local.Address);
}
