using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr]  -->                                   RFC 2409 section 5.5
//                                              <--  HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr]
// HDR*, HASH(3)  -->
//
// or, not at all:                              <--  HDR*, HASH(1), N(why not)        Informational
//
// There are no selectors but one identity a side, which the responder takes as it is or not at all.
static class QuickMode
{
    /// <summary>Quick modes of the peer's that may wait for their last message.</summary>
    const int MaxOffers = 32;

    const double RekeyPart = 0.9;
    const ulong Kilobyte = 1024;

    /// <summary>A message of quick mode: the next of ours, the last of the peer's, or the first of another.</summary>
    public static ImmutableArray<Blob>? Take(Turn t, Established e, Opened opened) =>
        e.Current is QuickModeErrand ours && ours.Id == opened.Id ? ours.Conclude(t, e, opened)
        : e.Offers.TryGetValue(opened.Id, out var offer) ? Confirm(t, e, opened, offer) : Answer(t, e, opened);

    static ImmutableArray<Blob>? Answer(Turn t, Established e, Opened opened)
    {
        if (!Keying.IsSame(e.Keying.Hash1(opened.Id, opened.Rest), opened.Hash))
            return null;
        e.Believe(t, opened);
        if (opened.Find<Payload.SA>() is not { } offered || opened.Find<Payload.Nonce>() is not { HasGoodLength: true } nonce)
            return Refuse(t, e, opened, NotifyKind.PayloadMalformed, FailureCode.InvalidMessage, "a child was asked for without SA or nonce");
        if (e.Offers.Count >= MaxOffers)
        {
            t.Node.Count(IkeDrop.Unexpected);
            return [];
        }
        var ids = opened.All<Payload.ID>().ToList();
        var theirs = ids.Count < 2 ? new Selector(AddressRange.Single(t.Sa.Path.Remote.Address)) : QuickIds.Read(ids[0]);
        var ours = ids.Count < 2 ? new Selector(AddressRange.Single(t.Sa.Path.Local.Address)) : QuickIds.Read(ids[1]);
        if (theirs is not { } remote || ours is not { } local)
            return Refuse(t, e, opened, NotifyKind.InvalidIdInformation, FailureCode.TrafficSelectorsUnacceptable, "its identities name no packets");
        var scopes = Fitting(t, e, local, remote);
        if (scopes.Count == 0)
            return Refuse(t, e, opened, NotifyKind.InvalidIdInformation, FailureCode.TrafficSelectorsUnacceptable,
                $"traffic selectors {local} === {remote} unacceptable, we have "
                + string.Join(" and ", e.Connection.Children.Select(child => Scope.Of(child, e.Ends(t.Sa.Path))).Select(Describe)));
        foreach (var scope in scopes)
        {
            if (Proposals.ChooseEsp(scope.Config.Proposals, offered) is { } choice)
                return Answer(t, e, opened, scope, choice, nonce.Data, ids);
        }
        return Refuse(t, e, opened, NotifyKind.NoProposalChosen, FailureCode.NoProposalChosen,
            $"no ESP proposal in common: offered is {Proposals.Describe(offered)}, we have "
            + string.Join(" and ", scopes.Select(scope => $"{string.Join(", ", scope.Config.Proposals)} ('{scope.Config.Name}')")));
    }

    static ImmutableArray<Blob> Answer(Turn t, Established e, Opened opened, Scope scope, EspChoice choice, Blob nonceI, List<Payload.ID> ids)
    {
        if (NatVersions.IsTransport(choice.Mode))
            return Refuse(t, e, opened, NotifyKind.NoProposalChosen, FailureCode.NoProposalChosen,
                "it wants transport mode, which is not supported: use tunnel mode");
        if (NatVersions.IsUdp(choice.Mode) && e.Peer.Nat == NatVersion.None)
            return Refuse(t, e, opened, NotifyKind.NoProposalChosen, FailureCode.NoProposalChosen, "it wants ESP in UDP, but has not announced NAT traversal");
        Secret? shared = null;
        Blob publicValue = default;
        if (choice.KeyExchange != KeyExchangeMethod.None && (opened.Find<Payload.KE>() is not { } ke
            || !KeyExchange.TryAnswer(choice.KeyExchange, t.Node.Dice, ke.Data, out publicValue, out shared, out _)))
            return Refuse(t, e, opened, NotifyKind.InvalidKeyInformation, FailureCode.InvalidMessage, $"no good public value of {choice.KeyExchange.Name()}");
        using var wiped = shared;
        var (inbound, nonceR, id) = (t.Node.NewEspSpi(), (Blob)t.Node.Dice.Bytes(PhaseOne.NonceLength), opened.Id);
        var config = Limit(scope.Config, choice.Life);
        var child = e.Add(t, config, choice, inbound, choice.Spi,
            e.Keying.DeriveChild(choice.Suite, shared, inbound, nonceI, nonceR), e.Keying.DeriveChild(choice.Suite, shared, choice.Spi, nonceI, nonceR),
            scope.Local, scope.Remote, isInboundOnly: true);
        e.Offers[id] = new QuickModeOffer(child, nonceI, nonceR, t.Now + Retransmission.Whole(t.Settings));
        List<Payload> answer = [Proposals.Answer(choice, inbound), new Payload.Nonce(nonceR)];
        if (shared is not null)
            answer.Add(new Payload.KE(publicValue));
        answer.AddRange(ids.Take(2));
        if (Shorter(scope.Config, choice.Life) is { } own)
            answer.Add(ResponderLifetime(inbound, own));
        return e.Send(t, id, ExchangeKind.QuickMode, answer.ToSequence(), rest => e.Keying.Hash2(id, nonceI, rest), awaits: true);
    }

