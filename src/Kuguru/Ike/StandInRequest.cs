using System.Collections.Immutable;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>A new child whose peer's addresses may be somebody else's as well (<see cref="INode.StandInsFor"/>).</summary>
/// <param name="InboundSpi">The name of the new child.</param>
/// <param name="Peer">Who it is: who comes back gets the same stand-ins again.</param>
/// <param name="Child">Its configuration's name.</param>
/// <param name="Local">Our end.</param>
/// <param name="Remote">The peer's end, as it was negotiated.</param>
public sealed record StandInRequest(Spi InboundSpi, Identity Peer, string Child, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote)
{
    /// <summary>
    /// In transport mode the address of a peer behind a NAT is the NAT's. Everybody behind it has that address, those too who have no SA with
    /// us: a peer that came to us gets a stand-in before anybody is confused (<c>same-nat</c>).
    /// </summary>
    public bool IsNats { get; init; }

    /// <summary>The peer gave us our address: its networks are where we want to be, and keep their names.</summary>
    public bool IsGateway { get; init; }

    /// <summary>The generation before, which hands its stand-ins on.</summary>
    public Spi? Replaces { get; init; }
}

/// <summary>What a child's peer is seen as.</summary>
/// <param name="StandIns">Nothing where it keeps its addresses.</param>
/// <param name="WhyNot">Null, or why it cannot have the stand-ins that it needs; then its addresses are somebody else's too.</param>
public readonly record struct StandInAnswer(ImmutableArray<StandIn> StandIns, string? WhyNot);
