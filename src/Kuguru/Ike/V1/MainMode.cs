using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR, SA, VID  -->                                        RFC 2409 section 5, RFC 3947 section 3
//               <--  HDR, SA, VID
// HDR, KE, Ni, NAT-D, NAT-D  -->
//               <--  HDR, KE, Nr, NAT-D, NAT-D
// HDR*, IDii, HASH_I  -->                                  from here on port 4500, where there is a NAT; with signatures [CERT,] SIG instead of HASH
//               <--  HDR*, IDir, HASH_R
//
// Only the last two are authenticated. A responder computes nothing that costs before the second round trip has shown that the initiator is there.
static class MainMode
{
    /// <summary>Messages that nobody can read, of which each costs a trial of many keys, beyond which an exchange takes no more.</summary>
    const int MaxUnreadable = 16;

    public static IkeV1Session Start(Instant now, INode node, Plan plan, Path path, Outbox outbox)
    {
        var connection = plan.Connection;
        var first = Floating.First(path, node.Settings.Port, node.Settings.NatPort);
        var method = PhaseOne.Method(node, connection, first, initiator: true);
        var offer = Proposals.OfferIke(connection.Proposals, method ?? 0, PhaseOne.Life(connection));
        var phase = new ExpectSa(plan, PhaseOne.LocalId(connection, first), offer.Bytes);
        var sa = new IkeV1Session(node, now, first, node.NewIkeSpi(), default, isInitiator: true, phase);
        var t = new Turn(sa, now, outbox, first);
        if (method is null)
            phase.Fail(t, Failures.NoMethod(connection));
        else if (offer.Proposals[0].Transforms.IsEmpty)
            phase.Fail(t, Failures.NoProposal(connection));
        else if (Methods.IsSharedKey(method.Value) && SharedKeys.ForInitiator(node, connection, first) is null)
            phase.Fail(t, Failures.NoSharedKey(phase.LocalId, PhaseOne.RemoteId(connection), first));
        else
            sa.Send(t, first, sa.Header(ExchangeKind.IdentityProtection, MessageId.Zero) with { Payloads = [offer, .. Traits.Announce(connection, node.Settings, null)] }, awaits: true);
        return sa;
    }

    public static IkeV1Session? Answer(Instant now, INode node, in Datagram d, IsakmpMessage first, Outbox outbox)
    {
        var candidates = PhaseOne.Candidates(node, d.Path, aggressive: false).ToList();
        if (first.Find<Payload.SA>() is not { } offer)
        {
            node.Count(IkeDrop.Malformed);
            return null;
        }
        var sa = new IkeV1Session(node, now, d.Path, node.NewIkeSpi(), first.InitiatorCookie, isInitiator: false, new Gone(null));
        var t = new Turn(sa, now, outbox, d.Path);
        if (Choose(node, candidates, d.Path, offer) is not { } chosen)
        {
            t.Report(new Event.Failed(Failures.NoCommonProposal(d.Path, offer, candidates, aggressive: false)));
            PhaseOne.Refuse(t, NotifyKind.NoProposalChosen);
            return null;
        }
        var agreed = new Agreed(chosen.Choice, offer.Bytes, Traits.Of(first, chosen.Connection));
        sa.Enter(new OfferedSa(now + node.Settings.HalfOpenTimeout, agreed));
        SetFragments(t, chosen.Connection, agreed.Peer);
        var answer = sa.Header(ExchangeKind.IdentityProtection, MessageId.Zero) with
        {
            Payloads = [chosen.Choice.Answer, .. Traits.Announce(chosen.Connection, node.Settings, agreed.Peer)],
        };
        sa.Heard.Take(d.Bytes, sa.Send(t, d.Path, answer, awaits: false));
        return sa;
    }

