using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Kuguru.Pki;

/// <summary>What kind of key signs.</summary>
public enum KeyKind { Rsa, Ecdsa, Ed25519 }

/// <summary>
/// The hash inside a signature. Identity is none: Ed25519 takes the message whole. MD5 and SHA-224 only stand in certificates, never in AUTH.
/// </summary>
public enum SignatureHash { Md5, Sha1, Sha224, Sha256, Sha384, Sha512, Identity }

/// <summary>How hash and key become a signature.</summary>
public enum SignatureForm
{
    /// <summary>RSASSA-PKCS1-v1_5.</summary>
    Pkcs1,

    /// <summary>RSASSA-PSS, salt as long as the hash, MGF1 with the same hash.</summary>
    Pss,

    /// <summary>ECDSA, r and s in a DER sequence (RFC 7427 appendix A.3).</summary>
    Der,

    /// <summary>ECDSA, r and s at fixed length one after the other (RFC 4754 section 7).</summary>
    Concatenated,

    /// <summary>Ed25519 (RFC 8420).</summary>
    Pure,
}

/// <summary>One way to sign.</summary>
public readonly record struct SignatureScheme(KeyKind Key, SignatureHash Hash, SignatureForm Form)
{
    const string Sha1Oid = "1.3.14.3.2.26", Sha256Oid = "2.16.840.1.101.3.4.2.1", Sha384Oid = "2.16.840.1.101.3.4.2.2", Sha512Oid = "2.16.840.1.101.3.4.2.3";

    public static SignatureScheme Pkcs1(SignatureHash hash) => new(KeyKind.Rsa, hash, SignatureForm.Pkcs1);
    public static SignatureScheme Pss(SignatureHash hash) => new(KeyKind.Rsa, hash, SignatureForm.Pss);
    public static SignatureScheme Ecdsa(SignatureHash hash) => new(KeyKind.Ecdsa, hash, SignatureForm.Der);
    public static SignatureScheme Ed25519 { get; } = new(KeyKind.Ed25519, SignatureHash.Identity, SignatureForm.Pure);

    /// <summary>Those that may stand behind an AlgorithmIdentifier in AUTH (RFC 7427, RFC 8420).</summary>
    public static ImmutableArray<SignatureScheme> All { get; } =
    [
        Pkcs1(SignatureHash.Sha256), Pkcs1(SignatureHash.Sha384), Pkcs1(SignatureHash.Sha512), Pkcs1(SignatureHash.Sha1),
        Pss(SignatureHash.Sha256), Pss(SignatureHash.Sha384), Pss(SignatureHash.Sha512),
        Ecdsa(SignatureHash.Sha256), Ecdsa(SignatureHash.Sha384), Ecdsa(SignatureHash.Sha512), Ecdsa(SignatureHash.Sha1),
        Ed25519,
    ];

    static readonly ImmutableArray<(Blob Identifier, SignatureScheme Scheme)> Identifiers =
        [.. All.SelectMany(scheme => scheme.Encodings().Select(identifier => (identifier, scheme)))];

    /// <summary>The DER AlgorithmIdentifier that we send.</summary>
    public Blob Identifier => Encodings().First();

    /// <summary>The scheme that a DER AlgorithmIdentifier names; null when it is none of ours. Parameters that may be left out may be there or not.</summary>
    public static SignatureScheme? Of(ReadOnlySpan<byte> identifier)
    {
        foreach (var (known, scheme) in Identifiers)
        {
            if (known.Span.SequenceEqual(identifier))
                return scheme;
        }
        return null;
    }

    /// <summary>Those that only certificates are signed with: by OID, since parameters do not matter.</summary>
    public static SignatureScheme? OfCertificate(ReadOnlySpan<byte> identifier, string oid) => Of(identifier) ?? oid switch
    {
        "1.2.840.113549.1.1.4" => Pkcs1(SignatureHash.Md5),
        "1.2.840.113549.1.1.14" => Pkcs1(SignatureHash.Sha224),
        "1.2.840.10045.4.3.1" => Ecdsa(SignatureHash.Sha224),
        _ => null,
    };

    public HashAlgorithmName HashName => Hash switch
    {
        SignatureHash.Md5 => HashAlgorithmName.MD5,
        SignatureHash.Sha1 => HashAlgorithmName.SHA1,
        SignatureHash.Sha224 => new HashAlgorithmName("SHA224"),
        SignatureHash.Sha256 => HashAlgorithmName.SHA256,
        SignatureHash.Sha384 => HashAlgorithmName.SHA384,
        SignatureHash.Sha512 => HashAlgorithmName.SHA512,
        SignatureHash.Identity => throw new InvalidOperationException("Ed25519 hashes nothing beforehand"),
    };

    /// <summary>As charon's log names it: RSA_EMSA_PKCS1_SHA2_256, ECDSA_WITH_SHA384_DER, ED25519.</summary>
    public override string ToString() => Form switch
    {
        SignatureForm.Pkcs1 => $"RSA_EMSA_PKCS1_{HashText(Hash)}",
        SignatureForm.Pss => $"RSA_EMSA_PSS_{HashText(Hash)}_SALT_{HashLength(Hash)}",
        SignatureForm.Der => $"ECDSA_WITH_{HashText(Hash).Replace("SHA2_", "SHA", StringComparison.Ordinal)}_DER",
        SignatureForm.Concatenated => $"ECDSA-{(Hash == SignatureHash.Sha512 ? 521 : HashLength(Hash) * 8)}",
        SignatureForm.Pure => "ED25519",
    };

    static string HashText(SignatureHash hash) => hash switch
    {
        SignatureHash.Md5 => "MD5",
        SignatureHash.Sha1 => "SHA1",
        SignatureHash.Sha224 => "SHA2_224",
        SignatureHash.Sha256 => "SHA2_256",
        SignatureHash.Sha384 => "SHA2_384",
        SignatureHash.Sha512 => "SHA2_512",
        SignatureHash.Identity => "IDENTITY",
    };

    /// <summary>Octets of a hash.</summary>
    static int HashLength(SignatureHash hash) => hash switch
    {
        SignatureHash.Md5 => 16,
        SignatureHash.Sha1 => 20,
        SignatureHash.Sha224 => 28,
        SignatureHash.Sha256 => 32,
        SignatureHash.Sha384 => 48,
        SignatureHash.Sha512 => 64,
        SignatureHash.Identity => 0,
    };

    /// <summary>The DER AlgorithmIdentifiers in use for this scheme, ours first.</summary>
    IEnumerable<Blob> Encodings()
    {
        var hash = Hash;
        return Form switch
        {
            SignatureForm.Pkcs1 => [Plain(PkcsOid(hash), withNull: true), Plain(PkcsOid(hash), withNull: false)],
            SignatureForm.Pss => [Pss(hash, true, false), Pss(hash, true, true), Pss(hash, false, false), Pss(hash, false, true)],
            SignatureForm.Der => [Plain(EcdsaOid(hash), withNull: false)],
            SignatureForm.Concatenated => [],
            SignatureForm.Pure => [Plain("1.3.101.112", withNull: false)],
        };
    }

    static Blob Plain(string oid, bool withNull)
    {
        var w = new AsnWriter(AsnEncodingRules.DER);
        WriteIdentifier(w, oid, withNull);
        return w.Encode();
    }

    static Blob Pss(SignatureHash hash, bool withNulls, bool withTrailer)
    {
        var w = new AsnWriter(AsnEncodingRules.DER);
        using (w.PushSequence())
        {
            w.WriteObjectIdentifier("1.2.840.113549.1.1.10");
            using var parameters = w.PushSequence();
            using (w.PushSequence(Tagged(0)))
                WriteIdentifier(w, HashOid(hash), withNulls);
            using (w.PushSequence(Tagged(1)))
            using (w.PushSequence())
            {
                w.WriteObjectIdentifier("1.2.840.113549.1.1.8");
                WriteIdentifier(w, HashOid(hash), withNulls);
            }
            using (w.PushSequence(Tagged(2)))
                w.WriteInteger(HashLength(hash));
            if (withTrailer)
            {
                using (w.PushSequence(Tagged(3)))
                    w.WriteInteger(1);
            }
        }
        return w.Encode();
    }

    static void WriteIdentifier(AsnWriter w, string oid, bool withNull)
    {
        using var sequence = w.PushSequence();
        w.WriteObjectIdentifier(oid);
        if (withNull)
            w.WriteNull();
    }

    static Asn1Tag Tagged(int number) => new(TagClass.ContextSpecific, number, isConstructed: true);

    static string HashOid(SignatureHash hash) => hash switch
    {
        SignatureHash.Sha1 => Sha1Oid,
        SignatureHash.Sha256 => Sha256Oid,
        SignatureHash.Sha384 => Sha384Oid,
        SignatureHash.Sha512 => Sha512Oid,
        SignatureHash.Md5 or SignatureHash.Sha224 or SignatureHash.Identity => throw new InvalidOperationException($"no signature in AUTH has {hash}"),
    };

    static string PkcsOid(SignatureHash hash) => "1.2.840.113549.1.1." + hash switch
    {
        SignatureHash.Sha1 => "5",
        SignatureHash.Sha256 => "11",
        SignatureHash.Sha384 => "12",
        SignatureHash.Sha512 => "13",
        SignatureHash.Md5 or SignatureHash.Sha224 or SignatureHash.Identity => throw new InvalidOperationException($"no signature in AUTH has {hash}"),
    };

    static string EcdsaOid(SignatureHash hash) => hash switch
    {
        SignatureHash.Sha1 => "1.2.840.10045.4.1",
        SignatureHash.Sha256 => "1.2.840.10045.4.3.2",
        SignatureHash.Sha384 => "1.2.840.10045.4.3.3",
        SignatureHash.Sha512 => "1.2.840.10045.4.3.4",
        SignatureHash.Md5 or SignatureHash.Sha224 or SignatureHash.Identity => throw new InvalidOperationException($"no signature in AUTH has {hash}"),
    };
}
