using System.Collections.Immutable;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>
/// Which addresses a packet gets as it leaves an SA or enters it: transport mode's real ones, and stand-ins. An ICMP error is about a packet
/// that went the other way, so what it quotes is translated with source and destination exchanged. Immutable; allocates nothing a packet.
/// </summary>
sealed class AddressMap
{
    readonly Entry[] _far, _near;
    readonly bool _isInbound;

    AddressMap(IEnumerable<Entry> far, IEnumerable<Entry> near, bool isInbound) =>
        (_far, _near, _isInbound) = ([.. far.Where(one => !one.IsIdentity)], [.. near.Where(one => !one.IsIdentity)], isInbound);

    /// <summary>From what the peer writes to what this host sees; null when that is the same.</summary>
    public static AddressMap? Inbound(SaDescription sa) => OrNull(sa.Transport is { } ends
        ? new([new(ends.PeerSource, SeenBy(ends.Remote, sa.StandIns))], [new(ends.PeerDestination, ends.Local)], isInbound: true)
        : new([.. sa.StandIns.Select(one => new Entry(one.Inside, one.Seen))], [], isInbound: true));

    /// <summary>
    /// From what this host writes to what the peer is to reckon with; null when that is the same. In transport mode the peer takes what we named
    /// in our selectors for the original addresses: our own, and its own as we see it.
    /// </summary>
    public static AddressMap? Outbound(SaDescription sa) => OrNull(sa.Transport is { } ends
        ? new([new(SeenBy(ends.Remote, sa.StandIns), ends.Remote)], [], isInbound: false)
        : new([.. sa.StandIns.Select(one => new Entry(one.Seen, one.Inside))], [], isInbound: false));

    /// <summary>Changes the packet in place; what is known about it afterwards.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="ip">What is known about it.</param>
    /// <param name="transport">Mend the transport's checksum too.</param>
    public IpPacket Apply(Span<byte> packet, in IpPacket ip, bool transport = true)
    {
        var (source, destination) = _isInbound ? (_far, _near) : (_near, _far);
        var changed = ip.WithAddresses(Map(source, ip.Source), Map(destination, ip.Destination));
        if (transport && Readdress.TryQuoted(packet, ip, out var quotedSource, out var quotedDestination))
            Readdress.Quoted(packet, ip, Map(destination, quotedSource), Map(source, quotedDestination));
        Readdress.Packet(packet, ip, changed.Source, changed.Destination, transport);
        return changed;
    }

    static AddressMap? OrNull(AddressMap map) => map._far.Length + map._near.Length > 0 ? map : null;

    static IpAddress SeenBy(IpAddress inside, ImmutableArray<StandIn> standIns)
    {
        foreach (var one in standIns)
        {
            if (one.Inside.Contains(inside))
                return one.See(inside);
        }
        return inside;
    }

    static IpAddress Map(Entry[] entries, IpAddress address)
    {
        foreach (ref readonly var entry in entries.AsSpan())
        {
            if (entry.From.Contains(address))
                return entry.To.WithValue(entry.To.Value + (address.Value - entry.From.First.Value));
        }
        return address;
    }

    /// <summary>A range, and the first address of what it becomes.</summary>
    readonly struct Entry(AddressRange from, AddressRange to)
    {
        public Entry(IpAddress from, IpAddress to) : this(AddressRange.Single(from), AddressRange.Single(to)) { }

        public readonly AddressRange From = from;
        public readonly IpAddress To = to.First;

        public bool IsIdentity => From.First == To;
    }
}
