using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SK {IDi, [CERT,] [N(INITIAL_CONTACT),] [CERTREQ,] [IDr,] AUTH, [CP,] SAi2, TSi, TSr}  -->   RFC 7296 sections 1.2 and 2.15
//                                  <--  HDR, SK {IDr, [CERT,] AUTH, [CP,] SAr2, TSi, TSr}
//
// or, without a child:             <--  HDR, SK {IDr, [CERT,] AUTH, N(why not)}               section 1.2: the IKE SA is up all the same
// or, not at all:                  <--  HDR, SK {N(AUTHENTICATION_FAILED)}                    section 2.21.2
//
// More rounds than one are drawn in Authentication.cs.
static partial class IkeAuth
{
    /// <summary>Why an initiator could not authenticate in its first round, before anything is sent.</summary>
    public static Failure? WhyNot(INode node, Connection connection, Path path)
    {
        var round = connection.Local[0];
        return Authenticator.Of(round.Kind).WhyNot(node, round, Authenticator.LocalId(round, path), connection.Remote[0].Id ?? Identity.Any);
    }

    public static void Ask(Turn t, ExpectInitResponse before, Keying keying, InitMessages init, Path initPath, bool mayBeChildless)
    {
        var (sa, plan) = (t.Sa, before.Plan);
        var connection = plan.Connection;
        if (WhyNot(t.Node, connection, sa.Path) is { } failure)
        {
            before.Fail(t, failure);
            keying.Dispose();
            return;
        }
        // Without a child here, all of them come by CREATE_CHILD_SA, with key exchanges of their own (RFC 6023).
        var isChildless = plan.Children.IsEmpty || connection.Childless == ChildlessPolicy.Force
            || (connection.Childless == ChildlessPolicy.Prefer && mayBeChildless);
        Scope? scope = isChildless ? null : Scope.Of(plan.Children[0].Child, EndsAsked(connection, sa));
        if (scope is { Proposals.IsEmpty: true })
        {
            before.Fail(t, PeerFailures.Child(FailureCode.NoProposalChosen, scope.Value.Config.Name, Scope.AhBehindNat(sa.Verdict, sa.Path)));
            keying.Dispose();
            return;
        }
        var authentication = new Authentication(keying, init, isInitiator: true)
        {
            Possible = [connection],
            LocalId = Authenticator.LocalId(connection.Local[0], sa.Path),
            RemoteId = connection.Remote[0].Id ?? Identity.Any,
        };
        List<Payload> rest = [];
        if (Configuration.Ask(plan.AddressesToAsk) is { } cp)
            rest.Add(cp);
        ChildOffer? offer = null;
        if (scope is { } first)
        {
            var asked = new ChildOffer(first, t.Node.NewEspSpi());
            rest.Add(ChildNegotiation.Ask(asked, keyExchange: false));
            rest.AddRange(ChildNegotiation.AskSelectors(asked));
            offer = asked;
        }
        if (connection.Mobike)
            rest.AddRange(Mobike.Offer(t));
        rest.AddRange(MappingProbe.Offer(t, connection));
        var phase = new ExpectAuthResponse(authentication, plan, initPath, offer);
        sa.Enter(phase);
        if (offer is null && !mayBeChildless)
            phase.Fail(t, new Failure(FailureCode.Refused,
                $"{sa.Path.Remote.Address} does not take an IKE SA without a child (RFC 6023): {(plan.Children.IsEmpty ? "name a child" : "take out 'childless = force'")}"));
        else
            AskWithStatus(t, phase, rest);
    }

    /// <summary>The first message, with the status of our certificates if the peer wants to have it (RFC 4806).</summary>
    static void AskWithStatus(Turn t, ExpectAuthResponse phase, List<Payload> rest)
    {
        if (SignatureAuthenticator.MissingStatus(t, phase.Authentication) is { IsEmpty: false } missing)
            new Deliberation(phase, missing).Begin(t, turn => AskWithStatus(turn, phase, rest));
        else
            AskRound(t, phase, rest);
    }

