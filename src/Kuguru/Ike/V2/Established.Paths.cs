using System.Collections.Immutable;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// By which path an IKE SA and its children go, and what is done when the host's network has changed:
//
//   NetworkChanged -> Effect.FindPaths -> PathsFound -> Roaming.Judge -> stay (and check), wait, or try:
//   what is asked goes along every path that is tried -> the first along which an authentic message comes is the path -> UPDATE_SA_ADDRESSES
//   The network changes once more meanwhile: the search goes on, with what there is then.
sealed partial class Established
{
    static bool HasToAsk(Turn t) => t.Sa.IsOriginalInitiator || t.Sa.Mobility.IsStranded || !t.Node.LocalAddresses.Contains(t.Sa.Path.Local.Address);

    public override void NetworkChanged(Turn t, bool resumed)
    {
        CallOffTrial(t);
        if (resumed)
        {
            // Who slept knows nothing of the peer: what was asked before is asked anew, with all patience.
            t.Sa.ResendNow(t);
            CheckSoon(t);
        }
        if (HasToAsk(t))
            t.Add(new Effect.FindPaths(t.Sa.UniqueId, t.Sa.Path, [t.Sa.Path.Remote.Address, .. t.Sa.Mobility.PeerAddresses]));
        else
            Announce(t);
    }

    public override void PathsFound(Turn t, PathFacts facts)
    {
        switch (Roaming.Judge(t.Sa.Path, facts, t.Settings.PreferBestPath, t.Sa.Mobility.IsTrying))
        {
            case RoamPlan.Stay:
                Stay(t);
                break;
            case RoamPlan.Wait:
                Strand(t);
                break;
            case RoamPlan.Switch to:
                Leave(t, to.To);
                break;
        }
    }

    void Stay(Turn t)
    {
        var (m, sa) = (t.Sa.Mobility, t.Sa);
        var wasLost = m.IsStranded;
        m.IsStranded = false;
        if (wasLost)
        {
            t.Note(Severity.Info, Subject.Network, $"there is a way to {sa.Path.Remote} again, from {sa.Path.Local.Address}");
            sa.ResendNow(t);
        }
        if (wasLost && m.IsAgreed && sa.IsOriginalInitiator)
        {
            // More than a check: the peer may have asked us something meanwhile, and asks again at once when it hears where we are.
            m.OwesUpdate = true;
            TellPath(t);
        }
        else if (sa.IsOriginalInitiator || wasLost)
            CheckSoon(t);
        Announce(t);
    }

    static void Strand(Turn t)
    {
        if (t.Sa.Mobility.IsStranded)
            return;
        t.Note(Severity.Warning, Subject.Network, $"no way to {t.Sa.Path.Remote.Address} at present: IKE_SA {t.Sa.Name}[{t.Sa.UniqueId}] waits for the network");
        (t.Sa.Mobility.IsStranded, t.Sa.Mobility.Tried) = (true, []);
    }

    /// <summary>Goes on from another address, if the peer can follow, else with a new IKE SA.</summary>
    void Leave(Turn t, ImmutableArray<Path> paths)
    {
        var (sa, m) = (t.Sa, t.Sa.Mobility);
        m.IsStranded = false;
        // A responder without MOBIKE has no way to tell; a peer that is used to NATs follows what is authentic.
        if (!m.IsAgreed && !sa.IsOriginalInitiator)
            return;
        if (!m.IsAgreed && !sa.Verdict.Local)
        {
            StartOver(t, $"our address {sa.Path.Local.Address} is gone, and {sa.Path.Remote.Address} does not take part in MOBIKE");
            return;
        }
        if (!m.IsAgreed)
            paths = [.. paths.Where(path => path.Remote == sa.Path.Remote).Take(1)];
        if (paths.IsEmpty)
        {
            Strand(t);
            return;
        }
        // Changes come one after the other: those that leave us what we try are no reason to begin anew.
        if (!m.Tried.SequenceEqual(paths))
        {
            t.Note(Severity.Info, Subject.Network, $"trying {string.Join(", ", paths)}");
            (m.Tried, m.OwesUpdate) = (paths, m.IsAgreed);
            m.Left ??= sa.Path;
            GoAlong(t, paths[0]);
        }
        sa.ResendNow(t);
    }

    /// <summary>
    /// As long as paths are tried there is a question that goes along them. An answer to the one before may have come another way: by the path that was left.
    /// </summary>
    void AskAlong(Turn t)
    {
        var m = t.Sa.Mobility;
        if (m.OwesUpdate && m.Tried.Length == 1)
            TellPath(t);
        else
            EnqueueFirst(new Liveness());
    }

