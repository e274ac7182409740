using System.Collections.Immutable;
using Kuguru.Pki;

namespace Kuguru.Ike;

/// <summary>A key of ours to sign with, and the certificate that goes with it, if one does.</summary>
readonly record struct Signing(PrivateKey Key, Certificate? Certificate);

/// <summary>What both IKE versions ask of certificates: which of ours to sign with, and which of a peer's to believe.</summary>
static class Certification
{
    /// <summary>More CERT payloads are refused unread: a chain is shorter.</summary>
    const int MaxCertificates = 16;

    /// <summary>More OCSP responses of a peer's are not read.</summary>
    const int MaxAnswers = 8;

    /// <summary>
    /// The first of the round's certificates or keys that we have the private key of, rather of an authority that the peer asks for; else one for the identity.
    /// </summary>
    public static Signing? Signer(CertificateStore store, AuthenticationRound round, Identity local, Func<Certificate, bool> isAskedFor)
    {
        var certificates = !round.Certificates.IsEmpty ? round.Certificates.AsEnumerable()
            : round.PublicKeys.IsEmpty ? store.Certificates.Where(certificate => PeerNames.Has(certificate, local)) : [];
        var usable = certificates.Select(certificate => (certificate, key: store.KeyFor(certificate.Key))).Where(pair => pair.key is not null)
            .OrderByDescending(pair => Above(store, pair.certificate).Any(isAskedFor));
        foreach (var (certificate, key) in usable)
            return new(key!, certificate);
        foreach (var known in round.PublicKeys)
        {
            if (store.KeyFor(known) is { } key)
                return new(key, null);
        }
        return null;
    }

    /// <summary>The certificate that we prove ourselves by in a round, with those above it and its key; null when there is none.</summary>
    public static (PrivateKey Key, ImmutableArray<Certificate> Chain)? Own(CertificateStore store, AuthenticationRound round, Identity local) =>
        Signer(store, round, local, _ => false) is { Certificate: { } own } signer
            ? (signer.Key, [own, .. Above(store, own).Where(authority => !authority.IsSelfIssued)]) : null;

    /// <summary>What goes to the peer: the certificate and those of authorities above it but for the last, where it wants them.</summary>
    public static IEnumerable<Certificate> Sent(CertificateStore store, Connection connection, bool peerAsks, Signing signer)
    {
        var wanted = connection.SendCertificates switch
        {
            SendCertificates.IfAsked => peerAsks,
            SendCertificates.Always => true,
            SendCertificates.Never => false,
        };
        return wanted && signer.Certificate is { } own ? Above(store, own).Where(authority => !authority.IsSelfIssued).Prepend(own) : [];
    }

    /// <summary>The authorities above a certificate of ours, as far as they are known; whether they are trusted is the peer's to say.</summary>
    static List<Certificate> Above(CertificateStore store, Certificate certificate)
    {
        var above = new List<Certificate>();
        while (!certificate.IsSelfIssued && above.Count < Trust.MaxLength - 1 && IssuerOf(store, certificate) is { } issuer && !above.Contains(issuer))
        {
            above.Add(issuer);
            certificate = issuer;
        }
        return above;
    }

    /// <summary>Of several certificates of that name the one whose key has signed; of those with one key the one that is valid the longest.</summary>
    static Certificate? IssuerOf(CertificateStore store, Certificate certificate)
    {
        List<Certificate> named = [.. store.Authorities.Where(one => one.Subject == certificate.Issuer)];
        return named.Count < 2 ? named.FirstOrDefault() : named.Where(certificate.IsSignedBy).MaxBy(one => one.NotAfter);
    }

    /// <summary>The certificates of CERT payloads, the end entity's first, and what is wrong with them.</summary>
    public static List<Certificate> Read(IEnumerable<Blob> payloads, out string? bad)
    {
        var result = new List<Certificate>();
        bad = null;
        foreach (var payload in payloads)
        {
            if (result.Count == MaxCertificates)
                bad = $"more than {MaxCertificates} certificates";
            else if (Certificate.TryRead(payload, out var certificate, out var why))
                result.Add(certificate);
            else
                bad ??= $"certificate {result.Count + 1}: {why}";
        }
        return result;
    }