    /// <summary>The first message of our present round; in the first exchange with all that belongs there.</summary>
    static void AskRound(Turn t, ExpectAuthResponse phase, List<Payload> rest)
    {
        var a = phase.Authentication;
        var (round, isFirst, connection) = (a.Ours!, a.Proved == 0, a.Connection);
        a.LocalId = Authenticator.LocalId(round, t.Sa.Path);
        var idi = new Payload.IDi(a.LocalId.Type, a.LocalId.Data);
        Proof MakeProof() => Authenticator.Of(round.Kind).Prove(t, a, idi.Body);
        var more = new List<Payload>();
        // With EAP the proof comes in the end, and the PPK with it.
        var proof = round.Kind == AuthenticationKind.Eap ? MakeProof() : ProveWithPpk(t, a, MakeProof, out more);
        if (proof.Failure is { } failure)
        {
            // The responder knows nothing of us yet, or believes us already.
            if (isFirst)
                phase.Fail(t, failure);
            else
                Reject(t, phase, failure);
            return;
        }
        List<Payload> payloads = [idi, .. proof.Certificates];
        if (isFirst)
        {
            if (a.RemoteId.IsExact && connection.Unique != UniquePolicy.Never && t.Node.IsFirstContact(a.LocalId, a.RemoteId))
                payloads.Add(new Payload.Notify(NotifyType.InitialContact));
            payloads.AddRange(CertificateRequests.Ask(t.Node, [connection]));
            if (a.RemoteId.IsExact)
                payloads.Add(new Payload.IDr(a.RemoteId.Type, a.RemoteId.Data));
            if (a.Theirs is { Kind: AuthenticationKind.Eap })
                payloads.Add(new Payload.Notify(NotifyType.EapOnlyAuthentication));
            if (a.Init.PeerTakesRounds && t.Settings.MultipleAuthentication)
                payloads.Add(new Payload.Notify(NotifyType.MultipleAuthSupported));
        }
        a.IsEapDue = proof.Auth is null;
        if (proof.Auth is { } auth)
        {
            payloads.Add(auth);
            a.Proved++;
            t.Note(Severity.Info, Subject.Ike, $"authentication of '{a.LocalId}' (myself) with {proof.By}");
        }
        if (a.Ours is not null && proof.Auth is not null)
            payloads.Add(new Payload.Notify(NotifyType.AnotherAuthFollows));
        phase.Ask(t, ExchangeType.IkeAuth, [.. payloads, .. more, .. rest]);
    }

    public static (Sequence<Payload> Answer, Phase Next) Answer(Turn t, ExpectAuthRequest phase, IkeMessage request)
    {
        if (request.Exchange != ExchangeType.IkeAuth || request.Find<Payload.IDi>() is not { } idi)
            return RefuseSyntax(t, request);
        var peer = new Identity(idi.Kind, idi.Data);
        var wanted = request.Find<Payload.IDr>() is { } idr ? new Identity(idr.Kind, idr.Data) : null;
        var all = t.Node.CandidatesFor(t.Sa.Path);
        ImmutableArray<Connection> fitting = [.. Fitting(all, phase.Keying.Suite, peer, wanted)];
        if (fitting.IsEmpty)
            return Refuse(t, Failures.UnknownPeer(t.Sa.Path, peer, wanted, all, t.Sa.Verdict));
        var authentication = new Authentication(phase.Keying, phase.Init, isInitiator: false)
        {
            Possible = fitting,
            LocalId = LocalIdIn(t, fitting[0], wanted),
            RemoteId = peer,
            Wanted = wanted,
            PeerAsks = CertificateRequests.Read(request),
        };
        return AnswerRound(t, authentication, request, phase.Until, request, idi);
    }

    /// <summary>The first message of the peer's next round.</summary>
    public static (Sequence<Payload> Answer, Phase Next) AnswerNext(Turn t, ExpectNextAuthRequest phase, IkeMessage request)
    {
        if (request.Exchange != ExchangeType.IkeAuth || request.Find<Payload.IDi>() is not { } idi)
            return RefuseSyntax(t, request);
        var a = phase.Authentication;
        a.RemoteId = new Identity(idi.Kind, idi.Data);
        var before = a.Possible;
        a.Possible = [.. before.Where(connection => (connection.Remote[a.Believed].Id ?? Identity.Any).Fits(a.RemoteId) > 0)];
        return a.Possible.IsEmpty ? Refuse(t, Failures.UnknownPeer(t.Sa.Path, a.RemoteId, null, before, t.Sa.Verdict))
            : AnswerRound(t, a, phase.First, phase.Until, request, idi);
    }