    public static void AskKeyExchange(Turn t, ExpectSa phase, IsakmpMessage message)
    {
        var connection = phase.Plan.Connection;
        var method = PhaseOne.Method(t.Node, connection, t.Sa.Path, initiator: true);
        if (message.Find<Payload.SA>() is not { } sa || Proposals.ChooseIke(connection.Proposals, sa, one => one == method) is not { } choice)
        {
            t.Note(Severity.Warning, Subject.Ike, $"{t.Arrived.Remote} answers the first message with what was not offered: ignored, it is not authenticated");
            return;
        }
        t.Sa.Meet(message.ResponderCookie);
        var agreed = new Agreed(choice, phase.Offer, Traits.Of(message, phase.Plan.Connection));
        SetFragments(t, connection, agreed.Peer);
        var (exchange, nonce) = (KeyExchange.Start(choice.Suite.KeyExchange, t.Node.Dice), t.Node.Dice.Bytes(PhaseOne.NonceLength));
        t.Sa.Enter(new ExpectKeyExchange(phase.Plan, phase.LocalId, agreed, exchange, nonce));
        var next = t.Sa.Header(ExchangeKind.IdentityProtection, MessageId.Zero) with
        {
            Payloads =
            [
                new Payload.KE(exchange.PublicValue), new Payload.Nonce(nonce), .. Signatures.Ask(t.Node, connection, choice.Method, weAreInitiator: true),
                .. NatPayloads.Say(t, t.Sa.Path, agreed.Prf, agreed.Peer.Nat, connection.ForcesEncapsulation),
            ],
        };
        t.Sa.Send(t, t.Sa.Path, next, awaits: true);
    }

    public static void AnswerKeyExchange(Turn t, OfferedSa phase, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        var agreed = phase.Agreed;
        if (message.Find<Payload.KE>() is not { } ke || message.Find<Payload.Nonce>() is not { HasGoodLength: true } nonce)
        {
            t.Node.Count(IkeDrop.Malformed);
            return;
        }
        var forced = PhaseOne.Candidates(t.Node, t.Arrived, aggressive: false).Any(connection => connection.ForcesEncapsulation);
        if (!KeyExchange.TryAnswer(agreed.Choice.Suite.KeyExchange, t.Node.Dice, ke.Data, out var publicValue, out var shared, out var fault))
        {
            t.Note(Severity.Warning, Subject.Ike, $"{t.Arrived.Remote} sends a bad public value for {agreed.Choice.Suite.KeyExchange.Name()} ({fault}): refused");
            PhaseOne.Refuse(t, NotifyKind.InvalidKeyInformation);
            t.Sa.Enter(new Gone(null));
            return;
        }
        t.Sa.CurrentPath = t.Arrived;
        Blob own = t.Node.Dice.Bytes(PhaseOne.NonceLength);
        var exchanged = new Exchanged(shared, ke.Data, publicValue, nonce.Data, own, t.Sa.InitiatorSpi, t.Sa.ResponderSpi);
        t.Sa.Verdict = NatPayloads.Judge(t, agreed.Prf, agreed.Peer.Nat, message, forced);
        t.Sa.Enter(new OfferedKeyExchange(phase.Until, agreed, exchanged, Signatures.Wish(message)));
        var answer = t.Sa.Header(ExchangeKind.IdentityProtection, MessageId.Zero) with
        {
            Payloads =
            [
                new Payload.KE(publicValue), new Payload.Nonce(own),
                .. PhaseOne.Candidates(t.Node, t.Arrived, aggressive: false).Take(1)
                    .SelectMany(connection => Signatures.Ask(t.Node, connection, agreed.Choice.Method, weAreInitiator: false)),
                .. t.Sa.Verdict.Supported ? NatPayloads.Say(t, t.Arrived, agreed.Prf, agreed.Peer.Nat, forced) : [],
            ],
        };
        t.Sa.Heard.Take(bytes, t.Sa.Send(t, t.Arrived, answer, awaits: false));
    }

    public static void AskIdentity(Turn t, ExpectKeyExchange phase, IsakmpMessage message)
    {
        var (connection, agreed, suite) = (phase.Plan.Connection, phase.Agreed, phase.Agreed.Choice.Suite);
        if (message.Find<Payload.KE>() is not { } ke || message.Find<Payload.Nonce>() is not { HasGoodLength: true } nonce)
        {
            t.Node.Count(IkeDrop.Malformed);
            return;
        }
        if (!phase.KeyExchange.TryDerive(ke.Data, out var shared, out var fault))
        {
            t.Note(Severity.Warning, Subject.Ike, $"{t.Arrived.Remote} sends a bad public value ({fault}): ignored");
            return;
        }
        using var exchanged = new Exchanged(shared, phase.KeyExchange.PublicValue, ke.Data, phase.Nonce, nonce.Data, t.Sa.InitiatorSpi, t.Sa.ResponderSpi);
        var key = Methods.IsSharedKey(agreed.Choice.Method) ? SharedKeys.ForInitiator(t.Node, connection, t.Sa.Path) : null;
        if (Methods.IsSharedKey(agreed.Choice.Method) && key is null)
        {
            phase.Fail(t, Failures.NoSharedKey(phase.LocalId, PhaseOne.RemoteId(connection), t.Sa.Path));
            return;
        }
        var keying = key is null ? Keying.OfSignatures(suite, exchanged) : Keying.OfSharedKey(suite, key.Secret, exchanged);
        t.Sa.Verdict = NatPayloads.Judge(t, agreed.Prf, agreed.Peer.Nat, message, connection.ForcesEncapsulation);
        t.Report(new Event.NatDetected(t.Sa.Verdict, t.Sa.Path));
        var before = t.Sa.Path;
        t.Sa.CurrentPath = Floating.AfterInit(before, t.Sa.Verdict, always: false, t.Settings.Port, t.Settings.NatPort);
        var next = new ExpectIdentity(phase.Plan, phase.LocalId, agreed, keying, key, before);
        phase.KeyExchange.Dispose();
        t.Sa.Enter(next);
        var id = PhaseOne.Write(phase.LocalId);
        if (Signatures.Prove(t, keying, agreed, connection, phase.LocalId, id, Signatures.Wish(message), out var proof) is { } failure)
        {
            next.Fail(t, failure);
            return;
        }
        t.Sa.Send(t, t.Sa.Path, PhaseOne.Seal(t, keying, ExchangeKind.IdentityProtection,
            [id, .. proof, .. PhaseOne.SayInitialContact(t, connection, phase.LocalId, PhaseOne.RemoteId(connection))]), awaits: true);
    }

