using System.Security.Cryptography;
using Kuguru.Wire;

namespace Kuguru.Nat;

/// <summary>What NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP carry (RFC 7296 section 2.23).</summary>
public static class NatDetection
{
    /// <summary>
    /// SHA-1(SPIi | SPIr | IP | Port), 20 octets. In a first request the responder's SPI is 0. Address and port are those that the
    /// sender believes in, or that the receiver sees. IKEv1 has the same in NAT-D payloads, with the hash of phase 1 (RFC 3947 section 3.2).
    /// </summary>
    public static Blob Hash(IkeSpi initiator, IkeSpi responder, Endpoint endpoint, HashAlgorithmName? hash = null)
    {
        var w = new WireWriter(8 + 8 + 16 + 2);
        w.U64(initiator.Value);
        w.U64(responder.Value);
        w.Address(endpoint.Address);
        w.U16(endpoint.Port);
        return CryptographicOperations.HashData(hash ?? HashAlgorithmName.SHA1, w.Written);
    }

    /// <summary>
    /// A source hash that cannot match, which claims a NAT in front of us (<c>encap = yes</c>): nothing is sent from port 0.
    /// </summary>
    public static Blob ForcedHash(IkeSpi initiator, IkeSpi responder, Endpoint source, HashAlgorithmName? hash = null) =>
        Hash(initiator, responder, source with { Port = 0 }, hash);

    /// <summary>
    /// Compares what the peer's hashes say with the path that they came along. A NAT is before the peer when none of its source hashes
    /// fits what we see, before us when none of its destination hashes fits what we have. Hashes of another length fit nothing;
    /// without either kind the peer takes no part.
    /// </summary>
    /// <param name="initiator">The SPI in the header of the message with the hashes.</param>
    /// <param name="responder">Likewise; 0 in a first request.</param>
    /// <param name="path">Seen from here: the peer's source is our remote endpoint.</param>
    /// <param name="sources">NAT_DETECTION_SOURCE_IP: one for every address that the peer may be sending from.</param>
    /// <param name="destinations">NAT_DETECTION_DESTINATION_IP.</param>
    /// <param name="forced">We sent <see cref="ForcedHash"/>.</param>
    /// <param name="hash">SHA-1 if not another.</param>
    public static NatVerdict Judge(
        IkeSpi initiator, IkeSpi responder, Path path, IReadOnlyCollection<Blob> sources, IReadOnlyCollection<Blob> destinations, bool forced,
        HashAlgorithmName? hash = null)
    {
        if (sources.Count == 0 || destinations.Count == 0)
            return NatVerdict.Unknown;
        var remote = !sources.Contains(Hash(initiator, responder, path.Remote, hash));
        var local = !destinations.Contains(Hash(initiator, responder, path.Local, hash));
        var isForced = remote && sources.Contains(ForcedHash(initiator, responder, path.Remote, hash));
        return new(Supported: true, local, remote, forced, isForced || (remote && LooksUntranslated(path.Remote))) { IsPeersOwn = isForced };
    }

    /// <summary>A private address with a port that a NAPT would have had little reason to leave alone: the peer is next to us and claims a NAT.</summary>
    static bool LooksUntranslated(Endpoint remote) => remote is { Address.IsPrivate: true, Port: Ports.Ike or Ports.NatTraversal };
}
