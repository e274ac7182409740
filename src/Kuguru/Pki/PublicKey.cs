using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Kuguru.Pki;

/// <summary>A public key: RSA of 1024 to 8192 bits, ECDSA on P-256, P-384 or P-521, Ed25519. Equal by its SubjectPublicKeyInfo.</summary>
public sealed class PublicKey : IEquatable<PublicKey>
{
    const string RsaOid = "1.2.840.113549.1.1.1", EcOid = "1.2.840.10045.2.1", Ed25519Oid = "1.3.101.112";
    const int MinRsaBits = 1024, MaxRsaBits = 8192;

    /// <summary>Of an RSA exponent; almost all have 17. Long ones only cost time, and whoever sends the key chooses how much.</summary>
    const int MaxExponentBits = 64;

    readonly Blob _key;

    PublicKey(KeyKind kind, int bits, Blob info, Blob key) => (Kind, Bits, Info, _key) = (kind, bits, info, key);

    public KeyKind Kind { get; }
    public int Bits { get; }

    /// <summary>DER SubjectPublicKeyInfo.</summary>
    public Blob Info { get; }

    /// <summary>SHA-1 of <see cref="Info"/>: what CERTREQ names an authority by (RFC 7296 section 3.7), and the identity of a raw key.</summary>
    public Blob Fingerprint => Sha1(Info);

    /// <summary>SHA-1 of the key alone: what most certificates have as subjectKeyIdentifier (RFC 5280 section 4.2.1.2).</summary>
    public Blob KeyFingerprint => Sha1(_key);

    /// <summary>False, with the reason, for what is no SubjectPublicKeyInfo or a key of another kind.</summary>
    public static bool TryRead(ReadOnlySpan<byte> info, out PublicKey key, out string why)
    {
        key = null!;
        try
        {
            var sequence = new AsnReader(info.ToArray(), AsnEncodingRules.DER).ReadSequence();
            var identifier = sequence.ReadSequence();
            var oid = identifier.ReadObjectIdentifier();
            var bits = sequence.ReadBitString(out _);
            sequence.ThrowIfNotEmpty();
            var kind = oid switch { RsaOid => KeyKind.Rsa, EcOid => KeyKind.Ecdsa, Ed25519Oid => KeyKind.Ed25519, _ => (KeyKind?)null };
            var size = kind switch
            {
                KeyKind.Rsa => RsaBits(bits),
                // A curve may be given by its parameters instead.
                KeyKind.Ecdsa => identifier.HasData && identifier.PeekTag() == Asn1Tag.ObjectIdentifier ? CurveBits(identifier.ReadObjectIdentifier()) : 0,
                KeyKind.Ed25519 => bits.Length == Ed25519PublicKeyParameters.KeySize ? 256 : 0,
                _ => 0,
            };
            why = kind is null ? $"a public key of the algorithm {AlgorithmName(oid)} is not supported: RSA, ECDSA and Ed25519 are" : kind == KeyKind.Rsa && size == 0 ? $"an RSA key whose exponent has more than {MaxExponentBits} bits" : kind == KeyKind.Rsa ? $"an RSA key of {size} bits: {MinRsaBits} to {MaxRsaBits} are taken"
                : "its curve is not supported: P-256, P-384, P-521 and Ed25519 are";
            if (kind is null || size == 0 || (kind == KeyKind.Rsa && size is < MinRsaBits or > MaxRsaBits))
                return false;
            key = new(kind.Value, size, Blob.Copy(info), bits);
            return true;
        }
        catch (AsnContentException e)
        {
            why = $"not a public key: {e.Message}";
            return false;
        }
    }

    internal static bool IsKnown(string oid) => oid is RsaOid or EcOid or Ed25519Oid;

    /// <summary>What people call those that they may have; others by their number.</summary>
    internal static string AlgorithmName(string oid) => oid switch
    {
        "1.3.101.113" => "Ed448",
        "1.3.101.110" => "X25519, which does not sign,",
        "1.3.101.111" => "X448, which does not sign,",
        "1.2.840.113549.1.1.10" => "RSASSA-PSS (a key for that alone, where an RSA key would do)",
        "1.2.840.10040.4.1" => "DSA",
        _ => oid,
    };

    /// <summary>From a file: PEM or DER, SubjectPublicKeyInfo or PKCS#1.</summary>
    public static bool TryReadFile(ReadOnlySpan<byte> file, out PublicKey key, out string why)
    {
        var der = KeyFile.Decode(file, out _);
        if (TryRead(der, out key, out why))
            return true;
        using var rsa = RSA.Create();
        try
        {
            rsa.ImportRSAPublicKey(der, out _);
        }
        // Not PKCS#1 either.
        catch (CryptographicException)
        {
            return false;
        }
        return TryRead(rsa.ExportSubjectPublicKeyInfo(), out key, out why);
    }

