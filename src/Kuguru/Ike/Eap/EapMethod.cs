using Kuguru.Crypto;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

/// <summary>
/// One EAP method on one side of one conversation: it takes what the other side's packet carries and says what goes back. It knows neither
/// IKE nor the outside of its packets, so that a tunnelled method can hold another conversation inside its own.
/// </summary>
abstract class EapMethod : IDisposable
{
    public abstract EapType Type { get; }

    /// <summary>Whom a server's method has found the peer to be, where it says so itself; null: who it said it was before.</summary>
    public virtual Identity? User => null;

    /// <summary>Why it is about to fail, although the other side has a last word.</summary>
    public virtual string? Trouble => null;

    /// <summary>As a peer, it waits for a last word that a server may leave out: a success ends it as well.</summary>
    public virtual bool MayEnd => false;

    /// <summary>The server's first request.</summary>
    public virtual MethodStep Begin() => throw new InvalidOperationException($"{Type} of a peer asks nothing");

    /// <summary>
    /// Takes the data of the other side's packet.
    /// </summary>
    /// <param name="identifier">The packet's; a response has that of its request.</param>
    /// <param name="data">What follows the type.</param>
    public abstract MethodStep Take(byte identifier, Blob data);

    /// <summary>The master session key of a method that is done, whose owner the caller becomes; null when the method makes none.</summary>
    public virtual Secret? TakeMsk() => null;

    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>What a method makes of a packet.</summary>
abstract record MethodStep
{
    /// <summary>This goes back, and then the method waits for more.</summary>
    public sealed record Continue(Blob Data) : MethodStep;

    /// <summary>The other side has proved what it has to: for a peer <paramref name="Data"/> is its last answer, a server has none.</summary>
    public sealed record Done(Blob? Data) : MethodStep;

    /// <summary>It has failed; a peer may have something to say about it all the same, and hears a failure then.</summary>
    public sealed record Failed(string Why, Blob? Data = null) : MethodStep;
}
