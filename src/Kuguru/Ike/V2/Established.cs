using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>Both ends have proved who they are. Children come and go (Established.Children.cs); errands queue for the window.</summary>
sealed partial class Established : KeyedPhase
{
    /// <summary>That a peer may have until its older IKE SA goes.</summary>
    static readonly TimeSpan Changeover = TimeSpan.FromSeconds(10);

    /// <summary>Between two liveness checks that strangers can bring about.</summary>
    static readonly TimeSpan DoubtEvery = TimeSpan.FromSeconds(20);

    readonly List<Errand> _queue = [];
    Instant _doubtAgainAt;
    Errand? _current;
    readonly KeepAlives _keepAlives = new();
    readonly Instant _since;
    Instant? _rekeyAt, _reauthAt, _endsAt;
    string? _whyItEnds;
    int _rekeyRefusals;

    public Established(Turn t, Keying keying, Connection connection, Identity local, Identity remote, Leases configuration) : base(keying)
    {
        (Connection, LocalId, RemoteId, Configuration) = (connection, local, remote, configuration);
        var (rekey, reauth, end) = Lifetime.Of(connection, t.Node.Dice.Fraction());
        (_since, _rekeyAt, _endsAt, _probeAt) = (t.Now, t.Now + rekey, t.Now + end, t.Now + MappingProbe.Begin);
        _reauthAt = t.Now + reauth;
    }

    /// <summary>The same IKE SA with new keys: identities stay proved, so the time of reauthentication stays.</summary>
    public Established Next(Turn t, Keying keying) =>
        new(t, keying, Connection, LocalId, RemoteId, Leases.None(Configuration.Owner))
        {
            _reauthAt = _reauthAt,
            TakesOver = TakesOver,
            EapId = EapId,
            UsesPpk = UsesPpk,
        };

    public override Connection Connection { get; }
    public override Identity LocalId { get; }
    public override Identity RemoteId { get; }
    public override Identity PeerName => EapId ?? RemoteId;

    /// <summary>The peer's name in EAP, as a responder knows it.</summary>
    public Identity? EapId { get; init; }

    /// <summary>The keys have a postquantum pre-shared key in them, or come of keys that have.</summary>
    public bool UsesPpk { get; init; }
    public Leases Configuration { get; set; }
    public override IkeState State => _current is RekeyIke ? IkeState.Rekeying : IkeState.Established;

    /// <summary>The question that is out, which a peer's request may collide with.</summary>
    public Errand? Current => _current;

    /// <summary>The peer has an older IKE SA with us, whose packets may cross those of the new children.</summary>
    public bool TakesOver { get; set; }

    /// <summary>It is about to end: nothing new begins.</summary>
    public override bool IsLeaving => _whyItEnds is not null || _queue.OfType<DeleteIke>().Any();

    public override Instant? Deadline(IkeV2Session sa)
    {
        var at = Instant.Earliest(Instant.Earliest(_rekeyAt, _reauthAt), Instant.Earliest(_endsAt, KeepAliveAt(sa)));
        foreach (var child in Children)
            at = Instant.Earliest(at, child.Deadline);
        foreach (var old in _lingering)
            at = Instant.Earliest(at, old.Until);
        at = Instant.Earliest(at, Instant.Earliest(_trial?.Until, _again?.At));
        if (sa.Window.Asked is not null)
            return at;
        // What came here with the IKE SA before is asked at once.
        foreach (var errand in _queue)
            at = Instant.Earliest(at, errand.NotBefore ?? _since);
        return Instant.Earliest(Instant.Earliest(at, LivenessAt(sa)), ProbeAt(sa));
    }

    public override void Tick(Turn t)
    {
        if (KeepAliveAt(t.Sa) <= t.Now)
            SendKeepAlive(t);
        if (_endsAt <= t.Now)
            EndOfLife(t);
        else if (_reauthAt <= t.Now)
            Reauthenticate(t, token: 0);
        else if (_rekeyAt <= t.Now)
            RekeyIke(t, token: 0);
        foreach (var child in Children.ToList())
            Look(t, child);
        RemoveLingering(t);
        if (_again?.At <= t.Now)
            SpeakAgain(t);
        if (_trial?.Until <= t.Now)
            ConcludeTrial(t, came: false);
        if (t.Sa.Window.Asked is null && LivenessAt(t.Sa) <= t.Now)
            Enqueue(new Liveness(isOwn: Connection.DpdDelay <= TimeSpan.Zero));
        if (t.Sa.Window.Asked is null && ProbeAt(t.Sa) <= t.Now)
            Probe(t);
    }

