using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>
/// What the shell wants of a node, or the world's answer to an effect. A token is the shell's; it comes back once in
/// <see cref="Event.OrderDone"/>, when the order has succeeded or failed.
/// </summary>
public abstract record Order
{
    Order() { }

    /// <summary>
    /// Bring up a child of a connection; without <paramref name="Connection"/> the first that has a child of that name. Without
    /// <paramref name="Child"/> the IKE SA alone (RFC 6023).
    /// </summary>
    public sealed record Initiate(ulong Token, string? Connection, string? Child) : Order;

    /// <summary>Close what fits; <paramref name="Force"/> does not wait for the peer.</summary>
    public sealed record Terminate(ulong Token, SaFilter Filter, bool Force = false) : Order;

    /// <summary>New keys for what fits; with <paramref name="Reauthenticate"/> for IKE SAs a new proof of who both ends are.</summary>
    public sealed record Rekey(ulong Token, SaFilter Filter, bool Reauthenticate = false) : Order;

    /// <summary>Watch for packets of a child, and bring it up when one comes.</summary>
    public sealed record Install(ulong Token, string? Connection, string Child) : Order;

    public sealed record Uninstall(ulong Token, string? Connection, string Child) : Order;

    /// <summary>The answer to <see cref="Effect.FindPath"/>: how to reach the peer, or why not.</summary>
    public sealed record PathFound(uint Request, Path? Path, string Why) : Order;

    /// <summary>The answer to <see cref="Effect.Fetch"/>: what came, or why nothing.</summary>
    public sealed record Fetched(uint Request, Blob? Bytes, string Why) : Order;

    /// <summary>From the packet path: a packet came for a child that is only installed as a trap.</summary>
    public sealed record Acquire(uint ReqId) : Order;

    /// <summary>From the packet path: an authentic packet with the newest sequence number came from elsewhere.</summary>
    public sealed record EspMoved(Wire.Spi InboundSpi, Path Path) : Order;

    /// <summary>From the packet path: the first authentic packet of a rekeyed SA.</summary>
    public sealed record EspUsed(Wire.Spi InboundSpi) : Order;

    /// <summary>From the packet path: a packet of so many octets with an SPI that names no SA of ours.</summary>
    public sealed record EspUnknown(Wire.Spi Spi, Path Path, bool UdpEncapsulated, int Octets) : Order;

    /// <summary>From the packet path: the pair runs out of sequence numbers and needs new keys.</summary>
    public sealed record EspWorn(Wire.Spi InboundSpi) : Order;

    /// <summary>The addresses of this host, the likeliest first.</summary>
    public sealed record LocalAddresses(System.Collections.Immutable.ImmutableArray<IpAddress> Addresses) : Order;

    /// <summary>Links, addresses or routes of this host are others than before; <paramref name="Resumed"/>: it has slept.</summary>
    public sealed record NetworkChanged(bool Resumed = false) : Order;

    /// <summary>At the start, what <see cref="Effect.Remember"/> was for.</summary>
    public sealed record Recall(Nat.KnownNetwork Known) : Order;

    /// <summary>The network that this host is in, by what tells it from all others (its gateway's MAC address, say); null when nothing does.</summary>
    public sealed record NetworkIs(string? Name) : Order;

    /// <summary>The answer to <see cref="Effect.FindPaths"/>.</summary>
    public sealed record PathsFound(uint IkeUniqueId, Nat.PathFacts Facts) : Order;

    /// <summary>Close everything in good order, telling the peers; done when all are gone.</summary>
    public sealed record ShutDown(ulong Token) : Order;
}

/// <summary>Which SAs an order means; null fits all. A child filter alone means children, else whole IKE SAs.</summary>
public sealed record SaFilter(string? Ike = null, uint? IkeId = null, string? Child = null, uint? ChildId = null)
{
    public bool MeansChildren => Child is not null || ChildId is not null;
    public bool Fits(IkeSaStatus sa) => (Ike is null || sa.Name == Ike) && (IkeId is null || sa.UniqueId == IkeId);
    public bool Fits(ChildSaStatus child) => (Child is null || child.Name == Child) && (ChildId is null || child.UniqueId == ChildId);

    public override string ToString() => string.Join(' ', new[]
    {
        Ike is null ? null : $"IKE SA '{Ike}'", IkeId is null ? null : $"IKE SA [{IkeId}]",
        Child is null ? null : $"CHILD_SA '{Child}'", ChildId is null ? null : $"CHILD_SA {{{ChildId}}}",
    }.Where(part => part is not null));
}