    public static void AnswerIdentity(Turn t, OfferedKeyExchange phase, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        var (agreed, method) = (phase.Agreed, phase.Agreed.Choice.Method);
        if (message.Encrypted is null)
        {
            t.Node.Count(IkeDrop.NotProtected);
            return;
        }
        if (phase.Unreadable >= MaxUnreadable)
        {
            t.Node.Count(IkeDrop.NotAuthentic);
            return;
        }
        // Where nobody translates, a peer stays where it was.
        if (t.Sa.Verdict is { Supported: true, Remote: false } && t.Arrived.Remote.Address != t.Sa.Path.Remote.Address)
        {
            t.Node.Count(IkeDrop.NotOurs);
            return;
        }
        var candidates = PhaseOne.Candidates(t.Node, t.Arrived, aggressive: false).Where(one => PhaseOne.Allows(t.Node, one, t.Arrived, method)).ToList();
        var (trials, from) = (t.Node.KeyTrials, t.Arrived.Remote.Address);
        var keys = Methods.IsSharedKey(method) ? SharedKeys.ForResponder(t.Node, candidates, t.Arrived, trials.Allowed(t.Now, from)) : [];
        // The last key that was tried, to say at least something with.
        Keying? keying = null;
        IEnumerable<PresharedKey?> tried = [null];
        if (Methods.IsSharedKey(method))
            tried = keys;
        foreach (var key in tried)
        {
            keying?.Dispose();
            keying = key is null ? Keying.OfSignatures(agreed.Choice.Suite, phase.Exchanged) : Keying.OfSharedKey(agreed.Choice.Suite, key.Secret, phase.Exchanged);
            if (PhaseOne.Open(keying, message) is not { } opened || opened.Find<Payload.ID>() is not { } id || PhaseOne.Read(id) is not { } peer
                || !Signatures.IsWhole(t, keying, agreed, id, opened))
                continue;
            t.Sa.CurrentPath = t.Arrived;
            PhaseOne.Accept(keying, message);
            Judge(t, phase, keying, key, opened, id, peer, candidates, bytes);
            return;
        }
        // What cannot be read may be anybody's: the exchange stays open for who has the right key.
        t.Sa.Heard.Take(bytes, []);
        t.Node.Count(IkeDrop.NotAuthentic);
        trials.Spend(t.Now, from, Math.Max(keys.Count, 1));
        if (phase.Unreadable++ > 0)
        {
            keying?.Dispose();
            return;
        }
        t.Report(new Event.Failed(candidates.Count > 0 && keys.Count == 0 && Methods.IsSharedKey(method)
            ? Failures.NoSharedKey(PhaseOne.LocalId(candidates[0], t.Arrived), PhaseOne.RemoteId(candidates[0]), t.Arrived)
            : Methods.IsSharedKey(method) ? Failures.WrongKey(keys.Count, t.Arrived, candidates)
            : new Failure(FailureCode.InvalidMessage, $"{t.Arrived.Remote} sends an identity that cannot be decrypted")));
        if (keying is null)
            return;
        PhaseOne.Accept(keying, message);
        PhaseOne.Refuse(t, keying, NotifyKind.PayloadMalformed);
        keying.Dispose();
    }