    public override void Advance(Turn t)
    {
        if (t.Sa.Window.Asked is null && t.Sa.Mobility is { Tried.IsEmpty: false })
            AskAlong(t);
        while (t.Sa.Phase == this && t.Sa.Window.Asked is null)
        {
            if ((_queue.Find(errand => errand.IsUrgent) ?? _queue.Find(errand => errand.NotBefore is null || errand.NotBefore <= t.Now)) is not { } next)
                return;
            _queue.Remove(next);
            if (next.Ask(t, this))
                _current = next;
        }
    }

    public void Enqueue(Errand errand) => _queue.Add(errand);

    /// <summary>Before all that waits already.</summary>
    public void EnqueueFirst(Errand errand) => _queue.Insert(0, errand);

    public override void RequestChild(Turn t, ChildRequest request) => Enqueue(new NewChild(request));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        if (force)
        {
            t.Sa.Window.Conclude();
            Ask(t, ExchangeType.Informational, [Payload.Delete.Ike]);
            t.Sa.Enter(End(t, "by order", _ => CloseAction.Clear, new Failure(FailureCode.Aborted, "the IKE SA was terminated by order")));
            t.Done(token);
            return;
        }
        EnqueueFirst(new DeleteIke(token, "by order", _ => CloseAction.Clear));
    }

    public override void RekeyIke(Turn t, ulong token)
    {
        _rekeyAt = null;
        Enqueue(new RekeyIke(token));
    }

    /// <summary>The peer will not, or somebody was in the way: once more in a while, which is the longer the oftener. True the first time.</summary>
    public bool RekeyIkeLater(Turn t)
    {
        _rekeyAt = t.Now + CreateChildSa.Pause(t, _rekeyRefusals);
        return _rekeyRefusals++ == 0;
    }

    /// <summary>Who came here authenticates again; who was come to can only ask for it, if addresses hang on it or he does not know the way.</summary>
    public override void Reauthenticate(Turn t, ulong token)
    {
        const string why = "its peer has to authenticate again";
        _reauthAt = null;
        if (IsLeaving)
            t.Done(token, new Failure(FailureCode.Aborted, "the IKE SA is about to end"));
        else if (!t.Sa.IsOriginalInitiator && (!Configuration.Leased.IsEmpty || Connection.RemoteAddresses.IsEmpty))
            Enqueue(new AuthLifetime(token));
        else if (t.Settings.MakeBeforeBreak)
        {
            // If it does not come up, once more before this one ends.
            _reauthAt = t.Now + 2 * Retransmission.Whole(t.Settings) + CreateChildSa.Pause(t, 0);
            t.Note(Severity.Info, Subject.Ike, $"reauthenticating IKE_SA {t.Sa.Name}[{t.Sa.UniqueId}]");
            var children = Children.Where(child => !child.IsWaning).Select(child => new ChildRequest(child.Sa.Config, 0));
            t.Node.Undertake(t.Now, new Plan(Connection, [.. children]) { Replaces = t.Sa, VirtualAddresses = Configuration.Ours }, TimeSpan.Zero, t.Outbox);
            t.Done(token);
        }
        else
            EnqueueFirst(new DeleteIke(token, why, _ => CloseAction.Start));
    }

    /// <summary>The peer asks for authentication within this time (RFC 4478): a little earlier, in case it takes a while.</summary>
    public void ReauthenticateWithin(Turn t, TimeSpan lifetime)
    {
        var over = Connection.OverTime ?? lifetime * Lifetime.DefaultMargin;
        var (early, half) = (lifetime - over, lifetime / 2);
        var at = t.Now + (early > half ? early : half);
        if (_reauthAt is { } planned && planned <= at)
            return;
        t.Note(Severity.Info, Subject.Ike,
            $"received AUTH_LIFETIME of {(long)lifetime.TotalSeconds}s, scheduling reauthentication in {(long)(at - t.Now).TotalSeconds}s");
        _reauthAt = at;
    }

    /// <summary>How long until the peer has to have authenticated again, for AUTH_LIFETIME; null is for ever.</summary>
    public TimeSpan? AuthLifetime(Turn t) => _reauthAt - t.Now;

    /// <summary>The peer has a newer IKE SA: this one goes when both have had time to change over.</summary>
    public override void Supersede(Turn t)
    {
        (_endsAt, _rekeyAt, _reauthAt) = (Instant.Earliest(_endsAt, t.Now + Changeover), null, null);
        _whyItEnds = "another IKE SA with the same peer has replaced it";
    }

    /// <summary>Nobody is told: there is nobody who would understand it, or somebody else with the same identity (RFC 7296 section 2.4).</summary>
    public override void Forget(Turn t) =>
        t.Sa.Enter(End(t, PeerFailures.InitialContact, _ => CloseAction.Clear, new Failure(FailureCode.Aborted, PeerFailures.InitialContact)));

    /// <summary>A liveness check, unless a question is out already; what it says is believed, and nothing else.</summary>
    public override void Doubt(Turn t)
    {
        if (t.Sa.Window.Asked is not null || _doubtAgainAt > t.Now)
            return;
        _doubtAgainAt = t.Now + DoubtEvery;
        t.Note(Severity.Info, Subject.Ike, $"somebody at {t.Sa.Path.Remote} says in clear that our SA is unknown there: asking the peer");
        EnqueueFirst(new Liveness());
    }

    public override void OnSilence(Turn t, Question asked)
    {
        if (_current is RekeyIke rekeying && rekeying.Yield(t, this))
            return;
        if (asked.IsDisowned)
        {
            var lost = new Failure(FailureCode.TimedOut, $"{t.Sa.Path.Remote} knows nothing of this IKE SA any more: it may have restarted");
            t.Report(new Event.Failed(lost));
            t.Sa.Enter(End(t, "the peer has lost it", AfterLoss, lost));
            return;
        }
        var failure = new Failure(FailureCode.TimedOut,
            $"peer not responding: {t.Sa.Path.Remote} left {Notation.Name(asked.Exchange)} unanswered {asked.Resent + 1} times");
        t.Report(new Event.Failed(failure));
        t.Sa.Enter(End(t, "peer not responding", child => child.DpdAction, failure));
    }

    /// <summary>The peer is there, and has lost its memory: what <c>dpd_action</c> says, and without it what was started once is started again.</summary>
    static CloseAction AfterLoss(ChildConfig child) => child.DpdAction != CloseAction.Clear ? child.DpdAction
        : child.StartAction.HasFlag(StartAction.Start) ? CloseAction.Start : CloseAction.Clear;

    public override IkeSaStatus Describe(IkeV2Session sa, IkeSaStatus status) => status with
    {
        LocalId = LocalId,
        RemoteId = RemoteId,
        RemoteEapId = EapId,
        UsesPpk = UsesPpk,
        Suite = Keying.Suite,
        EstablishedAt = _since,
        RekeyAt = _rekeyAt,
        ReauthAt = _reauthAt,
        LocalVirtualAddresses = Configuration.Ours,
        RemoteVirtualAddresses = [.. Configuration.Leased.Select(lease => lease.Address)],
        TasksQueued = [.. _queue.Select(errand => errand.Task)],
        TasksActive = _current is null ? [] : [_current.Task],
        Children = [.. Children.Select(child => child.Status)],
    };

    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request)
    {
        // With a window of one who asks again has all answers.
        _children.ForEach(child => child.IsUnconfirmed = false);
        return request.Exchange switch
        {
            ExchangeType.CreateChildSa => CreateChildSa.Answer(t, this, request),
            ExchangeType.Informational => Informational.Answer(t, this, request),
            // Not only the exchanges that belong elsewhere: the number is the peer's.
            _ => ([new Payload.Notify(NotifyType.InvalidSyntax)], this),
        };
    }

    protected override void Conclude(Turn t, IkeMessage response)
    {
        var errand = _current!;
        _current = null;
        if (response.Has(NotifyType.InvalidSyntax))
            t.Sa.Enter(OnInvalidSyntax(t, $"{t.Sa.Path.Remote} could not read our {Notation.Name(response.Exchange)} request (INVALID_SYNTAX)"));
        else
            errand.Conclude(t, this, response);
    }

    protected override Phase OnInvalidSyntax(Turn t, string why)
    {
        var failure = new Failure(FailureCode.InvalidMessage, why);
        t.Report(new Event.Failed(failure));
        return End(t, why, child => child.CloseAction, failure);
    }

    /// <summary>Takes down what hangs on the IKE SA, and says so. The keys stay for a last answer.</summary>
    public Phase End(Turn t, string why, Func<ChildConfig, CloseAction> next, Failure failure)
    {
        foreach (var child in Children.ToList())
            Remove(t, child, next(child.Sa.Config));
        RemoveLingering(t, all: true);
        Configuration.Release(t);
        t.Report(new Event.IkeDown(Describe(t.Sa, t.Sa.Status(t.Now)), why));
        foreach (var errand in _current is null ? _queue : _queue.Prepend(_current))
        {
            errand.Abandon(t, failure);
            // What nobody waits for would be forgotten.
            if (errand is NewChild { IsUnattended: true } lost && next(lost.Config) == CloseAction.Start)
                t.Node.Undertake(t.Now, new Plan(Connection, [new ChildRequest(lost.Config, 0)]), TimeSpan.Zero, t.Outbox);
        }
        _queue.Clear();
        _current = null;
        return new Gone(Connection);
    }

    /// <summary>All that this IKE SA has and wants goes to the one that replaces it.</summary>
    public void MoveTo(Turn t, IkeV2Session sa, Established next)
    {
        (next.Configuration, Configuration) = (Configuration, Leases.None(Configuration.Owner));
        foreach (var child in Children)
            child.Sa = child.Sa with { IkeUniqueId = sa.UniqueId };
        next._children.AddRange(Children);
        next._lingering.AddRange(_lingering);
        next._queue.AddRange(_current is { } asked && asked.TakeAlong(t) ? _queue.Prepend(asked) : _queue);
        _current = null;
        _lingering.Clear();
        _children.Clear();
        _queue.Clear();
    }

    void EndOfLife(Turn t)
    {
        // Over means over: nothing that waits may come first, and this is not said twice.
        (_reauthAt, _rekeyAt, _endsAt) = (null, null, null);
        if (_queue.OfType<DeleteIke>().Any())
            return;
        if (_whyItEnds is { } replaced)
            EnqueueFirst(new DeleteIke(0, replaced, _ => CloseAction.Clear));
        else
            EnqueueFirst(new DeleteIke(0, "its lifetime is over", child => child.CloseAction));
    }

    Instant? KeepAliveAt(IkeV2Session sa)
    {
        if (sa.Mobility.IsStranded)
            return null;
        return KeepAlive.Due(sa.Nat, sa.Path, sa.Node.Settings.NatPort, Child.LastSent(Children, sa.LastSent), KeepAliveInterval(sa));
    }

    void SendKeepAlive(Turn t)
    {
        _keepAlives.Send(t, t.Sa.Path);
        t.Sa.LastSent = t.Now;
    }

    /// <summary>From behind a NAT it is asked even if nobody wants to know: who only sends, or is idle, would not hear that its mapping is another.</summary>
    TimeSpan LivenessEvery(IkeV2Session sa) => KeepAlive.LivenessEvery(sa.Nat, KeepAliveInterval(sa));

    Instant? LivenessAt(IkeV2Session sa)
    {
        var delay = Connection.DpdDelay > TimeSpan.Zero ? Connection.DpdDelay : LivenessEvery(sa);
        if (delay <= TimeSpan.Zero || sa.Mobility.IsStranded)
            return null;
        return Child.LastHeard(Children, sa.LastReceived) + delay;
    }
}