    /// <summary>Judges the peer's proof by each of the connections that are possible, proves who we are, and ends with the last round of both.</summary>
    static (Sequence<Payload> Answer, Phase Next) AnswerRound(
        Turn t, Authentication a, IkeMessage first, Instant until, IkeMessage request, Payload.IDi idi)
    {
        if (SignatureAuthenticator.MissingStatus(t, a) is { IsEmpty: false } status)
            return ([], new Deliberation((KeyedPhase)t.Sa.Phase, status));
        if (request.Find<Payload.Auth>() is null)
            return AnswerWithEap(t, a, first, until, idi);
        if (Judge(t, a, request, idi, out var missing) is { } failure)
            return Refuse(t, failure);
        if (!missing.IsEmpty)
            return ([], new Deliberation((KeyedPhase)t.Sa.Phase, missing));
        List<Payload> payloads = [];
        if (a.Ours is { Kind: AuthenticationKind.Eap })
            return Refuse(t, Failures.NotEapOnly(a.RemoteId, a.Connection));
        return AnswerWithProof(t, a, payloads) is { } why ? Refuse(t, why) : AnswerEnd(t, a, first, until, payloads);
    }

    /// <summary>Our proof of the present round, if there is one left.</summary>
    static Failure? AnswerWithProof(Turn t, Authentication a, List<Payload> payloads)
    {
        if (a.Ours is not { } ours)
            return null;
        a.LocalId = LocalIdIn(t, a.Connection, a.Wanted);
        var idr = new Payload.IDr(a.LocalId.Type, a.LocalId.Data);
        var proof = Authenticator.Of(ours.Kind).Prove(t, a, idr.Body);
        if (proof.Failure is { } why)
            return why;
        a.Proved++;
        t.Note(Severity.Info, Subject.Ike, $"authentication of '{a.LocalId}' (myself) with {proof.By}");
        payloads.AddRange([idr, .. proof.Certificates, proof.Auth!]);
        if (a.Ours is not null)
            payloads.Add(new Payload.Notify(NotifyType.AnotherAuthFollows));
        return null;
    }

    /// <summary>The end of a round: of all, or the peer's next one is due.</summary>
    static (Sequence<Payload> Answer, Phase Next) AnswerEnd(Turn t, Authentication a, IkeMessage first, Instant until, List<Payload> payloads)
    {
        if (SettlePpk(t, a))
            payloads.Add(new Payload.Notify(NotifyType.PpkIdentity));
        return a.Theirs is null && a.Ours is null ? Establish(t, a, first, payloads)
            : (payloads.ToSequence(), new ExpectNextAuthRequest(a, first, until));
    }

    /// <summary>Null when one connection at least is left; else why the first of them is not.</summary>
    static Failure? Judge(Turn t, Authentication a, IkeMessage request, Payload.IDi idi, out ImmutableArray<FetchRequest> missing)
    {
        missing = [];
        var auth = request.Find<Payload.Auth>();
        var isLast = !request.Has(NotifyType.AnotherAuthFollows);
        List<(Connection Connection, Verdict Verdict)> believed = [];
        Failure? failure = null;
        foreach (var connection in a.Possible)
        {
            var round = connection.Remote[a.Believed];
            var (effective, obstacle) = auth is null ? default : TakePpk(t, a, connection, request, auth);
            var verdict = obstacle is not null ? Verdict.Refused(obstacle) : auth is null || Authenticator.KindOf(auth.Method) != round.Kind ? Verdict.Refused(Failures.OtherMethod(a.RemoteId, auth?.Method, round))
                : connection.Remote.Length > a.Believed + 1 == isLast ? Verdict.Refused(Failures.OtherRounds(a.RemoteId, connection, a.Believed + 1, isLast))
                : Authenticator.Of(round.Kind).Judge(t, a, round, LocalIdIn(t, connection, a.Wanted), idi.Body, request, auth with { Data = effective });
            if (verdict.IsPending && believed.Count == 0)
            {
                missing = verdict.Missing;
                return null;
            }
            if (verdict is { Failure: null, IsPending: false })
                believed.Add((connection, verdict));
            failure ??= verdict.Failure;
        }
        if (believed.Count == 0)
            return failure;
        a.Possible = [.. believed.Select(pair => pair.Connection)];
        Believe(t, a, believed[0].Verdict);
        return null;
    }

    static void Believe(Turn t, Authentication a, Verdict verdict)
    {
        a.Believed++;
        a.PeersKey = verdict.Key;
        t.Note(Severity.Info, Subject.Ike, $"authentication of '{a.RemoteId}' with {verdict.By} successful");
    }

