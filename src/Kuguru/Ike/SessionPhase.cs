using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>
/// Where an IKE SA of either version stands. Each phase holds what exists in it and answers every question itself; who adds one has to answer them all.
/// </summary>
/// <typeparam name="TSession">The IKE SA.</typeparam>
/// <typeparam name="TTurn">One call of it.</typeparam>
abstract class SessionPhase<TSession, TTurn>
    where TTurn : SessionTurn
{
    public abstract IkeState State { get; }
    public virtual bool IsHalfOpen => false;
    public virtual bool IsLeaving => false;
    public virtual bool IsGone => false;
    public abstract Connection? Connection { get; }
    public virtual Identity? LocalId => null;
    public virtual Identity? RemoteId => null;

    /// <summary>What the peer is told from others by: its user's name, where there is one.</summary>
    public virtual Identity? PeerName => RemoteId;
    public virtual IEnumerable<Spi> InboundSpis => [];
    public abstract bool HasChild(string name);
    public virtual bool SendsWith(Spi outbound) => false;
    public virtual bool HasLeased(IpAddress address) => false;

    /// <summary>Its own timers; resending is the session's.</summary>
    public abstract Instant? Deadline(TSession sa);

    public abstract void Tick(TTurn t);

    /// <summary>At the end of a turn: the next exchange, if one may begin and somebody wants one.</summary>
    public virtual void Advance(TTurn t) { }

    public abstract void RequestChild(TTurn t, ChildRequest request);
    public abstract void Terminate(TTurn t, ulong token, bool force);
    public virtual void TerminateChild(TTurn t, uint child, ulong token, bool force) => NotNow(t, token);
    public virtual void RekeyIke(TTurn t, ulong token) => NotNow(t, token);
    public virtual void RekeyChild(TTurn t, uint child, ulong token) => NotNow(t, token);
    public virtual void Reauthenticate(TTurn t, ulong token) => NotNow(t, token);

    /// <summary>The peer has a newer IKE SA: this one may go.</summary>
    public virtual void Supersede(TTurn t) => Terminate(t, 0, force: true);

    /// <summary>The peer has it no longer: this one may go.</summary>
    public virtual void Forget(TTurn t) => Terminate(t, 0, force: true);

    /// <summary>Somebody, who has proved nothing, says that the peer has lost this IKE SA or a child.</summary>
    public virtual void Doubt(TTurn t) { }

    public virtual void EspUsed(TTurn t, Spi inbound) { }

    /// <summary>The host's network is another than before, or the host has slept.</summary>
    public virtual void NetworkChanged(TTurn t, bool resumed) { }

    /// <summary>What the host says of the ways to the peer.</summary>
    public virtual void PathsFound(TTurn t, PathFacts facts) { }

    /// <summary>The path or the verdict is another: children go along.</summary>
    public virtual void MoveChildren(TTurn t) { }

    /// <summary>What only this phase can say about the SA.</summary>
    public virtual IkeSaStatus Describe(TSession sa, IkeSaStatus status) => status;

    static void NotNow(TTurn t, ulong token) =>
        t.Done(token, new Failure(FailureCode.Refused, $"IKE SA [{t.Session.UniqueId}] is not established"));
}
