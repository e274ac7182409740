using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>
/// Where an IKE SA stands. Each phase holds what exists in it and answers every question itself; who adds one has to answer them all.
/// </summary>
abstract class Phase
{
    public abstract IkeState State { get; }
    public virtual bool IsHalfOpen => false;
    public abstract Connection? Connection { get; }
    public virtual Identity? LocalId => null;
    public virtual Identity? RemoteId => null;

    /// <summary>What the peer is told from others by: its name in EAP, where it has one.</summary>
    public virtual Identity? PeerName => RemoteId;
    public virtual IEnumerable<Spi> InboundSpis => [];
    public abstract bool HasChild(string name);
    public virtual bool IsLeaving => false;
    public virtual bool SendsWith(Spi outbound) => false;

    /// <summary>Somebody, who has proved nothing, says that the peer has lost this IKE SA or a child.</summary>
    public virtual void Doubt(Turn t) { }

    /// <summary>Its own timers; resending is the window's.</summary>
    public abstract Instant? Deadline(IkeV2Session sa);

    /// <summary>A request that is next in order, still sealed.</summary>
    public abstract void OnRequest(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes);

    /// <summary>A response to the question that is out, still sealed.</summary>
    public abstract void OnResponse(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes);

    /// <summary>The first piece of the last request, in other pieces than before, still sealed.</summary>
    public virtual void OnRefragmented(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.OutOfWindow);

    /// <summary>May the question go out again, which it has so many times?</summary>
    public virtual bool MayResend(int resent) => true;

    /// <summary>The question was sent as often as may be, and nobody answers.</summary>
    public abstract void OnSilence(Turn t, Question asked);

    public abstract void Tick(Turn t);

    /// <summary>At the end of a turn: the next question, if the window is free and somebody wants one.</summary>
    public virtual void Advance(Turn t) { }

    public abstract void RequestChild(Turn t, ChildRequest request);
    public abstract void Terminate(Turn t, ulong token, bool force);
    public virtual void TerminateChild(Turn t, uint child, ulong token, bool force) => NotNow(t, token);
    public virtual void RekeyIke(Turn t, ulong token) => NotNow(t, token);
    public virtual void Reauthenticate(Turn t, ulong token) => NotNow(t, token);

    /// <summary>The peer has a newer IKE SA: this one may go.</summary>
    public virtual void Supersede(Turn t) => Terminate(t, 0, force: true);

    /// <summary>The peer has it no longer: this one may go.</summary>
    public virtual void Forget(Turn t) => Terminate(t, 0, force: true);
    public virtual void RekeyChild(Turn t, uint child, ulong token) => NotNow(t, token);
    public virtual void EspUsed(Turn t, Spi inbound) { }

    /// <summary>The path or the verdict is another: children go along.</summary>
    public virtual void MoveChildren(Turn t) { }

    /// <summary>The host's network is another than before, or the host has slept.</summary>
    public virtual void NetworkChanged(Turn t, bool resumed) { }

    /// <summary>What the host says of the ways to the peer.</summary>
    public virtual void PathsFound(Turn t, PathFacts facts) { }

    /// <summary>What is asked has something else to do when its time is up than to be sent again.</summary>
    public virtual bool TakesTime(Turn t) => false;

    /// <summary>Ask whether the peer is there as soon as nothing else is asked.</summary>
    public virtual void CheckSoon(Turn t) { }

    /// <summary>Nobody depends on the answer to what is asked: silence ends nothing.</summary>
    public virtual bool GoesOnAsking => false;

    /// <summary>An authentic message came along one of the paths that are tried.</summary>
    public virtual void Reached(Turn t) { }

    /// <summary>Something that somebody waits for has been fetched, or cannot be.</summary>
    public virtual void Fetched(Turn t) { }

    /// <summary>What only this phase can say about the SA.</summary>
    public virtual IkeSaStatus Describe(IkeV2Session sa, IkeSaStatus status) => status;

    static void NotNow(Turn t, ulong token) =>
        t.Done(token, new Failure(FailureCode.Refused, $"IKE SA [{t.Sa.UniqueId}] is not established"));
}

/// <summary>It is over: there are no keys, and nothing is answered any more.</summary>
sealed class Gone(Connection? connection) : Phase
{
    public override IkeState State => IkeState.Deleting;
    public override Connection? Connection => connection;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV2Session sa) => null;
    public override void OnRequest(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.Gone);
    public override void OnResponse(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.Gone);
    public override void OnSilence(Turn t, Question asked) { }
    public override void Tick(Turn t) { }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is gone"));

    public override void Terminate(Turn t, ulong token, bool force) => t.Done(token);
}
