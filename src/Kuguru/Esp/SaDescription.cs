using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>
/// A pair of ESP or AH SAs, one in each direction, as the packet path is told of it. Its keys are copied: whoever installs it
/// disposes of them.
/// </summary>
public sealed record SaDescription
{
    /// <summary>What arriving packets carry; the name of the pair.</summary>
    public required Spi InboundSpi { get; init; }

    /// <summary>What we send.</summary>
    public required Spi OutboundSpi { get; init; }
    public required ChildSuite Suite { get; init; }
    public required EspKeys InboundKeys { get; init; }
    public required EspKeys OutboundKeys { get; init; }

    /// <summary>Anti-replay window in packets, up to <see cref="Esp.ReplayWindow.MaxSize"/>; 0 switches the check off.</summary>
    public int ReplayWindow { get; init; } = 32;

    /// <summary>Our end of the inner packets: source of what goes out, destination of what comes in.</summary>
    public required ImmutableArray<Selector> Local { get; init; }

    /// <summary>The peer's end.</summary>
    public required ImmutableArray<Selector> Remote { get; init; }

    /// <summary>Who talks, in transport mode; null in tunnel mode.</summary>
    public TransportEnds? Transport { get; init; }

    /// <summary>The peer's prefixes that are seen under other addresses on this host.</summary>
    public ImmutableArray<StandIn> StandIns { get; init; } = [];

    /// <summary><see cref="Remote"/> as this host's packets have it.</summary>
    internal ImmutableArray<Selector> SeenRemote => StandIns.IsEmpty ? Remote : [.. StandIn.See(Remote, StandIns)];
    internal ChildMode Mode => Transport is null ? ChildMode.Tunnel : ChildMode.Transport;
    public required Path Path { get; init; }
    public required bool UdpEncapsulated { get; init; }

    /// <summary>The largest outer IP packet that gets through, in octets.</summary>
    public int OuterMtu { get; init; } = 1500;

    /// <summary>The same for all generations of one child, and for nothing else.</summary>
    public required uint ReqId { get; init; }
    public required SaUsage Usage { get; init; }
}

/// <summary>Packets to watch for that have no SA yet (<c>start_action = trap</c>).</summary>
public sealed record TrapDescription(uint ReqId, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote);
