using System.Collections.Immutable;

namespace Kuguru.Crypto;

/// <summary>What this room can compute on this machine, in the order of the default proposals.</summary>
public static class Supported
{
    public static ImmutableArray<Encryption> Encryption { get; } =
    [
        .. new Encryption[]
        {
            new(EncryptionAlgorithm.AesGcm16, 128), new(EncryptionAlgorithm.AesGcm16, 192), new(EncryptionAlgorithm.AesGcm16, 256),
            new(EncryptionAlgorithm.ChaCha20Poly1305, 0),
            new(EncryptionAlgorithm.AesCbc, 128), new(EncryptionAlgorithm.AesCbc, 192), new(EncryptionAlgorithm.AesCbc, 256),
            new(EncryptionAlgorithm.AesCtr, 128), new(EncryptionAlgorithm.AesCtr, 192), new(EncryptionAlgorithm.AesCtr, 256),
            new(EncryptionAlgorithm.Null, 0),
        }.Where(e => e.IsSupported),
    ];

    public static ImmutableArray<IntegrityAlgorithm> Integrity { get; } =
    [
        .. new[]
        {
            IntegrityAlgorithm.HmacSha2_256_128, IntegrityAlgorithm.HmacSha2_384_192, IntegrityAlgorithm.HmacSha2_512_256,
            IntegrityAlgorithm.HmacSha1_96, IntegrityAlgorithm.AesXcbc96, IntegrityAlgorithm.AesCmac96,
        }.Where(i => i.IsSupported()),
    ];

    public static ImmutableArray<PseudoRandomFunction> Prf { get; } =
    [
        PseudoRandomFunction.HmacSha2_256, PseudoRandomFunction.HmacSha2_384, PseudoRandomFunction.HmacSha2_512,
        PseudoRandomFunction.HmacSha1,
        .. new[] { PseudoRandomFunction.Aes128Xcbc, PseudoRandomFunction.Aes128Cmac }.Where(Crypto.Prf.IsSupported),
    ];

    public static ImmutableArray<KeyExchangeMethod> KeyExchange { get; } =
    [
        .. new[]
        {
            KeyExchangeMethod.Ecp256, KeyExchangeMethod.Ecp384, KeyExchangeMethod.Ecp521, KeyExchangeMethod.Curve25519,
            KeyExchangeMethod.Modp3072, KeyExchangeMethod.Modp4096, KeyExchangeMethod.Modp6144, KeyExchangeMethod.Modp8192,
            KeyExchangeMethod.Modp2048,
        }.Where(Crypto.KeyExchange.IsSupported),
    ];

    // What only a proposal that names it uses; see Weakness.

    public static ImmutableArray<Encryption> WeakEncryption { get; } = [.. new Encryption[] { new(EncryptionAlgorithm.TripleDes, 0) }.Where(e => e.IsSupported)];

    public static ImmutableArray<IntegrityAlgorithm> WeakIntegrity { get; } = [.. new[] { IntegrityAlgorithm.HmacMd5_96 }.Where(i => i.IsSupported())];

    public static ImmutableArray<PseudoRandomFunction> WeakPrf { get; } = [.. new[] { PseudoRandomFunction.HmacMd5 }.Where(Crypto.Prf.IsSupported)];

    public static ImmutableArray<KeyExchangeMethod> WeakKeyExchange { get; } =
        [.. new[] { KeyExchangeMethod.Modp1536, KeyExchangeMethod.Modp1024 }.Where(Crypto.KeyExchange.IsSupported)];
}
