using System.Collections.Immutable;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>What a turn asks of the world. The shell obeys in order; nothing else leaves the library.</summary>
public abstract record Effect
{
    Effect() { }

    /// <summary>Send these octets as one UDP payload; the local endpoint names the socket. They are what crosses the wire, marker included.</summary>
    public sealed record Transmit(Path Path, Blob Bytes) : Effect;

    /// <summary>
    /// Receive on the pair's inbound SPI; send with it as well, unless <paramref name="InboundOnly"/> (a responder's rekeyed SA, RFC 7296
    /// section 2.8).
    /// </summary>
    public sealed record InstallSa(ChildSa Sa, bool InboundOnly = false) : Effect;

    /// <summary>Send with this pair from now on: its peer has shown that it is ready.</summary>
    public sealed record UseSa(Spi InboundSpi) : Effect;

    /// <summary>The peer or this host is somewhere else, or encapsulation changed.</summary>
    public sealed record MoveSa(Spi InboundSpi, Path Path, bool UdpEncapsulated) : Effect
    {
        /// <summary>Other selectors than before, where these held an address that has moved; null is the same as before.</summary>
        public Selection? Selectors { get; init; }
    }

    /// <summary>Send with this pair no longer; what is on its way to us may still come.</summary>
    public sealed record ReceiveOnly(Spi InboundSpi) : Effect;

    /// <summary>Forget the pair and zero its keys.</summary>
    public sealed record RemoveSa(Spi InboundSpi) : Effect;

    /// <summary>
    /// Watch for packets of this child, which has no SA yet, and say so (start_action = trap); of a shunt, let them pass in the clear or drop them,
    /// as <see cref="ChildConfig.Mode"/> says.
    /// </summary>
    public sealed record InstallTrap(
        string Connection, ChildConfig Child, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote, uint ReqId) : Effect;

    public sealed record RemoveTrap(uint ReqId) : Effect;

    /// <summary>
    /// How would a packet to this connection's peer leave? Names are resolved, the route is looked up; the answer comes back as an order with
    /// this number.
    /// </summary>
    public sealed record FindPath(uint Request, Connection Connection) : Effect;

    /// <summary>
    /// The host's network has changed: does a packet of this IKE SA still leave, and how could one leave to each of these addresses of the
    /// peer? The answer comes back as an order with the same number.
    /// </summary>
    public sealed record FindPaths(uint IkeUniqueId, Path Current, ImmutableArray<IpAddress> Remotes) : Effect;

    /// <summary>
    /// Fetch a CRL or an OCSP response, with limits on time and size; the answer comes back as an order with this number.
    /// </summary>
    public sealed record Fetch(uint Request, Pki.FetchRequest What) : Effect;

    /// <summary>A virtual address that the peer gave us: put it on the host.</summary>
    public sealed record AssignAddress(uint IkeUniqueId, IpAddress Address) : Effect;

    public sealed record ReleaseAddress(uint IkeUniqueId, IpAddress Address) : Effect;

    /// <summary>DNS servers that the peer gave us, until the IKE SA goes.</summary>
    public sealed record AssignDns(uint IkeUniqueId, ImmutableArray<IpAddress> Servers) : Effect;

    public sealed record ReleaseDns(uint IkeUniqueId) : Effect;

    /// <summary>Keep this for the next start, in the place of what was kept of the same network.</summary>
    public sealed record Remember(Nat.KnownNetwork Known) : Effect;

    /// <summary>Keep a CRL for the next start, by the name of its file, in the place of what was kept under it.</summary>
    public sealed record KeepCrl(string Name, Blob Der) : Effect;

    /// <summary>Something happened that a person, a log, a script or a VICI client may want to know.</summary>
    public sealed record Report(Event Event) : Effect;

    /// <summary>New keys, for Wireshark's tables; only made when <c>NodeSettings.RevealKeys</c> asks for it.</summary>
    public sealed record RevealKeys(KeyTable Keys) : Effect;
}

/// <summary>The effects of one turn, in order.</summary>
public sealed class Outbox
{
    readonly List<Effect> _effects = [];

    public IReadOnlyList<Effect> Effects => _effects;
    public void Add(Effect effect) => _effects.Add(effect);
    public void Report(Event @event) => _effects.Add(new Effect.Report(@event));
    public void RemoveReports() => _effects.RemoveAll(effect => effect is Effect.Report);
    public void Clear() => _effects.Clear();
}

/// <summary>What may be inside an SA, seen from here: source of what is sent, destination of what is received.</summary>
public sealed record Selection(ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote);
