using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>
/// One negotiated CHILD_SA, the pair of ESP or AH SAs with everything that the packet path needs to know (RFC 7296 sections 1.3 and 2.9).
/// The keys belong to whoever obeys <see cref="Effect.InstallSa"/>, which disposes of them.
/// </summary>
public sealed record ChildSa
{
    /// <summary>Unique in this node, for ever.</summary>
    public required uint UniqueId { get; init; }

    /// <summary>The IKE SA that it lives under.</summary>
    public required uint IkeUniqueId { get; init; }
    public required string ConnectionName { get; init; }
    public required ChildConfig Config { get; init; }

    /// <summary>The same for all generations of one child, and for nothing else.</summary>
    public required uint ReqId { get; init; }

    /// <summary>Ours: what arriving packets carry; the name by which the packet path knows the pair.</summary>
    public required Spi InboundSpi { get; init; }

    /// <summary>The peer's: what we send.</summary>
    public required Spi OutboundSpi { get; init; }
    public required ChildSuite Suite { get; init; }

    /// <summary>ESP or AH.</summary>
    public ProtocolId Protocol => Suite is AhSuite ? ProtocolId.Ah : ProtocolId.Esp;

    /// <summary>Group of the CHILD_SA's own key exchange, or NONE.</summary>
    public KeyExchangeMethod KeyExchange { get; init; }
    public required EspKeys InboundKeys { get; init; }
    public required EspKeys OutboundKeys { get; init; }

    /// <summary>What may be inside, seen from here: source of what we send, destination of what we receive.</summary>
    public required ImmutableArray<Selector> LocalSelectors { get; init; }
    public required ImmutableArray<Selector> RemoteSelectors { get; init; }

    /// <summary>Null in tunnel mode.</summary>
    public TransportEnds? Transport { get; init; }
    public ChildMode Mode => Transport is null ? ChildMode.Tunnel : ChildMode.Transport;

    /// <summary>The peer's prefixes that are seen under other addresses here.</summary>
    public ImmutableArray<StandIn> StandIns { get; init; } = [];

    /// <summary><see cref="RemoteSelectors"/> as this host's packets have them.</summary>
    public ImmutableArray<Selector> SeenSelectors => StandIns.IsEmpty ? RemoteSelectors : [.. StandIn.See(RemoteSelectors, StandIns)];

    /// <summary>Where its packets go; with <see cref="UdpEncapsulated"/> false only the addresses count.</summary>
    public required Path Path { get; init; }
    public required bool UdpEncapsulated { get; init; }

    /// <summary>It goes plain, and a NAT is in the way or may be, which nobody has looked for: nothing may come through.</summary>
    public bool RisksNat { get; init; }

    /// <summary>Counters that the packet path writes and the IKE SA reads.</summary>
    public required SaUsage Usage { get; init; }
}
