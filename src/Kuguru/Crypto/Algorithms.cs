namespace Kuguru.Crypto;

// The numbers of IANA's "Internet Key Exchange Version 2 (IKEv2) Parameters". What a stranger proposes may hold any number,
// also one without a name here; what this room can compute is what Supported lists.

/// <summary>IKEv2 transform type 1, ENCR.</summary>
public enum EncryptionAlgorithm : ushort
{
    DesIv64 = 1,
    Des = 2,
    TripleDes = 3,
    Rc5 = 4,
    Idea = 5,
    Cast = 6,
    Blowfish = 7,
    TripleIdea = 8,
    DesIv32 = 9,
    Null = 11,
    AesCbc = 12,
    AesCtr = 13,
    AesCcm8 = 14,
    AesCcm12 = 15,
    AesCcm16 = 16,
    AesGcm8 = 18,
    AesGcm12 = 19,
    AesGcm16 = 20,
    NullAesGmac = 21,
    CamelliaCbc = 23,
    CamelliaCtr = 24,
    CamelliaCcm8 = 25,
    CamelliaCcm12 = 26,
    CamelliaCcm16 = 27,
    ChaCha20Poly1305 = 28,
}

/// <summary>IKEv2 transform type 2, PRF.</summary>
public enum PseudoRandomFunction : ushort
{
    HmacMd5 = 1,
    HmacSha1 = 2,
    HmacTiger = 3,
    Aes128Xcbc = 4,
    HmacSha2_256 = 5,
    HmacSha2_384 = 6,
    HmacSha2_512 = 7,
    Aes128Cmac = 8,
}

/// <summary>IKEv2 transform type 3, INTEG. <see cref="None"/> goes with an AEAD cipher.</summary>
public enum IntegrityAlgorithm : ushort
{
    None = 0,
    HmacMd5_96 = 1,
    HmacSha1_96 = 2,
    DesMac = 3,
    KpdkMd5 = 4,
    AesXcbc96 = 5,
    HmacMd5_128 = 6,
    HmacSha1_160 = 7,
    AesCmac96 = 8,
    Aes128Gmac = 9,
    Aes192Gmac = 10,
    Aes256Gmac = 11,
    HmacSha2_256_128 = 12,
    HmacSha2_384_192 = 13,
    HmacSha2_512_256 = 14,
}

/// <summary>IKEv2 transform type 4, the key exchange method ("Diffie-Hellman group").</summary>
public enum KeyExchangeMethod : ushort
{
    None = 0,
    Modp768 = 1,
    Modp1024 = 2,
    Modp1536 = 5,
    Modp2048 = 14,
    Modp3072 = 15,
    Modp4096 = 16,
    Modp6144 = 17,
    Modp8192 = 18,
    Ecp256 = 19,
    Ecp384 = 20,
    Ecp521 = 21,
    Modp1024s160 = 22,
    Modp2048s224 = 23,
    Modp2048s256 = 24,
    Ecp192 = 25,
    Ecp224 = 26,
    Ecp224Bp = 27,
    Ecp256Bp = 28,
    Ecp384Bp = 29,
    Ecp512Bp = 30,
    Curve25519 = 31,
    Curve448 = 32,
    Gost256 = 33,
    Gost512 = 34,
    MlKem512 = 35,
    MlKem768 = 36,
    MlKem1024 = 37,
}

/// <summary>IKEv2 transform type 5, ESN: whether sequence numbers have 64 bits (of which 32 are sent).</summary>
public enum ExtendedSequenceNumbers : ushort
{
    No = 0,
    Yes = 1,
}