    static void Judge(
        Turn t, OfferedKeyExchange phase, Keying keying, PresharedKey? key, IsakmpMessage opened, Payload.ID id, Identity peer, List<Connection> candidates,
        ReadOnlySpan<byte> bytes)
    {
        var agreed = phase.Agreed;
        // A peer may ask for our certificate in any of its messages; charon does in its last.
        var wish = Signatures.Wish(opened) ?? phase.Wish;
        Failure? failure = null;
        foreach (var connection in PhaseOne.Fitting(t.Node, t.Arrived, agreed, peer, aggressive: false))
        {
            var local = PhaseOne.LocalId(connection, t.Arrived);
            var why = key is not null && !SharedKeys.IsFor(t.Node, key, local, peer, t.Arrived) ? Failures.OthersKey(peer, local, t.Arrived)
                : Signatures.Verify(t, keying, agreed, connection, peer, id, opened);
            var own = PhaseOne.Write(local);
            ImmutableArray<Payload> proof = [];
            why ??= Signatures.Prove(t, keying, agreed, connection, local, own, wish, out proof);
            failure ??= why;
            if (why is not null)
                continue;
            var answer = t.Sa.Send(t, t.Arrived, PhaseOne.Seal(t, keying, ExchangeKind.IdentityProtection, [own, .. proof]), awaits: false);
            t.Sa.Heard.Take(bytes, answer);
            phase.Exchanged.Dispose();
            t.Report(new Event.NatDetected(t.Sa.Verdict, t.Sa.Path));
            PhaseOne.Complete(t, new Proved(keying, agreed, connection, local, peer, null, opened.Has(NotifyKind.InitialContact)));
            return;
        }
        t.Report(new Event.Failed(failure ?? Failures.UnknownPeer(t.Arrived, peer, candidates, t.Sa.Verdict)));
        PhaseOne.Refuse(t, keying, NotifyKind.AuthenticationFailed);
        keying.Dispose();
        t.Sa.Enter(new Gone(null));
    }

    public static void Conclude(Turn t, ExpectIdentity phase, IsakmpMessage message)
    {
        var (connection, keying, agreed) = (phase.Plan.Connection, phase.Keying, phase.Agreed);
        if (PhaseOne.Open(keying, message) is not { } opened || opened.Find<Payload.ID>() is not { } id || PhaseOne.Read(id) is not { } peer
            || !Signatures.IsWhole(t, keying, agreed, id, opened))
        {
            t.Node.Count(IkeDrop.NotAuthentic);
            return;
        }
        PhaseOne.Accept(keying, message);
        var expected = PhaseOne.RemoteId(connection);
        var failure = expected.Fits(peer) == 0 ? PeerFailures.OtherPeer(t.Sa.Path, expected, peer, t.Sa.Verdict)
            : phase.Key is { } key && !SharedKeys.IsFor(t.Node, key, phase.LocalId, peer, t.Sa.Path) ? Failures.OthersKey(peer, phase.LocalId, t.Sa.Path)
            : Signatures.Verify(t, keying, agreed, connection, peer, id, opened);
        if (failure is not null)
        {
            PhaseOne.Tell(t, keying, Informational.DeleteIsakmp(t));
            phase.Fail(t, failure);
            return;
        }
        t.Sa.PeerSpoke(t);
        PhaseOne.Complete(t, new Proved(keying, agreed, connection, phase.LocalId, peer, phase.Plan, opened.Has(NotifyKind.InitialContact),
            opened.All<Payload.Notification>().FirstOrDefault(one => one is { Kind: NotifyKind.ResponderLifetime, Protocol: IsakmpProtocol.Isakmp }) is { } told
                ? QuickMode.LifetimeOf(told).Time : null));
    }

    static void SetFragments(Turn t, Connection connection, Traits peer) =>
        t.Sa.FragmentSize = connection.Fragmentation && peer.Fragments ? t.Settings.FragmentSizeTo(t.Sa.Path.Remote.Address) : null;

    readonly record struct Chosen(Connection Connection, IkeChoice Choice);

    static Chosen? Choose(INode node, List<Connection> candidates, Path path, Payload.SA offer)
    {
        foreach (var connection in candidates)
        {
            if (Proposals.ChooseIke(connection.Proposals, offer, method => PhaseOne.Allows(node, connection, path, method)) is { } choice)
                return new(connection, choice);
        }
        return null;
    }
}

/// <summary>An initiator whose proposal is out.</summary>
sealed class ExpectSa(Plan plan, Identity local, Blob offer) : Initiating(plan, local)
{
    public Blob Offer { get; } = offer;

