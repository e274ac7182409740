using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Ike.V2;

// How often something has to go out, so that what stands before us, a NAT or a stateful firewall, lets the peer's packets in:
//
//   NAT found, or claimed (encap = yes)   keepalives; the trials of MappingProbe say how often
//   no NAT found                          the same trials. If a silence is not survived, there is a firewall: a NAT is claimed by UPDATE_SA_ADDRESSES,
//                                         ESP goes in UDP from then on, and keepalives hold IKE's and ESP's flow, which are one
//
// A peer that takes none is asked what it sees (MappingSight; Established.Sights.cs). Between two trials it is asked from 4500 what it sees us as, so that
// a NAT that was restarted is not taken for one that forgets.
sealed partial class Established
{
    /// <summary>Between two looks whether packets go out in vain while a silence is tried.</summary>
    static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    Instant? _probeAt;
    Instant _openedUntil, _lookAgainAt;

    /// <summary>How often keepalives go out: by the connection, else as for all.</summary>
    KeepAlivePolicy KeepAlives(IkeV2Session sa) => Connection.KeepAlive ?? sa.Node.Settings.KeepAlive;

    /// <summary>The interval as it is by now.</summary>
    public TimeSpan KeepAliveInterval(IkeV2Session sa)
    {
        var policy = KeepAlives(sa);
        return policy.IsLearned && policy.Interval > TimeSpan.Zero ? Life(sa).Interval(policy.Interval) : policy.Interval;
    }

    /// <summary>What is known of what stands before us. A NAT is the network's; a firewall that changes nothing may stand before one peer and not the next.</summary>
    public MappingLife Life(IkeV2Session sa) => IsTheNetworks(sa) ? sa.Node.Mapping : sa.Node.Paths.Of(sa.Path).Life;

    bool IsTheNetworks(IkeV2Session sa) => sa.Nat.Local || Connection.ForcesEncapsulation;

    public void Learn(Turn t, MappingLife life)
    {
        if (IsTheNetworks(t.Sa))
            t.Node.Mapping = life;
        else
            t.Node.Paths.Learn(t.Sa.Path, t.Node.Paths.Of(t.Sa.Path) with { Life = life });
        if (MayClaimNat(t.Sa))
            ClaimNat(t);
    }

    void ForgetLife(Turn t)
    {
        Learn(t, default);
        ProbeAgain(t, MappingProbe.Begin);
    }

    /// <summary>AH passes no NAT, and transport mode gives names to who is behind one: their peers are not to believe in any.</summary>
    bool CanBearNat => Connection.Encapsulation == Encapsulation.WhenNeeded
        && _children.TrueForAll(child => child.Sa.Protocol == ProtocolId.Esp && child.Sa.Transport is null);

    bool MayClaimNat(IkeV2Session sa) => Life(sa).Fails is not null && !sa.Nat.Local && !sa.Mobility.ClaimsNat && CanBearNat;

    void ClaimNat(Turn t)
    {
        t.Note(Severity.Info, Subject.Network,
            $"a firewall before us forgets a flow that is silent for {Life(t.Sa).Fails!.Value.TotalSeconds:0} s: ESP goes in UDP, keepalives hold it open");
        t.Node.Paths.Learn(t.Sa.Path, t.Node.Paths.Of(t.Sa.Path) with { ClaimsNat = true });
        (t.Sa.Mobility.ClaimsNat, t.Sa.Mobility.OwesUpdate) = (true, true);
        EnqueueFirst(new UpdateAddresses());
    }

    /// <summary>The peer has to answer to where the first piece of a question came from.</summary>
    public bool MayProbe(IkeV2Session sa) => MayExamine(sa) && sa.Mobility.TakesProbes;

    /// <summary>There is another port, and the peer does not take it for a move.</summary>
    bool MayExamine(IkeV2Session sa) =>
        sa is { IsOriginalInitiator: true, Nat.Supported: true, Mobility: { IsAgreed: true, IsStranded: false, Tried.IsEmpty: true } }
        && sa.Node.Settings.ProbePort != 0 && sa.Path.Local.Port == sa.Node.Settings.NatPort && KeepAlives(sa) is { IsLearned: true, Interval.Ticks: > 0 };

