using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SK {IDi, [N(INITIAL_CONTACT),] [IDr,] AUTH, [CP,] SAi2, TSi, TSr}  -->                 RFC 7296 sections 1.2 and 2.15
//                                  <--  HDR, SK {IDr, AUTH, [CP,] SAr2, TSi, TSr}
//
// or, without a child:             <--  HDR, SK {IDr, AUTH, N(why not)}                        section 1.2: the IKE SA is up all the same
// or, not at all:                  <--  HDR, SK {N(AUTHENTICATION_FAILED)}                     section 2.21.2
static class IkeAuth
{
    public static void Ask(Turn t, ExpectInitResponse before, Keying keying, InitMessages init, Path initPath, bool mayBeChildless)
    {
        var (sa, plan) = (t.Sa, before.Plan);
        var connection = plan.Connection;
        var (local, remote) = (Psk.LocalId(connection, sa.Path), connection.Remote[0].Id ?? Identity.Any);
        if (Psk.WhyNoKey(t.Node, local, remote) is { } failure)
        {
            before.Fail(t, failure);
            keying.Dispose();
            return;
        }
        var idi = new Payload.IDi(local.Type, local.Data);
        var key = t.Node.SharedKeysFor(local, remote)[0];
        var proof = keying.Prove(key.Secret, byInitiator: true, init.Request, init.Nonces.Responder, idi.Body);

        List<Payload> payloads = [idi];
        if (IsExact(remote) && connection.Unique != UniquePolicy.Never && t.Node.IsFirstContact(local, remote))
            payloads.Add(new Payload.Notify(NotifyType.InitialContact));
        if (IsExact(remote))
            payloads.Add(new Payload.IDr(remote.Type, remote.Data));
        payloads.Add(new Payload.Auth(AuthMethod.SharedKey, proof));
        if (Configuration.Ask(plan.AddressesToAsk) is { } cp)
            payloads.Add(cp);
        ChildOffer? offer = null;
        // Without a child here, all of them come by CREATE_CHILD_SA, with key exchanges of their own (RFC 6023).
        var isChildless = plan.Children.IsEmpty || connection.Childless == ChildlessPolicy.Force
            || (connection.Childless == ChildlessPolicy.Prefer && mayBeChildless);
        if (!isChildless)
        {
            var asked = new ChildOffer(Scope.Of(plan.Children[0].Child, EndsAsked(connection, sa.Path)), t.Node.NewEspSpi());
            payloads.Add(ChildNegotiation.Ask(asked, keyExchange: false));
            payloads.AddRange(ChildNegotiation.AskSelectors(asked));
            offer = asked;
        }
        var phase = new ExpectAuthResponse(keying, plan, initPath, init, local, offer);
        sa.Enter(phase);
        if (offer is null && !mayBeChildless)
            phase.Fail(t, new Failure(FailureCode.Refused,
                $"{sa.Path.Remote.Address} does not take an IKE SA without a child (RFC 6023): {(plan.Children.IsEmpty ? "name a child" : "take out 'childless = force'")}"));
        else
            phase.Ask(t, ExchangeType.IkeAuth, payloads.ToSequence());
    }

