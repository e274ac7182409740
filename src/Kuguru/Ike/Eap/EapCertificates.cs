using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Pki;

namespace Kuguru.Ike.Eap;

/// <summary>A chain that a peer has proved itself by inside EAP, and what it has to fulfil.</summary>
sealed record UnsettledChain(AuthenticationRound Round, List<Certificate> Chain)
{
    public RevocationVerdict Examine(INode node, Instant now, bool mayWait) => Certification.Examine(node, now, Round, Chain[0], null, Chain, mayWait);
}

/// <summary>The certificates of IKE in the hands of EAP-TLS: the same store, the same trust, the same names.</summary>
static class EapCertificates
{
    /// <param name="node">Has certificates, keys and authorities.</param>
    /// <param name="now">By which they are valid.</param>
    /// <param name="own">The certificate that is ours, first of its chain, with its key; null when there is none.</param>
    /// <param name="theirs">What the other end has to fulfil.</param>
    /// <param name="expected">Who the other end has to be; %any for whoever is trusted.</param>
    /// <param name="wantsAaa">It is <c>aaa_id</c> that wants to have that name.</param>
    /// <param name="unsettled">Gets a chain that is trusted so far, but whose status has to be fetched: TLS does not wait, IKE does before it believes.</param>
    public static TlsSetup Setup(
        INode node, Instant now, (PrivateKey Key, ImmutableArray<Certificate> Chain)? own, AuthenticationRound theirs, Identity expected, bool wantsAaa, Action<UnsettledChain> unsettled)
    {
        var authorities = theirs.Authorities.IsEmpty ? node.Certificates.Authorities : theirs.Authorities;
        return new(own is { } ours ? IdentityOf(ours.Key, ours.Chain) : null, chain => WhyNot(node, now, theirs, chain, expected, wantsAaa, unsettled), [.. authorities.Select(authority => authority.Subject)])
        {
            Limits = node.Settings.Tls,
        };
    }

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
    static string? WhyNot(INode node, Instant now, AuthenticationRound round, ImmutableArray<Blob> chain, Identity expected, bool wantsAaa, Action<UnsettledChain> unsettled)
    {
        var sent = new List<Certificate>();
        foreach (var der in chain)
        {
            if (!Certificate.TryRead(der, out var certificate, out var bad))
                return $"certificate {sent.Count + 1}: {bad}";
            sent.Add(certificate);
        }
        if (!expected.IsAny && !PeerNames.Has(sent[0], expected))
            return wantsAaa ? V2.Failures.OtherAaa(expected, sent[0]) : V2.Failures.OtherName(expected, sent[0]).Sentence;
        var open = new UnsettledChain(round, sent);
        var found = open.Examine(node, now, mayWait: true);
        if (!found.Missing.IsEmpty)
            unsettled(open);
        return found.Why;
    }
}
