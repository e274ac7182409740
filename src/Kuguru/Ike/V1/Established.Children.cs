using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// The children of an ISAKMP SA: what the packet path is told, and what each child needs as time goes by.
sealed partial class Established
{
    /// <summary>What replaces another is sent with by then, if the peer has not sent with it before: it may not have got our last message.</summary>
    static readonly TimeSpan UseAfter = TimeSpan.FromSeconds(1);

    readonly List<Child> _children = [];
    readonly Dictionary<Child, Instant> _useAt = [];
    readonly Dictionary<MessageId, QuickModeOffer> _offers = [];

    public IReadOnlyList<Child> Children => _children;

    /// <summary>Quick modes that the peer has begun, and not yet ended.</summary>
    public Dictionary<MessageId, QuickModeOffer> Offers => _offers;

    public override IEnumerable<Spi> InboundSpis => _children.Select(child => child.Sa.InboundSpi);

    public override bool HasChild(string name) => _children.Any(child => child.Sa.Config.Name == name && !child.IsWaning)
        || _queue.Append(_current).OfType<QuickModeErrand>().Any(errand => errand.Config.Name == name);

    public override bool SendsWith(Spi outbound) => _children.Any(child => child.Sa.OutboundSpi == outbound);
    public override bool HasLeased(IpAddress address) => Configuration.Leased.Any(lease => lease.Address == address);

    /// <summary>What "dynamic" means at each end by now.</summary>
    public Ends Ends(IkeV1Session sa) => new(
        Configuration.Ours.IsEmpty ? [sa.Path.Local.Address] : Configuration.Ours,
        Configuration.Leased.IsEmpty ? [sa.Path.Remote.Address] : [.. Configuration.Leased.Select(lease => lease.Address)])
    {
        Hosts = Hosts.Of(sa.Path, sa.Nat),
    };

    /// <summary>What the node is asked before <see cref="Add"/>.</summary>
    public StandInRequest StandInsOf(Turn t, QuickAgreement agreement) =>
        new(agreement.Inbound, PeerName, agreement.Config.Name, agreement.Local, agreement.Remote)
        {
            IsNats = agreement.Transport is not null && t.Sa.Nat is { Remote: true, IsPeersOwn: false } && !t.Sa.IsInitiator,
            IsGateway = !Configuration.Ours.IsEmpty,
            Replaces = Home(t.Sa).Phase._children.Find(child => Replaces(child, agreement.Config, agreement.Local, agreement.Remote))?.Sa.InboundSpi,
        };

    /// <summary>Makes a child of what was agreed and puts it to use, at first only for receiving when <paramref name="isInboundOnly"/>.</summary>
    public Child Add(Turn t, QuickAgreement agreement, Secret? shared, Blob nonceI, Blob nonceR, bool isInboundOnly)
    {
        var (config, choice, inbound, local, remote) = agreement;
        var (home, session) = Home(t.Sa);
        var before = home._children.Find(child => Replaces(child, config, local, remote));
        var reqId = before?.ReqId ?? new ReqIdUse(t.Node.ReqIdFor(Connection, config, local, [.. StandIn.See(remote, agreement.StandIns)]));
        var child = Child.Install(t, new ChildSa
        {
            UniqueId = t.Node.NewChildUniqueId(),
            IkeUniqueId = session.UniqueId,
            ConnectionName = Connection.Name,
            Config = config,
            ReqId = reqId.Number,
            InboundSpi = inbound,
            OutboundSpi = choice.Spi,
            Suite = choice.Suite,
            KeyExchange = choice.KeyExchange,
            InboundKeys = Keying.DeriveChild(choice.Suite, shared, inbound, nonceI, nonceR),
            OutboundKeys = Keying.DeriveChild(choice.Suite, shared, choice.Spi, nonceI, nonceR),
            LocalSelectors = local,
            RemoteSelectors = remote,
            Transport = agreement.Transport,
            StandIns = agreement.StandIns,
            Path = t.Sa.Path,
            UdpEncapsulated = NatVersions.IsUdp(choice.Mode),
            RisksNat = t.Sa.Nat.IsRisky,
            Usage = new SaUsage(),
        }, reqId, isInboundOnly);
        home._children.Add(child);
        if (home != this)
            t.Node.Adopt(session);
        return child;
    }

    /// <summary>Both ends have it: those before it with the same selectors are over, and only receive until they end.</summary>
    public void Confirm(Turn t, Child child, bool waits)
    {
        // Both ends asked at once, and what we asked for has replaced this one already.
        if (child.IsWaning)
            return;
        var (home, session) = Home(t.Sa);
        var before = home._children.FindAll(other => other != child && Replaces(other, child.Sa.Config, child.Sa.LocalSelectors, child.Sa.RemoteSelectors));
        if (before.Count == 0)
            t.Report(new Event.ChildUp(session.Status(t.Now), child.Status));
        foreach (var old in before)
        {
            (old.State, old.Successor) = (ChildState.Rekeyed, child);
            t.Report(new Event.ChildRekeyed(session.Status(t.Now), old.Status, child.Status));
        }
        if (waits && before.Count > 0)
            home._useAt[child] = t.Now + UseAfter;
        else
            home.Use(t, child);
    }

    static bool Replaces(Child child, ChildConfig config, ImmutableArray<Selector> local, ImmutableArray<Selector> remote) =>
        child.Sa.Config.Name == config.Name && !child.IsWaning && child.Sa.LocalSelectors.SequenceEqual(local) && child.Sa.RemoteSelectors.SequenceEqual(remote);