    public static (Sequence<Payload> Answer, Phase Next) Answer(Turn t, ExpectAuthRequest phase, IkeMessage request)
    {
        if (request.Exchange != ExchangeType.IkeAuth || request.Find<Payload.IDi>() is not { } idi)
            return Refuse(t, NotifyType.InvalidSyntax,
                new Failure(FailureCode.InvalidMessage, $"{t.Sa.Path.Remote} sends {request} where IKE_AUTH is due"));
        var peer = new Identity(idi.Kind, idi.Data);
        var wanted = request.Find<Payload.IDr>() is { } idr ? new Identity(idr.Kind, idr.Data) : null;
        if (request.Find<Payload.Auth>() is not { Method: AuthMethod.SharedKey } auth)
            return Refuse(t, NotifyType.AuthenticationFailed, new Failure(FailureCode.AuthenticationFailed,
                $"'{peer}' from {t.Sa.Path.Remote} wants to authenticate by {request.Find<Payload.Auth>()?.Method.ToString() ?? "EAP"}: "
                + "only pre-shared keys are supported"));
        var judgement = Authenticate(t, phase, peer, wanted, idi.Body, auth.Data);
        if (judgement.Failure is { } failure)
            return Refuse(t, NotifyType.AuthenticationFailed, failure);

        var (connection, local) = (judgement.Connection!, judgement.Local!);
        if (request.Find<Payload.SA>() is null ? connection.Childless == ChildlessPolicy.Never : connection.Childless == ChildlessPolicy.Force)
        {
            return Refuse(t, NotifyType.InvalidSyntax, new Failure(FailureCode.Refused, request.Find<Payload.SA>() is null
                ? $"'{peer}' wants an IKE SA without a child, which 'childless = never' of connection '{connection.Name}' forbids"
                : $"'{peer}' wants a child with the IKE SA, which 'childless = force' of connection '{connection.Name}' forbids"));
        }
        var established = new Established(t, phase.Keying, connection, local, peer, Configuration.None(t.Sa.UniqueId))
        {
            TakesOver = !request.Has(NotifyType.InitialContact) && !t.Node.IsFirstContact(local, peer),
        };
        t.Sa.Enter(established);
        if (!t.Node.Authenticated(t.Now, t.Sa, request.Has(NotifyType.InitialContact), t.Outbox))
            return Refuse(t, NotifyType.AuthenticationFailed, new Failure(FailureCode.Refused,
                $"'{peer}' has an IKE SA already, which 'unique = keep' of connection '{connection.Name}' prefers to a new one"));
        established.TakesOver &= !t.Node.IsFirstContact(local, peer);
        t.Report(new Event.NatDetected(t.Sa.Verdict, t.Sa.Path));
        t.Report(new Event.IkeUp(t.Sa.Status(t.Now)));

        var id = new Payload.IDr(local.Type, local.Data);
        var proof = phase.Keying.Prove(judgement.Key!.Secret, byInitiator: false, phase.Init.Response, phase.Init.Nonces.Initiator, id.Body);
        return ([id, new Payload.Auth(AuthMethod.SharedKey, proof), .. AnswerCpAndChild(t, established, phase.Init, request), .. AuthLifetime(t, established)],
            established);
    }

