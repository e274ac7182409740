using Kuguru.Nat;

namespace Kuguru.Ike.V2;

/// <inheritdoc/>
sealed class Turn(IkeV2Session sa, Instant now, Outbox outbox, Path arrived) : SessionTurn(sa, sa.Node, now, outbox, arrived)
{
    public IkeV2Session Sa { get; } = sa;

    /// <summary>What the message of this turn has waited for in vain it does not wait for any more.</summary>
    public bool IsOutOfPatience { get; init; }

    /// <summary>The end of the patience of a message that has waited.</summary>
    public Instant? WaitsUntil { get; init; }

    /// <summary>One IKE message goes out, with the marker where the port asks for it.</summary>
    public void Transmit(Path path, Blob message)
    {
        Add(new Effect.Transmit(path, NonEspMarker.Frame(message, path, Settings.MarkedPort(path))));
        // What goes elsewhere holds no mapping of ours.
        if (path == Sa.Path)
            Sa.LastSent = Now;
    }
}