    protected override void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        t.Sa.Heard.Take(bytes, []);
        MainMode.AskKeyExchange(t, this, message);
    }

    protected override Failure Silence(Turn t, Question question) => Failures.Unreachable(t.Sa.Path, question.Resent + 1);
    public override IkeSaStatus Describe(IkeV1Session sa, IkeSaStatus status) => status with { TasksActive = ["ISAKMP_VENDOR", "ISAKMP_CERT_PRE", "MAIN_MODE", "ISAKMP_CERT_POST", "ISAKMP_NATD"] };
}

/// <summary>An initiator whose public value is out.</summary>
sealed class ExpectKeyExchange(Plan plan, Identity local, Agreed agreed, KeyExchange keyExchange, Blob nonce) : Initiating(plan, local)
{
    public Agreed Agreed { get; } = agreed;
    public KeyExchange KeyExchange { get; } = keyExchange;
    public Blob Nonce { get; } = nonce;

    protected override void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        t.Sa.Heard.Take(bytes, []);
        MainMode.AskIdentity(t, this, message);
    }

    protected override Failure Silence(Turn t, Question question) => Failures.Unanswered(t.Sa.Path, "the public value of main mode", question.Resent + 1);
    public override void Wipe() => KeyExchange.Dispose();
    public override IkeSaStatus Describe(IkeV1Session sa, IkeSaStatus status) => status with { Suite = Agreed.Choice.Suite, TasksActive = ["MAIN_MODE", "ISAKMP_CERT_POST", "ISAKMP_NATD"] };
}

/// <summary>An initiator that has proved its identity and waits for the peer to do the same.</summary>
sealed class ExpectIdentity(Plan plan, Identity local, Agreed agreed, Keying keying, PresharedKey? key, Path before) : Initiating(plan, local)
{
    public Agreed Agreed { get; } = agreed;
    public Keying Keying { get; } = keying;
    public PresharedKey? Key { get; } = key;

    protected override void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        if (message.IsEncrypted)
            MainMode.Conclude(t, this, message);
        else
            t.Node.Count(IkeDrop.NotProtected);
    }

    /// <summary>A refusal that is encrypted is the peer's word.</summary>
    protected override void OnAside(Turn t, IsakmpMessage message)
    {
        if (message.Encrypted is null)
            base.OnAside(t, message);
        // What it could not read, although it has the same keys, was damaged on the way: it is sent again.
        else if (Informational.Open(t, Keying, message) is { } opened
            && opened.All<Payload.Notification>().FirstOrDefault(one => one.IsError && one.Kind != NotifyKind.PayloadMalformed) is { } refusal)
            Fail(t, Failures.Refused(t.Sa.Path, refusal.Kind, Connection, LocalId, t.Sa.Verdict));
        else
            t.Node.Count(IkeDrop.NotAuthentic);
    }

    protected override Failure Silence(Turn t, Question question) =>
        Failures.IdentityUnanswered(before, t.Sa.Path, LocalId, Methods.IsSharedKey(Agreed.Choice.Method), question.Resent + 1);

    public override void Wipe() => Keying.Dispose();
    public override IkeSaStatus Describe(IkeV1Session sa, IkeSaStatus status) => status with { Suite = Agreed.Choice.Suite, TasksActive = ["MAIN_MODE"] };
}

/// <summary>A responder that has chosen a proposal, and knows no more of the peer.</summary>
sealed class OfferedSa(Instant until, Agreed agreed) : Answering(until)
{
    public Agreed Agreed { get; } = agreed;
    protected override ExchangeKind Exchange => ExchangeKind.IdentityProtection;
    protected override void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes) => MainMode.AnswerKeyExchange(t, this, message, bytes);
}

/// <summary>A responder that has keys, or nearly so, and waits to learn with whom.</summary>
sealed class OfferedKeyExchange(Instant until, Agreed agreed, Exchanged exchanged, CertificateWish? wish) : Answering(until)
{
    public Agreed Agreed { get; } = agreed;
    public Exchanged Exchanged { get; } = exchanged;

    /// <summary>What the peer has asked for.</summary>
    public CertificateWish? Wish { get; } = wish;

    /// <summary>So many messages could not be read; told once, since whoever is on the way can send them as often as he likes.</summary>
    public int Unreadable { get; set; }

    protected override ExchangeKind Exchange => ExchangeKind.IdentityProtection;
    protected override void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes) => MainMode.AnswerIdentity(t, this, message, bytes);
    public override void Wipe() => Exchanged.Dispose();
}
