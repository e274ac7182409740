using Kuguru.Crypto;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

/// <summary>
/// One side of an EAP conversation: packets in, packets out, and an end. <see cref="EapServer"/> and <see cref="EapPeer"/> hold it with the
/// methods of this room; a server that passes the packets on to RADIUS would be another one.
/// </summary>
interface IEapConversation : IDisposable
{
    /// <summary>The other side's packet.</summary>
    EapStep Receive(EapPacket packet);
}

/// <summary>Where a conversation stands after a packet.</summary>
abstract record EapStep
{
    /// <summary>This goes to the other side, and the conversation goes on.</summary>
    public sealed record Say(EapPacket Packet) : EapStep;

    /// <summary>It went well; a server says so with the packet, a peer has been told.</summary>
    public sealed record Succeed(EapPacket? Packet, EapResult Result) : EapStep;

    /// <summary>It did not; a server says so with the packet.</summary>
    public sealed record Fail(EapPacket? Packet, string Why) : EapStep;
}

/// <summary>What a conversation has proved.</summary>
/// <param name="Method">By what.</param>
/// <param name="User">Of whom: the EAP identity, which need not be IKE's.</param>
/// <param name="Msk">The key that both sides have now, whose owner the receiver is; null when the method makes none.</param>
sealed record EapResult(EapType Method, Identity User, Secret? Msk) : IDisposable
{
    public void Dispose() => Msk?.Dispose();
}

/// <summary>Ours, not the RFC's.</summary>
static class EapLimits
{
    /// <summary>
    /// Packets that one side takes: a chain of certificates of 60 kB in fragments of 1 kB, and some. Who sends more wants to talk, not to log in.
    /// </summary>
    public const int Packets = 100;

    /// <summary>A name that nobody has.</summary>
    public const int Identity = 1024;
}