    /// <summary>OCSP responses about a certificate of ours and those above it (RFC 4806), and what has to be fetched for it.</summary>
    public static List<OcspAnswer> Status(INode node, Instant now, Certificate own, out ImmutableArray<FetchRequest> missing)
    {
        var (store, answers, lacking) = (node.Certificates, new List<OcspAnswer>(), new List<FetchRequest>());
        List<Certificate> chain = [own, .. Above(store, own)];
        foreach (var (certificate, issuer) in chain.Zip(chain.Skip(1)))
        {
            if (store.Revocation.StatusOf(certificate, issuer, store.NamedAuthorities.Values, store.OcspSigners, node.TimeOfDay(now), lacking) is { } answer)
                answers.Add(answer);
        }
        missing = [.. lacking];
        return answers;
    }

    /// <summary>OCSP responses of a peer's; what cannot be read says nothing.</summary>
    public static List<OcspAnswer> ReadStatus(IEnumerable<Blob> payloads)
    {
        var answers = new List<OcspAnswer>();
        foreach (var payload in payloads.Take(MaxAnswers))
        {
            if (OcspAnswer.TryRead(payload, out var answer, out _))
                answers.Add(answer);
        }
        return answers;
    }

    /// <summary>The end entity's certificate that the peer sent, else those that are known for this identity.</summary>
    public static IEnumerable<Certificate> Claimed(CertificateStore store, AuthenticationRound round, Identity peer, List<Certificate> sent) => sent.Count > 0
        ? [sent[0]] : round.Certificates.Concat(store.Certificates.Where(certificate => !certificate.IsAuthority)).Where(known => PeerNames.Has(known, peer)).Distinct();

    /// <summary>
    /// Why a certificate is not taken in a round, whatever it was proved by; null when it is. Of its status counts what is known already: nothing is fetched.
    /// </summary>
    public static string? WhyUntrusted(INode node, Instant now, AuthenticationRound round, Certificate certificate, List<Certificate> sent) =>
        Examine(node, now, round, certificate, null, sent, mayWait: false).Why;

    /// <summary>Trust, then what the remote section demands, then revocation.</summary>
    public static RevocationVerdict Examine(
        INode node, Instant now, AuthenticationRound round, Certificate certificate, SignatureScheme? scheme, List<Certificate> sent, bool mayWait, List<OcspAnswer>? told = null)
    {
        if (!round.Certificates.IsEmpty && !round.Certificates.Contains(certificate))
            return new($"certificate '{certificate.SubjectText}' is not among the 'certs' of the remote section", null, []);
        var (store, at) = (node.Certificates, node.TimeOfDay(now));
        var chain = Trust.Judge(certificate, sent.Concat(store.Authorities), store.Authorities.Concat(round.Authorities).Distinct(), round.Policies, at);
        // Who has loaded the certificate itself trusts it, whoever has signed it.
        var isKnown = store.Certificates.Contains(certificate) || round.Certificates.Contains(certificate);
        if (!chain.IsTrusted && !(isKnown && chain.LacksAnchor))
            return new(chain.Why, null, []);
        return WhyNot(round, certificate, scheme, chain.Chain) is { } why ? new(why, null, []) : store.Revocation.Judge(
            chain.IsTrusted ? chain.Chain : [certificate], round.Revocation, store.NamedAuthorities.Values, store.OcspSigners, at, mayWait, told);
    }

    /// <summary>What the remote section demands besides trust: <c>id = %NAME</c>, <c>auth</c>, <c>cacerts</c>, <c>ca_id</c>, <c>cert_policy</c>.</summary>
    static string? WhyNot(AuthenticationRound round, Certificate certificate, SignatureScheme? scheme, ImmutableArray<Certificate> chain)
    {
        var name = $"certificate '{certificate.SubjectText}'";
        if (round.CertifiedAs is { } wanted && !PeerNames.Has(certificate, wanted))
        {
            return $"{name} is not for '{wanted}', as 'id = %{wanted}' of the remote section wants: "
                + $"it is for {PeerNames.Text(certificate)}";
        }
        if (scheme is { } signs && round.Rules.WhyNotAuth(certificate.Key, signs) is { } auth)
            return auth;
        if (round.Rules.WhyNotChain(chain.IsEmpty ? [certificate] : chain) is { } signed)
            return signed;
        var above = chain.Skip(1).ToList();
        if (!round.Authorities.IsEmpty && !round.Authorities.Any(above.Contains))
            return $"the chain of {name} has none of the 'cacerts' of the remote section";
        if (round.AuthorityId is { } authority && !above.Any(one => PeerNames.Of(one).Any(id => authority.Fits(id) > 0)))
            return $"the chain of {name} has no authority that is '{authority}', as 'ca_id' of the remote section wants";
        return round.Policies.FirstOrDefault(policy => !certificate.HasPolicy(policy)) is { } missing
            ? $"{name} has not the policy {missing}, as 'cert_policy' of the remote section wants" : null;
    }
}
