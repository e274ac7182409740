using Kuguru.Crypto;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>IKEv1's numbers for the algorithms of children (RFC 2407 sections 4.4.3, 4.4.4 and 4.5, RFC 3566, RFC 4868). Null is: it has none.</summary>
static class ChildNumbers
{
    public static IsakmpProtocol ProtocolOf(ChildSuite suite) => suite is AhSuite ? IsakmpProtocol.Ah : IsakmpProtocol.Esp;

    public static byte? TransformOf(ChildSuite suite) => suite switch
    {
        EspSuite esp => (byte?)TransformOf(esp.Encryption),
        AhSuite ah => (byte?)TransformOf(ah.Integrity),
        _ => null,
    };

    public static EspAuthentication? AuthenticationOf(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.HmacMd5_96 => EspAuthentication.HmacMd5,
        IntegrityAlgorithm.HmacSha1_96 => EspAuthentication.HmacSha1,
        IntegrityAlgorithm.HmacSha2_256_128 => EspAuthentication.HmacSha2_256,
        IntegrityAlgorithm.HmacSha2_384_192 => EspAuthentication.HmacSha2_384,
        IntegrityAlgorithm.HmacSha2_512_256 => EspAuthentication.HmacSha2_512,
        IntegrityAlgorithm.AesXcbc96 => EspAuthentication.AesXcbc,
        _ => null,
    };

    public static IntegrityAlgorithm? IntegrityOf(EspAuthentication authentication) => authentication switch
    {
        EspAuthentication.HmacMd5 => IntegrityAlgorithm.HmacMd5_96,
        EspAuthentication.HmacSha1 => IntegrityAlgorithm.HmacSha1_96,
        EspAuthentication.HmacSha2_256 => IntegrityAlgorithm.HmacSha2_256_128,
        EspAuthentication.HmacSha2_384 => IntegrityAlgorithm.HmacSha2_384_192,
        EspAuthentication.HmacSha2_512 => IntegrityAlgorithm.HmacSha2_512_256,
        EspAuthentication.AesXcbc => IntegrityAlgorithm.AesXcbc96,
        _ => null,
    };

    public static EncryptionAlgorithm? AlgorithmOf(EspTransform transform) => transform switch
    {
        EspTransform.Null => EncryptionAlgorithm.Null,
        EspTransform.TripleDes => EncryptionAlgorithm.TripleDes,
        EspTransform.AesCbc => EncryptionAlgorithm.AesCbc,
        EspTransform.AesCtr => EncryptionAlgorithm.AesCtr,
        EspTransform.AesGcm16 => EncryptionAlgorithm.AesGcm16,
        _ => null,
    };

    static EspTransform? TransformOf(Encryption encryption) => encryption.Algorithm switch
    {
        EncryptionAlgorithm.Null => EspTransform.Null,
        EncryptionAlgorithm.TripleDes => EspTransform.TripleDes,
        EncryptionAlgorithm.AesCbc => EspTransform.AesCbc,
        EncryptionAlgorithm.AesCtr => EspTransform.AesCtr,
        EncryptionAlgorithm.AesGcm16 => EspTransform.AesGcm16,
        // ChaCha20-Poly1305 has no number in IKEv1.
        _ => null,
    };

    static AhTransform? TransformOf(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.HmacMd5_96 => AhTransform.Md5,
        IntegrityAlgorithm.HmacSha1_96 => AhTransform.Sha,
        IntegrityAlgorithm.HmacSha2_256_128 => AhTransform.Sha2_256,
        IntegrityAlgorithm.HmacSha2_384_192 => AhTransform.Sha2_384,
        IntegrityAlgorithm.HmacSha2_512_256 => AhTransform.Sha2_512,
        IntegrityAlgorithm.AesXcbc96 => AhTransform.AesXcbc,
        // AES-CMAC has no number in IKEv1.
        _ => null,
    };
}