    public Instant? UseAt(Child child) => _useAt.TryGetValue(child, out var at) ? at : null;

    /// <summary>A child is over. One that has been replaced goes silently, and hands over to its successor.</summary>
    public void Remove(Turn t, Child child, CloseAction next)
    {
        if (!_children.Remove(child))
            return;
        child.State = ChildState.Deleted;
        _useAt.Remove(child);
        if (child.Successor is { } successor && _children.Contains(successor))
            Use(t, successor);
        t.Add(new Effect.RemoveSa(child.Sa.InboundSpi));
        child.ReqId.Release(t.Node);
        t.Node.ReleaseStandIns(child.Sa.InboundSpi);
        if (child.Successor is null)
            t.Report(new Event.ChildDown(Describe(t.Sa, t.Sa.Status(t.Now)), child.Status) { Next = next });
    }

    /// <summary>A child that never was one goes without a word.</summary>
    public void Discard(Turn t, Child child)
    {
        if (!Home(t.Sa).Phase._children.Remove(child))
            return;
        child.State = ChildState.Deleted;
        t.Add(new Effect.RemoveSa(child.Sa.InboundSpi));
        child.ReqId.Release(t.Node);
        t.Node.ReleaseStandIns(child.Sa.InboundSpi);
    }

    /// <summary>Send with it from now on.</summary>
    void Use(Turn t, Child child)
    {
        _useAt.Remove(child);
        if (!child.IsInboundOnly)
            return;
        child.IsInboundOnly = false;
        t.Add(new Effect.UseSa(child.Sa.InboundSpi));
    }

    public override void EspUsed(Turn t, Spi inbound)
    {
        if (_children.Find(child => child.Sa.InboundSpi == inbound) is not { } child)
            return;
        // The peer has sent with what it has not confirmed: the last message of quick mode is lost or late.
        if (_offers.FirstOrDefault(pair => pair.Value.Child == child) is { Value: { } offer } pair)
            QuickMode.Confirmed(t, this, pair.Key, offer);
        else
            Use(t, child);
    }

    public override void MoveChildren(Turn t)
    {
        foreach (var child in _children)
        {
            child.Sa = child.Sa with { Path = t.Sa.Path };
            t.Add(new Effect.MoveSa(child.Sa.InboundSpi, t.Sa.Path, child.Sa.UdpEncapsulated));
        }
    }

    public override void TerminateChild(Turn t, uint child, ulong token, bool force)
    {
        if (_children.Find(one => one.Sa.UniqueId == child) is not { } found)
        {
            t.Done(token, PeerFailures.NoChild(child));
            return;
        }
        PhaseOne.Tell(t, Keying, Informational.DeleteChild(found.Sa));
        Remove(t, found, CloseAction.Clear);
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
        Enqueue(new QuickModeErrand(new ChildRequest(child.Sa.Config, token), child));
    }

    /// <summary>RESPONDER-LIFETIME (RFC 2407 section 4.6.3.1): the other end keeps an SA no longer than this.</summary>
    public void LifetimeTold(Turn t, Payload.Notification notification)
    {
        var life = QuickMode.LifetimeOf(notification);
        if (notification.Protocol == IsakmpProtocol.Isakmp && life.Time is { } time)
            Limit(t, time);
        else if (notification.Protocol == IsakmpProtocol.Esp && Spi.From(notification.Spi) is { } spi
            && _children.Find(child => child.Sa.OutboundSpi == spi || child.Sa.InboundSpi == spi) is { } child)
        {
            child.Limit(QuickMode.Limit(child.Sa.Config, life), t.Node.Dice.Fraction());
            t.Note(Severity.Info, Subject.Child, $"{RemoteId} keeps CHILD_SA {child.Sa.Config.Name}{{{child.Sa.UniqueId}}} for a shorter time than we would: so do we");
        }
    }

    /// <summary>The peer keeps the ISAKMP SA no longer than this.</summary>
    void Limit(Turn t, TimeSpan time)
    {
        var end = _since + time;
        _endsAt = Instant.Earliest(_endsAt, end);
        if (_rekeyAt is { } at && at >= end)
            _rekeyAt = _since + time * 0.9;
        t.Note(Severity.Info, Subject.Ike, $"{RemoteId} keeps the IKE_SA for {(long)time.TotalSeconds} s only: so do we");
    }

    /// <summary>What a child needs now: its end, or new keys.</summary>
    void Look(Turn t, Child child)
    {
        if (!_children.Contains(child))
            return;
        child.Checked(t.Now);
        child.TellSilence(t);
        if (UseAt(child) <= t.Now)
            Use(t, child);
        if (child.IsOver(t.Now))
        {
            if (child.State != ChildState.Rekeyed)
            {
                t.Note(Severity.Warning, Subject.Child, $"CHILD_SA {child.Sa.Config.Name}{{{child.Sa.UniqueId}}} has reached its lifetime");
                PhaseOne.Tell(t, Keying, Informational.DeleteChild(child.Sa));
            }
            Remove(t, child, child.State == ChildState.Rekeyed ? CloseAction.Clear : child.Sa.Config.CloseAction);
        }
        else if (child.State == ChildState.Installed && !_offers.Values.Any(offer => offer.Child == child) && child.IsWorn(t.Now))
            Rekey(child, token: 0);
    }
}
