namespace Kuguru.Crypto;

/// <summary>
/// The names by which charon prints algorithms in its log and over VICI (<c>AES_GCM_16</c>, <c>HMAC_SHA2_256_128</c>,
/// <c>PRF_HMAC_SHA2_256</c>, <c>CURVE_25519</c>); a number without a name prints as <c>(1234)</c>.
/// </summary>
public static class AlgorithmNames
{
    public static string Name(this EncryptionAlgorithm algorithm) => !Enum.IsDefined(algorithm) ? $"({(int)algorithm})" : algorithm switch
    {
        EncryptionAlgorithm.DesIv64 => "DES_IV64",
        EncryptionAlgorithm.Des => "DES_CBC",
        EncryptionAlgorithm.TripleDes => "3DES_CBC",
        EncryptionAlgorithm.Rc5 => "RC5_CBC",
        EncryptionAlgorithm.Idea => "IDEA_CBC",
        EncryptionAlgorithm.Cast => "CAST_CBC",
        EncryptionAlgorithm.Blowfish => "BLOWFISH_CBC",
        EncryptionAlgorithm.TripleIdea => "3IDEA",
        EncryptionAlgorithm.DesIv32 => "DES_IV32",
        EncryptionAlgorithm.Null => "NULL",
        EncryptionAlgorithm.AesCbc => "AES_CBC",
        EncryptionAlgorithm.AesCtr => "AES_CTR",
        EncryptionAlgorithm.AesCcm8 => "AES_CCM_8",
        EncryptionAlgorithm.AesCcm12 => "AES_CCM_12",
        EncryptionAlgorithm.AesCcm16 => "AES_CCM_16",
        EncryptionAlgorithm.AesGcm8 => "AES_GCM_8",
        EncryptionAlgorithm.AesGcm12 => "AES_GCM_12",
        EncryptionAlgorithm.AesGcm16 => "AES_GCM_16",
        EncryptionAlgorithm.NullAesGmac => "NULL_AES_GMAC",
        EncryptionAlgorithm.CamelliaCbc => "CAMELLIA_CBC",
        EncryptionAlgorithm.CamelliaCtr => "CAMELLIA_CTR",
        EncryptionAlgorithm.CamelliaCcm8 => "CAMELLIA_CCM_8",
        EncryptionAlgorithm.CamelliaCcm12 => "CAMELLIA_CCM_12",
        EncryptionAlgorithm.CamelliaCcm16 => "CAMELLIA_CCM_16",
        EncryptionAlgorithm.ChaCha20Poly1305 => "CHACHA20_POLY1305",
    };

    public static string Name(this PseudoRandomFunction prf) => !Enum.IsDefined(prf) ? $"({(int)prf})" : prf switch
    {
        PseudoRandomFunction.HmacMd5 => "PRF_HMAC_MD5",
        PseudoRandomFunction.HmacSha1 => "PRF_HMAC_SHA1",
        PseudoRandomFunction.HmacTiger => "PRF_HMAC_TIGER",
        PseudoRandomFunction.Aes128Xcbc => "PRF_AES128_XCBC",
        PseudoRandomFunction.HmacSha2_256 => "PRF_HMAC_SHA2_256",
        PseudoRandomFunction.HmacSha2_384 => "PRF_HMAC_SHA2_384",
        PseudoRandomFunction.HmacSha2_512 => "PRF_HMAC_SHA2_512",
        PseudoRandomFunction.Aes128Cmac => "PRF_AES128_CMAC",
    };

    public static string Name(this IntegrityAlgorithm algorithm) => !Enum.IsDefined(algorithm) ? $"({(int)algorithm})" : algorithm switch
    {
        IntegrityAlgorithm.None => "NONE",
        IntegrityAlgorithm.HmacMd5_96 => "HMAC_MD5_96",
        IntegrityAlgorithm.HmacSha1_96 => "HMAC_SHA1_96",
        IntegrityAlgorithm.DesMac => "DES_MAC",
        IntegrityAlgorithm.KpdkMd5 => "KPDK_MD5",
        IntegrityAlgorithm.AesXcbc96 => "AES_XCBC_96",
        IntegrityAlgorithm.HmacMd5_128 => "HMAC_MD5_128",
        IntegrityAlgorithm.HmacSha1_160 => "HMAC_SHA1_160",
        IntegrityAlgorithm.AesCmac96 => "AES_CMAC_96",
        IntegrityAlgorithm.Aes128Gmac => "AES_128_GMAC",
        IntegrityAlgorithm.Aes192Gmac => "AES_192_GMAC",
        IntegrityAlgorithm.Aes256Gmac => "AES_256_GMAC",
        IntegrityAlgorithm.HmacSha2_256_128 => "HMAC_SHA2_256_128",
        IntegrityAlgorithm.HmacSha2_384_192 => "HMAC_SHA2_384_192",
        IntegrityAlgorithm.HmacSha2_512_256 => "HMAC_SHA2_512_256",
    };

    public static string Name(this KeyExchangeMethod method) => !Enum.IsDefined(method) ? $"({(int)method})" : method switch
    {
        KeyExchangeMethod.None => "KE_NONE",
        KeyExchangeMethod.Modp768 => "MODP_768",
        KeyExchangeMethod.Modp1024 => "MODP_1024",
        KeyExchangeMethod.Modp1536 => "MODP_1536",
        KeyExchangeMethod.Modp2048 => "MODP_2048",
        KeyExchangeMethod.Modp3072 => "MODP_3072",
        KeyExchangeMethod.Modp4096 => "MODP_4096",
        KeyExchangeMethod.Modp6144 => "MODP_6144",
        KeyExchangeMethod.Modp8192 => "MODP_8192",
        KeyExchangeMethod.Ecp256 => "ECP_256",
        KeyExchangeMethod.Ecp384 => "ECP_384",
        KeyExchangeMethod.Ecp521 => "ECP_521",
        KeyExchangeMethod.Modp1024s160 => "MODP_1024_160",
        KeyExchangeMethod.Modp2048s224 => "MODP_2048_224",
        KeyExchangeMethod.Modp2048s256 => "MODP_2048_256",
        KeyExchangeMethod.Ecp192 => "ECP_192",
        KeyExchangeMethod.Ecp224 => "ECP_224",
        KeyExchangeMethod.Ecp224Bp => "ECP_224_BP",
        KeyExchangeMethod.Ecp256Bp => "ECP_256_BP",
        KeyExchangeMethod.Ecp384Bp => "ECP_384_BP",
        KeyExchangeMethod.Ecp512Bp => "ECP_512_BP",
        KeyExchangeMethod.Curve25519 => "CURVE_25519",
        KeyExchangeMethod.Curve448 => "CURVE_448",
        KeyExchangeMethod.Gost256 => "GOST3410_256",
        KeyExchangeMethod.Gost512 => "GOST3410_512",
        KeyExchangeMethod.MlKem512 => "ML_KEM_512",
        KeyExchangeMethod.MlKem768 => "ML_KEM_768",
        KeyExchangeMethod.MlKem1024 => "ML_KEM_1024",
    };

    public static string Name(this ExtendedSequenceNumbers esn) => !Enum.IsDefined(esn) ? $"({(int)esn})" : esn switch
    {
        ExtendedSequenceNumbers.No => "NO_EXT_SEQ",
        ExtendedSequenceNumbers.Yes => "EXT_SEQ",
    };
}
