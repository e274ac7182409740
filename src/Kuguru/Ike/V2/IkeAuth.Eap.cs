using System.Collections.Immutable;
using System.Security.Cryptography;
using Kuguru.Ike.Eap;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SK {IDi, [CERTREQ,] [IDr,] SAi2, TSi, TSr}  -->                        RFC 7296 section 2.16: no AUTH asks for EAP
//                                  <--  HDR, SK {IDr, [CERT,] AUTH, EAP}      AUTH missing as well: EAP-only (RFC 5998)
// HDR, SK {EAP}                    -->
//                                  <--  HDR, SK {EAP}                         as often as the method takes
// HDR, SK {EAP}                    -->
//                                  <--  HDR, SK {EAP (success)}
// HDR, SK {AUTH}                   -->                                        both with the key of the method, or SK_pi and SK_pr if it has none
//                                  <--  HDR, SK {AUTH, SAr2, TSi, TSr}
static partial class IkeAuth
{
    /// <summary>How long an initiator goes on with one conversation: a server that only wants to talk is left then.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>A first message of a round without AUTH: the peer wants EAP.</summary>
    static (Sequence<Payload> Answer, Phase Next) AnswerWithEap(Turn t, Authentication a, IkeMessage first, Instant until, Payload.IDi idi)
    {
        var before = a.Connection;
        a.Possible = [.. a.Possible.Where(connection => connection.Remote[a.Believed].Kind == AuthenticationKind.Eap)];
        if (a.Possible.IsEmpty)
        {
            a.Possible = [before];
            return Refuse(t, Failures.OtherMethod(a.RemoteId, null, before.Remote[a.Believed]));
        }
        List<Payload> payloads = [];
        var isAlone = a.Ours is { Kind: AuthenticationKind.Eap };
        if (isAlone)
        {
            if (!first.Has(NotifyType.EapOnlyAuthentication) && !t.Settings.ForceEapOnlyAuthentication)
                return Refuse(t, Failures.NotEapOnly(a.RemoteId, a.Connection));
            a.LocalId = LocalIdIn(t, a.Connection, a.Wanted);
            payloads.Add(new Payload.IDr(a.LocalId.Type, a.LocalId.Data));
        }
        else if (AnswerWithProof(t, a, payloads) is { } failure)
        {
            return Refuse(t, failure);
        }
        var (node, now) = (t.Node, t.Now);
        var round = a.Connection.Remote[a.Believed];
        var server = new EapServer(a.RemoteId, asksName: round.EapId is not null,
            user => Welcome(a, user, isAlone), (type, user, isNamed) => AsServer(node, now, a, type, user, isNamed), (byte)node.Dice.UInt32());
        var phase = new ExpectEapResponse(a, first, until, server, idi.Body);
        var (answer, next) = AnswerEap(t, phase, server.Start());
        return ([.. payloads, .. answer], next);
    }

    /// <summary>The next packet of the conversation.</summary>
    public static (Sequence<Payload> Answer, Phase Next) AnswerEap(Turn t, ExpectEapResponse phase, IkeMessage request)
    {
        if (request.Exchange == ExchangeType.Informational)
            return AnswerFarewell(t, phase, request);
        if (request.Exchange != ExchangeType.IkeAuth || ReadEap(request) is not { } packet)
            return RefuseSyntax(t, request);
        return AnswerEap(t, phase, phase.Server.Receive(packet));
    }

    /// <summary>The peer has had enough, of us or of the alert that it got (section 2.21.2).</summary>
    static (Sequence<Payload> Answer, Phase Next) AnswerFarewell(Turn t, ExpectEapResponse phase, IkeMessage request)
    {
        var a = phase.Authentication;
        t.Report(new Event.Failed(Failures.Eap(a.EapId ?? a.RemoteId, phase.Server.Trouble
            ?? (request.Has(NotifyType.AuthenticationFailed) ? "it does not believe us and sends AUTHENTICATION_FAILED; see its log" : $"it breaks off and sends {request}"))));
        return ([], new Gone(null));
    }

