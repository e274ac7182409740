using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// What else IKE_AUTH carries: CP and the first child, asked for in the first request and answered when both sides have proved who they are.
static partial class IkeAuth
{
    /// <summary>Before a virtual address is there, "dynamic" asks for any address of its family.</summary>
    static Ends EndsAsked(Connection connection, IkeV2Session sa) => new(
        connection.VirtualAddresses.IsEmpty ? [sa.Path.Local.Address]
            : [.. connection.VirtualAddresses.Select(address => address.IsV6 ? IpAddress.AnyV6 : IpAddress.AnyV4).Distinct()],
        [sa.Path.Remote.Address])
    {
        Hosts = Hosts.Of(sa.Path, sa.Verdict),
    };

    /// <summary>CP, or the notify that refuses what it asks for; null where nothing is asked and nothing needed.</summary>
    static Payload? AnswerCp(Turn t, Established established, IkeMessage request)
    {
        if (request.Find<Payload.SA>() is null && request.Find<Payload.CP>() is null)
            return null;
        var (cp, given) = Configuration.Answer(t.Node, t.Sa, established.Connection, request);
        established.Configuration = given;
        return cp;
    }

    /// <summary>CP, SA, TSi and TSr, or the notify that says why there is no child; nothing for an IKE SA without one (RFC 6023).</summary>
    static IEnumerable<Payload> AnswerCpAndChild(Turn t, Established established, Payload? cp, InitMessages init, IkeMessage request)
    {
        if (cp is Payload.Notify { IsError: true } refusal)
        {
            var why = refusal.Kind == NotifyType.FailedCpRequired
                ? "the peer asked for no virtual address, which our 'pools' are for" : "no pool has an address left";
            t.Report(new Event.Failed(new Failure(FailureCode.AddressUnavailable,
                $"sending {Notation.Name(refusal.Kind)} to {established.PeerName}: {why}")));
            return [refusal];
        }
        var child = request.Find<Payload.SA>() is null ? [] : AnswerChild(t, established, init.Nonces, request);
        return cp is null ? child : child.Prepend(cp);
    }

    /// <summary>When the peer has to authenticate again, if it has to (RFC 4478): only who came can do so where addresses or EAP are in play.</summary>
    static IEnumerable<Payload> SayLifetime(Turn t, Established established) =>
        established.AuthLifetime(t) is { } lifetime ? [AuthLifetime.Say(lifetime)] : [];

    static IEnumerable<Payload> AnswerChild(Turn t, Established established, Nonces nonces, IkeMessage request)
    {
        var judgement = ChildNegotiation.Judge(established.Scopes(t.Sa), t.Sa.Path, request, keyExchange: false);
        if (judgement.Agreement is not { } agreement)
            return [established.RefuseChild(t, judgement)];
        established.NoteMode(t, agreement, request.Has(NotifyType.UseTransportMode));
        var inbound = t.Node.NewEspSpi();
        var placed = established.Place(t, agreement, inbound, replaced: null);
        if (placed.Why.Length > 0)
        {
            t.Node.ReleaseStandIns(inbound);
            return [established.RefuseChild(t, placed)];
        }
        agreement = placed.Agreement!;
        var child = established.Add(t, agreement, inbound, nonces, shared: null, byUs: false, replaced: null);
        t.Report(new Event.ChildUp(t.Sa.Status(t.Now), child.Status));
        return [ChildNegotiation.Answer(agreement, child.Sa.InboundSpi, keyExchange: false), .. ChildNegotiation.AnswerSelectors(agreement)];
    }

    static void ConcludeChild(Turn t, Established established, ChildRequest request, ChildOffer offer, Nonces nonces, IkeMessage response)
    {
        // What was asked for as "any address" is by now the virtual one that came along.
        var scope = Scope.Of(offer.Scope.Config, established.Ends(t.Sa));
        if (response.All<Payload.Notify>().FirstOrDefault(notify => notify.IsError) is { } refusal)
        {
            established.FirstChildRefused(t, request, Failures.ChildRefused(refusal, scope, t.Sa.Path));
            return;
        }
        var judgement = ChildNegotiation.Conclude(scope, response, keyExchange: false);
        if (judgement.Agreement is { } agreement)
        {
            established.NoteMode(t, agreement, scope.Config.Mode == ChildMode.Transport);
            agreement = established.PlaceAnyhow(t, agreement, offer.InboundSpi, replaced: null);
            var child = established.Add(t, agreement, offer.InboundSpi, nonces, shared: null, byUs: true, replaced: null);
            t.Report(new Event.ChildUp(t.Sa.Status(t.Now), child.Status));
            t.Done(request.Token);
            return;
        }
        established.Enqueue(new DeleteRefused(ChildNegotiation.ProtocolOf(response), offer.InboundSpi));
        established.FirstChildRefused(t, request, PeerFailures.Child(FailureCode.InvalidMessage, scope.Config.Name, judgement.Why));
    }
}
