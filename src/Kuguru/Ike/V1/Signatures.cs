using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Pki;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>The peer asks for our certificate, of one of these authorities (their names) if there are any.</summary>
sealed record CertificateWish(ImmutableArray<Blob> Authorities);

/// <summary>
/// How an identity is proved in phase 1: by HASH_I or HASH_R itself, or by a signature of it as it is, without saying which hash that is (RFC 2409 section 5.1).
/// ECDSA is tied to the hash of its curve (RFC 4754): the proof is then made with the HMAC of that hash, whatever was agreed for the rest.
/// </summary>
static class Signatures
{
    /// <summary>More authorities are not named: the message would not fit.</summary>
    const int MaxAuthorities = 16;

    /// <summary>The method of a connection in which at least one side signs; null when IKEv1 has none.</summary>
    public static OakleyMethod? Method(INode node, Connection connection, Path path, bool initiator)
    {
        var (weSign, peerSigns) = (SignsIn(connection.Local), SignsIn(connection.Remote));
        var (weAreAsked, peerIsAsked) = (PhaseOne.HasXauth(connection.Local), PhaseOne.HasXauth(connection.Remote));
        return (weSign, peerSigns, weAreAsked, peerIsAsked) switch
        {
            (true, true, false, false) => Plain(node, connection, path),
            (true, true, true, false) => initiator ? OakleyMethod.XauthInitRsa : OakleyMethod.XauthRespRsa,
            (true, true, false, true) => initiator ? OakleyMethod.XauthRespRsa : OakleyMethod.XauthInitRsa,
            (false, true, true, false) when IsXauthOnly(connection.Local) => initiator ? OakleyMethod.HybridInitRsa : OakleyMethod.HybridRespRsa,
            (true, false, false, true) when IsXauthOnly(connection.Remote) => initiator ? OakleyMethod.HybridRespRsa : OakleyMethod.HybridInitRsa,
            _ => null,
        };
    }

    /// <summary>CERTREQ, where the peer is going to sign (RFC 2408 section 3.10): one for each authority that we trust.</summary>
    public static IEnumerable<Payload> Ask(INode node, Connection connection, OakleyMethod method, bool weAreInitiator)
    {
        if (!Methods.Signs(method, !weAreInitiator) || !connection.AskForCertificates)
            return [];
        var round = PhaseOne.Proving(connection.Remote);
        var authorities = (round.Authorities.IsEmpty ? node.Certificates.Authorities : round.Authorities).Select(authority => authority.Subject).Distinct();
        return authorities.Take(MaxAuthorities).DefaultIfEmpty(Blob.Empty).Select(name => new Payload.CertReq(CertificateKind.X509Signature, name));
    }

    public static CertificateWish? Wish(IsakmpMessage message)
    {
        var asked = message.All<Payload.CertReq>().Where(request => request.Kind == CertificateKind.X509Signature).ToList();
        return asked.Count == 0 ? null : new([.. asked.Select(request => request.Authority)]);
    }

    /// <summary>Our proof; or why there is none.</summary>
    public static Failure? Prove(
        Turn t, Keying keying, Agreed agreed, Connection connection, Identity local, Payload.ID id, CertificateWish? wish, out ImmutableArray<Payload> proof)
    {
        var hash = keying.Prove(t.Sa.IsInitiator, agreed.Offer, id.Body(), PrfOf(agreed.Choice.Method));
        proof = [new Payload.Hash(hash)];
        if (!Methods.Signs(agreed.Choice.Method, t.Sa.IsInitiator))
            return null;
        var store = t.Node.Certificates;
        if (Certification.Signer(store, PhaseOne.Proving(connection.Local), local, authority => wish?.Authorities.Contains(authority.Subject) == true) is not { } signer)
            return Failures.NoPrivateKey(local);
        if (KindOf(agreed.Choice.Method) != signer.Key.Public.Kind)
            return Failures.OtherKey(local, signer.Key.Public, agreed.Choice.Method);
        var certificates = Certification.Sent(store, connection, wish is not null, signer)
            .Select(Payload (certificate) => new Payload.Cert(CertificateKind.X509Signature, certificate.Der));
        proof = [.. certificates, new Payload.Signature(signer.Key.SignHash(hash))];
        return null;
    }

