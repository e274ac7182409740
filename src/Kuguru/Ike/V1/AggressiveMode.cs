using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR, SA, KE, Ni, IDii, VID  -->                          RFC 2409 section 5, RFC 3947 section 3
//                             <--  HDR, SA, KE, Nr, IDir, HASH_R, VID, NAT-D, NAT-D
// HDR*, NAT-D, NAT-D, HASH_I  -->                          from here on port 4500, where there is a NAT; with signatures [CERT,] SIG instead of HASH
//
// Identities are in clear, and with a pre-shared key the responder's proof lets anybody guess keys at leisure: so a responder does that only where
// i_dont_care_about_security_and_use_aggressive_mode_psk says so.
static class AggressiveMode
{
    public static IkeV1Session Start(Instant now, INode node, Plan plan, Path path, Outbox outbox)
    {
        var connection = plan.Connection;
        var first = Floating.First(path, node.Settings.Port, node.Settings.NatPort);
        var method = PhaseOne.Method(node, connection, first, initiator: true);
        var group = Proposals.FirstGroup(connection.Proposals);
        var offer = Proposals.OfferIke(connection.Proposals, method ?? 0, PhaseOne.Life(connection), group);
        var (local, nonce) = (PhaseOne.LocalId(connection, first), node.Dice.Bytes(PhaseOne.NonceLength));
        var phase = new ExpectAggressive(plan, local, offer.Bytes, nonce);
        var sa = new IkeV1Session(node, now, first, node.NewIkeSpi(), default, isInitiator: true, phase);
        var t = new Turn(sa, now, outbox, first);
        if (method is null)
            phase.Fail(t, Failures.NoMethod(connection));
        else if (offer.Proposals[0].Transforms.IsEmpty)
            phase.Fail(t, Failures.NoProposal(connection));
        else if (Methods.IsSharedKey(method.Value) && SharedKeys.ForInitiator(node, connection, first) is null)
            phase.Fail(t, Failures.NoSharedKey(local, PhaseOne.RemoteId(connection), first));
        else
        {
            phase.KeyExchange = KeyExchange.Start(group, node.Dice);
            sa.Send(t, first, sa.Header(ExchangeKind.Aggressive, MessageId.Zero) with
            {
                Payloads =
                [
                    offer, new Payload.KE(phase.KeyExchange.PublicValue), new Payload.Nonce(nonce), PhaseOne.Write(local),
                    .. Signatures.Ask(node, connection, method.Value, weAreInitiator: true), .. Traits.Announce(connection, node.Settings, null),
                ],
            }, awaits: true);
        }
        return sa;
    }

