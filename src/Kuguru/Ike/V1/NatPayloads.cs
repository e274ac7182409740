using Kuguru.Crypto;
using Kuguru.Nat;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>NAT-D payloads (RFC 3947 section 3.2): what we say of a path, and what the peer's say-so means.</summary>
static class NatPayloads
{
    /// <summary>A host with more addresses of one family than this leaves the rest out.</summary>
    const int MaxSources = 8;

    /// <summary>The destination first, then every address that we may be sending from, the path's own first.</summary>
    public static IEnumerable<Payload> Say(Turn t, Path path, Prf prf, NatVersion version, bool forced)
    {
        if (version == NatVersion.None)
            yield break;
        // Port 0 is nobody's: a hash that cannot match.
        IEnumerable<Endpoint> sources = forced ? [path.Local with { Port = 0 }] : Sources(t.Node, path);
        foreach (var endpoint in sources.Prepend(path.Remote))
            yield return new Payload.NatD(NatDetection.Hash(t.Sa.InitiatorSpi, t.Sa.ResponderSpi, endpoint, prf.HashName), NatVersions.IsDraft(version));
    }

    /// <summary>Without payloads of the agreed kind the peer takes no part.</summary>
    public static NatVerdict Judge(Turn t, Prf prf, NatVersion version, IsakmpMessage message, bool forced) => Judge(t, t.Arrived, prf, version, message, forced);

    /// <summary>
    /// In the last message of aggressive mode, which comes on port 4500 where there is a NAT, charon speaks of the ports that it uses now, and libreswan
    /// still of those before. What is said of the one path does not fit the other: whichever has fewer NATs is meant.
    /// </summary>
    public static NatVerdict JudgeLast(Turn t, Path before, Prf prf, NatVersion version, IsakmpMessage message, bool forced)
    {
        var (now, then) = (Judge(t, t.Arrived, prf, version, message, forced), Judge(t, before, prf, version, message, forced));
        return Count(then) < Count(now) ? then : now;

        static int Count(NatVerdict verdict) => (verdict.Local ? 1 : 0) + (verdict.Remote ? 1 : 0);
    }

    static NatVerdict Judge(Turn t, Path path, Prf prf, NatVersion version, IsakmpMessage message, bool forced)
    {
        if (version == NatVersion.None)
            return NatVerdict.Unknown;
        var hashes = message.All<Payload.NatD>().Select(payload => payload.Data).ToList();
        return NatDetection.Judge(t.Sa.InitiatorSpi, t.Sa.ResponderSpi, path, [.. hashes.Skip(1)], [.. hashes.Take(1)], forced, prf.HashName);
    }

    static IEnumerable<Endpoint> Sources(INode node, Path path) => node.LocalAddresses
        .Where(address => address.IsV6 == path.Remote.Address.IsV6)
        .Prepend(path.Local.Address).Where(address => !address.IsAny).Distinct().Take(MaxSources)
        .Select(address => path.Local with { Address = address });
}
