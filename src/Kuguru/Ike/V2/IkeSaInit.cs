using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SAi1, KEi, Ni, N(NAT_DETECTION_*)  -->                                  RFC 7296 sections 1.2 and 2.23
//                                         <--  HDR, SAr1, KEr, Nr, N(NAT_DETECTION_*), [CERTREQ]
//
// or, once or more in between:            <--  HDR, N(COOKIE)                  section 2.6: the same again with the cookie first
//                                         <--  HDR, N(INVALID_KE_PAYLOAD)      section 1.2: the same again with the wanted group
//
// Nothing here is authenticated. So a refusal is not believed at once (section 2.21.1), and a responder keeps nothing of a request that it refuses.
static class IkeSaInit
{
    /// <summary>More cookies and groups than this are not followed.</summary>
    const int MaxDetours = 5;

    /// <summary>Octets of an initiator's nonce: more than of a responder's, so that the answer may hold one notify more and is no longer.</summary>
    const int FirstNonce = Nonces.Length + 8;

    /// <summary>Octets that an answer with a CERTREQ may be longer than the question: room for six authorities.</summary>
    public const int MostExcess = 128;

    public static IkeV2Session Start(Instant now, INode node, Plan plan, Path path, Outbox outbox)
    {
        var first = Floating.First(path, node.Settings.Port, node.Settings.NatPort);
        var group = plan.Connection.Proposals[0].KeyExchange[0];
        var invitation = new Invitation(KeyExchange.Start(group, node.Dice), node.Dice.Bytes(FirstNonce), Blob.Empty, Detours: 0);
        var phase = new ExpectInitResponse(plan, invitation);
        var sa = new IkeV2Session(node, now, first, node.NewIkeSpi(), default, isInitiator: true, phase);
        // A firewall that an IKE SA before this one has found.
        sa.Mobility.ClaimsNat = plan.Connection.MayClaimNat && node.Paths.Of(first).ClaimsNat;
        var t = new Turn(sa, now, outbox, first);
        if (IkeAuth.WhyNot(node, plan.Connection, first) is { } failure)
            phase.Fail(t, failure);
        else
            sa.Ask(t, ExchangeType.IkeSaInit, outer => Ask(t, phase, outer));
        return sa;
    }

    static ImmutableArray<Blob> Ask(Turn t, ExpectInitResponse phase, IkeMessage outer)
    {
        var (connection, invitation) = (phase.Plan.Connection, phase.Invitation);
        List<Payload> payloads =
        [
            Proposals.Offer(connection.Proposals, Blob.Empty),
            new Payload.KE((ushort)invitation.KeyExchange.Method, invitation.KeyExchange.PublicValue),
            new Payload.Nonce(invitation.Nonce),
            .. NatNotifies.Ask(t.Node, t.Sa.Path, outer.InitiatorSpi, t.Sa.Mobility.Claim(connection)),
        ];
        if (!invitation.Cookie.IsEmpty)
            payloads.Insert(0, new Payload.Notify(NotifyType.Cookie, invitation.Cookie));
        if (connection.Fragmentation)
            payloads.Add(new Payload.Notify(NotifyType.Ikev2FragmentationSupported));
        if (CertificateRequests.NeedSignatures([connection]))
            payloads.Add(CertificateRequests.Hashes());
        if (connection.PpkId is not null)
            payloads.Add(new Payload.Notify(NotifyType.UsePpk));
        return [(outer with { Payloads = payloads.ToSequence() }).Write()];
    }