    static (Sequence<Payload> Answer, Phase Next) AnswerEap(Turn t, ExpectEapResponse phase, EapStep step)
    {
        var a = phase.Authentication;
        switch (step)
        {
            case EapStep.Say say:
                return ([WriteEap(say.Packet)], phase);
            case EapStep.Succeed succeed:
                a.EapId = succeed.Result.User;
                t.Note(Severity.Info, Subject.Ike,
                    $"EAP method {succeed.Result.Method} of '{a.EapId}' succeeded, {(succeed.Result.Msk is null ? "no " : "")}MSK established");
                return ([WriteEap(succeed.Packet!)], new ExpectEapProof(phase, succeed.Result));
            case EapStep.Fail fail:
                t.Report(new Event.Failed(Failures.Eap(a.EapId ?? a.RemoteId, fail.Why)));
                return ([WriteEap(fail.Packet!)], new Gone(null));
            default:
                throw new InvalidOperationException(step.ToString());
        }
    }

    /// <summary>The AUTH at the end, and ours, which with EAP-only is all the proof that we give.</summary>
    public static (Sequence<Payload> Answer, Phase Next) AnswerProof(Turn t, ExpectEapProof phase, IkeMessage request)
    {
        if (request.Exchange != ExchangeType.IkeAuth || request.Find<Payload.Auth>() is not { Method: AuthMethod.SharedKey } auth)
            return RefuseSyntax(t, request);
        var (a, isLast) = (phase.Authentication, !request.Has(NotifyType.AnotherAuthFollows));
        if (Settle(t, a, out var missing) is var revoked && !missing.IsEmpty)
            return ([], new Deliberation(phase, missing));
        using var result = phase.Result;
        using var server = phase.Server;
        if (revoked is not null)
            return Refuse(t, revoked);
        var (effective, obstacle) = TakePpk(t, a, a.Connection, request, auth);
        if (obstacle is not null)
            return Refuse(t, obstacle);
        if (!IsProof(a, phase.Result, byInitiator: true, a.TheirOctets(phase.PeerId), effective))
            return Refuse(t, Failures.Eap(a.RemoteId, $"its AUTH is not made with the key that EAP has given: is somebody in between{a.PpkDoubt}?"));
        a.Possible = [.. a.Possible.Where(connection => connection.Remote.Length > a.Believed + 1 != isLast)];
        if (a.Possible.IsEmpty)
            return Refuse(t, Failures.OtherRounds(a.RemoteId, phase.Before, a.Believed + 1, isLast));
        Believe(t, a, new Verdict("EAP", null));
        var id = new Payload.IDr(a.LocalId.Type, a.LocalId.Data);
        List<Payload> payloads = [Prove(a, phase.Result, byInitiator: false, a.OurOctets(id.Body))];
        if (a.Ours is { Kind: AuthenticationKind.Eap })
            a.Proved++;
        return AnswerEnd(t, a, phase.First, phase.Until, payloads);
    }

    /// <summary>The responder's first packet is there, with or without its AUTH.</summary>
    static void AskEap(Turn t, ExpectAuthResponse before, Payload.IDr? idr, IkeMessage response)
    {
        var a = before.Authentication;
        a.IsEapDue = false;
        var (node, now, round) = (t.Node, t.Now, a.Ours!);
        var isAlone = a.Theirs is { Kind: AuthenticationKind.Eap };
        var user = round.EapId is { IsAny: false } id ? id : a.LocalId;
        var peer = new EapPeer(user, EapMethods.Allowed(round.EapMethod, isAlone), type => AsClient(node, now, a, type, user));
        var phase = new ExpectEapRequest(before, peer, (idr ?? new Payload.IDr(a.RemoteId.Type, a.RemoteId.Data)).Body, now + Patience);
        t.Sa.Enter(phase);
        ConcludeEap(t, phase, response);
    }

