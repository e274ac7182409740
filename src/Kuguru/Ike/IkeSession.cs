using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>
/// One IKE SA: knows no socket, clock or lock. One input, a list of effects, one deadline (docs/design.md). After every call the node looks at
/// <see cref="IsGone"/>, <see cref="Deadline"/> and the identities.
/// </summary>
public abstract class IkeSession
{
    public abstract uint UniqueId { get; }

    /// <summary>Null for a responder that has not yet chosen among its candidates.</summary>
    public abstract Connection? Connection { get; }

    public string Name => Connection?.Name ?? "(unnamed)";
    public abstract IkeSpi LocalSpi { get; }
    public abstract bool IsInitiator { get; }

    /// <summary>Of IKE.</summary>
    public abstract int Version { get; }
    public abstract IkeState State { get; }

    /// <summary>A responder whose peer has not yet authenticated.</summary>
    public abstract bool IsHalfOpen { get; }

    /// <summary>It is over; the node forgets it.</summary>
    public abstract bool IsGone { get; }
    public abstract Identity? LocalId { get; }
    public abstract Identity? RemoteId { get; }

    /// <summary>
    /// What the peer is told from others by. A user's name, where there is one: clients behind NATs are often called by the same private address.
    /// </summary>
    public virtual Identity? PeerName => RemoteId;
    public abstract Path Path { get; }
    public abstract NatVerdict Nat { get; }

    /// <summary>It is about to end, and takes no more children.</summary>
    public abstract bool IsLeaving { get; }

    /// <summary>The inbound SPIs of its children.</summary>
    public abstract IEnumerable<Spi> InboundSpis { get; }

    /// <summary>A child of this name is up or on its way.</summary>
    public abstract bool HasChild(string name);

    /// <summary>One of its children sends with this SPI.</summary>
    public abstract bool SendsWith(Spi outbound);

    /// <summary>Its peer has this virtual address of ours.</summary>
    public abstract bool HasLeased(IpAddress address);

    /// <summary>Somebody says that the peer has lost this IKE SA or a child of it: time to ask the peer, soon and not too often.</summary>
    public abstract void Doubt(Instant now, Outbox outbox);

    /// <summary>When to call <see cref="Tick"/> if nothing else happens.</summary>
    public abstract Instant? Deadline { get; }

    /// <summary>An IKE message, without marker, that carries our SPI (or repeats the first message of this session).</summary>
    public abstract void Receive(Instant now, in Datagram d, Outbox outbox);

    public abstract void Tick(Instant now, Outbox outbox);

    /// <summary>Bring up one more child. Every order's token comes back in <see cref="Event.OrderDone"/>; 0 is nobody's.</summary>
    public abstract void RequestChild(Instant now, ChildConfig child, ulong token, Outbox outbox);

    /// <summary>Tell the peer and end; with <paramref name="force"/> without waiting for its answer.</summary>
    public abstract void TerminateIke(Instant now, ulong token, bool force, Outbox outbox);

    public abstract void TerminateChild(Instant now, uint childUniqueId, ulong token, bool force, Outbox outbox);

    public abstract void RekeyIke(Instant now, ulong token, Outbox outbox);

    /// <summary>Both ends prove anew who they are, in another IKE SA that replaces this one.</summary>
    public abstract void Reauthenticate(Instant now, ulong token, Outbox outbox);

    /// <summary>The same peer has a newer IKE SA: this one goes, when its packets have had time to arrive.</summary>
    public abstract void Supersede(Instant now, Outbox outbox);

    /// <summary>The same peer has said INITIAL_CONTACT: this IKE SA is gone at its end, and goes here.</summary>
    public abstract void Forget(Instant now, Outbox outbox);

    public abstract void RekeyChild(Instant now, uint childUniqueId, ulong token, Outbox outbox);

    /// <summary>From the packet path: an authentic ESP packet with the newest sequence number came from elsewhere (RFC 7296 section 2.23).</summary>
    public abstract void EspMoved(Instant now, Spi inbound, Path path, Outbox outbox);

    /// <summary>From the packet path: the first authentic packet of a rekeyed SA, so that it may be sent with.</summary>
    public abstract void EspUsed(Instant now, Spi inbound, Outbox outbox);

    /// <summary>Links, addresses or routes of the host are others than before, or it has slept.</summary>
    public abstract void NetworkChanged(Instant now, bool resumed, Outbox outbox);

    /// <summary>The answer to <see cref="Effect.FindPaths"/>.</summary>
    public abstract void PathsFound(Instant now, PathFacts facts, Outbox outbox);

    /// <summary>A fetch that this session asked for has ended, well or not: <see cref="INode.Certificates"/> has it.</summary>
    public virtual void Fetched(Instant now, Outbox outbox) { }

    public abstract IkeSaStatus Status(Instant now);
}