    /// <summary>A silence is tried that is over before <c>dpd_delay</c>; and a NAT is claimed where another IKE SA has found that one has to be.</summary>
    Instant? ProbeAt(IkeV2Session sa) => _probeAt is { } at && _queue.Count == 0 && MayExamine(sa) && (MayClaimNat(sa) || IsInTime(Next(sa))) ? at : null;

    /// <summary>The silence to try next, as the peer can tell of it.</summary>
    TimeSpan? Next(IkeV2Session sa) => MayProbe(sa) ? Life(sa).Next : MaySee(sa) ? Seen(sa).Next : null;

    bool IsInTime(TimeSpan? silence) => silence is { } time && (Connection.DpdDelay <= TimeSpan.Zero || time + MappingProbe.Pause <= Connection.DpdDelay);

    /// <summary>Until the silence that is tried is over, and a while; another IKE SA examines what is before us if not.</summary>
    public bool TakeProbeLine(Turn t)
    {
        if (t.Node.ProbeLine.TryTake(t.Sa.Mobility, t.Now, (Next(t.Sa) ?? TimeSpan.Zero) + 2 * MappingProbe.Pause))
            return true;
        ForgetSights();
        ProbeAgain(t, MappingProbe.Retreat);
        return false;
    }

    void Probe(Turn t)
    {
        _probeAt = null;
        if (MayClaimNat(t.Sa))
        {
            ClaimNat(t);
            ProbeAgain(t, MappingProbe.Pause);
            return;
        }
        if (!MayProbe(t.Sa))
        {
            See(t);
            return;
        }
        CheckFirst(t);
        Enqueue(MappingProbe.Of(Life(t.Sa).Next!.Value, isOpened: t.Now < _openedUntil));
    }

    /// <param name="t">The turn.</param>
    /// <param name="wait">Until the next trial.</param>
    /// <param name="isOpened">Its mapping is known to live; it does for a while.</param>
    public void ProbeAgain(Turn t, TimeSpan wait, bool isOpened = false) =>
        (_probeAt, _openedUntil) = (t.Now + wait, isOpened ? t.Now + MappingLife.Shortest : default);

    /// <summary>That it is another now can only be told where it was asked before.</summary>
    void CheckFirst(Turn t)
    {
        if (!t.Sa.Mobility.KnowsMapping(t.Sa.InitiatorSpi, t.Sa.Path))
            CheckMapping(t);
    }

    /// <summary>What does the peer see us as, on the tunnel's own port? Where nothing is before us it is of no interest.</summary>
    public void CheckMapping(Turn t)
    {
        if (LivenessEvery(t.Sa) > TimeSpan.Zero)
            Enqueue(new Liveness(isOwn: Connection.DpdDelay <= TimeSpan.Zero));
    }

    public override bool TakesTime(Turn t) => _current is MappingProbe probe && probe.TakesTime(t);

    /// <summary>While a silence is tried: packets have gone out since the peer was last heard of. Then nothing has precedence over asking whether it is there.</summary>
    bool SpeaksInVain(IkeV2Session sa)
    {
        var heard = Child.LastHeard(_children, sa.LastReceived);
        return _children.Exists(child => child.Sa.Usage.LastOutbound > heard);
    }

    Instant? InterruptAt(IkeV2Session sa) => _current is MappingProbe { IsOpen: true } && LivenessAt(sa) is { } at
        ? at > _lookAgainAt ? at : _lookAgainAt : null;

    void InterruptTrial(Turn t)
    {
        if (SpeaksInVain(t.Sa))
            Enqueue(new Liveness(isOwn: Connection.DpdDelay <= TimeSpan.Zero));
        else
            _lookAgainAt = t.Now + LookEvery;
    }
}