    public static IkeV1Session? Answer(Instant now, INode node, in Datagram d, IsakmpMessage first, Outbox outbox)
    {
        if (first.Find<Payload.SA>() is not { } offer || first.Find<Payload.KE>() is not { } ke || first.Find<Payload.Nonce>() is not { HasGoodLength: true } nonce
            || first.Find<Payload.ID>() is not { } id || PhaseOne.Read(id) is not { } peer)
        {
            node.Count(IkeDrop.Malformed);
            return null;
        }
        var sa = new IkeV1Session(node, now, d.Path, node.NewIkeSpi(), first.InitiatorCookie, isInitiator: false, new Gone(null));
        var t = new Turn(sa, now, outbox, d.Path);
        var all = PhaseOne.Candidates(node, d.Path, aggressive: true).ToList();
        var candidates = all.Select(connection => (Connection: connection, Fit: PhaseOne.RemoteId(connection).Fits(peer)))
            .Where(pair => pair.Fit > 0).OrderByDescending(pair => pair.Fit).Select(pair => pair.Connection).ToList();
        var path = d.Path;
        var chosen = candidates.Select(connection => (Connection: connection,
            Choice: Proposals.ChooseIke(connection.Proposals, offer, method => PhaseOne.Allows(node, connection, path, method)))).FirstOrDefault(pair => pair.Choice is not null);
        if (chosen is not ({ } connection, { } choice))
            return Refuse(t, NotifyKind.NoProposalChosen, candidates.Count == 0 && all.Count > 0 ? Failures.UnknownPeer(d.Path, peer, all, sa.Nat)
                : Failures.NoCommonProposal(d.Path, offer, candidates, aggressive: true));
        if (Methods.IsSharedKey(choice.Method) && !node.Settings.AggressiveSharedKey)
            return Refuse(t, NotifyKind.AuthenticationFailed, new Failure(FailureCode.Refused,
                $"'{peer}' at {d.Path.Remote} wants aggressive mode with a pre-shared key, which lets anybody who asks guess the key offline: refused; "
                + "use main mode or certificates, or set i_dont_care_about_security_and_use_aggressive_mode_psk = yes"));
        var agreed = new Agreed(choice, offer.Bytes, Traits.Of(first, connection));
        var local = PhaseOne.LocalId(connection, d.Path);
        var key = Methods.IsSharedKey(choice.Method) ? node.SharedKeysFor(local, peer).FirstOrDefault() : null;
        if (Methods.IsSharedKey(choice.Method) && key is null)
            return Refuse(t, NotifyKind.AuthenticationFailed, Failures.NoSharedKey(local, peer, d.Path));
        if (!KeyExchange.TryAnswer(choice.Suite.KeyExchange, node.Dice, ke.Data, out var publicValue, out var shared, out var fault))
            return Refuse(t, NotifyKind.InvalidKeyInformation, new Failure(FailureCode.InvalidMessage,
                $"{d.Path.Remote} sends a bad public value for {choice.Suite.KeyExchange.Name()} ({fault})"));
        Blob own = node.Dice.Bytes(PhaseOne.NonceLength);
        using var exchanged = new Exchanged(shared, ke.Data, publicValue, nonce.Data, own, sa.InitiatorSpi, sa.ResponderSpi);
        var keying = key is null ? Keying.OfSignatures(choice.Suite, exchanged) : Keying.OfSharedKey(choice.Suite, key.Secret, exchanged);
        var ownId = PhaseOne.Write(local);
        if (Signatures.Prove(t, keying, agreed, connection, local, ownId, Signatures.Wish(first), out var proof) is { } failure)
        {
            keying.Dispose();
            return Refuse(t, NotifyKind.AuthenticationFailed, failure);
        }
        if (key is not null)
            t.Note(Severity.Warning, Subject.Ike, $"answering '{peer}' in aggressive mode with a pre-shared key: whoever listens can guess it offline");
        sa.FragmentSize = connection.Fragmentation && agreed.Peer.Fragments ? node.Settings.FragmentSizeTo(d.Path.Remote.Address) : null;
        sa.Enter(new OfferedAggressive(now + node.Settings.HalfOpenTimeout, agreed, keying, connection, local, peer, id));
        var answer = sa.Header(ExchangeKind.Aggressive, MessageId.Zero) with
        {
            Payloads =
            [
                choice.Answer, new Payload.KE(publicValue), new Payload.Nonce(own), ownId, .. Signatures.Ask(node, connection, choice.Method, weAreInitiator: false), .. proof,
                .. Traits.Announce(connection, node.Settings, agreed.Peer), .. NatPayloads.Say(t, d.Path, agreed.Prf, agreed.Peer.Nat, connection.ForcesEncapsulation),
            ],
        };
        sa.Heard.Take(d.Bytes, sa.Send(t, d.Path, answer, awaits: true));
        return sa;
    }