    public static IkeV2Session? Answer(Instant now, INode node, in Datagram d, IkeMessage request, Outbox outbox)
    {
        if (request.UnsupportedCritical is { } type)
            return Refuse(node, d, request, new(NotifyType.UnsupportedCriticalPayload, new[] { (byte)type }), outbox);
        if (request.Find<Payload.SA>() is not { } offer || request.Find<Payload.KE>() is not { } ke || request.Find<Payload.Nonce>() is not { } nonce)
            return Refuse(node, d, request, new(NotifyType.InvalidSyntax), outbox);
        var candidates = node.CandidatesFor(d.Path);
        if (Choose(candidates, offer) is not { } chosen)
        {
            outbox.Report(new Event.Failed(Failures.NoCommonIkeProposal(d.Path, offer, candidates)));
            return Refuse(node, d, request, new(NotifyType.NoProposalChosen), outbox);
        }
        var group = chosen.Choice.KeyExchange;
        if (ke.Group != (ushort)group)
            return Refuse(node, d, request, new(NotifyType.InvalidKePayload, new[] { (byte)((ushort)group >> 8), (byte)group }), outbox);
        if (!KeyExchange.TryAnswer(group, node.Dice, ke.Data, out var publicValue, out var shared, out var fault))
        {
            outbox.Report(new Event.Note(Severity.Warning, Subject.Ike, $"{d.Path.Remote} sends a bad public value for {group.Name()} ({fault}): refused"));
            return Refuse(node, d, request, new(NotifyType.InvalidSyntax), outbox);
        }
        using var secret = shared;
        var nonces = new Nonces(nonce.Data, node.Dice.Bytes(Math.Clamp(nonce.Data.Length, Prf.Of(chosen.Choice.Prf).Length / 2, Nonces.Length)));
        return Answer(now, node, d, request, chosen, nonces, publicValue, secret, outbox);
    }

    static IkeV2Session Answer(
        Instant now, INode node, in Datagram d, IkeMessage request, Chosen chosen, Nonces nonces, Blob publicValue, Secret shared, Outbox outbox)
    {
        var (connection, suite, spi) = (chosen.Connection, chosen.Choice.IkeSuite, node.NewIkeSpi());
        var keying = Keying.Derive(suite, isInitiator: false, shared, nonces, request.InitiatorSpi, spi);
        List<Payload> payloads =
        [
            Proposals.Answer(chosen.Choice, Blob.Empty),
            new Payload.KE((ushort)suite.KeyExchange, publicValue),
            new Payload.Nonce(nonces.Responder),
        ];
        var verdict = NatNotifies.Judge(request, d.Path, connection.Encapsulation);
        if (verdict.Supported)
            payloads.AddRange(NatNotifies.Answer(d.Path, request.InitiatorSpi, spi, connection.Encapsulation));
        var fragments = connection.Fragmentation && request.Has(NotifyType.Ikev2FragmentationSupported);
        if (fragments)
            payloads.Add(new Payload.Notify(NotifyType.Ikev2FragmentationSupported));
        var candidates = node.CandidatesFor(d.Path);
        var hashes = CertificateRequests.ReadHashes(request);
        if (!hashes.IsEmpty && CertificateRequests.NeedSignatures(candidates))
            payloads.Add(CertificateRequests.Hashes());
        var usesPpk = request.Has(NotifyType.UsePpk) && node.HasSecrets(SharedKeyKind.Ppk);
        if (usesPpk)
            payloads.Add(new Payload.Notify(NotifyType.UsePpk));
        // Eight octets more than were spent, and only where somebody has several rounds.
        if (node.Settings.MultipleAuthentication && candidates.Any(candidate => candidate.Local.Length > 1 || candidate.Remote.Length > 1))
            payloads.Add(new Payload.Notify(NotifyType.MultipleAuthSupported));
        var answer = new IkeMessage(request.InitiatorSpi, spi, ExchangeType.IkeSaInit, IkeFlags.Response, request.Id, payloads.ToSequence());
        Blob response = Generous(answer, CertificateRequests.Ask(node, candidates), connection.Childless != ChildlessPolicy.Never, d.Bytes.Length);
        var received = Blob.Copy(d.Bytes);
        var init = new InitMessages(received, response, nonces) { PeerHashes = hashes, UsesPpk = usesPpk };
        var phase = new ExpectAuthRequest(keying, init, now + node.Settings.HalfOpenTimeout);
        var sa = new IkeV2Session(node, now, d.Path, spi, request.InitiatorSpi, isInitiator: false, phase)
        {
            Verdict = verdict,
            Fragments = fragments ? node.Settings.FragmentSizeTo(d.Path.Remote.Address) : null,
        };
        var t = new Turn(sa, now, outbox, d.Path);
        IkeKeysRevealed(t, keying);
        // An initiator that knows what a NAT does to AH does not ask for it: so this end says it here.
        if (verdict.IsInTheWay && candidates.All(candidate => candidate.Children.All(child => child.HasOnlyAh)))
            t.Note(Severity.Warning, Subject.Child, Scope.AhBehindNat(verdict, d.Path));
        sa.Reply(t, request, received, _ => [response]);
        return sa;
    }

