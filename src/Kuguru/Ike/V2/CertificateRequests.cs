using System.Collections.Immutable;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>CERTREQ payloads (RFC 7296 section 3.7; for OCSP responses RFC 4806) and SIGNATURE_HASH_ALGORITHMS (RFC 7427 section 4): what we take of a peer, and what it takes of us.</summary>
static class CertificateRequests
{
    const int HashLength = 20;

    /// <summary>More authorities than this are not read.</summary>
    const int MaxAuthorities = 512;

    static readonly SignatureHash[] OurHashes = [SignatureHash.Sha256, SignatureHash.Sha384, SignatureHash.Sha512, SignatureHash.Identity];

    /// <summary>Somebody signs: we, or the peer.</summary>
    public static bool NeedSignatures(IEnumerable<Connection> connections) =>
        connections.Any(connection => connection.Local.Concat(connection.Remote).Any(round => round.Kind == AuthenticationKind.PublicKey));

    public static Payload.Notify Hashes()
    {
        var w = new WireWriter();
        foreach (var hash in OurHashes)
            w.U16(Number(hash));
        return new(NotifyType.SignatureHashAlgorithms, w.ToArray());
    }

    public static ImmutableArray<SignatureHash> ReadHashes(IkeMessage message)
    {
        if (message.Find(NotifyType.SignatureHashAlgorithms) is not { } notify)
            return [];
        var r = new WireReader(notify.Data);
        var hashes = ImmutableArray.CreateBuilder<SignatureHash>();
        while (r.Left >= 2)
        {
            var number = r.U16();
            foreach (var hash in (SignatureHash[])[SignatureHash.Sha1, .. OurHashes])
            {
                if (Number(hash) == number)
                    hashes.Add(hash);
            }
        }
        return hashes.ToImmutable();
    }

    /// <summary>
    /// One CERTREQ with the authorities that one of these connections takes of its peer, and one for OCSP responses where they are wished for; none when nobody has to
    /// sign or there is no authority.
    /// </summary>
    public static IEnumerable<Payload.CertReq> Ask(INode node, IEnumerable<Connection> connections)
    {
        var rounds = connections.Where(connection => connection.AskForCertificates).SelectMany(connection => connection.Remote)
            .Where(round => round.Kind == AuthenticationKind.PublicKey && round.PublicKeys.IsEmpty).ToList();
        var authorities = rounds.SelectMany(round => round.Authorities.IsEmpty ? node.Certificates.Authorities : round.Authorities)
            .Select(authority => authority.Key.Fingerprint).Distinct().ToList();
        if (authorities.Count == 0)
            yield break;
        var w = new WireWriter();
        foreach (var authority in authorities)
            w.Bytes(authority);
        yield return new Payload.CertReq(CertEncoding.X509Signature, w.ToArray());
        if (connections.Any(connection => connection is { AskForCertificates: true, AsksForStatus: true }))
            yield return new Payload.CertReq(CertEncoding.OcspContent, Responders(node));
    }

    /// <summary>RFC 4806 section 3.1: who may sign besides an authority and whom that has named.</summary>
    static Blob Responders(INode node)
    {
        var w = new WireWriter();
        foreach (var signer in node.Certificates.OcspSigners.Where(signer => signer.IsSelfIssued))
            w.Bytes(signer.Key.Fingerprint);
        return w.ToArray();
    }

    /// <summary>All that a message asks for; null when it asks for no certificates.</summary>
    public static CertificateRequest? Read(IkeMessage message)
    {
        var asked = message.All<Payload.CertReq>().Where(request => request.Encoding == CertEncoding.X509Signature).ToList();
        return asked.Count == 0 ? null : new([.. asked.SelectMany(Authorities).Take(MaxAuthorities)])
        {
            WantsStatus = message.All<Payload.CertReq>().Any(request => request.Encoding == CertEncoding.OcspContent),
        };
    }

    static IEnumerable<Blob> Authorities(Payload.CertReq request)
    {
        for (var at = 0; at + HashLength <= request.Authorities.Length; at += HashLength)
            yield return Blob.Copy(request.Authorities.Span.Slice(at, HashLength));
    }

    /// <summary>In IANA's registry of IKEv2 hash algorithms.</summary>
    static ushort Number(SignatureHash hash) => hash switch
    {
        SignatureHash.Sha1 => 1,
        SignatureHash.Sha256 => 2,
        SignatureHash.Sha384 => 3,
        SignatureHash.Sha512 => 4,
        SignatureHash.Identity => 5,
        SignatureHash.Md5 or SignatureHash.Sha224 => throw new ArgumentOutOfRangeException(nameof(hash), hash, "not in the registry"),
    };
}
