using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr] [, NAT-OA, NAT-OA]  -->                 RFC 2409 section 5.5, RFC 3947 section 5
//                            <--  HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr] [, NAT-OA, NAT-OA]
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
        var scopes = QuickScopes.Fitting(t, e, local, remote);
        if (scopes.Count == 0)
            return Refuse(t, e, opened, NotifyKind.InvalidIdInformation, FailureCode.TrafficSelectorsUnacceptable,
                $"traffic selectors {local} === {remote} unacceptable{OrMode(offered)}, we have {QuickScopes.Describe(t, e)}");
        foreach (var scope in scopes)
        {
            if (Proposals.ChooseChild(scope.Scope.Proposals, offered, scope.Transport is not null) is { } choice)
                return Answer(t, e, opened, scope, choice, nonce.Data, ids);
        }
        if (scopes.Any(scope => scope.Scope.LosesAh) && offered.Proposals.Any(proposal => proposal.Protocol == IsakmpProtocol.Ah))
            return Refuse(t, e, opened, NotifyKind.NoProposalChosen, FailureCode.NoProposalChosen, Scope.AhBehindNat(t.Sa.Nat, t.Sa.Path));
        return Refuse(t, e, opened, NotifyKind.NoProposalChosen, FailureCode.NoProposalChosen,
            $"no ESP proposal in common{OrMode(offered)}: offered is {Proposals.Describe(offered)}, we have "
            + string.Join(" and ", scopes.Select(scope => $"{string.Join(", ", scope.Scope.Config.Proposals)} ('{scope.Scope.Config.Name}')").Distinct()));
    }

    /// <summary>What else may be why a peer that takes nothing but transport mode is refused.</summary>
    static string OrMode(Payload.SA offered) => Proposals.IsTransportOnly(offered)
        ? " for transport mode, which is from host to host and needs 'mode = transport' here" : "";

    static ImmutableArray<Blob> Answer(Turn t, Established e, Opened opened, QuickScope asked, ChildChoice choice, Blob nonceI, List<Payload.ID> ids)
    {
        var (scope, transport) = asked;
        if (NatVersions.IsUdp(choice.Mode) && e.Peer.Nat == NatVersion.None)
            return Refuse(t, e, opened, NotifyKind.NoProposalChosen, FailureCode.NoProposalChosen, e.Connection.ForbidsEncapsulation
                ? "it wants ESP in UDP, which 'encap = never' forbids here" : "it wants ESP in UDP, but has not announced NAT traversal");
        if (transport is { } named && (transport = OriginalAddresses.Read(named, opened, isInitiator: false)) is null)
            return Refuse(t, e, opened, NotifyKind.InvalidIdInformation, FailureCode.TrafficSelectorsUnacceptable, "its original addresses are of another family");
        if (scope.Config.Mode == ChildMode.Transport && transport is null)
            t.Note(Severity.Info, Subject.Child, $"child '{scope.Config.Name}' with {e.RemoteId} is in tunnel mode as it asks, here it has 'mode = transport'");
        Secret? shared = null;
        Blob publicValue = default;
        if (choice.KeyExchange != KeyExchangeMethod.None && (opened.Find<Payload.KE>() is not { } ke
            || !KeyExchange.TryAnswer(choice.KeyExchange, t.Node.Dice, ke.Data, out publicValue, out shared, out _)))
            return Refuse(t, e, opened, NotifyKind.InvalidKeyInformation, FailureCode.InvalidMessage, $"no good public value of {choice.KeyExchange.Name()}");
        using var wiped = shared;
        var (inbound, nonceR, id) = (t.Node.NewEspSpi(), (Blob)t.Node.Dice.Bytes(PhaseOne.NonceLength), opened.Id);
        var agreement = new QuickAgreement(Limit(scope.Config, choice.Life), choice, inbound, scope.Local, scope.Remote) { Transport = transport };
        var request = e.StandInsOf(t, agreement);
        var placed = Placing.Ask(t, request);
        if (placed.WhyNot is { } why)
        {
            t.Node.ReleaseStandIns(inbound);
            return Refuse(t, e, opened, NotifyKind.InvalidIdInformation, FailureCode.AddressUnavailable, why);
        }
        // What replaces nothing sends at once: a first packet may be here before the last message is read, and its reply has no other way.
        var child = e.Add(t, agreement with { StandIns = placed.StandIns }, shared, nonceI, nonceR, isInboundOnly: request.Replaces is not null);
        e.Offers[id] = new QuickModeOffer(child, nonceI, nonceR, t.Now + Retransmission.Whole(t.Settings));
        List<Payload> answer = [Proposals.Answer(choice, inbound), new Payload.Nonce(nonceR)];
        if (shared is not null)
            answer.Add(new Payload.KE(publicValue));
        answer.AddRange(ids.Take(2));
        if (transport is not null && NatVersions.IsUdp(choice.Mode))
            answer.AddRange(OriginalAddresses.Say(scope.Hosts!.Value, isInitiator: false, e.Peer.Nat));
        if (Shorter(LifeOf(scope.Config), choice.Life) is var own && own != default)
            answer.Add(ResponderLifetime(choice, inbound, own));
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
        PhaseOne.Tell(t, e.Keying, Informational.DeleteChild(offer.Child.Sa));
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
    static Life Shorter(Life own, Life proposed) =>
        new(own.Time < proposed.Time ? own.Time : null, own.Kilobytes < proposed.Kilobytes ? own.Kilobytes : null);

    static Payload.Notification ResponderLifetime(ChildChoice choice, Spi inbound, Life life)
    {
        var w = new WireWriter();
        foreach (var attribute in Proposals.Attributes(life))
            attribute.Write(w);
        return new(choice.Proposal.Protocol, inbound.ToBlob(), NotifyKind.ResponderLifetime, w.ToArray());
    }

    static ImmutableArray<Blob> Refuse(Turn t, Established e, Opened opened, NotifyKind kind, FailureCode code, string why)
    {
        t.Report(new Event.Failed(new Failure(code, $"sending {Notation.Name(kind)} to {e.RemoteId}: {why}")));
        e.Close(t, opened.Id);
        PhaseOne.Tell(t, e.Keying, new Payload.Notification(IsakmpProtocol.Esp, Blob.Empty, kind, Blob.Empty));
        return [];
    }
}