    /// <summary>True when the signature is this key's over the data. A scheme for another kind of key is a false.</summary>
    public bool Verify(SignatureScheme scheme, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (scheme.Key != Kind)
            return false;
        try
        {
            return Kind switch
            {
                KeyKind.Rsa => VerifyRsa(scheme, data, signature),
                KeyKind.Ecdsa => VerifyEcdsa(scheme, data, signature),
                KeyKind.Ed25519 => VerifyEd25519(data, signature),
            };
        }
        // OpenSSL refuses keys and signatures that are none.
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>True when the signature is one of IKEv1 over the hash: see <see cref="PrivateKey.SignHash"/>.</summary>
    public bool VerifyHash(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        try
        {
            return Kind switch
            {
                KeyKind.Rsa => VerifyRsaHash(hash, signature),
                KeyKind.Ecdsa => VerifyEcdsaHash(hash, signature),
                KeyKind.Ed25519 => false,
            };
        }
        // OpenSSL refuses keys and signatures that are none.
        catch (CryptographicException)
        {
            return false;
        }
    }

    bool VerifyEcdsaHash(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Info, out _);
        return ecdsa.VerifyHash(hash, signature, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    bool VerifyRsaHash(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != (Bits + 7) / 8)
            return false;
        var r = new AsnReader(_key.ToArray(), AsnEncodingRules.DER).ReadSequence();
        var (modulus, exponent) = (r.ReadInteger(), r.ReadInteger());
        var value = new BigInteger(signature, isUnsigned: true, isBigEndian: true);
        if (value >= modulus)
            return false;
        // 00 | 01 | FF ... FF | 00 | hash, and not a bit else.
        var padded = new byte[signature.Length];
        padded.AsSpan(2, padded.Length - 3 - hash.Length).Fill(0xFF);
        padded[1] = 1;
        hash.CopyTo(padded.AsSpan(padded.Length - hash.Length));
        return BigInteger.ModPow(value, exponent, modulus) == new BigInteger(padded, isUnsigned: true, isBigEndian: true);
    }

    public bool Equals(PublicKey? other) => other is not null && Info == other.Info;
    public override bool Equals(object? obj) => Equals(obj as PublicKey);
    public override int GetHashCode() => Info.GetHashCode();

    /// <summary>Such as "RSA 2048".</summary>
    public override string ToString() => Kind switch { KeyKind.Rsa => $"RSA {Bits}", KeyKind.Ecdsa => $"ECDSA {Bits}", KeyKind.Ed25519 => "ED25519 256" };

    bool VerifyRsa(SignatureScheme scheme, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Info, out _);
        return rsa.VerifyData(data, signature, scheme.HashName, scheme.Form == SignatureForm.Pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
    }

    bool VerifyEcdsa(SignatureScheme scheme, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        var fixedLength = signature;
        if (scheme.Form == SignatureForm.Der)
        {
            var halves = new byte[2 * ((Bits + 7) / 8)];
            if (!TryReadDer(signature, halves))
                return false;
            fixedLength = halves;
        }
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Info, out _);
        return ecdsa.VerifyData(data, fixedLength, scheme.HashName, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    /// <summary>r and s of a DER sequence at fixed length. The platform would take other encodings of the same numbers, and so several signatures for one.</summary>
    static bool TryReadDer(ReadOnlySpan<byte> signature, Span<byte> halves)
    {
        try
        {
            var reader = new AsnReader(signature.ToArray(), AsnEncodingRules.DER);
            var sequence = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            var (r, s) = (sequence.ReadInteger(), sequence.ReadInteger());
            sequence.ThrowIfNotEmpty();
            return TryWrite(r, halves[..(halves.Length / 2)]) && TryWrite(s, halves[(halves.Length / 2)..]);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    static bool TryWrite(BigInteger number, Span<byte> field)
    {
        if (number.Sign <= 0 || number.GetByteCount(isUnsigned: true) > field.Length)
            return false;
        number.TryWriteBytes(field[^number.GetByteCount(isUnsigned: true)..], out _, isUnsigned: true, isBigEndian: true);
        return true;
    }

    bool VerifyEd25519(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        var verifier = new Ed25519Signer();
        verifier.Init(forSigning: false, new Ed25519PublicKeyParameters(_key.Span));
        verifier.BlockUpdate(data);
        return verifier.VerifySignature(signature.ToArray());
    }

    internal static DSASignatureFormat Format(SignatureScheme scheme) => scheme.Form == SignatureForm.Concatenated
        ? DSASignatureFormat.IeeeP1363FixedFieldConcatenation : DSASignatureFormat.Rfc3279DerSequence;

    static int RsaBits(byte[] key)
    {
        var sequence = new AsnReader(key, AsnEncodingRules.DER).ReadSequence();
        var (modulus, exponent) = (sequence.ReadInteger(), sequence.ReadInteger());
        return exponent.GetBitLength() <= MaxExponentBits ? (int)modulus.GetBitLength() : 0;
    }

    static int CurveBits(string oid) => oid switch { "1.2.840.10045.3.1.7" => 256, "1.3.132.0.34" => 384, "1.3.132.0.35" => 521, _ => 0 };

    // SHA-1 is what RFC 7296 and RFC 5280 name keys by; nothing rests on its strength.
#pragma warning disable CA5350
    static Blob Sha1(ReadOnlySpan<byte> bytes) => SHA1.HashData(bytes);
#pragma warning restore CA5350
}
