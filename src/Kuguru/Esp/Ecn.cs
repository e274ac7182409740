using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>Congestion marks through the tunnel (RFC 6040). On the way in they are copied, with DSCP; on the way out they are merged here.</summary>
static class Ecn
{
    const byte NotEct = 0, Ect1 = 1, Ect0 = 2, Ce = 3, Mask = 3;

    /// <summary>Section 4.2, figure 4: the inner packet's mark from now on; null when the packet must be dropped.</summary>
    public static byte? Merge(byte inner, byte outer) => (inner & Mask, outer & Mask) switch
    {
        (NotEct, Ce) => null,
        (NotEct, _) => NotEct,
        (Ect0, Ect1) => Ect1,
        (_, Ce) => Ce,
        (var mark, _) => (byte)mark,
    };

    /// <summary>Writes the merged mark into the packet; false when it must be dropped.</summary>
    public static bool TryDecapsulate(Span<byte> packet, in IpPacket ip, byte outerTos)
    {
        if ((outerTos & Mask) == NotEct)
            return true;
        if (Merge(ip.TypeOfService, outerTos) is not { } mark)
            return false;
        var tos = (byte)(ip.TypeOfService & ~Mask | mark);
        if (tos == ip.TypeOfService)
            return true;
        if (ip.IsV6)
            _ = new Ipv6(packet) { TrafficClass = tos };
        else
        {
            var header = new Ipv4(packet) { TypeOfService = tos };
            header.HeaderChecksum = Checksum.Update(header.HeaderChecksum, ip.TypeOfService, tos);
        }
        return true;
    }
}