    static ImmutableArray<Blob>? Confirm(Turn t, Established e, Opened opened, QuickModeOffer offer)
    {
        if (!Keying.IsSame(e.Keying.Hash3(opened.Id, offer.NonceI, offer.NonceR), opened.Hash))
            return null;
        t.Sa.PeerSpoke(t);
        Confirmed(t, e, opened.Id, offer);
        return [];
    }

    /// <summary>The initiator has our answer: both ends may send.</summary>
    public static void Confirmed(Turn t, Established e, MessageId id, QuickModeOffer offer)
    {
        e.Offers.Remove(id);
        e.Close(t, id);
        e.Confirm(t, offer.Child, waits: false);
    }

    /// <summary>The initiator has not said that it has our answer: should it have it all the same, it hears that this is over.</summary>
    public static void Forget(Turn t, Established e, MessageId id, QuickModeOffer offer)
    {
        e.Offers.Remove(id);
        e.Close(t, id);
        e.Discard(t, offer.Child);
        PhaseOne.Tell(t, e.Keying, Informational.DeleteEsp(offer.Child.Sa.InboundSpi));
        t.Note(Severity.Warning, Subject.Child, $"{e.RemoteId} has not confirmed CHILD_SA {offer.Child.Sa.Config.Name}{{{offer.Child.Sa.UniqueId}}}: it is forgotten");
    }

    /// <summary>What the other end keeps an SA for, in a notification of its own (RFC 2407 section 4.6.3.1).</summary>
    public static Life LifetimeOf(Payload.Notification notification)
    {
        var r = new WireReader(notification.Data);
        var attributes = DataAttribute.ReadAll(ref r, Transform.MaxAttributes);
        return r.Failed ? default : notification.Protocol == IsakmpProtocol.Isakmp
            ? Proposals.LifeOf(attributes, (ushort)OakleyAttribute.LifeType, (ushort)OakleyAttribute.LifeDuration)
            : Proposals.LifeOf(attributes, (ushort)IpsecAttribute.LifeType, (ushort)IpsecAttribute.LifeDuration);
    }

    /// <summary>The limits of a child, where the peer's are narrower.</summary>
    public static ChildConfig Limit(ChildConfig config, Life life)
    {
        if (life.Time is { } time && time > TimeSpan.Zero && (End(config) is not { } end || time < end))
            config = config with { LifeTime = time, RekeyTime = config.RekeyTime > TimeSpan.Zero && config.RekeyTime < time * RekeyPart ? config.RekeyTime : time * RekeyPart };
        if (life.Kilobytes is { } kilobytes && kilobytes > 0 && (config.LifeBytes == 0 || kilobytes * Kilobyte < config.LifeBytes))
        {
            var bytes = kilobytes * Kilobyte;
            var soft = (ulong)(bytes * RekeyPart);
            config = config with { LifeBytes = bytes, RekeyBytes = config.RekeyBytes > 0 && config.RekeyBytes < soft ? config.RekeyBytes : soft };
        }
        return config;
    }

    public static Life LifeOf(ChildConfig config) => new(End(config), config.LifeBytes == 0 ? null : Math.Max(config.LifeBytes / Kilobyte, 1));

    static TimeSpan? End(ChildConfig config) =>
        (config.LifeTime ?? config.RekeyTime * 1.1) is var end && end > TimeSpan.Zero ? end : null;