    /// <summary>
    /// Whoever wrote the sender's address there: he gets no more octets than were spent, but for a CERTREQ, without which a peer would not send its
    /// certificate: <see cref="MostExcess"/> more, and if it is longer, one that names nobody (any authority, any responder).
    /// </summary>
    static Blob Generous(IkeMessage answer, IEnumerable<Payload.CertReq> certificateRequest, bool mayBeChildless, int spent)
    {
        Blob Write(params IEnumerable<Payload> more) => (answer with { Payloads = [.. answer.Payloads, .. more] }).Write();

        var most = certificateRequest.Any() ? spent + MostExcess : spent;
        if (mayBeChildless && Write([.. certificateRequest, new Payload.Notify(NotifyType.ChildlessIkev2Supported)]) is var generous && generous.Length <= most)
            return generous;
        var needed = Write(certificateRequest);
        return needed.Length <= most || !certificateRequest.Any() ? needed : Write(certificateRequest.Select(asked => asked with { Authorities = Blob.Empty }));
    }

    public static void Conclude(Turn t, ExpectInitResponse phase, IkeMessage response, ReadOnlySpan<byte> bytes)
    {
        if (response.Find(NotifyType.Cookie) is { Data.Length: > 0 and <= 64 } cookie)
            Again(t, phase, phase.Invitation with { Cookie = cookie.Data });
        else if (response.Find(NotifyType.InvalidKePayload) is { Data.Length: 2 } wanted)
            AgainWithGroup(t, phase, (KeyExchangeMethod)(wanted.Data.Span[0] << 8 | wanted.Data.Span[1]));
        else if (response.All<Payload.Notify>().FirstOrDefault(notify => notify.IsError) is { } refusal)
            phase.Refused(t, refusal.Kind);
        else if (response.ResponderSpi.IsZero || response.UnsupportedCritical is not null || Read(phase, response) is not { } answer)
            t.Note(Severity.Warning, Subject.Ike, $"{t.Arrived.Remote} answers IKE_SA_INIT with what was not offered: ignored, it is not authenticated");
        else
            Accept(t, phase, response, answer, Blob.Copy(bytes));
    }

    static void AgainWithGroup(Turn t, ExpectInitResponse phase, KeyExchangeMethod group)
    {
        var offered = phase.Plan.Connection.Proposals.Any(proposal => proposal.KeyExchange.Contains(group));
        if (!offered || group == phase.Invitation.KeyExchange.Method)
        {
            phase.Refused(t, NotifyType.InvalidKePayload);
            return;
        }
        t.Note(Severity.Info, Subject.Ike, $"{t.Arrived.Remote} wants the group {group.Name()}: IKE_SA_INIT again");
        var before = phase.Invitation.KeyExchange;
        Again(t, phase, phase.Invitation with { KeyExchange = KeyExchange.Start(group, t.Node.Dice) });
        before.Dispose();
    }

    static void Again(Turn t, ExpectInitResponse phase, Invitation invitation)
    {
        if (invitation.Detours == MaxDetours)
            return;
        phase.Invitation = invitation with { Detours = invitation.Detours + 1 };
        t.Sa.AskAgain(t, outer => Ask(t, phase, outer));
    }