    static (Sequence<Payload> Answer, Phase Next) Establish(Turn t, Authentication a, IkeMessage first, List<Payload> payloads)
    {
        var (connection, peer, isChildless) = (a.Connection, a.EapId ?? a.RemoteId, first.Find<Payload.SA>() is null);
        if (connection.Childless == (isChildless ? ChildlessPolicy.Never : ChildlessPolicy.Force))
        {
            return Refuse(t, new Failure(FailureCode.Refused, isChildless
                ? $"'{peer}' wants an IKE SA without a child, which 'childless = never' of connection '{connection.Name}' forbids"
                : $"'{peer}' wants a child with the IKE SA, which 'childless = force' of connection '{connection.Name}' forbids"), NotifyType.InvalidSyntax);
        }
        var established = new Established(t, a.Keying, connection, a.LocalId, a.RemoteId, Leases.None(t.Sa.UniqueId))
        {
            EapId = a.EapId,
            UsesPpk = a.UsesPpk,
            TakesOver = !first.Has(NotifyType.InitialContact) && !t.Node.IsFirstContact(a.LocalId, peer),
        };
        t.Sa.Enter(established);
        if (!t.Node.Authenticated(t.Now, t.Sa, first.Has(NotifyType.InitialContact), t.Outbox))
            return Refuse(t, new Failure(FailureCode.Refused,
                $"'{peer}' has an IKE SA already, which 'unique = keep' of connection '{connection.Name}' prefers to a new one"));
        established.TakesOver &= !t.Node.IsFirstContact(a.LocalId, peer);
        t.Report(new Event.NatDetected(t.Sa.Verdict, t.Sa.Path));
        var cp = AnswerCp(t, established, first);
        t.Report(new Event.IkeUp(t.Sa.Status(t.Now)));
        t.NoteWeak(Weakness.Of(a.Keying.Suite));
        Mobike.Hear(t, first);
        return ([.. payloads, .. AnswerCpAndChild(t, established, cp, a.Init, first), .. Mobike.Agree(t, connection), .. MappingProbe.Agree(t, first),
            .. SayLifetime(t, established)], established);
    }

    public static void Conclude(Turn t, ExpectAuthResponse phase, IkeMessage response)
    {
        var (a, plan) = (phase.Authentication, phase.Plan);
        // The end of the IKE SA, whatever else is in the message (section 2.21.2).
        if (response.Has(NotifyType.InvalidSyntax))
        {
            phase.Fail(t, Failures.CouldNotRead(t.Sa.Path, asksForChild: !plan.Children.IsEmpty && plan.Connection.Childless is not (ChildlessPolicy.Force or ChildlessPolicy.Prefer)));
            return;
        }
        if (a.Theirs is { } expected)
        {
            var (idr, auth) = (response.Find<Payload.IDr>(), response.Find<Payload.Auth>());
            if (idr is null || (auth is null && !(a.IsEapDue && expected.Kind == AuthenticationKind.Eap)))
            {
                phase.Fail(t, WhyRefused(t, phase, response, expected));
                return;
            }
            if (auth is null && JudgeName(t, a, expected, idr) is { } other)
            {
                Reject(t, phase, other);
                return;
            }
            var verdict = auth is null ? default : JudgeAnswer(t, a, expected, response, idr, auth);
            if (verdict.IsPending)
            {
                new Deliberation(phase, verdict.Missing).Begin(t, turn => Conclude(turn, phase, response));
                return;
            }
            if (verdict.Failure is { } failure)
            {
                Reject(t, phase, failure);
                return;
            }
            if (auth is not null)
                Believe(t, a, verdict);
        }
        else if (response.All<Payload.Notify>().Any(notify => notify.Kind == NotifyType.AuthenticationFailed))
        {
            phase.Fail(t, Failures.Refused(t.Sa.Path, a.LocalId, a.RemoteId, t.Sa.Verdict, a.PpkDoubt));
            return;
        }
        SettlePpk(t, a);
        if (a.IsEapDue)
            AskEap(t, phase, response.Find<Payload.IDr>(), response);
        else
            ConcludeEnd(t, phase, response);
    }

    /// <summary>The end of a round: of all, or our next one is due.</summary>
    static void ConcludeEnd(Turn t, ExpectAuthResponse phase, IkeMessage response)
    {
        var (a, plan) = (phase.Authentication, phase.Plan);
        if (a.Ours is not null)
        {
            var next = new ExpectAuthResponse(phase);
            t.Sa.Enter(next);
            AskRound(t, next, []);
            return;
        }
        var configuration = Configuration.Conclude(response, plan.Connection.VirtualAddresses, t.Sa.UniqueId);
        var established = new Established(t, a.Keying, plan.Connection, a.LocalId, a.RemoteId, configuration) { UsesPpk = a.UsesPpk };
        t.Sa.Enter(established);
        Mobike.Hear(t, response);
        MappingProbe.Hear(t, response);
        t.Sa.Mobility.IsAgreed = plan.Connection.Mobike && t.Sa.Mobility.IsOffered;
        t.Report(new Event.IkeUp(t.Sa.Status(t.Now)));
        t.NoteWeak(Weakness.Of(a.Keying.Suite));
        configuration.Assign(t);
        AuthLifetime.Hear(t, established, response);
        t.Done(plan.Token);
        foreach (var request in phase.Offer is null ? plan.Children : plan.Children.Skip(1))
            established.RequestChild(t, request);
        if (phase.Offer is { } offer)
            ConcludeChild(t, established, plan.Children[0], offer, a.Init.Nonces, response);
        if (plan.Replaces is { } old)
            established.Enqueue(new CloseReplaced(old));
    }

