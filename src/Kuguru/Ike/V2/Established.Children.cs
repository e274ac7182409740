using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// The children of an IKE SA: what the packet path is told, and what each child needs as time goes by.
sealed partial class Established
{
    /// <summary>A child that takes the place of one of an older IKE SA is sent with by then, if the peer has not sent with it before.</summary>
    static readonly TimeSpan UseAfter = TimeSpan.FromSeconds(1);

    readonly List<Child> _children = [];

    /// <summary>Old generations that are over at both ends, and still receive what was on its way.</summary>
    readonly List<(Spi InboundSpi, Instant Until)> _lingering = [];

    public IReadOnlyList<Child> Children => _children;
    public override IEnumerable<Spi> InboundSpis => _children.Select(child => child.Sa.InboundSpi).Concat(_lingering.Select(old => old.InboundSpi));

    public override bool SendsWith(Spi outbound) => _children.Any(child => child.Sa.OutboundSpi == outbound);
    public override bool HasLeased(IpAddress address) => Configuration.Leased.Any(lease => lease.Address == address);

    /// <summary>There is such a child, which stays.</summary>
    public bool IsUp(string name) => _children.Any(child => child.Sa.Config.Name == name && !child.IsWaning);

    public override bool HasChild(string name) => IsUp(name)
        || _queue.Append(_current).OfType<NewChild>().Any(errand => errand.Config.Name == name);

    /// <summary>What "dynamic" means at each end by now.</summary>
    public Ends Ends(IkeV2Session sa) => new(
        Configuration.Ours.IsEmpty ? [sa.Path.Local.Address] : Configuration.Ours,
        Configuration.Leased.IsEmpty ? [sa.Path.Remote.Address] : [.. Configuration.Leased.Select(lease => lease.Address)])
    {
        Hosts = Hosts.Of(sa.Path, sa.Verdict),
    };

    /// <summary>What a peer may ask for.</summary>
    public ImmutableArray<Scope> Scopes(IkeV2Session sa) => [.. Connection.Children.Where(child => !child.Mode.IsShunt).Select(child => Scope.Of(child, Ends(sa)))];

    /// <summary>Finds out under which addresses the peer that asks is to be seen; it is refused when it needs others than it has and there are none.</summary>
    public ChildNegotiation.Judgement Place(Turn t, ChildNegotiation.Agreement agreement, Spi inbound, Child? replaced)
    {
        var answer = Placing.Ask(t, StandInsOf(t, agreement, inbound, replaced));
        return answer.WhyNot is { } why ? new(agreement, NotifyType.NoAdditionalSas, why) : new(agreement with { StandIns = answer.StandIns }, default, "");
    }

    /// <summary>As <see cref="Place"/>, for what is agreed already.</summary>
    public ChildNegotiation.Agreement PlaceAnyhow(Turn t, ChildNegotiation.Agreement agreement, Spi inbound, Child? replaced) =>
        agreement with { StandIns = Placing.Insist(t, StandInsOf(t, agreement, inbound, replaced)) };

    StandInRequest StandInsOf(Turn t, ChildNegotiation.Agreement agreement, Spi inbound, Child? replaced) =>
        new(inbound, PeerName, agreement.Config.Name, agreement.Local, agreement.Remote)
        {
            IsNats = agreement.Transport is not null && t.Sa.Verdict is { Remote: true, IsPeersOwn: false } && !t.Sa.IsOriginalInitiator,
            IsGateway = !Configuration.Ours.IsEmpty,
            Replaces = replaced?.Sa.InboundSpi,
        };

