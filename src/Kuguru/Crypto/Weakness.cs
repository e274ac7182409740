namespace Kuguru.Crypto;

/// <summary>
/// What is there for routers and phones that have nothing better, and only for proposals that name it: 3DES (blocks of 64 bits, RFC 8429), MD5 (RFC 6151),
/// MODP groups below 2048 bits (RFC 8247). By <see cref="AlgorithmNames"/>.
/// </summary>
public static class Weakness
{
    public static IEnumerable<string> Of(IkeSuite suite) =>
        [.. Of(suite.Encryption), .. Of(suite.Prf), .. Of(suite.KeyExchange)];

    public static IEnumerable<string> Of(ChildSuite suite, KeyExchangeMethod exchange) =>
        [.. suite is EspSuite esp ? Of(esp.Encryption) : [], .. suite.Integrity == IntegrityAlgorithm.HmacMd5_96 ? [suite.Integrity.Name()] : (string[])[], .. Of(exchange)];

    static IEnumerable<string> Of(Encryption encryption) => encryption.Algorithm == EncryptionAlgorithm.TripleDes ? [encryption.Algorithm.Name()] : [];
    static IEnumerable<string> Of(PseudoRandomFunction prf) => prf == PseudoRandomFunction.HmacMd5 ? [prf.Name()] : [];

    static IEnumerable<string> Of(KeyExchangeMethod method) =>
        method is KeyExchangeMethod.Modp1024 or KeyExchangeMethod.Modp1536 ? [method.Name()] : [];
}
