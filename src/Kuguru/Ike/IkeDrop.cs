namespace Kuguru.Ike;

/// <summary>Why an IKE SA dropped a datagram without a word.</summary>
public enum IkeDrop
{
    /// <summary>No IKEv2 message.</summary>
    Malformed,

    /// <summary>Our own message came back, or one that carries other SPIs.</summary>
    NotOurs,

    /// <summary>In clear, where only protected messages are taken.</summary>
    NotProtected,

    /// <summary>The ICV is wrong.</summary>
    NotAuthentic,

    /// <summary>A request that is older than the last one, too far ahead, or another one under the same ID.</summary>
    OutOfWindow,

    /// <summary>A response to nothing that was asked.</summary>
    NotAsked,

    /// <summary>A first message that this phase has no use for.</summary>
    Unexpected,

    /// <summary>A fragment that does not belong to the others, or is one too many.</summary>
    BadFragment,

    /// <summary>A packet from yet another place, of a peer that was seen at too many within a second: taken, but not followed.</summary>
    TooManyMoves,

    /// <summary>For an IKE SA that has just ended.</summary>
    Gone,
}