    /// <summary>
    /// Makes a child of what was agreed and puts it to use.
    /// </summary>
    /// <param name="t">The turn.</param>
    /// <param name="agreement">Selectors, algorithms, and the peer's SPI.</param>
    /// <param name="inbound">Our SPI.</param>
    /// <param name="nonces">Of the exchange.</param>
    /// <param name="shared">Of its key exchange, if it had one.</param>
    /// <param name="byUs">We asked.</param>
    /// <param name="replaced">The generation before.</param>
    /// <param name="isInboundOnly">It is not sent with yet: the peer wants it in the place of another, or it is redundant.</param>
    public Child Add(
        Turn t, ChildNegotiation.Agreement agreement, Spi inbound, Nonces nonces, Secret? shared, bool byUs, Child? replaced, bool isInboundOnly = false)
    {
        var (suite, config) = (agreement.Choice.ChildSuite, agreement.Config);
        var keys = Keying.DeriveChild(suite, shared, nonces);
        var (ours, theirs) = byUs ? (keys.FromInitiator, keys.FromResponder) : (keys.FromResponder, keys.FromInitiator);
        var reqId = replaced is not null && _children.Contains(replaced)
            ? replaced.ReqId : new ReqIdUse(t.Node.ReqIdFor(Connection, config, agreement.Local, [.. StandIn.See(agreement.Remote, agreement.StandIns)]));
        var sa = new ChildSa
        {
            UniqueId = t.Node.NewChildUniqueId(),
            IkeUniqueId = t.Sa.UniqueId,
            ConnectionName = Connection.Name,
            Config = config,
            ReqId = reqId.Number,
            InboundSpi = inbound,
            OutboundSpi = agreement.OutboundSpi,
            Suite = suite,
            KeyExchange = agreement.Choice.KeyExchange,
            InboundKeys = theirs,
            OutboundKeys = ours,
            LocalSelectors = agreement.Local,
            RemoteSelectors = agreement.Remote,
            Transport = agreement.Transport,
            StandIns = agreement.StandIns,
            Path = t.Sa.Path,
            UdpEncapsulated = t.Sa.Nat.Encapsulate,
            RisksNat = t.Sa.Nat.IsRisky,
            Usage = new SaUsage(),
        };
        var waits = replaced is null && TakesOver && !byUs;
        var child = Child.Install(t, sa, reqId, isInboundOnly || waits);
        child.IsUnconfirmed = !byUs;
        if (replaced is not null)
            child.Continue(replaced);
        else if (waits)
            child.UseAt = t.Now + UseAfter;
        _children.Add(child);
        return child;
    }

    public Payload.Notify RefuseChild(Turn t, ChildNegotiation.Judgement judgement)
    {
        t.Report(new Event.Failed(new Failure(judgement.Refusal switch
        {
            NotifyType.NoProposalChosen => FailureCode.NoProposalChosen,
            NotifyType.TsUnacceptable => FailureCode.TrafficSelectorsUnacceptable,
            NotifyType.NoAdditionalSas => FailureCode.AddressUnavailable,
            // Judge gives no other reason than a message that lacks something.
            _ => FailureCode.InvalidMessage,
        }, $"sending {Notation.Name(judgement.Refusal)} to {RemoteId}: {judgement.Why}")));
        return new Payload.Notify(judgement.Refusal);
    }

    /// <summary>The child that came along with IKE_AUTH is refused: the IKE SA stays without it, or goes as well, by setting.</summary>
    public void FirstChildRefused(Turn t, ChildRequest request, Failure failure)
    {
        t.Fail(failure, request.Token);
        if (t.Settings.CloseIkeOnChildFailure)
            EnqueueFirst(new DeleteIke(0, "its first child was refused", _ => CloseAction.Clear));
        else if (request.Token == 0 && Connection.KeyingTries != 1)
            Enqueue(new NewChild(request, t.Now + CreateChildSa.Pause(t, 0)));
    }

    /// <summary>Without the notify in the answer it is tunnel mode (RFC 7296 section 1.3.1).</summary>
    public void NoteMode(Turn t, ChildNegotiation.Agreement agreement, bool transportWanted)
    {
        if (!transportWanted || agreement.Transport is not null)
            return;
        t.Note(Severity.Info, Subject.Child, $"child '{agreement.Config.Name}' with {RemoteId} is in tunnel mode, transport mode was asked for: "
            + (agreement.Config.Mode != ChildMode.Transport ? "here it has not 'mode = transport'"
                : "the selectors are not host to host, or the peer has not 'mode = transport'"));
    }

    /// <summary>A child is over. One that has been replaced goes silently, and hands over to its successor.</summary>
    public void Remove(Turn t, Child child, CloseAction next)
    {
        if (!_children.Remove(child))
            return;
        child.State = ChildState.Deleted;
        if (child.Successor is { } successor && _children.Contains(successor))
            Use(t, successor);
        if (child.Successor is not null && t.Settings.DeleteRekeyedDelay > TimeSpan.Zero)
        {
            t.Add(new Effect.ReceiveOnly(child.Sa.InboundSpi));
            _lingering.Add((child.Sa.InboundSpi, t.Now + t.Settings.DeleteRekeyedDelay));
        }
        else
            t.Add(new Effect.RemoveSa(child.Sa.InboundSpi));
        child.ReqId.Release(t.Node);
        t.Node.ReleaseStandIns(child.Sa.InboundSpi);
        if (child.Successor is null)
            t.Report(new Event.ChildDown(Describe(t.Sa, t.Sa.Status(t.Now)), child.Status) { Next = next });
    }

