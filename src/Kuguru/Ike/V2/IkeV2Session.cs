using System.Collections.Immutable;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>One IKEv2 IKE SA (RFC 7296), as initiator or responder.</summary>
public sealed class IkeV2Session : IkeSession
{
    /// <summary>Begin as initiator: IKE_SA_INIT goes out along this path. The first child comes with IKE_AUTH, the others follow.</summary>
    public static IkeV2Session Start(
        Instant now, INode node, Connection connection, Path path, ImmutableArray<ChildRequest> children, Outbox outbox) => throw new NotImplementedException();

    /// <summary>
    /// Answer a first IKE_SA_INIT request (without marker), for which the node has already settled limits and cookies.
    /// Null when nothing is to be remembered: the refusal, if any, is in the outbox.
    /// </summary>
    public static IkeV2Session? Answer(Instant now, INode node, in Datagram d, IkeMessage request, Outbox outbox) => throw new NotImplementedException();

    public override uint UniqueId => throw new NotImplementedException();
    public override Connection? Connection => throw new NotImplementedException();
    public override IkeSpi LocalSpi => throw new NotImplementedException();
    public override bool IsInitiator => throw new NotImplementedException();
    public override IkeState State => throw new NotImplementedException();
    public override bool IsHalfOpen => throw new NotImplementedException();
    public override bool IsGone => throw new NotImplementedException();
    public override Identity? LocalId => throw new NotImplementedException();
    public override Identity? RemoteId => throw new NotImplementedException();
    public override Path Path => throw new NotImplementedException();
    public override NatVerdict Nat => throw new NotImplementedException();
    public override IEnumerable<Spi> InboundSpis => throw new NotImplementedException();
    public override bool HasChild(string name) => throw new NotImplementedException();
    public override Instant? Deadline => throw new NotImplementedException();
    public override void Receive(Instant now, in Datagram d, Outbox outbox) => throw new NotImplementedException();
    public override void Tick(Instant now, Outbox outbox) => throw new NotImplementedException();
    public override void RequestChild(Instant now, ChildConfig child, ulong token, Outbox outbox) => throw new NotImplementedException();
    public override void TerminateIke(Instant now, ulong token, bool force, Outbox outbox) => throw new NotImplementedException();
    public override void TerminateChild(Instant now, uint childUniqueId, ulong token, bool force, Outbox outbox) => throw new NotImplementedException();
    public override void RekeyIke(Instant now, ulong token, Outbox outbox) => throw new NotImplementedException();
    public override void RekeyChild(Instant now, uint childUniqueId, ulong token, Outbox outbox) => throw new NotImplementedException();
    public override void EspMoved(Instant now, Spi inbound, Path path, Outbox outbox) => throw new NotImplementedException();
    public override void EspUsed(Instant now, Spi inbound, Outbox outbox) => throw new NotImplementedException();
    public override IkeSaStatus Status(Instant now) => throw new NotImplementedException();
}
