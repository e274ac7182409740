using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

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
    /// <summary>How much longer than the silence an answer may take; the tunnel has shown by then that answers are quicker.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    Instant? _probeAt;
    Instant _openedUntil;
    Trial? _trial;

    /// <summary>A silence that is tried: what was asked, and until when the peer has to be heard.</summary>
    sealed record Trial(MessageId Id, TimeSpan Silence, Instant Until);

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

    bool MayClaimNat(IkeV2Session sa) => Life(sa).Fails is not null && !sa.Nat.Local && sa.Mobility is { IsAgreed: true, ClaimsNat: false } && CanBearNat;

    void ClaimNat(Turn t)
    {
        t.Note(Severity.Info, Subject.Network,
            $"a firewall before us forgets a flow that is silent for {Life(t.Sa).Fails!.Value.TotalSeconds:0} s: ESP goes in UDP, keepalives hold it open");
        t.Node.Paths.Learn(t.Sa.Path, t.Node.Paths.Of(t.Sa.Path) with { ClaimsNat = true });
        (t.Sa.Mobility.ClaimsNat, t.Sa.Mobility.OwesUpdate) = (true, true);
        EnqueueFirst(new UpdateAddresses());
    }

    /// <summary>The peer speaks again when it is asked to; and a firewall can be claimed to be a NAT, if there is no NAT.</summary>
    public bool MayProbe(IkeV2Session sa) => MayExamine(sa) && sa.Mobility.SpeaksAgain && (sa.Nat.Local || sa.Mobility.IsAgreed);

    /// <summary>There is another port, and something to find out by it.</summary>
    bool MayExamine(IkeV2Session sa) =>
        sa is { IsOriginalInitiator: true, Nat.Supported: true, Mobility: { IsStranded: false, Tried.IsEmpty: true } }
        && sa.Node.Settings.ProbePort != 0 && sa.Path.Local.Port == sa.Node.Settings.NatPort && KeepAlives(sa) is { IsLearned: true, Interval.Ticks: > 0 };

    /// <summary>A silence is tried, or a NAT claimed where another IKE SA has found that one has to be.</summary>
    Instant? ProbeAt(IkeV2Session sa) => _probeAt is { } at && _queue.Count == 0 && MayExamine(sa) && (MayClaimNat(sa) || Next(sa) is not null) ? at : null;

    /// <summary>The silence to try next, as the peer can tell of it.</summary>
    TimeSpan? Next(IkeV2Session sa) => MayProbe(sa) ? Life(sa).Next : MaySee(sa) ? Seen(sa).Next : null;

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

    /// <summary>The peer has been asked to speak again after this silence, which began then.</summary>
    public void AwaitSpeech(MessageId id, TimeSpan silence, Instant since) => _trial = new Trial(id, silence, since + silence + Patience);

    protected override MessageId? SaysMoreOf => _trial?.Id;

    protected override bool Hears(Turn t, IkeMessage response)
    {
        if (t.Arrived.Local.Port != t.Settings.ProbePort || !response.Has(NotifyType.SpeakAgain))
            return false;
        t.Sa.PeerSpoke(t, response);
        ConcludeTrial(t, came: true);
        return true;
    }

    void ConcludeTrial(Turn t, bool came)
    {
        var silence = _trial!.Silence;
        _trial = null;
        Learn(t, came ? Life(t.Sa).Held(silence) : Life(t.Sa).Lost(silence));
        var then = KeepAlive.IsNeeded(t.Sa.Nat, t.Sa.Path, t.Settings.NatPort) ? $"keepalives every {KeepAliveInterval(t.Sa).TotalSeconds:0.#} s" : "no keepalives";
        t.Note(Severity.Info, Subject.Network, $"the mapping {(came ? "lives" : "does not live")} through a silence of {silence.TotalSeconds:0} s: "
            + $"{then}{(Life(t.Sa).Next is null ? "" : ", trying more")}");
        ProbeAgain(t, MappingProbe.Pause, isOpened: came);
        CheckMapping(t);
    }

    /// <summary>On another path, or after a NAT was restarted, what was tried says nothing.</summary>
    void CallOffTrial(Turn t)
    {
        ForgetSights();
        if (_trial is null)
            return;
        _trial = null;
        ProbeAgain(t, MappingProbe.Retreat);
    }
}
