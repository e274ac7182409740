namespace Kuguru.Crypto;

/// <summary>
/// An ENCR transform with its Key Length attribute in bits, which is 0 where the algorithm has one length only (NULL, 3DES,
/// ChaCha20-Poly1305).
/// Lengths are in octets and known for what <see cref="IsSupported"/>; asking them of anything else is a bug. Prints as charon's
/// <c>AES_GCM_16_128</c>.
/// </summary>
public readonly record struct Encryption(EncryptionAlgorithm Algorithm, int KeyBits)
{
    /// <summary>True when this room has it, with this key length. ChaCha20-Poly1305 with an explicit 256 too: some peers send it.</summary>
    public bool IsSupported => Algorithm switch
    {
        EncryptionAlgorithm.Null => KeyBits == 0,
        EncryptionAlgorithm.ChaCha20Poly1305 => Libcrypto.IsLoaded && KeyBits is 0 or 256,
        EncryptionAlgorithm.AesGcm16 => KeyBits is 128 or 192 or 256,
        EncryptionAlgorithm.TripleDes => KeyBits == 0 && Libcrypto.IsTripleDesThere,
        EncryptionAlgorithm.AesCbc or EncryptionAlgorithm.AesCtr => Libcrypto.IsLoaded && KeyBits is 128 or 192 or 256,
        _ => false,
    };

    /// <summary>Combined mode: brings its own ICV and takes no INTEG. Answers for every named algorithm.</summary>
    public bool IsAead => Algorithm is EncryptionAlgorithm.ChaCha20Poly1305
        or EncryptionAlgorithm.AesCcm8 or EncryptionAlgorithm.AesCcm12 or EncryptionAlgorithm.AesCcm16
        or EncryptionAlgorithm.AesGcm8 or EncryptionAlgorithm.AesGcm12 or EncryptionAlgorithm.AesGcm16 or EncryptionAlgorithm.NullAesGmac
        or EncryptionAlgorithm.CamelliaCcm8 or EncryptionAlgorithm.CamelliaCcm12 or EncryptionAlgorithm.CamelliaCcm16;

    /// <summary>The cipher's own key, without salt.</summary>
    public int CipherKeyLength => Algorithm switch
    {
        EncryptionAlgorithm.Null => 0,
        EncryptionAlgorithm.ChaCha20Poly1305 => 32,
        EncryptionAlgorithm.TripleDes => 24,
        _ => Known.KeyBits / 8,
    };

    /// <summary>The salt (RFC 4106, RFC 7634) or nonce (RFC 3686) that follows the key in KEYMAT and SK_e.</summary>
    public int SaltLength => Known.Algorithm switch
    {
        EncryptionAlgorithm.AesGcm16 or EncryptionAlgorithm.AesCtr or EncryptionAlgorithm.ChaCha20Poly1305 => 4,
        _ => 0,
    };

    /// <summary>What is taken from KEYMAT or SK_e: key and salt.</summary>
    public int KeyLength => CipherKeyLength + SaltLength;

    public int IvLength => Known.Algorithm switch
    {
        EncryptionAlgorithm.Null => 0,
        EncryptionAlgorithm.AesCbc => 16,
        _ => 8,
    };

    /// <summary>What the plaintext must be a multiple of, before ESP's own 4.</summary>
    public int BlockLength => Known.Algorithm switch
    {
        EncryptionAlgorithm.AesCbc => 16,
        EncryptionAlgorithm.TripleDes => 8,
        _ => 1,
    };

    /// <summary>The ICV of a combined mode; 0 where INTEG gives it.</summary>
    public int IcvLength => Known.IsAead ? 16 : 0;

    Encryption Known => IsSupported ? this : throw new NotSupportedException($"{this} is not among the supported ciphers");

    public override string ToString() => KeyBits == 0 ? Algorithm.Name() : $"{Algorithm.Name()}_{KeyBits}";
}

/// <summary>Lengths of INTEG, in octets (RFC 2403, RFC 2404, RFC 3566, RFC 4494, RFC 4868).</summary>
public static class Integrity
{
    public static bool IsSupported(this IntegrityAlgorithm algorithm) => algorithm switch
    {
        IntegrityAlgorithm.HmacSha1_96 or IntegrityAlgorithm.HmacSha2_256_128 or IntegrityAlgorithm.HmacSha2_384_192
            or IntegrityAlgorithm.HmacSha2_512_256 or IntegrityAlgorithm.AesXcbc96 or IntegrityAlgorithm.AesCmac96 => Libcrypto.IsLoaded,
        IntegrityAlgorithm.HmacMd5_96 => Libcrypto.IsMd5There,
        _ => false,
    };

    public static int KeyLength(this IntegrityAlgorithm algorithm) => algorithm switch
    {
        IntegrityAlgorithm.None => 0,
        IntegrityAlgorithm.HmacMd5_96 or IntegrityAlgorithm.AesXcbc96 or IntegrityAlgorithm.AesCmac96 => 16,
        IntegrityAlgorithm.HmacSha1_96 => 20,
        IntegrityAlgorithm.HmacSha2_256_128 => 32,
        IntegrityAlgorithm.HmacSha2_384_192 => 48,
        IntegrityAlgorithm.HmacSha2_512_256 => 64,
        _ => throw new NotSupportedException($"{algorithm.Name()} is not among the supported integrity algorithms"),
    };

    public static int IcvLength(this IntegrityAlgorithm algorithm) => algorithm switch
    {
        IntegrityAlgorithm.None => 0,
        IntegrityAlgorithm.HmacMd5_96 or IntegrityAlgorithm.HmacSha1_96 or IntegrityAlgorithm.AesXcbc96 or IntegrityAlgorithm.AesCmac96 => 12,
        IntegrityAlgorithm.HmacSha2_256_128 => 16,
        IntegrityAlgorithm.HmacSha2_384_192 => 24,
        IntegrityAlgorithm.HmacSha2_512_256 => 32,
        _ => throw new NotSupportedException($"{algorithm.Name()} is not among the supported integrity algorithms"),
    };
}