    public static void AskConfirmation(Turn t, ExpectAggressive phase, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        var (connection, exchange) = (phase.Plan.Connection, phase.KeyExchange!);
        var method = PhaseOne.Method(t.Node, connection, t.Sa.Path, initiator: true);
        if (message.Find<Payload.SA>() is not { } sa || Proposals.ChooseIke(connection.Proposals, sa, one => one == method) is not { } choice
            || choice.Suite.KeyExchange != exchange.Method || message.Find<Payload.KE>() is not { } ke || message.Find<Payload.Nonce>() is not { HasGoodLength: true } nonce
            || message.Find<Payload.ID>() is not { } id || PhaseOne.Read(id) is not { } peer || !exchange.TryDerive(ke.Data, out var shared, out _))
        {
            t.Note(Severity.Warning, Subject.Ike, $"{t.Arrived.Remote} answers aggressive mode with what was not offered: ignored, it is not authenticated");
            return;
        }
        var (expected, agreed) = (PhaseOne.RemoteId(connection), new Agreed(choice, phase.Offer, Traits.Of(message, connection)));
        var keys = Methods.IsSharedKey(choice.Method) ? t.Node.SharedKeysFor(phase.LocalId, peer) : [];
        if (keys.IsEmpty && Methods.IsSharedKey(choice.Method) && SharedKeys.ForInitiator(t.Node, connection, t.Sa.Path) is { } byAddress)
            keys = [byAddress];
        t.Sa.Meet(message.ResponderCookie);
        using var exchanged = new Exchanged(shared, exchange.PublicValue, ke.Data, phase.Nonce, nonce.Data, t.Sa.InitiatorSpi, t.Sa.ResponderSpi);
        var (keying, failure) = expected.Fits(peer) == 0 ? (null, PeerFailures.OtherPeer(t.Sa.Path, expected, peer, t.Sa.Verdict))
            : Verify(t, agreed, exchanged, connection, peer, id, message, keys);
        if (keying is null)
        {
            phase.Fail(t, failure!);
            return;
        }
        exchange.Dispose();
        // Before the ports change: what has come along the first ones says nothing of where the peer is on the others.
        t.Sa.PeerSpoke(t);
        SetPath(t, agreed, connection, message);
        var own = PhaseOne.Write(phase.LocalId);
        if (Signatures.Prove(t, keying, agreed, connection, phase.LocalId, own, Signatures.Wish(message), out var proof) is { } noProof)
        {
            keying.Dispose();
            phase.Fail(t, noProof);
            return;
        }
        // What is sent now goes back to the port that it was sent from, if there is a NAT: so the payloads are about the path before.
        var last = t.Sa.Send(t, t.Sa.Path, PhaseOne.Seal(t, keying, ExchangeKind.Aggressive,
        [
            .. proof, .. NatPayloads.Say(t, t.Sa.Path, agreed.Prf, agreed.Peer.Nat, connection.ForcesEncapsulation),
            .. PhaseOne.SayInitialContact(t, connection, phase.LocalId, peer),
        ]), awaits: false);
        t.Sa.Heard.Take(bytes, last);
        PhaseOne.Complete(t, new Proved(keying, agreed, connection, phase.LocalId, peer, phase.Plan, false));
    }

    public static void Conclude(Turn t, OfferedAggressive phase, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        var (keying, agreed, connection) = (phase.Keying, phase.Agreed, phase.Candidate);
        // The last message may come in clear as well (RFC 2409 section 5).
        if ((message.IsEncrypted ? PhaseOne.Open(keying, message) : message) is not { } opened || opened.Payloads.IsEmpty)
        {
            t.Sa.Heard.Take(bytes, []);
            t.Node.Count(IkeDrop.NotAuthentic);
            return;
        }
        if (Signatures.Verify(t, keying, agreed, connection, phase.Peer, phase.Id, opened) is { } failure)
        {
            // Anybody may have sent it; who has the right key still may.
            t.Sa.Heard.Take(bytes, []);
            if (!phase.HasComplained)
                t.Report(new Event.Failed(failure));
            phase.HasComplained = true;
            return;
        }
        PhaseOne.Accept(keying, message);
        t.Sa.Verdict = NatPayloads.JudgeLast(t, t.Sa.CurrentPath, agreed.Prf, agreed.Peer.Nat, opened, connection.ForcesEncapsulation);
        t.Sa.CurrentPath = t.Arrived;
        t.Sa.Heard.Take(bytes, []);
        phase.HandOver();
        t.Report(new Event.NatDetected(t.Sa.Verdict, t.Sa.Path));
        PhaseOne.Complete(t, new Proved(keying, agreed, connection, phase.Local, phase.Peer, null, opened.Has(NotifyKind.InitialContact)));
    }

