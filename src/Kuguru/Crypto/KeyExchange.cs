using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Crypto;

/// <summary>What is wrong with a public value from a peer (RFC 6989 section 2, RFC 8031 section 2).</summary>
public enum PublicValueFault
{
    None,

    /// <summary>Not as many octets as the method's public values have.</summary>
    WrongLength,

    /// <summary>MODP: not 1 &lt; y &lt; p-1. ECP: a coordinate not below p.</summary>
    OutOfRange,

    /// <summary>ECP: no point of the curve.</summary>
    NotOnCurve,

    /// <summary>Curve25519: the shared secret came out as zero.</summary>
    SmallOrder,
}

/// <summary>
/// One side of a key exchange: a private value from the dice, the public value that goes into the KE payload, and with the peer's the shared
/// secret g^ir. MODP: both as long as the prime (RFC 7296 section 3.4). ECP: x | y, the secret is x (RFC 5903). Curve25519: RFC 8031.
/// Dispose wipes the private value.
/// </summary>
public abstract class KeyExchange : IDisposable
{
    public abstract KeyExchangeMethod Method { get; }

    /// <summary>The data of our KE payload.</summary>
    public abstract Blob PublicValue { get; }

    public static bool IsSupported(KeyExchangeMethod method) => throw new NotImplementedException();

    /// <summary>Octets of the method's public values.</summary>
    public static int PublicLength(KeyExchangeMethod method) => throw new NotImplementedException();

    /// <summary>A fresh private value. Asking for a method that is not supported is a bug.</summary>
    public static KeyExchange Start(KeyExchangeMethod method, Dice dice) => throw new NotImplementedException();

    /// <summary>The responder's whole side: a public value to answer with and the shared secret, or what is wrong with the peer's value.</summary>
    public static bool TryAnswer(
        KeyExchangeMethod method, Dice dice, ReadOnlySpan<byte> peerPublic, out Blob publicValue, [NotNullWhen(true)] out Secret? shared, out PublicValueFault fault)
    {
        using var own = Start(method, dice);
        publicValue = own.PublicValue;
        return own.TryDerive(peerPublic, out shared, out fault);
    }

    /// <summary>The shared secret with this peer's KE data, which the caller disposes; or false and what is wrong with the data.</summary>
    public abstract bool TryDerive(ReadOnlySpan<byte> peerPublic, [NotNullWhen(true)] out Secret? shared, out PublicValueFault fault);

    public abstract void Dispose();
}
