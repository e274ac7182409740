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
    public static SignatureAuthenticator Instance { get; } = new();

    public override Failure? WhyNot(INode node, AuthenticationRound round, Identity local, Identity remote) =>
        Certification.Signer(node.Certificates, round, local, _ => false) is null ? Failures.NoPrivateKey(round, local) : null;

    /// <summary>What has to be fetched before we sign, for a peer that wants to know the status of our certificates.</summary>
    public static ImmutableArray<FetchRequest> MissingStatus(Turn t, Authentication a)
    {
        if (t.IsOutOfPatience || a.Ours is not { Kind: AuthenticationKind.PublicKey } || !GivesStatus(a) || Signer(t, a)?.Certificate is not { } own)
            return [];
        Certification.Status(t.Node, t.Now, own, out var missing);
        return missing;
    }

    static bool GivesStatus(Authentication a) => a.PeerAsks is { WantsStatus: true } && a.Connection.GivesStatus;

    static Signing? Signer(Turn t, Authentication a) =>
        Certification.Signer(t.Node.Certificates, a.Ours!, a.LocalId, authority => a.PeerAsks?.Authorities.Contains(authority.Key.Fingerprint) == true);

    public override Proof Prove(Turn t, Authentication a, Blob id)
    {
        var store = t.Node.Certificates;
        if (Signer(t, a) is not { } signer)
            return Proof.None(Failures.NoPrivateKey(a.Ours!, a.LocalId));
        if (AuthData.Choose(signer.Key.Public, a.Ours!.Rules, a.Init.PeerHashes, t.Settings.RsaPss) is not { } scheme)
            return Proof.None(Failures.NoCommonHash(signer.Key.Public, a.Ours!.Rules, a.Init.PeerHashes));
        var signature = signer.Key.Sign(scheme, a.OurOctets(id));
        var method = AuthData.MethodOf(scheme, negotiated: !a.Init.PeerHashes.IsEmpty);
        ImmutableArray<Payload> sent = [.. Certification.Sent(store, a.Connection, a.PeerAsks is not null, signer).Select(one => new Payload.Cert(CertEncoding.X509Signature, one.Der))];
        if (signer.Certificate is { } own && GivesStatus(a))
            sent = [.. sent, .. Certification.Status(t.Node, t.Now, own, out _).Select(answer => new Payload.Cert(CertEncoding.OcspContent, answer.Der))];
        return new(sent, new Payload.Auth(method, AuthData.Write(method, scheme, signature)), scheme.ToString(), null);
    }

    public override Verdict Judge(Turn t, Authentication a, AuthenticationRound round, Identity local, Blob id, IkeMessage message, Payload.Auth auth)
    {
        if (!AuthData.TryRead(auth, out var signed))
            return Verdict.Refused(Failures.UnknownSignature(a.RemoteId, auth));
        var sent = Certification.Read(message.All<Payload.Cert>().Where(cert => cert.Encoding == CertEncoding.X509Signature).Select(cert => cert.Data), out var bad);
        if (bad is not null)
            return Verdict.Refused(Failures.BadCertificate(a.RemoteId, bad));
        var told = a.Possible.Any(connection => connection.AsksForStatus && connection.Remote.Contains(round))
            ? Certification.ReadStatus(message.All<Payload.Cert>().Where(cert => cert.Encoding == CertEncoding.OcspContent).Select(cert => cert.Data)) : [];
        Failure? failure = null;
        var octets = a.TheirOctets(id);
        foreach (var key in round.PublicKeys.Concat(t.Node.Certificates.PublicKeys
            .Where(key => round.CertifiedAs is null && a.RemoteId == new Identity(IdType.KeyId, key.Fingerprint))))
        {
            if (AuthData.Verify(key, signed, octets) is not { } scheme)
                failure ??= Failures.WrongSignature(a.RemoteId, $"the {key} key that is configured for it", a.PpkDoubt);
            else if (round.Rules.WhyNotAuth(key, scheme) is { } why)
                failure ??= Failures.Untrusted(a.RemoteId, why);
            else
                return new(scheme.ToString(), null);
        }
        foreach (var certificate in Certification.Claimed(t.Node.Certificates, round, a.RemoteId, sent))
        {
            var verdict = Judge(t, a, round, certificate, signed, octets, sent, told);
            if (verdict.Failure is null || verdict.IsPending)
                return verdict;
            failure ??= verdict.Failure;
        }
        return Verdict.Refused(failure ?? Failures.NoCertificate(a.RemoteId));
    }

    static Verdict Judge(
        Turn t, Authentication a, AuthenticationRound round, Certificate certificate, SignedData signed, byte[] octets, List<Certificate> sent, List<OcspAnswer> told)
    {
        if (AuthData.Verify(certificate.Key, signed, octets) is not { } scheme)
            return Verdict.Refused(Failures.WrongSignature(a.RemoteId, $"the key of certificate '{certificate.SubjectText}'", a.PpkDoubt));
        if (!PeerNames.Has(certificate, a.RemoteId))
            return Verdict.Refused(Failures.OtherName(a.RemoteId, certificate, t.Sa.Verdict));
        var found = Certification.Examine(t.Node, t.Now, round, certificate, scheme, sent, mayWait: !t.IsOutOfPatience, told);
        if (!found.Missing.IsEmpty)
            return new("", null) { Missing = found.Missing };
        if (found.Why is { } why)
            return Verdict.Refused(Failures.Untrusted(a.RemoteId, why));
        if (found.Doubt is { } doubt)
            t.Note(Severity.Warning, Subject.Config, doubt);
        return new(scheme.ToString(), null);
    }
}
