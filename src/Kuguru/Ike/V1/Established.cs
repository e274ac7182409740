using System.Collections.Immutable;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>Both ends have proved who they are. Children come and go (Established.Children.cs); errands queue, and one is under way at a time.</summary>
sealed partial class Established : KeyedPhase
{
    /// <summary>An ISAKMP SA that another has replaced stays so long for what is on its way.</summary>
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30), DoubtPause = TimeSpan.FromSeconds(5);

    readonly List<Errand> _queue = [];
    readonly Liveness _liveness = new();
    readonly Traits _peer;
    readonly Identity? _user;
    readonly Instant _since;
    Instant _askedAt;
    Instant? _gaveUpAt;
    bool _asksForItself;
    Errand? _current;
    readonly KeepAlives _keepAlives = new();
    readonly List<Child> _takenOver = [];
    bool _isReplaced;
    IkeV1Session? _heir;
    readonly bool _isForReauthentication;
    Instant? _rekeyAt, _endsAt;

    Established(Turn t, Proved proved, Identity? user) : base(proved.Keying)
    {
        (Connection, LocalId, RemoteId, _peer, _user) = (proved.Connection, proved.Local, proved.Remote, proved.Agreed.Peer, user);
        Configuration = Leases.None(t.Sa.UniqueId);
        var (rekey, reauth, end) = Lifetime.Of(proved.Connection, t.Node.Dice.Fraction());
        _since = t.Now;
        // Who came begins anew; the other end only closes what has not been.
        _isForReauthentication = rekey is null || reauth < rekey;
        _rekeyAt = t.Sa.IsInitiator ? t.Now + (_isForReauthentication ? reauth : rekey) : null;
        _endsAt = Instant.Earliest(t.Now + end, t.Now + proved.Agreed.Choice.Life);
        if (proved.Told is { } told)
            Limit(t, told);
    }

    public override Connection Connection { get; }
    public override Identity LocalId { get; }
    public override Identity RemoteId { get; }
    public Leases Configuration { get; set; }
    public override IkeState State => _isReplaced ? IkeState.Rekeyed : _rekeying ? IkeState.Rekeying : IkeState.Established;
    public override bool IsLeaving => _isReplaced;
    public Traits Peer => _peer;

    bool MayBegin => _current is null && _queue.Count > 0 && !(AwaitsPush && _queue[0] is QuickModeErrand);

    /// <summary>The peer waits for, or is given, addresses before packets can flow.</summary>
    bool AwaitsPush => Connection.Push && !Connection.VirtualAddresses.IsEmpty && Configuration.Ours.IsEmpty;

    bool _rekeying;

    /// <summary>Phase 1 is through, and XAUTH if there was one.</summary>
    public static void Begin(Turn t, Proved proved, Identity? xauthId)
    {
        var e = new Established(t, proved, xauthId);
        t.Sa.Enter(e);
        // Who has no other ISAKMP SA has none of its children either.
        if (!proved.InitialContact)
            e.TakeOver(t);
        if (!t.Node.Authenticated(t.Now, t.Sa, proved.InitialContact, t.Outbox))
        {
            var failure = new Failure(FailureCode.Refused,
                $"'{proved.Remote}' has an IKE SA already, which 'unique = keep' of connection '{proved.Connection.Name}' prefers to a new one");
            t.Fail(failure, proved.Plan?.Tokens ?? []);
            PhaseOne.Tell(t, e.Keying, Informational.DeleteIsakmp(t));
            t.Sa.Enter(new Gone(proved.Connection));
            return;
        }
        t.Report(new Event.IkeUp(t.Sa.Status(t.Now)));
        // An initiator that knows what a NAT does to AH does not ask for it: so this end says it here.
        if (!t.Sa.IsInitiator && t.Sa.Nat.IsInTheWay && proved.Connection.Children.Any(child => child.HasOnlyAh))
            t.Note(Severity.Warning, Subject.Child, Scope.AhBehindNat(t.Sa.Nat, t.Sa.Path));
        if (proved.Plan is { Token: var token })
            t.Done(token);
        e.BeginConfiguration(t);
        foreach (var request in proved.Plan?.Children ?? [])
            e.RequestChild(t, request);
    }

    public override Instant? Deadline(IkeV1Session sa)
    {
        var at = Instant.Earliest(Instant.Earliest(_rekeyAt, _endsAt), KeepAliveAt(sa));
        foreach (var child in Children)
            at = Instant.Earliest(at, Instant.Earliest(child.Deadline, UseAt(child)));
        foreach (var offer in _offers.Values)
            at = Instant.Earliest(at, offer.Until);
        // What came from the ISAKMP SA before is asked at once.
        if (MayBegin)
            at = Instant.Earliest(at, _since);
        return Instant.Earliest(at, _liveness.IsAsking ? _liveness.Next : LivenessAt(sa));
    }

    public override void Tick(Turn t)
    {
        if (KeepAliveAt(t.Sa) <= t.Now)
            SendKeepAlive(t);
        foreach (var child in Children.ToList())
            Look(t, child);
        foreach (var (id, offer) in _offers.Where(pair => pair.Value.Until <= t.Now).ToList())
            QuickMode.Forget(t, this, id, offer);
        if (_endsAt <= t.Now)
        {
            EndOfLife(t);
            return;
        }
        if (_rekeyAt <= t.Now)
            RekeyIke(t, token: 0);
        // Packets are a sign of life as well.
        if (_liveness.IsAsking && LastHeard(t.Sa) > _askedAt)
            _liveness.Stop();
        if (_liveness.IsAsking ? _liveness.Next <= t.Now : LivenessAt(t.Sa) <= t.Now)
            AskLiveness(t);
    }

    public override void Advance(Turn t)
    {
        while (t.Sa.Phase == this && MayBegin)
        {
            var next = _queue[0];
            _queue.RemoveAt(0);
            if (next.Begin(t, this))
                _current = next;
        }
    }

    public void Enqueue(Errand errand) => _queue.Add(errand);

    /// <summary>The errand under way is over.</summary>
    public void Concluded(Errand errand)
    {
        if (_current == errand)
            _current = null;
    }

    public Errand? Current => _current;

    public override void RequestChild(Turn t, ChildRequest request) => Enqueue(new QuickModeErrand(request, null));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        SayDelete(t);
        t.Sa.Enter(End(t, "by order", _ => CloseAction.Clear, new Failure(FailureCode.Aborted, "the IKE SA was terminated by order")));
        t.Done(token);
    }

    /// <summary>Nobody is told: there is nobody who would understand it, or somebody else with the same identity (RFC 2407 section 4.6.3.3).</summary>
    public override void Forget(Turn t) =>
        t.Sa.Enter(End(t, PeerFailures.InitialContact, _ => CloseAction.Clear, new Failure(FailureCode.Aborted, PeerFailures.InitialContact)));

    public override void RekeyIke(Turn t, ulong token)
    {
        _rekeyAt = null;
        if (_isReplaced || _rekeying)
        {
            t.Done(token, new Failure(FailureCode.Refused, $"IKE SA [{t.Sa.UniqueId}] is being replaced already"));
            return;
        }
        _rekeying = true;
        t.Note(Severity.Info, Subject.Ike, $"initiating a new IKE_SA {Connection.Name} to replace [{t.Sa.UniqueId}]");
        t.Node.Adopt(IkeV1Session.Start(t.Now, t.Node, new Plan(Connection, []) { Token = token, Replaces = t.Sa }, t.Sa.Path, t.Outbox));
    }

    /// <summary>What was to replace this one has failed: once more in a while, if it still is time.</summary>
    public void StaysForNow(Turn t) => (_rekeying, _rekeyAt) = (false, t.Now + RetryAfter);

    public override bool MayResend(Question question) => true;

    public override void OnSilence(Turn t, Question question)
    {
        if (_offers.TryGetValue(question.Id, out var offer))
        {
            QuickMode.Forget(t, this, question.Id, offer);
            return;
        }
        var failure = new Failure(FailureCode.TimedOut,
            $"peer not responding: {t.Sa.Path.Remote} left {Notation.Name(question.Exchange)} unanswered {question.Resent + 1} times");
        if (!_isReplaced)
            t.Report(new Event.Failed(failure));
        t.Sa.Enter(End(t, "peer not responding", child => child.DpdAction, failure));
    }

    public override IkeSaStatus Describe(IkeV1Session sa, IkeSaStatus status) => status with
    {
        LocalId = LocalId,
        RemoteId = RemoteId,
        RemoteXauthId = PhaseOne.HasXauth(Connection.Remote) ? _user?.ToString() : null,
        Suite = Keying.Suite,
        EstablishedAt = _since,
        // Either way another ISAKMP SA is made; it is listed as what was asked for.
        RekeyAt = _isForReauthentication ? null : _rekeyAt,
        ReauthAt = _isForReauthentication ? _rekeyAt : null,
        LocalVirtualAddresses = Configuration.Ours,
        RemoteVirtualAddresses = [.. Configuration.Leased.Select(lease => lease.Address)],
        TasksQueued = [.. _queue.Select(errand => errand.Task)],
        TasksActive = [.. _current is null ? [] : (string[])[_current.Task], .. _liveness.IsAsking ? (string[])["ISAKMP_DPD"] : []],
        Children = [.. Children.Select(child => child.Status)],
    };

    protected override ImmutableArray<Blob>? OnTransaction(Turn t, MessageId id, Payload.Attributes attributes) => ModeConfig.Take(t, this, id, attributes);

    protected override ImmutableArray<Blob>? OnQuickMode(Turn t, Opened opened) => QuickMode.Take(t, this, opened);

    protected override void OnInformational(Turn t, Opened opened) => Informational.Take(t, this, opened);

    /// <summary>Called by the exchanges, which compare hashes themselves.</summary>
    public void Believe(Turn t, Opened opened)
    {
        t.Sa.PeerSpoke(t);
        Continue(opened);
    }

    public void PeerIsThere(Turn t, uint sequence)
    {
        if (_liveness.IsAnswer(sequence))
            _liveness.Stop();
    }

    public void Refused(Turn t, Payload.Notification notification)
    {
        t.Note(Severity.Warning, Subject.Ike, $"received {Notation.Name(notification.Kind)} error notify");
        if (_current is QuickModeErrand quickMode)
            quickMode.Refused(t, this, notification);
        else if (_current is ModeConfigErrand)
            t.Note(Severity.Warning, Subject.Config, $"{RemoteId} refuses our Mode Config message");
    }

    /// <summary>Takes down what hangs on the ISAKMP SA, and says so.</summary>
    public Phase End(Turn t, string why, Func<ChildConfig, CloseAction> next, Failure failure)
    {
        Bequeath(t);
        foreach (var child in Children.ToList())
            Remove(t, child, next(child.Sa.Config));
        Configuration.Release(t);
        if (!_isReplaced)
            t.Report(new Event.IkeDown(Describe(t.Sa, t.Sa.Status(t.Now)), why));
        foreach (var errand in _current is null ? _queue : _queue.Prepend(_current).ToList())
            errand.Abandon(t, failure);
        _queue.Clear();
        _current = null;
        return new Gone(Connection);
    }

    /// <summary>Deletes are not answered: what is said once is all that there is. Children first, as charon does.</summary>
    void SayDelete(Turn t)
    {
        foreach (var child in Children.Where(child => child.State != ChildState.Rekeyed))
            PhaseOne.Tell(t, Keying, Informational.DeleteChild(child.Sa));
        PhaseOne.Tell(t, Keying, Informational.DeleteIsakmp(t));
    }

    void EndOfLife(Turn t)
    {
        SayDelete(t);
        t.Sa.Enter(End(t, "its lifetime is over", child => child.CloseAction, new Failure(FailureCode.Aborted, "the lifetime of the IKE SA is over")));
    }

    /// <summary>An older ISAKMP SA with the same peer at the same place has been replaced by this one: all that it has goes over.</summary>
    void TakeOver(Turn t)
    {
        foreach (var session in t.Node.SessionsBetween(LocalId, PeerName).OfType<IkeV1Session>().ToList())
        {
            if (session == t.Sa || session.Phase is not Established { _isReplaced: false } old || old.Connection.Name != Connection.Name || old._user != _user
                || session.CurrentPath.Remote != t.Sa.Path.Remote)
                continue;
            t.Report(new Event.IkeRekeyed(session.Status(t.Now), t.Sa.Status(t.Now)));
            if (Configuration.Ours.IsEmpty && Configuration.Leased.IsEmpty)
                (Configuration, old.Configuration) = (old.Configuration, Leases.None(old.Configuration.Owner));
            foreach (var child in old._children)
            {
                child.Sa = child.Sa with { IkeUniqueId = t.Sa.UniqueId };
                _children.Add(child);
                _takenOver.Add(child);
            }
            foreach (var (child, at) in old._useAt)
                _useAt[child] = at;
            old._children.Clear();
            old._useAt.Clear();
            _queue.AddRange(old._queue);
            old._queue.Clear();
            (old._isReplaced, old._heir, old._rekeyAt) = (true, t.Sa, null);
            old._endsAt = t.Now + (session.IsInitiator ? Grace : Grace * 3);
            t.Node.Adopt(session);
            t.Node.Adopt(t.Sa);
        }
    }

    /// <summary>Where the children of a quick mode that began here live: with the last of those ISAKMP SAs that have replaced this one.</summary>
    (Established Phase, IkeV1Session Session) Home(IkeV1Session own) => _heir is { Phase: Established heir } next ? heir.Home(next) : (this, own);

    /// <summary>What we asked for here, and the peer has not answered any more, is asked for where everything else is.</summary>
    void Bequeath(Turn t)
    {
        if (_current is not QuickModeErrand errand || Home(t.Sa) is var (home, session) && home == this)
            return;
        _current = null;
        home.Enqueue(errand);
        t.Node.Adopt(session);
    }

    /// <summary>The peer says only now that it has lost what was before.</summary>
    public void LetGoWhatWasTakenOver(Turn t)
    {
        foreach (var child in _takenOver)
            Remove(t, child, CloseAction.Clear);
        _takenOver.Clear();
    }

    /// <summary>A group has one identity, and each of its users a name.</summary>
    public override Identity PeerName => PhaseOne.HasXauth(Connection.Remote) ? _user ?? RemoteId : RemoteId;

    /// <summary>Virtual addresses come before the children that use them.</summary>
    void BeginConfiguration(Turn t)
    {
        if (!Connection.VirtualAddresses.IsEmpty && !Connection.Push && Configuration.Ours.IsEmpty)
            Enqueue(new ModeConfigErrand(push: false));
        else if (Connection.VirtualAddresses.IsEmpty && !Connection.Pools.IsEmpty && Connection.Push && Configuration.Leased.IsEmpty)
            Enqueue(new ModeConfigErrand(push: true));
    }

    /// <summary>Somebody says that the peer has lost us: he is asked, if he can be and has not just been heard.</summary>
    public override void Doubt(Turn t)
    {
        if (_peer.DeadPeerDetection && !_isReplaced && !_liveness.IsAsking && LastHeard(t.Sa) + DoubtPause <= t.Now)
            AskLiveness(t);
        _asksForItself &= !_liveness.IsAsking;
    }

    void AskLiveness(Turn t)
    {
        if (!_liveness.IsAsking)
            (_askedAt, _asksForItself) = (t.Now, Connection.DpdDelay <= TimeSpan.Zero);
        if (_liveness.Ask(t, Keying, Connection, LastHeard(t.Sa)))
            return;
        // Not what dpd_delay asks for: that nobody answers has no consequence.
        if (_asksForItself)
        {
            _liveness.Stop();
            _gaveUpAt = t.Now;
            return;
        }
        var failure = new Failure(FailureCode.TimedOut, $"peer not responding: {t.Sa.Path.Remote} left {_liveness.Sent} DPD requests unanswered");
        t.Report(new Event.Failed(failure));
        t.Sa.Enter(End(t, "peer not responding", child => child.DpdAction, failure));
    }

    Instant? KeepAliveAt(IkeV1Session sa) => _isReplaced ? null
        : KeepAlive.Due(sa.Nat, sa.Path, sa.Node.Settings.NatPort, Child.LastSent(Children, sa.LastSent), KeepAliveInterval(sa));

    TimeSpan KeepAliveInterval(IkeV1Session sa) => (Connection.KeepAlive ?? sa.Node.Settings.KeepAlive).Interval;

    void SendKeepAlive(Turn t)
    {
        _keepAlives.Send(t, t.Sa.Path);
        t.Sa.LastSent = t.Now;
    }

    Instant? LivenessAt(IkeV1Session sa)
    {
        // From behind a NAT it is asked even if nobody wants to know: who only sends, or is idle, would not hear that its mapping is another.
        var delay = Connection.DpdDelay > TimeSpan.Zero ? Connection.DpdDelay : KeepAlive.LivenessEvery(sa.Nat, KeepAliveInterval(sa));
        if (delay <= TimeSpan.Zero || !_peer.DeadPeerDetection || _isReplaced)
            return null;
        var last = LastHeard(sa);
        return (_gaveUpAt > last ? _gaveUpAt.Value : last) + delay;
    }

    Instant LastHeard(IkeV1Session sa) => Child.LastHeard(Children, sa.LastReceived);
}