    /// <summary>The responder's next packet.</summary>
    public static void ConcludeEap(Turn t, ExpectEapRequest phase, IkeMessage response)
    {
        var a = phase.Authentication;
        if (ReadEap(response) is not { } packet)
        {
            phase.Fail(t, WhyRefused(t, phase, response, a.Connection.Remote[0]));
            return;
        }
        switch (phase.Peer.Receive(packet))
        {
            case EapStep.Say say:
                phase.Ask(t, ExchangeType.IkeAuth, [WriteEap(say.Packet)]);
                break;
            case EapStep.Succeed succeed:
                AskProof(t, phase, succeed.Result);
                break;
            case EapStep.Fail fail when packet.Code == EapCode.Failure:
                phase.Fail(t, Failures.Eap(a.RemoteId, fail.Why));
                break;
            case EapStep.Fail fail:
                Reject(t, phase, Failures.Eap(a.RemoteId, fail.Why));
                break;
        }
    }

    static void AskProof(Turn t, ExpectEapRequest before, EapResult result)
    {
        var a = before.Authentication;
        t.Note(Severity.Info, Subject.Ike, $"EAP method {result.Method} succeeded, {(result.Msk is null ? "no " : "")}MSK established");
        var phase = new ExpectEapAuth(before, result);
        t.Sa.Enter(phase);
        var id = new Payload.IDi(a.LocalId.Type, a.LocalId.Data);
        if (ProveWithPpk(t, a, () => new Proof([], Prove(a, result, byInitiator: true, a.OurOctets(id.Body)), "EAP", null), out var more) is var proof
            && proof.Failure is { } failure)
        {
            Reject(t, phase, failure);
            return;
        }
        a.Proved++;
        t.Note(Severity.Info, Subject.Ike, $"authentication of '{a.LocalId}' (myself) with EAP");
        if (a.Ours is not null)
            more.Add(new Payload.Notify(NotifyType.AnotherAuthFollows));
        phase.Ask(t, ExchangeType.IkeAuth, [proof.Auth!, .. more]);
    }

    public static void ConcludeProof(Turn t, ExpectEapAuth phase, IkeMessage response)
    {
        var (a, expected) = (phase.Authentication, phase.Authentication.Theirs);
        if (Settle(t, a, out var missing) is var revoked && !missing.IsEmpty)
        {
            new Deliberation(phase, missing).Begin(t, turn => ConcludeProof(turn, phase, response));
            return;
        }
        using var result = phase.Result;
        using var peer = phase.Peer;
        if (response.Find<Payload.Auth>() is not { Method: AuthMethod.SharedKey } auth)
        {
            phase.Fail(t, WhyRefused(t, phase, response, a.Connection.Remote[0]));
            return;
        }
        if ((revoked ?? HearPpk(t, a, response)) is { } obstacle)
        {
            Reject(t, phase, obstacle);
            return;
        }
        if (!IsProof(a, phase.Result, byInitiator: false, a.TheirOctets(phase.PeerId), auth.Data))
        {
            Reject(t, phase, Failures.Eap(a.RemoteId, $"its AUTH is not made with the key that EAP has given: is somebody in between{a.PpkDoubt}?"));
            return;
        }
        if (expected is { Kind: AuthenticationKind.Eap })
            Believe(t, a, new Verdict("EAP", null));
        SettlePpk(t, a);
        ConcludeEnd(t, phase, response);
    }

    /// <summary>A certificate in EAP whose status was not known when TLS asked: why it is not taken, or what has to be fetched before that can be said.</summary>
    static Failure? Settle(Turn t, Authentication a, out ImmutableArray<FetchRequest> missing)
    {
        missing = [];
        if (a.Unsettled is not { } open)
            return null;
        var found = open.Examine(t.Node, t.Now, mayWait: !t.IsOutOfPatience);
        missing = found.Missing;
        if (missing.IsEmpty && found.Doubt is { } doubt)
            t.Note(Severity.Warning, Subject.Config, doubt);
        return found.Why is { } why ? Failures.Eap(a.EapId ?? a.RemoteId, $"EAP_TLS: {why}") : null;
    }

