using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Kuguru.Crypto;

namespace Kuguru.Bench;

/// <summary>What one side of a key exchange costs: a fresh private value and, with the peer's public value, the secret.</summary>
public class KeyExchangeBenchmarks
{
    KeyExchange _own = null!;
    Blob _peer;

    [Params(
        KeyExchangeMethod.Curve25519, KeyExchangeMethod.Ecp256, KeyExchangeMethod.Ecp384,
        KeyExchangeMethod.Modp2048, KeyExchangeMethod.Modp4096)]
    public KeyExchangeMethod Method { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        _own = KeyExchange.Start(Method, new SystemDice());
        using var peer = KeyExchange.Start(Method, new SystemDice());
        _peer = peer.PublicValue;
    }

    [Benchmark]
    public Blob Start()
    {
        using var exchange = KeyExchange.Start(Method, new SystemDice());
        return exchange.PublicValue;
    }

    [Benchmark]
    public bool Derive()
    {
        var derived = _own.TryDerive(_peer, out var shared, out _);
        shared?.Dispose();
        return derived;
    }

    sealed class SystemDice : Dice
    {
        public override void Fill(Span<byte> bytes) => RandomNumberGenerator.Fill(bytes);
    }
}