    /// <summary>The new generation is agreed: the old one only waits to be deleted.</summary>
    public void Replace(Turn t, Child old, Child next)
    {
        (old.State, old.Successor) = (ChildState.Rekeyed, next);
        t.Report(new Event.ChildRekeyed(Describe(t.Sa, t.Sa.Status(t.Now)), old.Status, next.Status));
    }

    /// <summary>Send with it from now on.</summary>
    static void Use(Turn t, Child child)
    {
        if (!child.IsInboundOnly)
            return;
        (child.IsInboundOnly, child.UseAt) = (false, null);
        t.Add(new Effect.UseSa(child.Sa.InboundSpi));
    }

    public override void EspUsed(Turn t, Spi inbound)
    {
        if (_children.Find(child => child.Sa.InboundSpi == inbound) is { } child)
            Use(t, child);
    }

    public override void TerminateChild(Turn t, uint child, ulong token, bool force)
    {
        if (_children.Find(one => one.Sa.UniqueId == child) is not { } found)
        {
            t.Done(token, PeerFailures.NoChild(child));
            return;
        }
        if (!force)
        {
            EnqueueFirst(new DeleteChild(found, token, CloseAction.Clear));
            return;
        }
        Remove(t, found, CloseAction.Clear);
        Enqueue(new DeleteRefused(found.Sa.Protocol, found.Sa.InboundSpi));
        t.Done(token);
    }

    public override void RekeyChild(Turn t, uint child, ulong token)
    {
        if (_children.Find(one => one.Sa.UniqueId == child && one.State == ChildState.Installed) is { } found)
            Rekey(found, token);
        else
            t.Done(token, PeerFailures.NoChildToRekey(child));
    }

    void Rekey(Child child, ulong token)
    {
        child.State = ChildState.Rekeying;
        Enqueue(new RekeyChild(child, token));
    }

    /// <summary>What a child needs now: its end, or new keys.</summary>
    void Look(Turn t, Child child)
    {
        if (!_children.Contains(child) || child.State is ChildState.Deleting)
            return;
        child.Checked(t.Now);
        child.TellSilence(t);
        if (child.UseAt <= t.Now)
            Use(t, child);
        if (child.IsOver(t.Now))
        {
            // Over means over, also while the window is taken: the peer hears of it when it is free. And it is made anew, as nobody wanted its end.
            t.Note(Severity.Warning, Subject.Child, $"CHILD_SA {child.Sa.Config.Name}{{{child.Sa.UniqueId}}} has reached its lifetime");
            child.IsExpired = child.Successor is null;
            Remove(t, child, CloseAction.Clear);
            Enqueue(new DeleteRefused(child.Sa.Protocol, child.Sa.InboundSpi));
            // New keys that are asked for already will do.
            if (!_queue.Append(_current).OfType<RekeyChild>().Any(rekeying => rekeying.IsAbout(child)))
                Renew(child);
        }
        else if (child.State == ChildState.Installed && child.IdleAt <= t.Now)
            CloseIdle(t, child);
        else if (child.State == ChildState.Installed && child.IsWorn(t.Now))
            Rekey(child, token: 0);
    }

    /// <summary>Another one in the place of a child that its lifetime ended.</summary>
    public void Renew(Child expired)
    {
        if (expired.IsExpired && !IsLeaving)
            Enqueue(new NewChild(new ChildRequest(expired.Sa.Config, 0)));
    }

    void CloseIdle(Turn t, Child child)
    {
        var seconds = (long)child.Sa.Config.Inactivity.TotalSeconds;
        if (t.Settings.InactivityCloseIke && _children.Count == 1)
        {
            t.Note(Severity.Info, Subject.Ike, $"deleting IKE_SA after {seconds} seconds of CHILD_SA inactivity");
            child.State = ChildState.Deleting;
            EnqueueFirst(new DeleteIke(0, "its last child was idle", _ => CloseAction.Clear));
            return;
        }
        t.Note(Severity.Info, Subject.Child, $"deleting CHILD_SA after {seconds} seconds of inactivity");
        child.State = ChildState.Deleting;
        Enqueue(new DeleteChild(child, 0, CloseAction.Clear));
    }

    void RemoveLingering(Turn t, bool all = false)
    {
        foreach (var old in _lingering.Where(old => all || old.Until <= t.Now).ToList())
        {
            _lingering.Remove(old);
            t.Add(new Effect.RemoveSa(old.InboundSpi));
        }
    }
}