    /// <summary>A hash that proves is right, so that the message is what the peer has sent; signatures say so later.</summary>
    public static bool IsWhole(Turn t, Keying keying, Agreed agreed, Payload.ID id, IsakmpMessage message) =>
        Methods.Signs(agreed.Choice.Method, !t.Sa.IsInitiator)
        || (message.Find<Payload.Hash>() is { } hash && Keying.IsSame(keying.Prove(!t.Sa.IsInitiator, agreed.Offer, id.Body()), hash.Data));

    /// <summary>Null when the peer is who it says.</summary>
    public static Failure? Verify(Turn t, Keying keying, Agreed agreed, Connection connection, Identity peer, Payload.ID id, IsakmpMessage message)
    {
        var method = agreed.Choice.Method;
        var expected = keying.Prove(!t.Sa.IsInitiator, agreed.Offer, id.Body(), PrfOf(method));
        if (!Methods.Signs(method, !t.Sa.IsInitiator))
            return message.Find<Payload.Hash>() is { } hash && Keying.IsSame(expected, hash.Data)
                ? null : Failures.WrongProof(peer, t.Sa.Path, Methods.IsSharedKey(method));
        if (message.Find<Payload.Signature>() is not { } signature)
            return Failures.WrongProof(peer, t.Sa.Path, sharedKey: false);
        var sent = Certification.Read(message.All<Payload.Cert>().Where(cert => cert.Kind == CertificateKind.X509Signature).Select(cert => cert.Data), out var bad);
        if (bad is not null)
            return Failures.BadCertificate(peer, bad);
        var round = PhaseOne.Proving(connection.Remote);
        if (round.PublicKeys.Any(key => IsSignature(key, method, expected, signature.Data)))
            return null;
        Failure? failure = null;
        foreach (var certificate in Certification.Claimed(t.Node.Certificates, round, peer, sent))
        {
            var why = !IsSignature(certificate.Key, method, expected, signature.Data) ? Failures.WrongProof(peer, t.Sa.Path, sharedKey: false)
                : !PeerNames.Has(certificate, peer) ? Failures.OtherName(peer, certificate)
                : Certification.WhyUntrusted(t.Node, t.Now, round, certificate, sent) is { } untrusted ? Failures.BadCertificate(peer, untrusted) : null;
            if (why is null)
                return null;
            failure ??= why;
        }
        return failure ?? Failures.BadCertificate(peer, "it sent no certificate, and none is loaded that names it; set 'send_cert = always' there");
    }

    static bool IsSignature(PublicKey key, OakleyMethod method, byte[] hash, Blob signature) => key.Kind == KindOf(method)
        && (key.Kind == KeyKind.Rsa || MethodOf(key) == method) && key.VerifyHash(hash, signature);

    static bool SignsIn(ImmutableArray<AuthenticationRound> rounds) => rounds.Any(round => round.Kind == AuthenticationKind.PublicKey);

    static bool IsXauthOnly(ImmutableArray<AuthenticationRound> rounds) => rounds.All(round => round.Kind == AuthenticationKind.Xauth);

    /// <summary>By the key that we sign with: the peer has to have one of the same kind.</summary>
    static OakleyMethod? Plain(INode node, Connection connection, Path path) =>
        Certification.Signer(node.Certificates, PhaseOne.Proving(connection.Local), PhaseOne.LocalId(connection, path), _ => false) is { } signer
            ? MethodOf(signer.Key.Public) : OakleyMethod.RsaSignatures;

    static OakleyMethod? MethodOf(PublicKey key) => key.Kind switch
    {
        KeyKind.Rsa => OakleyMethod.RsaSignatures,
        KeyKind.Ecdsa => key.Bits switch { 256 => OakleyMethod.EcdsaP256, 384 => OakleyMethod.EcdsaP384, _ => OakleyMethod.EcdsaP521 },
        KeyKind.Ed25519 => null,
    };

    static KeyKind KindOf(OakleyMethod method) => method is OakleyMethod.EcdsaP256 or OakleyMethod.EcdsaP384 or OakleyMethod.EcdsaP521 ? KeyKind.Ecdsa : KeyKind.Rsa;

    static Prf? PrfOf(OakleyMethod method) => method switch
    {
        OakleyMethod.EcdsaP256 => Prf.Of(PseudoRandomFunction.HmacSha2_256),
        OakleyMethod.EcdsaP384 => Prf.Of(PseudoRandomFunction.HmacSha2_384),
        OakleyMethod.EcdsaP521 => Prf.Of(PseudoRandomFunction.HmacSha2_512),
        _ => null,
    };
}
