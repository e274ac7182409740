using System.Collections.Immutable;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

//  | ASN.1 Length  | AlgorithmIdentifier ASN.1 object  ... | signature value ... |              RFC 7427 section 3
//
// The older methods have the signature alone: RSA with PKCS#1 v1.5 (method 1, RFC 7296), ECDSA with r and s at fixed length (methods 9 to 11, RFC 4754).

/// <summary>A signature out of an AUTH payload, and the ways in which it may have been made.</summary>
readonly record struct SignedData(IReadOnlyList<SignatureScheme> Schemes, Blob Signature);

/// <summary>The body of an AUTH payload that has a signature.</summary>
static class AuthData
{
    /// <summary>Method 1 does not say which hash it is (RFC 7296 section 3.8): SHA-1 was what it had to be, and strongSwan takes others as well.</summary>
    static readonly SignatureScheme[] RsaSchemes =
    [
        SignatureScheme.Pkcs1(SignatureHash.Sha1), SignatureScheme.Pkcs1(SignatureHash.Sha256),
        SignatureScheme.Pkcs1(SignatureHash.Sha384), SignatureScheme.Pkcs1(SignatureHash.Sha512),
    ];

    /// <summary>False for what is not whole or names an algorithm that is not supported.</summary>
    public static bool TryRead(Payload.Auth auth, out SignedData signed)
    {
        signed = auth.Method switch
        {
            AuthMethod.RsaSignature => new(RsaSchemes, auth.Data),
            AuthMethod.EcdsaP256 => new([Concatenated(SignatureHash.Sha256)], auth.Data),
            AuthMethod.EcdsaP384 => new([Concatenated(SignatureHash.Sha384)], auth.Data),
            AuthMethod.EcdsaP521 => new([Concatenated(SignatureHash.Sha512)], auth.Data),
            AuthMethod.DigitalSignature => ReadIdentified(auth.Data),
            // Not called for others.
            _ => default,
        };
        return signed.Schemes is not null;
    }

    /// <summary>By which of its schemes it is a signature of this key; null for none.</summary>
    public static SignatureScheme? Verify(PublicKey key, SignedData signed, ReadOnlySpan<byte> octets)
    {
        foreach (var scheme in signed.Schemes)
        {
            // A curve goes with one of the methods 9 to 11.
            if (scheme.Form == SignatureForm.Concatenated && scheme != OldEcdsa(key))
                continue;
            if (key.Verify(scheme, octets, signed.Signature))
                return scheme;
        }
        return null;
    }

    /// <summary>
    /// How to sign: as the local section says, else as strong as the key (RFC 8247 section 3.2), with a hash that the peer can. Null when there is no such way.
    /// </summary>
    public static SignatureScheme? Choose(PublicKey key, SignatureRules rules, ImmutableArray<SignatureHash> hashes, bool rsaPss)
    {
        if (!rules.Kinds.IsEmpty && !rules.Kinds.Contains(key.Kind))
            return null;
        if (hashes.IsEmpty)
            return key.Kind switch { KeyKind.Rsa => SignatureScheme.Pkcs1(SignatureHash.Sha1), KeyKind.Ecdsa => OldEcdsa(key), KeyKind.Ed25519 => null };
        var schemes = rules.ForAuth.IsEmpty ? Preferred(key, rsaPss) : rules.ForAuth.Where(scheme => scheme.Key == key.Kind);
        return schemes.Where(scheme => hashes.Contains(scheme.Hash)).Select(scheme => (SignatureScheme?)scheme).FirstOrDefault();
    }

    static IEnumerable<SignatureScheme> Preferred(PublicKey key, bool rsaPss) => key.Kind switch
    {
        KeyKind.Rsa => Hashes(key.Bits <= 3072 ? 0 : key.Bits <= 7680 ? 1 : 2).Select(hash => rsaPss ? SignatureScheme.Pss(hash) : SignatureScheme.Pkcs1(hash)),
        KeyKind.Ecdsa => Hashes(key.Bits == 256 ? 0 : key.Bits == 384 ? 1 : 2).Select(SignatureScheme.Ecdsa),
        KeyKind.Ed25519 => [SignatureScheme.Ed25519],
    };

    public static AuthMethod MethodOf(SignatureScheme scheme, bool negotiated) => negotiated ? AuthMethod.DigitalSignature : scheme switch
    {
        { Key: KeyKind.Rsa } => AuthMethod.RsaSignature,
        { Hash: SignatureHash.Sha256 } => AuthMethod.EcdsaP256,
        { Hash: SignatureHash.Sha384 } => AuthMethod.EcdsaP384,
        _ => AuthMethod.EcdsaP521,
    };

    public static Blob Write(AuthMethod method, SignatureScheme scheme, byte[] signature) => method == AuthMethod.DigitalSignature
        ? (byte[])[(byte)scheme.Identifier.Length, .. scheme.Identifier.Span, .. signature] : signature;

    static SignedData ReadIdentified(Blob data)
    {
        var r = new WireReader(data);
        var identifier = r.Bytes(r.U8());
        var signature = r.Rest();
        return !r.Failed && SignatureScheme.Of(identifier) is { } scheme ? new([scheme], signature) : default;
    }

    static SignatureScheme OldEcdsa(PublicKey key) =>
        Concatenated(key.Bits == 256 ? SignatureHash.Sha256 : key.Bits == 384 ? SignatureHash.Sha384 : SignatureHash.Sha512);

    static SignatureScheme Concatenated(SignatureHash hash) => new(KeyKind.Ecdsa, hash, SignatureForm.Concatenated);

    static IEnumerable<SignatureHash> Hashes(int least)
    {
        SignatureHash[] all = [SignatureHash.Sha256, SignatureHash.Sha384, SignatureHash.Sha512];
        return all.Skip(least).Concat(all.Take(least).Reverse());
    }
}
