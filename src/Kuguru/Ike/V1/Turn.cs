using System.Collections.Immutable;
using Kuguru.Nat;

namespace Kuguru.Ike.V1;

/// <inheritdoc/>
sealed class Turn(IkeV1Session sa, Instant now, Outbox outbox, Path arrived) : SessionTurn(sa, sa.Node, now, outbox, arrived)
{
    public IkeV1Session Sa { get; } = sa;

    /// <summary>One ISAKMP message goes out, in pieces if it must, with the marker where the port asks for it.</summary>
    public void Transmit(Path path, ImmutableArray<Blob> datagrams)
    {
        if (datagrams.IsEmpty)
            return;
        foreach (var datagram in datagrams)
            Add(new Effect.Transmit(path, NonEspMarker.Frame(datagram, path, Settings.NatPort)));
        Sa.LastSent = Now;
    }
}