    /// <summary>On another path there is another firewall to claim as a NAT, or none.</summary>
    void GoAlong(Turn t, Path path)
    {
        (t.Sa.CurrentPath, t.Sa.Mobility.ClaimsNat) = (path, CanBearNat && t.Node.Paths.Of(path).ClaimsNat);
        CallOffTrial(t);
    }

    /// <summary>An authentic message came along one of the paths that are tried.</summary>
    public override void Reached(Turn t)
    {
        var (sa, m) = (t.Sa, t.Sa.Mobility);
        m.Tried = [];
        GoAlong(t, t.Arrived);
        if (m.OwesUpdate)
            TellPath(t);
        if (!sa.IsOriginalInitiator || !m.IsAgreed)
        {
            sa.Relocate(t, sa.Path, sa.Verdict, MoveCause.Us);
            MoveChildren(t);
            Announce(t);
        }
        // If it was the peer that asked, what we have asked in vain is still to find the way, with the patience that a path has which is known.
        if (sa.Window.Asked is { Resent: > 0 })
            sa.ResendNow(t);
    }

    /// <summary>The responder is somewhere else and says so from there (RFC 4555 section 3.6).</summary>
    public void FollowResponder(Turn t)
    {
        t.Sa.Mobility.Left ??= t.Sa.Path;
        t.Sa.CurrentPath = t.Arrived;
        t.Sa.Mobility.OwesUpdate = true;
        TellPath(t);
        // What was asked before went to where the peer is no longer.
        t.Sa.ResendNow(t);
    }

    /// <summary>Only the initiator decides about paths; a responder says from where it is which other addresses it has, and is followed.</summary>
    void TellPath(Turn t) => EnqueueFirst(t.Sa.IsOriginalInitiator ? new UpdateAddresses() : new AnnounceAddresses());

    /// <summary>What a NAT makes of us may have changed without our address: then the peer is to look at our packets anew.</summary>
    public void LearnMapping(Turn t, IkeMessage response)
    {
        var (sa, m) = (t.Sa, t.Sa.Mobility);
        if (!sa.IsOriginalInitiator || response.Find(NotifyType.NatDetectionDestinationIp) is not { } seen)
            return;
        var changed = m.HasMappingChanged(sa.InitiatorSpi, t.Arrived, seen.Data);
        var verdict = NatNotifies.Judge(response, t.Arrived, m.Claim(Connection));
        if (m.OwesUpdate || (!changed && (!m.IsAgreed || !verdict.Supported || verdict.Encapsulate == sa.Verdict.Encapsulate)))
            return;
        t.Note(Severity.Info, Subject.Network, $"detected changes in NAT mappings{(m.IsAgreed ? ", initiating MOBIKE update" : "")}");
        // Whether it forgot us or was restarted: that it remembers for long may hold no longer.
        CallOffTrial(t);
        if (Life(sa).Holds > TimeSpan.Zero)
            ForgetLife(t);
        if (!m.IsAgreed)
            return;
        m.OwesUpdate = true;
        EnqueueFirst(new UpdateAddresses());
    }

    /// <summary>Tells the peer where else we are, if that has changed.</summary>
    public void Announce(Turn t)
    {
        if (t.Sa.Mobility.IsAgreed && !Mobike.OwnOthers(t).SequenceEqual(t.Sa.Mobility.Announced) && !_queue.OfType<AnnounceAddresses>().Any())
            Enqueue(new AnnounceAddresses());
    }

    /// <summary>Asks whether the peer is there as soon as nothing else is asked.</summary>
    public override void CheckSoon(Turn t)
    {
        if (_current is not Liveness && !_queue.OfType<Liveness>().Any())
            EnqueueFirst(new Liveness(isOwn: Connection.DpdDelay <= TimeSpan.Zero));
    }

    /// <summary>With <c>dpd_delay = 0</c> a question of our own keeps at it until the peer is back, unless something else waits behind it.</summary>
    public override bool GoesOnAsking => _current is Liveness { IsOwn: true } && _queue.TrueForAll(errand => errand is MappingProbe);

    /// <summary>A child is sent elsewhere, or otherwise, than the IKE SA.</summary>
    public bool HasToMove(Turn t) => _children.Exists(child => child.Sa.Path != t.Sa.Path || child.Sa.UdpEncapsulated != t.Sa.Nat.Encapsulate);

