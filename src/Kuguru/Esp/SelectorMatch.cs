using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>Packets against selectors (RFC 4301 section 4.4.1.1).</summary>
static class SelectorMatch
{
    public static bool TakeSource(this Selector[] selectors, in IpPacket packet) => AnyTakes(selectors, packet.Source, packet, packet.SourcePort);

    public static bool TakeDestination(this Selector[] selectors, in IpPacket packet) =>
        AnyTakes(selectors, packet.Destination, packet, packet.DestinationPort);

    static bool AnyTakes(Selector[] selectors, in IpAddress address, in IpPacket packet, ushort port)
    {
        foreach (ref readonly var selector in selectors.AsSpan())
        {
            if (selector.Range.Contains(address) && TakesProtocol(selector, packet, port))
                return true;
        }
        return false;
    }

    /// <summary>Ports that cannot be seen, as in later fragments, fit only ANY and OPAQUE.</summary>
    static bool TakesProtocol(in Selector selector, in IpPacket packet, ushort port)
    {
        if (selector.Protocol != 0 && selector.Protocol != (byte)packet.Protocol)
            return false;
        return selector.IsAnyPort || (packet.HasPorts ? port >= selector.FirstPort && port <= selector.LastPort : selector.IsOpaque);
    }

    /// <summary>The longest prefix that covers all of these selectors, which are of one family.</summary>
    public static (IpAddress First, int Bits) CoveringPrefix(ReadOnlySpan<Selector> selectors)
    {
        var (first, last) = selectors[0].Range;
        foreach (var (range, _, _, _) in selectors)
        {
            first = range.First < first ? range.First : first;
            last = range.Last > last ? range.Last : last;
        }
        var bits = (int)UInt128.LeadingZeroCount(first.Value ^ last.Value) - (128 - first.Bits);
        return (first.First(bits), bits);
    }
}
