using System.Collections.Immutable;

namespace Kuguru.Crypto;

/// <summary>What this room can compute on this machine, in the order of the default proposals.</summary>
public static class Supported
{
    public static ImmutableArray<Encryption> Encryption { get; } = [];
    public static ImmutableArray<IntegrityAlgorithm> Integrity { get; } = [];
    public static ImmutableArray<PseudoRandomFunction> Prf { get; } = [];
    public static ImmutableArray<KeyExchangeMethod> KeyExchange { get; } = [];
}