    /// <summary>
    /// The methods for a user, and with them the connections that welcome him; who has no name yet is welcome to all. They have to be us as well, since that is
    /// said already.
    /// </summary>
    static ImmutableArray<EapType> Welcome(Authentication a, Identity? user, bool isAlone)
    {
        var (proved, local) = (a.Proved, a.Connection.Local);
        a.Possible = [.. a.Possible
            .Where(connection => connection.Local.AsSpan(0, Math.Min(proved + 1, connection.Local.Length)).SequenceEqual(local.AsSpan(0, Math.Min(proved + 1, local.Length))))
            .Select(connection => (Connection: connection, Fit: Fit(connection.Remote[a.Believed])))
            .Where(pair => pair.Fit > 0).OrderByDescending(pair => pair.Fit).Select(pair => pair.Connection)
            .DefaultIfEmpty(a.Connection)];
        var round = a.Connection.Remote[a.Believed];
        a.EapId = user;
        return Fit(round) == 0 ? [] : EapMethods.Allowed(round.EapMethod, isAlone);

        int Fit(AuthenticationRound round) => round.EapId is { } wanted && user is not null ? wanted.Fits(user) : 1;
    }

    static EapMethod AsServer(INode node, Instant now, Authentication a, EapType type, Identity user, bool isNamed)
    {
        var users = EapUsers.Of(node);
        if (type == EapType.Md5Challenge)
            return new EapMd5.Server(user, users, node.Dice);
        if (type == EapType.GenericTokenCard)
            return new EapGtc.Server(user, users, node.Dice);
        if (type == EapType.MsChapV2)
            return new EapMsChapV2.Server(user, isNamed, users, node.Dice);
        return EapTls.Server(EapCertificates.Setup(node, now, OwnCertificate(node, a), a.Connection.Remote[a.Believed], user, false, open => a.Unsettled = open), node.Dice);
    }

    static EapMethod AsClient(INode node, Instant now, Authentication a, EapType type, Identity user)
    {
        var users = EapUsers.For(node, a.RemoteId);
        if (type == EapType.Md5Challenge)
            return new EapMd5.Peer(user, users);
        if (type == EapType.GenericTokenCard)
            return new EapGtc.Peer(user, users);
        if (type == EapType.MsChapV2)
            return new EapMsChapV2.Peer(user, users, node.Dice);
        var theirs = a.Connection.Remote[Math.Min(a.Believed, a.Connection.Remote.Length - 1)];
        return EapTls.Peer(EapCertificates.Setup(node, now, OwnCertificate(node, a), theirs, a.Ours?.AaaId ?? a.RemoteId, a.Ours?.AaaId is not null, open => a.Unsettled = open), node.Dice);
    }

    /// <summary>The certificate of the round, or of the first of ours that has one.</summary>
    static (PrivateKey Key, ImmutableArray<Certificate> Chain)? OwnCertificate(INode node, Authentication a)
    {
        var rounds = a.Ours is { } ours ? a.Connection.Local.Prepend(ours) : a.Connection.Local;
        return rounds.Select(round => Certification.Own(node.Certificates, round, a.LocalId)).FirstOrDefault(own => own is not null);
    }

    static Payload.Auth Prove(Authentication a, EapResult result, bool byInitiator, byte[] octets)
    {
        using var key = result.Msk?.Copy() ?? a.Keying.ProofKey(byInitiator, a.Ppk);
        return new(AuthMethod.SharedKey, a.Keying.Prove(key, octets));
    }

    static bool IsProof(Authentication a, EapResult result, bool byInitiator, byte[] octets, Blob claimed) =>
        CryptographicOperations.FixedTimeEquals(Prove(a, result, byInitiator, octets).Data.Span, claimed.Span);

    static EapPacket? ReadEap(IkeMessage message) =>
        message.Find<Payload.Eap>() is { } eap && EapPacket.TryParse(eap.Message, out var packet, out _) ? packet : null;

    static Payload.Eap WriteEap(EapPacket packet) => new(packet.ToBlob());
}
