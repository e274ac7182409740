using Kuguru.Crypto;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>
/// Lines of Wireshark's tables <c>ikev2_decryption_table</c>, <c>ikev1_decryption_table</c> and <c>esp_sa</c>, in the profile folder or after <c>tshark -o uat:</c>.
/// Null for algorithms that those tables have no name for.
/// </summary>
static class Wireshark
{
    /// <summary>SPIs, SK_ei, SK_er, cipher, SK_ai, SK_ar, integrity; keys with their salts.</summary>
    public static string? Ike(IkeSpi initiator, IkeSpi responder, IkeSuite suite, IkeKeys keys) =>
        IkeEncryption(suite.Encryption) is { } encryption && IkeIntegrity(suite.Integrity) is { } integrity
            ? $"{initiator},{responder},{Hex(keys.SkEi)},{Hex(keys.SkEr)},\"{encryption}\",{Hex(keys.SkAi)},{Hex(keys.SkAr)},\"{integrity}\""
            : null;

    /// <summary>The initiator's cookie and the key of the cipher; the algorithms are in the first messages.</summary>
    public static string IkeV1(IkeSpi initiator, Secret key) => $"{initiator},{Hex(key)}";

    /// <summary>One direction; of AH there is nothing to reveal. Addresses are left open, since what they are depends on which side of a NAT the capture was taken.</summary>
    public static string? Esp(bool isV6, Spi spi, ChildSuite child, EspKeys keys) =>
        child is EspSuite suite && EspEncryption(suite.Encryption) is { } encryption && EspIntegrity(suite.Integrity) is { } integrity
            ? $"\"{(isV6 ? "IPv6" : "IPv4")}\",\"*\",\"*\",\"0x{spi}\","
                + $"\"{encryption}\",\"{Key(keys.Encryption)}\",\"{integrity}\",\"{Key(keys.Integrity)}\""
            : null;

    static string? IkeEncryption(Encryption encryption) => encryption.Algorithm switch
    {
        EncryptionAlgorithm.TripleDes => "3DES [RFC2451]",
        EncryptionAlgorithm.AesCbc => $"AES-CBC-{encryption.KeyBits} [RFC3602]",
        EncryptionAlgorithm.AesCtr => $"AES-CTR-{encryption.KeyBits} [RFC5930]",
        EncryptionAlgorithm.AesGcm16 => $"AES-GCM-{encryption.KeyBits} with 16 octet ICV [RFC5282]",
        _ => null,
    };

    static string? IkeIntegrity(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.None => "NONE [RFC4306]",
        IntegrityAlgorithm.HmacMd5_96 => "HMAC_MD5_96 [RFC2403]",
        IntegrityAlgorithm.HmacSha1_96 => "HMAC_SHA1_96 [RFC2404]",
        IntegrityAlgorithm.HmacSha2_256_128 => "HMAC_SHA2_256_128 [RFC4868]",
        IntegrityAlgorithm.HmacSha2_384_192 => "HMAC_SHA2_384_192 [RFC4868]",
        IntegrityAlgorithm.HmacSha2_512_256 => "HMAC_SHA2_512_256 [RFC4868]",
        _ => null,
    };

    static string? EspEncryption(Encryption encryption) => encryption.Algorithm switch
    {
        EncryptionAlgorithm.Null => "NULL",
        EncryptionAlgorithm.TripleDes => "TripleDES-CBC [RFC2451]",
        EncryptionAlgorithm.AesCbc => "AES-CBC [RFC3602]",
        EncryptionAlgorithm.AesCtr => "AES-CTR [RFC3686]",
        EncryptionAlgorithm.AesGcm16 => "AES-GCM with 16 octet ICV [RFC4106]",
        _ => null,
    };

    static string? EspIntegrity(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.None => "NULL",
        IntegrityAlgorithm.HmacMd5_96 => "HMAC-MD5-96 [RFC2403]",
        IntegrityAlgorithm.HmacSha1_96 => "HMAC-SHA-1-96 [RFC2404]",
        IntegrityAlgorithm.HmacSha2_256_128 => "HMAC-SHA-256-128 [RFC4868]",
        IntegrityAlgorithm.HmacSha2_384_192 => "HMAC-SHA-384-192 [RFC4868]",
        IntegrityAlgorithm.HmacSha2_512_256 => "HMAC-SHA-512-256 [RFC4868]",
        _ => null,
    };

    static string Hex(Secret key) => Convert.ToHexStringLower(key);
    static string Key(Secret key) => key.IsEmpty ? "" : $"0x{Hex(key)}";
}