    /// <summary>The children go where the IKE SA is, encapsulated as the verdict is now.</summary>
    public override void MoveChildren(Turn t)
    {
        EndAhBehindNat(t);
        foreach (var child in _children)
        {
            var before = child.Sa;
            if (before.Path == t.Sa.Path && before.UdpEncapsulated == t.Sa.Nat.Encapsulate)
                continue;
            var (local, remote) = SelectorsHere(t, before);
            child.Sa = before with { Path = t.Sa.Path, UdpEncapsulated = t.Sa.Nat.Encapsulate, LocalSelectors = local, RemoteSelectors = remote };
            var isSame = local.SequenceEqual(before.LocalSelectors) && remote.SequenceEqual(before.RemoteSelectors);
            t.Add(new Effect.MoveSa(before.InboundSpi, t.Sa.Path, t.Sa.Nat.Encapsulate) { Selectors = isSame ? null : new Selection(local, remote) });
        }
    }

    /// <summary>What a peer may ask for when it rekeys a child: what the child has; or what it is about to have, if the peer has moved its end already.</summary>
    public Scope[] ScopesOf(Turn t, ChildSa sa)
    {
        var (local, remote) = SelectorsHere(t, sa);
        var now = Scope.Of(sa, t.Sa.Verdict);
        return local.SequenceEqual(sa.LocalSelectors) && remote.SequenceEqual(sa.RemoteSelectors) ? [now] : [now, now with { Local = local, Remote = remote }];
    }

    /// <summary>A child's selectors where the IKE SA is now.</summary>
    (ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote) SelectorsHere(Turn t, ChildSa before)
    {
        // Transport mode and stand-ins keep their names: conversations are by them, and the peer's checksums (RFC 7296 section 2.23.1).
        if (before.Transport is not null || !before.StandIns.IsEmpty)
            return (before.LocalSelectors, before.RemoteSelectors);
        return (Readdressed(before.LocalSelectors, before.Config.LocalSelectors, Configuration.Ours, before.Path.Local, t.Sa.Path.Local),
            Readdressed(before.RemoteSelectors, before.Config.RemoteSelectors, [.. Configuration.Leased.Select(lease => lease.Address)],
                before.Path.Remote, t.Sa.Path.Remote));
    }

    /// <summary>AH does not come through a NAT: what has moved behind one ends, and everybody hears why.</summary>
    public void EndAhBehindNat(Turn t)
    {
        foreach (var child in t.Sa.Verdict.IsInTheWay ? _children.FindAll(one => one.Sa.Protocol == ProtocolId.Ah && one.State == ChildState.Installed) : [])
        {
            t.Report(new Event.Failed(new Failure(FailureCode.NoProposalChosen,
                $"CHILD_SA {child.Sa.Config.Name}{{{child.Sa.UniqueId}}} ends: {Scope.AhBehindNat(t.Sa.Verdict, t.Sa.Path)}")));
            child.State = ChildState.Deleting;
            Enqueue(new DeleteChild(child, 0, CloseAction.Clear));
        }
    }

    /// <summary>An end without a virtual address is selected by its own, if the selector is dynamic: both move together (RFC 4555 section 3.5).</summary>
    static ImmutableArray<Selector> Readdressed(
        ImmutableArray<Selector> selectors, ImmutableArray<SelectorTemplate> templates, ImmutableArray<IpAddress> virtuals, Endpoint before, Endpoint now) =>
        !virtuals.IsEmpty || before.Address == now.Address || !templates.Any(template => template.Range is null) ? selectors
            : [.. selectors.Select(selector => selector.Range == AddressRange.Single(before.Address)
                ? selector with { Range = AddressRange.Single(now.Address) } : selector)];

    /// <summary>The peer breaks the rules: the IKE SA ends here.</summary>
    public void Close(Turn t, string why)
    {
        var failure = new Failure(FailureCode.InvalidMessage, why);
        t.Report(new Event.Failed(failure));
        t.Sa.Enter(End(t, why, child => child.CloseAction, failure));
    }

    /// <summary>The peer cannot follow us: everything is set up anew from where we are now.</summary>
    public void StartOver(Turn t, string why)
    {
        t.Note(Severity.Warning, Subject.Ike, $"{why}: starting over with a new IKE SA");
        t.Sa.Window.Conclude();
        t.Sa.Enter(End(t, why, _ => CloseAction.Start, new Failure(FailureCode.Aborted, why)));
    }
}
