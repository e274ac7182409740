using System.Formats.Asn1;
using System.Security.Cryptography;
using Kuguru.Crypto;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Security;

namespace Kuguru.Pki;

/// <summary>
/// A private key that signs. RSA and ECDSA keys live inside OpenSSL; what OpenSSL needs of chance for a signature it takes itself. Dispose ends it.
/// </summary>
public abstract class PrivateKey : IDisposable
{
    PrivateKey(PublicKey publicKey) => Public = publicKey;

    public PublicKey Public { get; }

    /// <summary>The signature over the data; the scheme has to be one for this kind of key.</summary>
    public abstract byte[] Sign(SignatureScheme scheme, ReadOnlySpan<byte> data);

    /// <summary>
    /// The signature of IKEv1 over a hash: of RSA PKCS #1's padding and nothing that names the hash (RFC 2409 section 5.1), of ECDSA r and s one behind
    /// the other. No other keys have one.
    /// </summary>
    public virtual byte[] SignHash(ReadOnlySpan<byte> hash) => throw new InvalidOperationException($"{Public} is no RSA or ECDSA key");

    public abstract void Dispose();

    /// <summary>From DER: PKCS#8, PKCS#1 or SEC 1, none of them encrypted. The bytes stay the caller's. False with the reason, which never quotes the key.</summary>
    public static bool TryRead(ReadOnlySpan<byte> der, out PrivateKey key, out string why)
    {
        if (TryReadRsa(der, out key, out why) || TryReadEcdsa(der, out key, ref why) || TryReadEd25519(der, out key, ref why))
            return true;
        if (ReadAlgorithm(der) is { } oid && !PublicKey.IsKnown(oid))
            why = $"a private key of the algorithm {PublicKey.AlgorithmName(oid)} is not supported: RSA, ECDSA and Ed25519 are";
        return false;
    }

    /// <summary>Of a key in PKCS#8; null for what is none.</summary>
    static string? ReadAlgorithm(ReadOnlySpan<byte> der)
    {
        var copy = der.ToArray();
        try
        {
            var info = new AsnReader(copy, AsnEncodingRules.BER).ReadSequence();
            info.ReadInteger();
            return info.ReadSequence().ReadObjectIdentifier();
        }
        catch (AsnContentException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }

    static bool TryReadRsa(ReadOnlySpan<byte> der, out PrivateKey key, out string why)
    {
        key = null!;
        why = "not a private key in PKCS#8, PKCS#1 or SEC 1 form, or one with a passphrase";
        var rsa = RSA.Create();
        if (TryImport(rsa.ImportRSAPrivateKey, der) || TryImport(rsa.ImportPkcs8PrivateKey, der))
        {
            if (PublicKey.TryRead(rsa.ExportSubjectPublicKeyInfo(), out var publicKey, out why))
            {
                key = new Rsa(publicKey, rsa);
                return true;
            }
        }
        rsa.Dispose();
        return false;
    }

    static bool TryReadEcdsa(ReadOnlySpan<byte> der, out PrivateKey key, ref string why)
    {
        key = null!;
        var ecdsa = ECDsa.Create();
        if (TryImport(ecdsa.ImportECPrivateKey, der) || TryImport(ecdsa.ImportPkcs8PrivateKey, der))
        {
            if (PublicKey.TryRead(ecdsa.ExportSubjectPublicKeyInfo(), out var publicKey, out why))
            {
                key = new Ecdsa(publicKey, ecdsa);
                return true;
            }
        }
        ecdsa.Dispose();
        return false;
    }

    /// <summary>RFC 8410 section 7: an OCTET STRING inside the OCTET STRING.</summary>
    static bool TryReadEd25519(ReadOnlySpan<byte> der, out PrivateKey key, ref string why)
    {
        key = null!;
        var copy = der.ToArray();
        byte[]? outer = null, seed = null;
        try
        {
            var info = new AsnReader(copy, AsnEncodingRules.DER).ReadSequence();
            info.ReadInteger();
            if (info.ReadSequence().ReadObjectIdentifier() != "1.3.101.112")
                return false;
            outer = info.ReadOctetString();
            seed = new AsnReader(outer, AsnEncodingRules.DER).ReadOctetString();
            if (seed.Length != Ed25519PrivateKeyParameters.KeySize)
                return false;
            var parameters = new Ed25519PrivateKeyParameters(seed);
            if (!PublicKey.TryRead(Ed25519Info(parameters.GeneratePublicKey().GetEncoded()), out var publicKey, out why))
                return false;
            key = new Ed25519(publicKey, Secret.Copy(seed));
            return true;
        }
        catch (AsnContentException)
        {
            return false;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
            CryptographicOperations.ZeroMemory(outer);
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    static byte[] Ed25519Info(byte[] key)
    {
        var w = new AsnWriter(AsnEncodingRules.DER);
        using (w.PushSequence())
        {
            using (w.PushSequence())
                w.WriteObjectIdentifier("1.3.101.112");
            w.WriteBitString(key);
        }
        return w.Encode();
    }

    delegate void Import(ReadOnlySpan<byte> bytes, out int read);

    static bool TryImport(Import import, ReadOnlySpan<byte> der)
    {
        try
        {
            import(der, out _);
            return true;
        }
        // Another form, or a key of another kind.
        catch (CryptographicException)
        {
            return false;
        }
    }

    sealed class Rsa(PublicKey publicKey, RSA rsa) : PrivateKey(publicKey)
    {
        public override byte[] Sign(SignatureScheme scheme, ReadOnlySpan<byte> data) => rsa.SignData(
            data, scheme.HashName, scheme.Form == SignatureForm.Pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);

        public override byte[] SignHash(ReadOnlySpan<byte> hash)
        {
            var parameters = rsa.ExportParameters(includePrivateParameters: true);
            try
            {
                var encoding = new Pkcs1Encoding(new RsaBlindedEngine());
                encoding.Init(forEncryption: true, DotNetUtilities.GetRsaKeyPair(parameters).Private);
                return encoding.ProcessBlock(hash.ToArray(), 0, hash.Length);
            }
            finally
            {
                foreach (var part in (byte[]?[])[parameters.D, parameters.P, parameters.Q, parameters.DP, parameters.DQ, parameters.InverseQ])
                    CryptographicOperations.ZeroMemory(part);
            }
        }

        public override void Dispose() => rsa.Dispose();
    }

    sealed class Ecdsa(PublicKey publicKey, ECDsa ecdsa) : PrivateKey(publicKey)
    {
        public override byte[] Sign(SignatureScheme scheme, ReadOnlySpan<byte> data) => ecdsa.SignData(data, scheme.HashName, PublicKey.Format(scheme));

        public override byte[] SignHash(ReadOnlySpan<byte> hash) => ecdsa.SignHash(hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

        public override void Dispose() => ecdsa.Dispose();
    }

    sealed class Ed25519(PublicKey publicKey, Secret seed) : PrivateKey(publicKey)
    {
        public override byte[] Sign(SignatureScheme scheme, ReadOnlySpan<byte> data)
        {
            var signer = new Ed25519Signer();
            signer.Init(forSigning: true, new Ed25519PrivateKeyParameters(seed.Span));
            signer.BlockUpdate(data);
            return signer.GenerateSignature();
        }

        public override void Dispose() => seed.Dispose();
    }
}
