using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>
/// Where an ISAKMP SA stands. Each phase holds what exists in it and answers every question itself; who adds one has to answer them all.
/// </summary>
abstract class Phase
{
    public abstract IkeState State { get; }
    public virtual bool IsHalfOpen => false;
    public abstract Connection? Connection { get; }
    public virtual Identity? LocalId => null;
    public virtual Identity? RemoteId => null;

    /// <summary>What the peer is told from others by: the user's name, where there is one.</summary>
    public virtual Identity? PeerName => RemoteId;
    public virtual IEnumerable<Spi> InboundSpis => [];
    public abstract bool HasChild(string name);
    public virtual bool IsLeaving => false;

    /// <summary>Its own timers; resending is the session's.</summary>
    public abstract Instant? Deadline(IkeV1Session sa);

    /// <summary>A message that has not come before, still encrypted if it is.</summary>
    public abstract void OnMessage(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes);

    /// <summary>May this go out again, which it has so many times?</summary>
    public virtual bool MayResend(Question question) => true;

    /// <summary>It was sent as often as may be, and nobody answers.</summary>
    public abstract void OnSilence(Turn t, Question question);

    public abstract void Tick(Turn t);

    /// <summary>At the end of a turn: the next exchange, if somebody wants one.</summary>
    public virtual void Advance(Turn t) { }

    public abstract void RequestChild(Turn t, ChildRequest request);
    public abstract void Terminate(Turn t, ulong token, bool force);
    public virtual void TerminateChild(Turn t, uint child, ulong token, bool force) => NotNow(t, token);
    public virtual void RekeyIke(Turn t, ulong token) => NotNow(t, token);

    /// <summary>The peer has a newer ISAKMP SA: this one may go.</summary>
    public virtual void Supersede(Turn t) => Terminate(t, 0, force: true);

    public virtual void RekeyChild(Turn t, uint child, ulong token) => NotNow(t, token);
    public virtual void EspUsed(Turn t, Spi inbound) { }

    /// <summary>The peer is somewhere else.</summary>
    public virtual void Moved(Turn t) { }

    /// <summary>What only this phase can say about the SA.</summary>
    public virtual IkeSaStatus Describe(IkeV1Session sa, IkeSaStatus status) => status;

    /// <summary>It is over: what it has of secrets goes.</summary>
    public virtual void Wipe() { }

    static void NotNow(Turn t, ulong token) =>
        t.Done(token, new Failure(FailureCode.Refused, $"IKE SA [{t.Sa.UniqueId}] is not established"));
}

/// <summary>It is over: there are no keys, and nothing is answered any more.</summary>
sealed class Gone(Connection? connection) : Phase
{
    public override IkeState State => IkeState.Deleting;
    public override Connection? Connection => connection;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV1Session sa) => null;
    public override void OnMessage(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.Gone);
    public override void OnSilence(Turn t, Question question) { }
    public override void Tick(Turn t) { }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is gone"));

    public override void Terminate(Turn t, ulong token, bool force) => t.Done(token);
}
