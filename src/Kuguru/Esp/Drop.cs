namespace Kuguru.Esp;

/// <summary>Why the packet path let a packet go no further.</summary>
public enum Drop
{
    /// <summary>In: no SA has this SPI.</summary>
    UnknownSpi,

    /// <summary>In: shorter than the SA's suite allows, or no multiple of its block; of AH: no whole IP packet with a whole AH.</summary>
    BadLength,

    /// <summary>In: sequence number already seen, or 0.</summary>
    Replayed,

    /// <summary>In: sequence number left of the replay window.</summary>
    TooOld,

    /// <summary>In: wrong ICV.</summary>
    NotAuthentic,

    /// <summary>In: authentic, but the padding is not 1, 2, 3 ... or longer than the packet.</summary>
    BadPadding,

    /// <summary>In: a dummy packet of traffic flow confidentiality (RFC 4303 section 2.6), which is meant to be dropped.</summary>
    Dummy,

    /// <summary>In: the next header is neither IPv4 nor IPv6.</summary>
    NotTunnelMode,

    /// <summary>In: authentic, but what is inside is no sound IP packet.</summary>
    BadInnerPacket,

    /// <summary>In: authentic, but what is inside is outside of the SA's selectors.</summary>
    OutsideSelectors,

    /// <summary>In: congestion was marked outside on a packet whose inside cannot carry the mark (RFC 6040 section 4.2).</summary>
    CongestionMark,

    /// <summary>Out: what the TUN device gave is no sound IP packet, or has options that AH cannot cover.</summary>
    BadPacket,

    /// <summary>Out: no selectors fit.</summary>
    NoPolicy,

    /// <summary>Out: a shunt says so (<c>mode = drop</c>).</summary>
    Shunted,

    /// <summary>Out: a trap fits; the SA is being asked for.</summary>
    AwaitingSa,

    /// <summary>Out: larger than the tunnel's MTU; answered where RFC 1191 or RFC 8201 ask for it.</summary>
    TooBig,

    /// <summary>Out: the SA has used up its sequence numbers.</summary>
    SequenceExhausted,

    /// <summary>Out: a fragment, of which transport mode takes none (RFC 4303 section 3.1.1).</summary>
    Fragment,
}

/// <summary>How often each <see cref="Drop"/> happened to one worker. One writer, any number of readers.</summary>
public sealed class DropCounters
{
    readonly long[] _counts = new long[Enum.GetValues<Drop>().Length];

    public long this[Drop drop] => Volatile.Read(ref _counts[(int)drop]);

    internal void Count(Drop drop, int packets = 1)
    {
        ref var count = ref _counts[(int)drop];
        Volatile.Write(ref count, count + packets);
    }

    /// <summary>The sum over all workers.</summary>
    public static IReadOnlyDictionary<Drop, long> Sum(IEnumerable<DropCounters> workers)
    {
        var all = workers.ToArray();
        return Enum.GetValues<Drop>().ToDictionary(drop => drop, drop => all.Sum(counters => counters[drop]));
    }
}