/// <summary>A child that a peer has asked for, and that we have told it; only receiving, until it says that it has heard.</summary>
sealed record QuickModeOffer(Child Child, Blob NonceI, Blob NonceR, Instant Until);

/// <summary>A child that both sides agree to.</summary>
/// <param name="Config">With the narrower of both sides' lifetimes.</param>
/// <param name="Choice">The peer's SPI is in it.</param>
/// <param name="Inbound">Our SPI.</param>
/// <param name="Local">Our end.</param>
/// <param name="Remote">The peer's end.</param>
sealed record QuickAgreement(ChildConfig Config, ChildChoice Choice, Spi Inbound, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote)
{
    /// <summary>Null in tunnel mode.</summary>
    public TransportEnds? Transport { get; init; }

    /// <summary>Under which addresses the peer's end is seen here.</summary>
    public ImmutableArray<StandIn> StandIns { get; init; } = [];
}

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
        _scope = old is null ? Scope.Of(Config, e.Ends(t.Sa)) : Scope.Of(old.Sa, t.Sa.Nat);
        if (_scope.Proposals.IsEmpty)
        {
            t.Fail(PeerFailures.Child(FailureCode.NoProposalChosen, Config.Name, Scope.AhBehindNat(_scope.Nat, t.Sa.Path)), request.Token);
            return false;
        }
        var group = Proposals.GroupFor(_scope.Proposals, e.Keying.Suite.KeyExchange);
        _mode = NatVersions.Mode(e.Peer.Nat, t.Sa.Nat.Encapsulate, _scope.IsHostToHost);
        _inbound = t.Node.NewEspSpi();
        var offer = Proposals.OfferChild(_scope.Proposals, _inbound, group, _mode, QuickMode.LifeOf(Config));
        if (offer.Proposals.IsEmpty || _scope.Local.IsEmpty || _scope.Remote.IsEmpty)
        {
            t.Fail(PeerFailures.Child(FailureCode.NoProposalChosen, Config.Name, offer.Proposals.IsEmpty
                ? "IKEv1 has no number for any of its esp_proposals or ah_proposals: add one with AES or sha256" : "it has no selectors for the addresses in use"), request.Token);
            return false;
        }
        (Id, _nonce) = (PhaseOne.NewId(t), t.Node.Dice.Bytes(PhaseOne.NonceLength));
        _ids = [QuickIds.Write(_scope.Local[0]), QuickIds.Write(_scope.Remote[0])];
        List<Payload> payloads = [offer, new Payload.Nonce(_nonce)];
        if (group != KeyExchangeMethod.None)
        {
            _exchange?.Dispose();
            _exchange = KeyExchange.Start(group, t.Node.Dice);
            payloads.Add(new Payload.KE(_exchange.PublicValue));
        }
        payloads.AddRange(_ids);
        if (_scope.IsHostToHost && NatVersions.IsUdp(_mode))
            payloads.AddRange(OriginalAddresses.Say(_scope.Hosts!.Value, isInitiator: true, e.Peer.Nat));
        else if (Config.Mode == ChildMode.Transport && !_scope.IsHostToHost)
            t.Note(Severity.Info, Subject.Child, $"child '{Config.Name}' is in tunnel mode: its selectors are not host to host, which transport mode is");
        e.Send(t, Id, ExchangeKind.QuickMode, payloads.ToSequence(), rest => e.Keying.Hash1(Id, rest), awaits: true);
        return true;
    }

    public ImmutableArray<Blob>? Conclude(Turn t, Established e, Opened opened)
    {
        if (!Keying.IsSame(e.Keying.Hash2(Id, _nonce, opened.Rest), opened.Hash))
            return null;
        e.Believe(t, opened);
        t.Sa.Unanswered.Conclude(Id);
        if (Read(t, e, opened, out var agreement, out var nonce, out var shared) is { } why)
        {
            Fail(t, e, PeerFailures.Child(FailureCode.InvalidMessage, Config.Name, why));
            PhaseOne.Tell(t, e.Keying, Informational.DeleteChild(ProtocolOf(opened), _inbound));
            return [];
        }
        using var wiped = shared;
        _exchange?.Dispose();
        agreement = agreement! with { StandIns = Placing.Insist(t, e.StandInsOf(t, agreement!)) };
        var child = e.Add(t, agreement, shared, _nonce, nonce, isInboundOnly: old is not null);
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

    /// <summary>Of which protocol the SA is that an answer speaks of, good or not.</summary>
    static IsakmpProtocol ProtocolOf(Opened opened) =>
        opened.Find<Payload.SA>() is { Proposals: [{ Protocol: IsakmpProtocol.Ah }, ..] } ? IsakmpProtocol.Ah : IsakmpProtocol.Esp;

    /// <summary>Null when the answer is one to our question.</summary>
    string? Read(Turn t, Established e, Opened opened, out QuickAgreement? agreement, out Blob nonce, out Secret? shared)
    {
        (agreement, nonce, shared) = (null, default, null);
        if (opened.Find<Payload.SA>() is not { } sa || opened.Find<Payload.Nonce>() is not { HasGoodLength: true } nr)
            return "the answer has no SA or nonce";
        nonce = nr.Data;
        var isOne = sa.Proposals is [{ Transforms.Count: 1 }];
        var choice = isOne ? Proposals.ChooseChild(_scope.Proposals, sa, NatVersions.IsTransport(_mode)) : null;
        if (choice is null || choice.Mode != _mode || choice.KeyExchange != (_exchange?.Method ?? KeyExchangeMethod.None))
            return $"the answer {Proposals.Describe(sa)} is not among what we offered: {string.Join(", ", _scope.Proposals)}";
        var life = opened.All<Payload.Notification>().FirstOrDefault(one => one.Kind == NotifyKind.ResponderLifetime) is { } told ? QuickMode.LifetimeOf(told) : default;
        var asked = new QuickAgreement(QuickMode.Limit(Config, life), choice, _inbound, [_scope.Local[0]], [_scope.Remote[0]]);
        agreement = asked;
        var ids = opened.All<Payload.ID>().Take(2).ToList();
        if (NatVersions.IsTransport(_mode))
        {
            if ((agreement = AsTransport(asked, opened, ids)) is null)
                return "the answer has other identities, or original addresses of another family, than our question";
        }
        else if (ids.Count == 2 && !ids.SequenceEqual(_ids))
            return "the answer has other identities than our question";
        else if (e.Peer.Unity && Narrowing.Narrow(asked.Remote, e.Configuration.Split) is { IsEmpty: false } split)
            agreement = asked with { Remote = split };
        return _exchange is null ? null
            : opened.Find<Payload.KE>() is { } ke && _exchange.TryDerive(ke.Data, out shared, out var fault) ? null
            : "the answer has no good public value";
    }

    /// <summary>The peer repeats our identities, or says them as it knows the two ends: charon does that where there is a NAT.</summary>
    QuickAgreement? AsTransport(QuickAgreement agreement, Opened opened, List<Payload.ID> ids)
    {
        var (local, remote) = ids.Count < 2 ? (agreement.Local[0], agreement.Remote[0]) : (QuickIds.Read(ids[0]), QuickIds.Read(ids[1]));
        return local is { } near && remote is { } far && _scope.AsTransport([near], [far]) is var (ours, theirs, named)
            && agreement.Local[0].Covers(ours[0]) && agreement.Remote[0].Covers(theirs[0])
            && OriginalAddresses.Read(named, opened, isInitiator: true) is { } ends
            ? agreement with { Local = ours, Remote = theirs, Transport = ends } : null;
    }
}