    static void SetPath(Turn t, Agreed agreed, Connection connection, IsakmpMessage message)
    {
        t.Sa.FragmentSize = connection.Fragmentation && agreed.Peer.Fragments ? t.Settings.FragmentSizeTo(t.Sa.Path.Remote.Address) : null;
        t.Sa.Verdict = NatPayloads.Judge(t, agreed.Prf, agreed.Peer.Nat, message, connection.ForcesEncapsulation);
        t.Report(new Event.NatDetected(t.Sa.Verdict, t.Sa.Path));
        t.Sa.CurrentPath = Floating.AfterInit(t.Sa.Path, t.Sa.Verdict, always: false, t.Settings.Port, t.Settings.NatPort);
    }

    /// <summary>The keys by which the peer proves who it is; all that fit its identity are tried.</summary>
    static (Keying? Keying, Failure? Failure) Verify(
        Turn t, Agreed agreed, Exchanged exchanged, Connection connection, Identity peer, Payload.ID id, IsakmpMessage message, ImmutableArray<PresharedKey> keys)
    {
        var isShared = Methods.IsSharedKey(agreed.Choice.Method);
        if (isShared && keys.IsEmpty)
            return (null, Failures.NoSharedKey(PhaseOne.LocalId(connection, t.Sa.Path), peer, t.Sa.Path));
        Failure? failure = null;
        IEnumerable<PresharedKey?> tried = [null];
        if (isShared)
            tried = keys;
        foreach (var key in tried)
        {
            var keying = key is null ? Keying.OfSignatures(agreed.Choice.Suite, exchanged) : Keying.OfSharedKey(agreed.Choice.Suite, key.Secret, exchanged);
            failure = Signatures.Verify(t, keying, agreed, connection, peer, id, message);
            if (failure is null)
                return (keying, null);
            keying.Dispose();
        }
        return (null, failure);
    }

    static IkeV1Session? Refuse(Turn t, NotifyKind kind, Failure failure)
    {
        t.Report(new Event.Failed(failure));
        PhaseOne.Refuse(t, kind);
        return null;
    }
}

/// <summary>An initiator whose aggressive first message is out.</summary>
sealed class ExpectAggressive(Plan plan, Identity local, Blob offer, Blob nonce) : Initiating(plan, local)
{
    public Blob Offer { get; } = offer;
    public Blob Nonce { get; } = nonce;

    /// <summary>Null only when nothing was sent.</summary>
    public KeyExchange? KeyExchange { get; set; }

    protected override void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes) => AggressiveMode.AskConfirmation(t, this, message, bytes);
    protected override Failure Silence(Turn t, Question question) => Failures.Unreachable(t.Sa.Path, question.Resent + 1);
    public override void Wipe() => KeyExchange?.Dispose();
    public override IkeSaStatus Describe(IkeV1Session sa, IkeSaStatus status) => status with { TasksActive = ["ISAKMP_VENDOR", "ISAKMP_CERT_PRE", "AGGRESSIVE_MODE", "ISAKMP_CERT_POST", "ISAKMP_NATD"] };
}

/// <summary>A responder that has proved its identity to somebody who says who he is.</summary>
sealed class OfferedAggressive(
    Instant until, Agreed agreed, Keying keying, Connection candidate, Identity local, Identity peer, Payload.ID id) : Answering(until)
{
    bool _handedOver;

    public Agreed Agreed { get; } = agreed;
    public Keying Keying { get; } = keying;
    public Connection Candidate { get; } = candidate;
    public Identity Local { get; } = local;
    public Identity Peer { get; } = peer;
    public Payload.ID Id { get; } = id;

    /// <summary>What proves nothing is told once.</summary>
    public bool HasComplained { get; set; }

    /// <summary>The keys are the next phase's.</summary>
    public void HandOver() => _handedOver = true;

    protected override ExchangeKind Exchange => ExchangeKind.Aggressive;
    protected override void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes) => AggressiveMode.Conclude(t, this, message, bytes);

    public override void Wipe()
    {
        if (!_handedOver)
            Keying.Dispose();
    }
}
