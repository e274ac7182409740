using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>NAT detection in IKE_SA_INIT (RFC 7296 section 2.23): what we say, and what the peer's say-so means.</summary>
static class NatNotifies
{
    /// <summary>A host with more addresses of one family than this leaves the rest out.</summary>
    const int MaxSources = 8;

    /// <summary>
    /// NAT_DETECTION_SOURCE_IP for every address that the first message may leave from, the path's own first, then NAT_DETECTION_DESTINATION_IP.
    /// </summary>
    public static IEnumerable<Payload> Ask(INode node, Path path, IkeSpi initiator, Encapsulation encapsulation) => encapsulation == Encapsulation.Never ? []
        : Of(encapsulation == Encapsulation.Always ? [path.Local] : Sources(node, path), path, initiator, default, encapsulation == Encapsulation.Always);

    /// <summary>The same of a responder, who knows which of its addresses the request came to.</summary>
    public static IEnumerable<Payload> Answer(Path path, IkeSpi initiator, IkeSpi responder, Encapsulation encapsulation) =>
        encapsulation == Encapsulation.Never ? [] : Of([path.Local], path, initiator, responder, encapsulation == Encapsulation.Always);

    public static NatVerdict Judge(IkeMessage message, Path path, Encapsulation encapsulation)
    {
        var verdict = NatDetection.Judge(message.InitiatorSpi, message.ResponderSpi, path,
            [.. message.All(NotifyType.NatDetectionSourceIp).Select(notify => notify.Data)],
            [.. message.All(NotifyType.NatDetectionDestinationIp).Select(notify => notify.Data)], encapsulation == Encapsulation.Always);
        return verdict with { Forbidden = encapsulation == Encapsulation.Never };
    }

    static IEnumerable<Payload> Of(IEnumerable<Endpoint> sources, Path path, IkeSpi initiator, IkeSpi responder, bool forced)
    {
        foreach (var source in sources)
        {
            var hash = forced ? NatDetection.ForcedHash(initiator, responder, source) : NatDetection.Hash(initiator, responder, source);
            yield return new Payload.Notify(NotifyType.NatDetectionSourceIp, hash);
        }
        yield return new Payload.Notify(NotifyType.NatDetectionDestinationIp, NatDetection.Hash(initiator, responder, path.Remote));
    }

    static IEnumerable<Endpoint> Sources(INode node, Path path) => node.LocalAddresses
        .Where(address => address.IsV6 == path.Remote.Address.IsV6)
        .Prepend(path.Local.Address).Where(address => !address.IsAny).Distinct().Take(MaxSources)
        .Select(address => path.Local with { Address = address });
}