    /// <summary>SA, KE and nonce of a whole answer that fits our question; else null.</summary>
    static (Choice Choice, Payload.KE KE, Blob Nonce)? Read(ExpectInitResponse phase, IkeMessage response) =>
        response.Find<Payload.SA>() is { } sa && response.Find<Payload.KE>() is { } ke && response.Find<Payload.Nonce>() is { } nonce
        && Proposals.Accept(phase.Plan.Connection.Proposals, sa) is { } choice
        && choice.KeyExchange == phase.Invitation.KeyExchange.Method && ke.Group == (ushort)choice.KeyExchange
            ? (choice, ke, nonce.Data) : null;

    static void Accept(Turn t, ExpectInitResponse phase, IkeMessage response, (Choice Choice, Payload.KE KE, Blob Nonce) answer, Blob bytes)
    {
        var (sa, connection, invitation) = (t.Sa, phase.Plan.Connection, phase.Invitation);
        if (!invitation.KeyExchange.TryDerive(answer.KE.Data, out var shared, out var fault))
        {
            t.Note(Severity.Warning, Subject.Ike, $"{t.Arrived.Remote} sends a bad public value ({fault}): ignored");
            return;
        }
        var question = sa.Window.Asked!.Messages[0];
        var nonces = new Nonces(invitation.Nonce, answer.Nonce);
        sa.Window.Conclude();
        sa.Meet(response.ResponderSpi);
        using var _ = shared;
        var keying = Keying.Derive(answer.Choice.IkeSuite, isInitiator: true, shared, nonces, sa.InitiatorSpi, sa.ResponderSpi);
        invitation.KeyExchange.Dispose();
        IkeKeysRevealed(t, keying);

        sa.Verdict = NatNotifies.Judge(response, t.Arrived, sa.Mobility.Claim(connection));
        var fragments = connection.Fragmentation && response.Has(NotifyType.Ikev2FragmentationSupported);
        sa.Fragments = fragments ? t.Settings.FragmentSizeTo(sa.Path.Remote.Address) : null;
        t.Report(new Event.NatDetected(sa.Verdict, sa.Path));
        var initPath = sa.Path;
        sa.CurrentPath = Floating.AfterInit(sa.Path, sa.Verdict, connection.Mobike, t.Settings.Port, t.Settings.NatPort);
        var init = new InitMessages(question, bytes, nonces)
        {
            PeerHashes = CertificateRequests.ReadHashes(response),
            PeerAsks = CertificateRequests.Read(response),
            UsesPpk = connection.PpkId is not null && response.Has(NotifyType.UsePpk),
            PeerTakesRounds = response.Has(NotifyType.MultipleAuthSupported),
        };
        IkeAuth.Ask(t, phase, keying, init, initPath, response.Has(NotifyType.ChildlessIkev2Supported));
    }

    static void IkeKeysRevealed(Turn t, Keying keying)
    {
        if (t.Settings.RevealKeys && keying.Reveal(t.Sa.InitiatorSpi, t.Sa.ResponderSpi) is { } line)
            t.Add(new Effect.RevealKeys(new KeyTable.Ike(line)));
    }

    readonly record struct Chosen(Connection Connection, Choice Choice);

    static Chosen? Choose(ImmutableArray<Connection> candidates, Payload.SA offer)
    {
        foreach (var connection in candidates)
        {
            if (Proposals.Choose(connection.Proposals, offer) is { } choice)
                return new(connection, choice);
        }
        return null;
    }

    static IkeV2Session? Refuse(INode node, in Datagram d, IkeMessage request, Payload.Notify notify, Outbox outbox)
    {
        if (!IkeV2Session.Refuse(node, d, request, notify, outbox))
            node.Count(IkeDrop.Malformed);
        return null;
    }
}
