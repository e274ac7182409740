using System.Collections.Immutable;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>
/// Signatures by the keys of certificates or by keys that are known (RFC 7296 section 2.15, RFC 4754, RFC 7427, RFC 8420). The proof comes first, then the
/// name, then the trust, so that a message says which of them it was.
/// </summary>
sealed class SignatureAuthenticator : Authenticator
{
    /// <summary>More CERT payloads are refused unread: a chain is shorter.</summary>
    const int MaxCertificates = 16;

    public static SignatureAuthenticator Instance { get; } = new();

    public override Failure? WhyNot(INode node, AuthenticationRound round, Identity local, Identity remote) =>
        Signer(node.Certificates, round, local, null) is null ? Failures.NoPrivateKey(round, local) : null;

    public override Proof Prove(Turn t, Authentication a, Blob id)
    {
        var store = t.Node.Certificates;
        if (Signer(store, a.Ours!, a.LocalId, a.PeerAsks) is not { } signer)
            return Proof.None(Failures.NoPrivateKey(a.Ours!, a.LocalId));
        if (AuthData.Choose(signer.Key.Public, a.Ours!.Rules, a.Init.PeerHashes, t.Settings.RsaPss) is not { } scheme)
            return Proof.None(Failures.NoCommonHash(signer.Key.Public, a.Ours!.Rules, a.Init.PeerHashes));
        var signature = signer.Key.Sign(scheme, a.OurOctets(id));
        var method = AuthData.MethodOf(scheme, negotiated: !a.Init.PeerHashes.IsEmpty);
        return new(Sent(t, a, signer), new Payload.Auth(method, AuthData.Write(method, scheme, signature)), scheme.ToString(), null);
    }

    public override Verdict Judge(Turn t, Authentication a, AuthenticationRound round, Identity local, Blob id, IkeMessage message, Payload.Auth auth)
    {
        if (!AuthData.TryRead(auth, out var signed))
            return Verdict.Refused(Failures.UnknownSignature(a.RemoteId, auth));
        var sent = ReadCertificates(message, out var bad);
        if (bad is not null)
            return Verdict.Refused(Failures.BadCertificate(a.RemoteId, bad));
        Failure? failure = null;
        var octets = a.TheirOctets(id);
        foreach (var key in round.PublicKeys.Concat(t.Node.Certificates.PublicKeys.Where(key => a.RemoteId == new Identity(IdType.KeyId, key.Fingerprint))))
        {
            if (AuthData.Verify(key, signed, octets) is not { } scheme)
                failure ??= Failures.WrongSignature(a.RemoteId, $"the {key} key that is configured for it");
            else if (round.Rules.WhyNotAuth(key, scheme) is { } why)
                failure ??= Failures.Untrusted(a.RemoteId, why);
            else
                return new(scheme.ToString(), null);
        }
        foreach (var certificate in Claimed(t.Node.Certificates, round, a.RemoteId, sent))
        {
            var verdict = Judge(t, a, round, certificate, signed, octets, sent);
            if (verdict.Failure is null || verdict.IsPending)
                return verdict;
            failure ??= verdict.Failure;
        }
        return Verdict.Refused(failure ?? Failures.NoCertificate(a.RemoteId));
    }

    static Verdict Judge(
        Turn t, Authentication a, AuthenticationRound round, Certificate certificate, SignedData signed, byte[] octets, List<Certificate> sent)
    {
        if (AuthData.Verify(certificate.Key, signed, octets) is not { } scheme)
            return Verdict.Refused(Failures.WrongSignature(a.RemoteId, $"the key of certificate '{certificate.SubjectText}'"));
        if (!PeerNames.Has(certificate, a.RemoteId))
            return Verdict.Refused(Failures.OtherName(a.RemoteId, certificate));
        var found = Examine(t.Node, t.Now, round, certificate, scheme, sent, mayWait: !t.IsOutOfPatience);
        if (!found.Missing.IsEmpty)
            return new("", null) { Missing = found.Missing };
        if (found.Why is { } why)
            return Verdict.Refused(Failures.Untrusted(a.RemoteId, why));
        if (found.Doubt is { } doubt)
            t.Note(Severity.Warning, Subject.Config, doubt);
        return new(scheme.ToString(), null);
    }

    /// <summary>
    /// Why a certificate is not taken in a round, whatever it was proved by; null when it is. Of its status counts what is known already: nothing is fetched.
    /// </summary>
    internal static string? WhyUntrusted(INode node, Instant now, AuthenticationRound round, Certificate certificate, List<Certificate> sent) =>
        Examine(node, now, round, certificate, null, sent, mayWait: false).Why;

