using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Pki;

namespace Kuguru.Ike.Eap;

/// <summary>The certificates of IKE in the hands of EAP-TLS: the same store, the same trust, the same names.</summary>
static class EapCertificates
{
    /// <param name="node">Has certificates, keys and authorities.</param>
    /// <param name="now">By which they are valid.</param>
    /// <param name="own">The certificate that is ours, first of its chain, with its key; null when there is none.</param>
    /// <param name="theirs">What the other end has to fulfil.</param>
    /// <param name="expected">Who the other end has to be; %any for whoever is trusted.</param>
    public static TlsSetup Setup(INode node, Instant now, (PrivateKey Key, ImmutableArray<Certificate> Chain)? own, AuthenticationRound theirs, Identity expected) => new(
        own is { } ours ? IdentityOf(ours.Key, ours.Chain) : null,
        chain => WhyNot(node, now, theirs, chain, expected),
        [.. (theirs.Authorities.IsEmpty ? node.Certificates.Authorities : theirs.Authorities).Select(authority => authority.Subject)])
    {
        Limits = node.Settings.Tls,
    };

    static TlsIdentity IdentityOf(PrivateKey key, ImmutableArray<Certificate> chain)
    {
        var schemes = key.Public.Kind switch
        {
            KeyKind.Rsa => TlsIdentity.RsaSchemes,
            KeyKind.Ecdsa => key.Public.Bits switch { 256 => TlsIdentity.Ecdsa256Schemes, 384 => TlsIdentity.Ecdsa384Schemes, _ => TlsIdentity.Ecdsa521Schemes },
            KeyKind.Ed25519 => TlsIdentity.Ed25519Schemes,
        };
        return new([.. chain.Select(certificate => certificate.Der)], schemes, (scheme, data) => key.Sign(SchemeOf(key.Public.Kind, scheme), data));
    }

    static SignatureScheme SchemeOf(KeyKind kind, int scheme) => kind switch
    {
        KeyKind.Rsa => TlsIdentity.IsPss(scheme) ? SignatureScheme.Pss(HashOf(scheme)) : SignatureScheme.Pkcs1(HashOf(scheme)),
        KeyKind.Ecdsa => SignatureScheme.Ecdsa(HashOf(scheme)),
        KeyKind.Ed25519 => SignatureScheme.Ed25519,
    };

    static SignatureHash HashOf(int scheme) => TlsIdentity.HashOf(scheme).Name switch
    {
        "SHA256" => SignatureHash.Sha256,
        "SHA384" => SignatureHash.Sha384,
        _ => SignatureHash.Sha512,
    };

    /// <summary>Why a chain is not who is expected; null when it is.</summary>
    static string? WhyNot(INode node, Instant now, AuthenticationRound round, ImmutableArray<Blob> chain, Identity expected)
    {
        var sent = new List<Certificate>();
        foreach (var der in chain)
        {
            if (!Certificate.TryRead(der, out var certificate, out var bad))
                return $"certificate {sent.Count + 1}: {bad}";
            sent.Add(certificate);
        }
        if (!expected.IsAny && !PeerNames.Has(sent[0], expected))
            return V2.Failures.OtherName(expected, sent[0]).Sentence;
        return Certification.WhyUntrusted(node, now, round, sent[0], sent);
    }
}