    /// <summary>Ours, where the proposal would let an SA live longer.</summary>
    static TimeSpan? Shorter(ChildConfig config, Life proposed) => End(config) is { } own && proposed.Time is { } theirs && own < theirs ? own : null;

    static Payload.Notification ResponderLifetime(Spi inbound, TimeSpan life)
    {
        var w = new WireWriter();
        DataAttribute.Of(IpsecAttribute.LifeType, (uint)LifeType.Seconds).Write(w);
        DataAttribute.Of(IpsecAttribute.LifeDuration, (uint)Math.Ceiling(life.TotalSeconds)).Write(w);
        return new(IsakmpProtocol.Esp, inbound.ToBlob(), NotifyKind.ResponderLifetime, w.ToArray());
    }

    /// <summary>
    /// The children whose selectors take what the peer wants, the closest first. A client of Cisco's Unity asks for everything, and means what it has been told.
    /// </summary>
    static List<Scope> Fitting(Turn t, Established e, Selector local, Selector remote)
    {
        var fitting = new List<(Scope Scope, int Fit)>();
        foreach (var child in e.Connection.Children.Where(child => child.Mode is ChildMode.Tunnel or ChildMode.Transport))
        {
            var scope = Scope.Of(child, e.Ends(t.Sa.Path));
            if (scope.Local.Any(mine => mine.Covers(local)) && scope.Remote.Any(theirs => theirs.Covers(remote)))
                fitting.Add((scope with { Local = [local], Remote = [remote] }, scope.Local.Contains(local) && scope.Remote.Contains(remote) ? 2 : 1));
            else if (e.Peer.Unity && Narrowing.Narrow(scope.Local, [local]) is { IsEmpty: false } ours && Narrowing.Narrow(scope.Remote, [remote]) is { IsEmpty: false } its)
                fitting.Add((scope with { Local = ours, Remote = its }, 0));
        }
        return [.. fitting.OrderByDescending(pair => pair.Fit).Select(pair => pair.Scope)];
    }

    static ImmutableArray<Blob> Refuse(Turn t, Established e, Opened opened, NotifyKind kind, FailureCode code, string why)
    {
        t.Report(new Event.Failed(new Failure(code, $"sending {Notation.Name(kind)} to {e.RemoteId}: {why}")));
        e.Close(t, opened.Id);
        PhaseOne.Tell(t, e.Keying, new Payload.Notification(IsakmpProtocol.Esp, Blob.Empty, kind, Blob.Empty));
        return [];
    }

    static string Describe(Scope scope) => $"{string.Join(' ', scope.Local)} === {string.Join(' ', scope.Remote)} ('{scope.Config.Name}')";
}

/// <summary>A child that a peer has asked for, and that we have told it; only receiving, until it says that it has heard.</summary>
sealed record QuickModeOffer(Child Child, Blob NonceI, Blob NonceR, Instant Until);

/// <summary>A child that we ask for, in the place of an older one or not.</summary>
sealed class QuickModeErrand(ChildRequest request, Child? old) : Errand
{
    KeyExchange? _exchange;
    Blob _nonce;
    Spi _inbound;
    Scope _scope;
    EncapsulationMode _mode;
    ImmutableArray<Payload.ID> _ids = [];

    public MessageId Id { get; private set; }
    public ChildConfig Config => request.Child;
    public override string Task => "QUICK_MODE";

    public override bool Begin(Turn t, Established e)
    {
        if (old is not null && (old.IsWaning || !e.Children.Contains(old)))
        {
            t.Done(request.Token);
            return false;
        }
        _scope = old is null ? Scope.Of(Config, e.Ends(t.Sa.Path)) : Scope.Of(old.Sa);
        var group = Proposals.GroupFor(Config.Proposals, e.Keying.Suite.KeyExchange);
        _mode = NatVersions.Mode(e.Peer.Nat, t.Sa.Nat.Encapsulate, transport: false);
        _inbound = t.Node.NewEspSpi();
        var offer = Proposals.OfferEsp(Config.Proposals, _inbound, group, _mode, QuickMode.LifeOf(Config));
        if (offer.Proposals[0].Transforms.IsEmpty || _scope.Local.IsEmpty || _scope.Remote.IsEmpty)
        {
            t.Fail(Failures.Child(FailureCode.NoProposalChosen, Config.Name, offer.Proposals[0].Transforms.IsEmpty
                ? "IKEv1 has no number for any of its esp_proposals: add one with AES" : "it has no selectors for the addresses in use"), request.Token);
            return false;
        }
        (Id, _nonce) = (PhaseOne.NewId(t), t.Node.Dice.Bytes(PhaseOne.NonceLength));
        _ids = [QuickIds.Write(_scope.Local[0]), QuickIds.Write(_scope.Remote[0])];
        List<Payload> payloads = [offer, new Payload.Nonce(_nonce)];
        if (group != KeyExchangeMethod.None)
        {
            _exchange = KeyExchange.Start(group, t.Node.Dice);
            payloads.Add(new Payload.KE(_exchange.PublicValue));
        }
        payloads.AddRange(_ids);
        e.Send(t, Id, ExchangeKind.QuickMode, payloads.ToSequence(), rest => e.Keying.Hash1(Id, rest), awaits: true);
        return true;
    }

