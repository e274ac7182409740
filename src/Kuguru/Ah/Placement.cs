using Kuguru.Wire;

namespace Kuguru.Ah;

/// <summary>Where an AH stands in a packet (RFC 4302 section 3.1): behind everything that routers look at, in front of the rest.</summary>
static class Placement
{
    /// <summary>
    /// The offset at which transport mode puts an AH into a sound IP packet: behind the IPv4 header, in IPv6 also behind hop-by-hop options and routing
    /// headers, and behind destination options that stand before one.
    /// </summary>
    public static int For(ReadOnlySpan<byte> packet)
    {
        if (packet[0] >> 4 == 4)
            return (packet[0] & 15) * 4;
        var (at, place) = (Ipv6.Size, Ipv6.Size);
        for (var next = (IpProtocol)packet[6]; next is IpProtocol.Any or IpProtocol.Routing or IpProtocol.DestinationOptions;)
        {
            var behind = at + 8 + packet[at + 1] * 8;
            if (next != IpProtocol.DestinationOptions)
                place = behind;
            (next, at) = ((IpProtocol)packet[at], behind);
        }
        return place;
    }

    /// <summary>The offset of the octet that says what stands at <paramref name="at"/> in a sound IP packet.</summary>
    public static int NextHeaderAt(ReadOnlySpan<byte> packet, int at)
    {
        if (packet[0] >> 4 == 4)
            return 9;
        var (naming, header) = (6, Ipv6.Size);
        while (header < at)
            (naming, header) = (header, header + 8 + packet[header + 1] * 8);
        return naming;
    }
}
