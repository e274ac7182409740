using System.Text.Json;
using Kuguru.Crypto;

namespace Kuguru.Tests.Crypto;

/// <summary>Dice that fall the same way in every run.</summary>
sealed class SeededDice(int seed) : Dice
{
    readonly Random _random = new(seed);

    public override void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
}

/// <summary>What the tests of this room start from.</summary>
static class Given
{
    public static readonly IntegrityAlgorithm[] Integrities =
    [
        IntegrityAlgorithm.HmacMd5_96, IntegrityAlgorithm.HmacSha1_96, IntegrityAlgorithm.HmacSha2_256_128,
        IntegrityAlgorithm.HmacSha2_384_192, IntegrityAlgorithm.HmacSha2_512_256,
        IntegrityAlgorithm.AesXcbc96, IntegrityAlgorithm.AesCmac96,
    ];

    /// <summary>Every ESP suite that is supported.</summary>
    public static IEnumerable<EspSuite> EspSuites =>
        from encryption in Supported.Encryption.Concat(Supported.WeakEncryption)
        from integrity in encryption.IsAead ? [IntegrityAlgorithm.None] : Integrities
        from esn in new[] { ExtendedSequenceNumbers.No, ExtendedSequenceNumbers.Yes }
        select new EspSuite(encryption, integrity, esn);

    /// <summary>Every combination of cipher and integrity that can protect IKE.</summary>
    public static IEnumerable<IkeSuite> IkeSuites =>
        from encryption in Supported.Encryption.Concat(Supported.WeakEncryption)
        where encryption.Algorithm != EncryptionAlgorithm.Null
        from integrity in encryption.IsAead ? [IntegrityAlgorithm.None] : Integrities
        select new IkeSuite(encryption, integrity, PseudoRandomFunction.HmacSha2_256, KeyExchangeMethod.Curve25519);

    public static EspKeys Keys(EspSuite suite, Dice dice) =>
        new(Secret.Random(suite.EncryptionKeyLength, dice), Secret.Random(suite.IntegrityKeyLength, dice));

    public static IEnumerable<JsonElement> Tests(JsonElement file) =>
        file.GetProperty("testGroups").EnumerateArray().SelectMany(g => g.GetProperty("tests").EnumerateArray());

    public static IEnumerable<JsonElement> Cases(JsonElement file) => file.GetProperty("vectors").EnumerateArray();

    public static byte[] Hex(this JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);
    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