    public ImmutableArray<Blob>? Conclude(Turn t, Established e, Opened opened)
    {
        if (!Keying.IsSame(e.Keying.Hash2(Id, _nonce, opened.Rest), opened.Hash))
            return null;
        e.Believe(t, opened);
        t.Sa.Unanswered.Conclude(Id);
        if (Read(opened, out var choice, out var nonce, out var shared) is { } why)
        {
            Fail(t, e, Failures.Child(FailureCode.InvalidMessage, Config.Name, why));
            PhaseOne.Tell(t, e.Keying, Informational.DeleteEsp(_inbound));
            return [];
        }
        using var wiped = shared;
        _exchange?.Dispose();
        var life = opened.All<Payload.Notification>().FirstOrDefault(one => one.Kind == NotifyKind.ResponderLifetime) is { } told ? QuickMode.LifetimeOf(told) : default;
        ImmutableArray<Selector> remote = [_scope.Remote[0]];
        if (e.Peer.Unity && Narrowing.Narrow(remote, e.Configuration.Split) is { IsEmpty: false } split)
            remote = split;
        var config = QuickMode.Limit(Config, life);
        var child = e.Add(t, config, choice!, _inbound, choice!.Spi,
            e.Keying.DeriveChild(choice.Suite, shared, _inbound, _nonce, nonce), e.Keying.DeriveChild(choice.Suite, shared, choice.Spi, _nonce, nonce),
            [_scope.Local[0]], remote, isInboundOnly: old is not null);
        var last = e.Send(t, Id, ExchangeKind.QuickMode, [], _ => e.Keying.Hash3(Id, _nonce, nonce), awaits: false);
        e.Close(t, Id);
        e.Concluded(this);
        e.Confirm(t, child, waits: true);
        t.Done(request.Token);
        return last;
    }

    /// <summary>The peer says by a message of its own why not.</summary>
    public void Refused(Turn t, Established e, Payload.Notification notification) =>
        Fail(t, e, Failures.ChildRefused(notification.Kind, _scope, t.Sa.Path));

    public override void Abandon(Turn t, Failure failure)
    {
        _exchange?.Dispose();
        t.Done(request.Token, failure);
    }

    void Fail(Turn t, Established e, Failure failure)
    {
        _exchange?.Dispose();
        t.Fail(failure, request.Token);
        e.Close(t, Id);
        e.Concluded(this);
        if (old is { State: ChildState.Rekeying })
            old.RekeyLater(t.Now + TimeSpan.FromSeconds(30));
    }

    /// <summary>Null when the answer is one to our question.</summary>
    string? Read(Opened opened, out EspChoice? choice, out Blob nonce, out Secret? shared)
    {
        (choice, nonce, shared) = (null, default, null);
        if (opened.Find<Payload.SA>() is not { } sa || opened.Find<Payload.Nonce>() is not { HasGoodLength: true } nr)
            return "the answer has no SA or nonce";
        nonce = nr.Data;
        var isOne = sa.Proposals is [{ Transforms.Count: 1 }];
        choice = isOne ? Proposals.ChooseEsp(Config.Proposals, sa) : null;
        if (choice is null || choice.Mode != _mode || choice.KeyExchange != (_exchange?.Method ?? KeyExchangeMethod.None))
            return $"the answer {Proposals.Describe(sa)} is not among what we offered: {string.Join(", ", Config.Proposals)}";
        var ids = opened.All<Payload.ID>().ToList();
        if (ids.Count >= 2 && !ids.Take(2).SequenceEqual(_ids))
            return "the answer has other identities than our question";
        return _exchange is null ? null
            : opened.Find<Payload.KE>() is { } ke && _exchange.TryDerive(ke.Data, out shared, out var fault) ? null
            : "the answer has no good public value";
    }
}