    static Verdict JudgeAnswer(Turn t, Authentication a, AuthenticationRound expected, IkeMessage response, Payload.IDr idr, Payload.Auth auth)
    {
        if ((JudgeName(t, a, expected, idr) ?? HearPpk(t, a, response)) is { } obstacle)
            return Verdict.Refused(obstacle);
        var peer = a.RemoteId;
        if (Authenticator.KindOf(auth.Method) != expected.Kind)
            return Verdict.Refused(Failures.OtherMethod(peer, auth.Method, expected));
        var isLast = !response.Has(NotifyType.AnotherAuthFollows);
        return a.Connection.Remote.Length > a.Believed + 1 == isLast ? Verdict.Refused(Failures.OtherRounds(peer, a.Connection, a.Believed + 1, isLast))
            : Authenticator.Of(expected.Kind).Judge(t, a, expected, a.LocalId, idr.Body, response, auth);
    }

    static Failure? JudgeName(Turn t, Authentication a, AuthenticationRound expected, Payload.IDr idr)
    {
        var peer = new Identity(idr.Kind, idr.Data);
        var wanted = expected.Id ?? Identity.Any;
        if (wanted.Fits(peer) == 0)
            return PeerFailures.OtherPeer(t.Sa.Path, wanted, peer, t.Sa.Verdict);
        a.RemoteId = peer;
        return null;
    }

    static Identity LocalIdIn(Turn t, Connection connection, Identity? wanted) => Authenticator.LocalId(connection.Local[0], t.Sa.Path, wanted);

    /// <summary>The connections for two identities and a suite, the closest first; those equally close in the order of the candidates.</summary>
    internal static IEnumerable<Connection> Fitting(
        ImmutableArray<Connection> candidates, Crypto.IkeSuite suite, Identity peer, Identity? wanted) => candidates
        .Where(connection => connection.Proposals.Any(set => Proposals.Allows(set, suite)))
        .Select(connection => (Connection: connection, Remote: (connection.Remote[0].Id ?? Identity.Any).Fits(peer),
            Local: wanted is null ? 1 : (connection.Local[0].Id ?? Identity.Any).Fits(wanted)))
        .Where(fit => fit is { Remote: > 0, Local: > 0 })
        .OrderByDescending(fit => fit.Remote).ThenByDescending(fit => fit.Local).Select(fit => fit.Connection);

    static Failure WhyRefused(Turn t, ExpectAuthResponse phase, IkeMessage response, AuthenticationRound expected)
    {
        var path = t.Sa.Path;
        var error = response.All<Payload.Notify>().FirstOrDefault(notify => notify.IsError);
        if (error is { Kind: NotifyType.AuthenticationFailed })
            return Failures.Refused(path, phase.LocalId!, expected.Id is { IsExact: true } exact ? exact : null, t.Sa.Verdict, phase.Authentication.PpkDoubt);
        return error is not null
            ? new(FailureCode.Refused, $"received {Notation.Name(error)} notify error from {path.Remote.Address} in answer to IKE_AUTH; see its log")
            : new(FailureCode.AuthenticationFailed, $"{path.Remote.Address} answers IKE_AUTH with {response}, and does not authenticate");
    }

    /// <summary>The peer has an IKE SA by now that we do not want: it is told so (section 2.21.2).</summary>
    static void Reject(Turn t, ExpectAuthResponse phase, Failure failure)
    {
        phase.Plan.Fail(t, failure);
        Informational.AskRejection(t, phase);
    }

    static (Sequence<Payload> Answer, Phase Next) Refuse(Turn t, Failure failure, NotifyType why = NotifyType.AuthenticationFailed)
    {
        t.Report(new Event.Failed(failure));
        return ([new Payload.Notify(why)], new Gone(t.Sa.Connection));
    }

    static (Sequence<Payload> Answer, Phase Next) RefuseSyntax(Turn t, IkeMessage request) => Refuse(t,
        new Failure(FailureCode.InvalidMessage, $"{t.Sa.Path.Remote} sends {request} where IKE_AUTH is due"), NotifyType.InvalidSyntax);
}