    /// <summary>Trust, then what the remote section demands, then revocation.</summary>
    static RevocationVerdict Examine(
        INode node, Instant now, AuthenticationRound round, Certificate certificate, SignatureScheme? scheme, List<Certificate> sent, bool mayWait)
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
            chain.IsTrusted ? chain.Chain : [certificate], round.Revocation, store.NamedAuthorities.Values, store.OcspSigners, at, mayWait);
    }

    /// <summary>What the remote section demands besides trust: <c>auth</c>, <c>cacerts</c>, <c>ca_id</c>, <c>cert_policy</c>.</summary>
    static string? WhyNot(AuthenticationRound round, Certificate certificate, SignatureScheme? scheme, ImmutableArray<Certificate> chain)
    {
        var name = $"certificate '{certificate.SubjectText}'";
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

    /// <summary>The end entity's certificate that the peer sent, else those that are known for this identity.</summary>
    static IEnumerable<Certificate> Claimed(CertificateStore store, AuthenticationRound round, Identity peer, List<Certificate> sent) => sent.Count > 0
        ? [sent[0]] : round.Certificates.Concat(store.Certificates.Where(certificate => !certificate.IsAuthority)).Where(known => PeerNames.Has(known, peer)).Distinct();

    static List<Certificate> ReadCertificates(IkeMessage message, out string? bad)
    {
        var result = new List<Certificate>();
        bad = null;
        foreach (var payload in message.All<Payload.Cert>().Where(cert => cert.Encoding == CertEncoding.X509Signature))
        {
            if (result.Count == MaxCertificates)
                bad = $"more than {MaxCertificates} certificates";
            else if (Certificate.TryRead(payload.Data, out var certificate, out var why))
                result.Add(certificate);
            else
                bad ??= $"certificate {result.Count + 1}: {why}";
        }
        return result;
    }

    /// <summary>The certificate that we prove ourselves by in a round, with those above it and its key; null when there is none.</summary>
    internal static (PrivateKey Key, ImmutableArray<Certificate> Chain)? Own(CertificateStore store, AuthenticationRound round, Identity local) =>
        Signer(store, round, local, null) is { Certificate: { } own } signer
            ? (signer.Key, [own, .. Above(store, own).Where(authority => !authority.IsSelfIssued)]) : null;

    readonly record struct Signing(PrivateKey Key, Certificate? Certificate);

    /// <summary>The first of the round's certificates or keys that we have the private key of, rather of an authority that the peer asks for; else one for the identity.</summary>
    static Signing? Signer(CertificateStore store, AuthenticationRound round, Identity local, CertificateRequest? asked)
    {
        var certificates = !round.Certificates.IsEmpty ? round.Certificates.AsEnumerable()
            : round.PublicKeys.IsEmpty ? store.Certificates.Where(certificate => PeerNames.Has(certificate, local)) : [];
        var usable = certificates.Select(certificate => (certificate, key: store.KeyFor(certificate.Key))).Where(pair => pair.key is not null)
            .OrderByDescending(pair => IsWished(store, pair.certificate, asked));
        foreach (var (certificate, key) in usable)
            return new(key!, certificate);
        foreach (var known in round.PublicKeys)
        {
            if (store.KeyFor(known) is { } key)
                return new(key, null);
        }
        return null;
    }

    static bool IsWished(CertificateStore store, Certificate certificate, CertificateRequest? asked) => asked is not null
        && Above(store, certificate).Any(authority => asked.Authorities.Contains(authority.Key.Fingerprint));

    /// <summary>The authorities above a certificate of ours, as far as they are known; whether they are trusted is the peer's to say.</summary>
    static IEnumerable<Certificate> Above(CertificateStore store, Certificate certificate)
    {
        for (var length = 1; length < Trust.MaxLength && !certificate.IsSelfIssued; length++)
        {
            var below = certificate;
            if (store.Certificates.FirstOrDefault(one => one.IsAuthority && one.Subject == below.Issuer) is not { } issuer)
                yield break;
            yield return issuer;
            certificate = issuer;
        }
    }

    static ImmutableArray<Payload> Sent(Turn t, Authentication a, Signing signer)
    {
        var wanted = a.Connection.SendCertificates switch
        {
            SendCertificates.IfAsked => a.PeerAsks is not null,
            SendCertificates.Always => true,
            SendCertificates.Never => false,
        };
        if (!wanted || signer.Certificate is not { } own)
            return [];
        var chain = Above(t.Node.Certificates, own).Where(authority => !authority.IsSelfIssued).Prepend(own);
        return [.. chain.Select(certificate => new Payload.Cert(CertEncoding.X509Signature, certificate.Der))];
    }
}