    public static void Conclude(Turn t, ExpectAuthResponse phase, IkeMessage response)
    {
        var (plan, path) = (phase.Plan, t.Sa.Path);
        var expected = plan.Connection.Remote[0].Id ?? Identity.Any;
        if (response.Find<Payload.IDr>() is not { } idr || response.Find<Payload.Auth>() is not { Method: AuthMethod.SharedKey } auth)
        {
            phase.Fail(t, WhyRefused(t, phase, response, expected));
            return;
        }
        var peer = new Identity(idr.Kind, idr.Data);
        if (expected.Fits(peer) == 0)
        {
            Reject(t, phase, Failures.OtherPeer(path, expected, peer, t.Sa.Verdict));
            return;
        }
        var keys = t.Node.SharedKeysFor(phase.LocalId!, peer);
        byte[] Proof(PresharedKey key) =>
            phase.Keying.Prove(key.Secret, byInitiator: false, phase.Init.Response, phase.Init.Nonces.Initiator, idr.Body);
        if (!keys.Any(key => IsProof(Proof(key), auth.Data)))
        {
            Reject(t, phase, keys.IsEmpty ? Failures.NoSharedKey(phase.LocalId!, peer) : Failures.WrongKey(keys.Length, phase.LocalId!, peer));
            return;
        }
        var configuration = Configuration.Conclude(response, plan.Connection.VirtualAddresses, t.Sa.UniqueId);
        var established = new Established(t, phase.Keying, plan.Connection, phase.LocalId!, peer, configuration);
        t.Sa.Enter(established);
        t.Report(new Event.IkeUp(t.Sa.Status(t.Now)));
        configuration.Assign(t);
        if (response.Find(NotifyType.AuthLifetime) is { Data.Length: 4 } lifetime)
            established.ReauthenticateWithin(t, TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(lifetime.Data.Span)));
        t.Done(plan.Token);
        foreach (var request in phase.Offer is null ? plan.Children : plan.Children.Skip(1))
            established.RequestChild(t, request);
        if (phase.Offer is { } offer)
            ConcludeChild(t, established, plan.Children[0], offer, phase.Init.Nonces, response);
        if (plan.Replaces is { } old)
            established.Enqueue(new CloseReplaced(old));
    }

    /// <summary>Who the peer is, by which connection and key; or why we do not believe it.</summary>
    readonly record struct Judgement(Connection? Connection, Identity? Local, PresharedKey? Key, Failure? Failure);

    /// <summary>
    /// Identity decides, never the address: among the connections that fit both identities the closest comes first, and every key that fits them
    /// is tried.
    /// </summary>
    static Judgement Authenticate(Turn t, ExpectAuthRequest phase, Identity peer, Identity? wanted, Blob id, Blob auth)
    {
        var all = t.Node.CandidatesFor(t.Sa.Path);
        var candidates = Fitting(all, phase.Keying.Suite, peer, wanted);
        Failure? failure = null;
        foreach (var connection in candidates)
        {
            var local = connection.Local[0].Id is { IsAny: false } configured ? configured : wanted ?? Identity.Of(t.Sa.Path.Local.Address);
            var keys = t.Node.SharedKeysFor(local, peer);
            foreach (var key in keys)
            {
                if (IsProof(phase.Keying.Prove(key.Secret, byInitiator: true, phase.Init.Request, phase.Init.Nonces.Responder, id), auth))
                    return new(connection, local, key, null);
            }
            failure ??= keys.IsEmpty ? Failures.NoSharedKey(local, peer) : Failures.WrongKey(keys.Length, local, peer);
        }
        return new(null, null, null, failure ?? Failures.UnknownPeer(t.Sa.Path, peer, wanted, all, t.Sa.Verdict));
    }

    /// <summary>The connections for two identities and a suite, the closest first; those equally close in the order of the candidates.</summary>
    internal static IEnumerable<Connection> Fitting(
        ImmutableArray<Connection> candidates, Crypto.IkeSuite suite, Identity peer, Identity? wanted) => candidates
        .Where(connection => connection.Proposals.Any(set => Proposals.Allows(set, suite)))
        .Select(connection => (Connection: connection, Remote: (connection.Remote[0].Id ?? Identity.Any).Fits(peer),
            Local: wanted is null ? 1 : (connection.Local[0].Id ?? Identity.Any).Fits(wanted)))
        .Where(fit => fit is { Remote: > 0, Local: > 0 })
        .OrderByDescending(fit => fit.Remote).ThenByDescending(fit => fit.Local).Select(fit => fit.Connection);

    static bool IsProof(ReadOnlySpan<byte> computed, Blob claimed) => CryptographicOperations.FixedTimeEquals(computed, claimed.Span);

    static bool IsExact(Identity identity) => !identity.IsAny && !identity.ToString().StartsWith('*');

    /// <summary>Before a virtual address is there, "dynamic" asks for any address of its family.</summary>
    static Ends EndsAsked(Connection connection, Path path) => new(
        connection.VirtualAddresses.IsEmpty ? [path.Local.Address]
            : [.. connection.VirtualAddresses.Select(address => address.IsV6 ? IpAddress.AnyV6 : IpAddress.AnyV4).Distinct()],
        [path.Remote.Address]);

    /// <summary>CP, SA, TSi and TSr, or the notify that says why there is no child; nothing for an IKE SA without one (RFC 6023).</summary>
    static IEnumerable<Payload> AnswerCpAndChild(Turn t, Established established, InitMessages init, IkeMessage request)
    {
        var isChildless = request.Find<Payload.SA>() is null;
        if (isChildless && request.Find<Payload.CP>() is null)
            return [];
        var (cp, given) = Configuration.Answer(t.Node, established.Connection, request, established.RemoteId, t.Sa.UniqueId);
        established.Configuration = given;
        if (cp is Payload.Notify { IsError: true } refusal)
        {
            var why = refusal.Kind == NotifyType.FailedCpRequired
                ? "the peer asked for no virtual address, which our 'pools' are for" : "no pool has an address left";
            t.Report(new Event.Failed(new Failure(FailureCode.AddressUnavailable,
                $"sending {Notation.Name(refusal.Kind)} to {established.RemoteId}: {why}")));
            return [refusal];
        }
        var child = isChildless ? [] : AnswerChild(t, established, init.Nonces, request);
        return cp is null ? child : child.Prepend(cp);
    }

    /// <summary>When the peer has to authenticate again, if it has to (RFC 4478): only who came can do so where addresses or EAP are in play.</summary>
    static IEnumerable<Payload> AuthLifetime(Turn t, Established established)
    {
        if (established.AuthLifetime(t) is not { } lifetime)
            return [];
        var seconds = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(seconds, (uint)Math.Clamp(lifetime.TotalSeconds, 1, uint.MaxValue));
        return [new Payload.Notify(NotifyType.AuthLifetime, seconds)];
    }

    static IEnumerable<Payload> AnswerChild(Turn t, Established established, Nonces nonces, IkeMessage request)
    {
        var judgement = ChildNegotiation.Judge(established.Scopes(t.Sa.Path), request, keyExchange: false);
        if (judgement.Agreement is not { } agreement)
            return [established.RefuseChild(t, judgement)];
        established.NoteTransportMode(t, request);
        var child = established.Add(t, agreement, t.Node.NewEspSpi(), nonces, shared: null, byUs: false, replaced: null);
        t.Report(new Event.ChildUp(t.Sa.Status(t.Now), child.Status));
        return [ChildNegotiation.Answer(agreement, child.Sa.InboundSpi, keyExchange: false), .. ChildNegotiation.AnswerSelectors(agreement)];
    }

    static void ConcludeChild(Turn t, Established established, ChildRequest request, ChildOffer offer, Nonces nonces, IkeMessage response)
    {
        // What was asked for as "any address" is by now the virtual one that came along.
        var scope = Scope.Of(offer.Scope.Config, established.Ends(t.Sa.Path));
        if (response.All<Payload.Notify>().FirstOrDefault(notify => notify.IsError) is { } refusal)
        {
            established.FirstChildRefused(t, request, Failures.ChildRefused(refusal.Kind, scope, t.Sa.Path));
            return;
        }
        var judgement = ChildNegotiation.Conclude(scope, response, keyExchange: false);
        if (judgement.Agreement is { } agreement)
        {
            var child = established.Add(t, agreement, offer.InboundSpi, nonces, shared: null, byUs: true, replaced: null);
            t.Report(new Event.ChildUp(t.Sa.Status(t.Now), child.Status));
            t.Done(request.Token);
            return;
        }
        established.Enqueue(new DeleteRefused(offer.InboundSpi));
        established.FirstChildRefused(t, request, Failures.Child(FailureCode.InvalidMessage, scope.Config.Name, judgement.Why));
    }

    static Failure WhyRefused(Turn t, ExpectAuthResponse phase, IkeMessage response, Identity expected)
    {
        var path = t.Sa.Path;
        var error = response.All<Payload.Notify>().FirstOrDefault(notify => notify.IsError);
        if (error is { Kind: NotifyType.AuthenticationFailed })
            return Failures.Refused(path, phase.LocalId!, IsExact(expected) ? expected : null, t.Sa.Verdict);
        return error is not null
            ? new(FailureCode.Refused, $"received {Notation.Name(error.Kind)} notify error from {path.Remote.Address} in answer to IKE_AUTH; see its log")
            : new(FailureCode.AuthenticationFailed, response.Find<Payload.Auth>() is { } other
                ? $"{path.Remote.Address} authenticates by {other.Method}: only pre-shared keys are supported"
                : $"{path.Remote.Address} answers IKE_AUTH with {response}: only pre-shared keys are supported");
    }

    /// <summary>The peer has an IKE SA by now that we do not want: it is told so (section 2.21.2).</summary>
    static void Reject(Turn t, ExpectAuthResponse phase, Failure failure)
    {
        phase.Plan.Fail(t, failure);
        Informational.AskRejection(t, phase);
    }

    static (Sequence<Payload> Answer, Phase Next) Refuse(Turn t, NotifyType why, Failure failure)
    {
        t.Report(new Event.Failed(failure));
        return ([new Payload.Notify(why)], new Gone(t.Sa.Connection));
    }
}
