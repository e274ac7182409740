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
/// One side of a key exchange: a private value from the dice, the public value that goes into the KE payload, and with the peer's the
/// shared secret g^ir. MODP: both as long as the prime (RFC 7296 section 3.4). ECP: x | y, the secret is x (RFC 5903). Curve25519: RFC
/// 8031. Dispose wipes the private value.
/// </summary>
public abstract class KeyExchange : IDisposable
{
    private protected KeyExchange(KeyExchangeMethod method, Secret privateValue) => (Method, PrivateValue) = (method, privateValue);

    public KeyExchangeMethod Method { get; }

    /// <summary>The data of our KE payload.</summary>
    public abstract Blob PublicValue { get; }

    private protected Secret PrivateValue { get; }

    public static bool IsSupported(KeyExchangeMethod method) => Libcrypto.IsLoaded && method is KeyExchangeMethod.Modp1024
        or KeyExchangeMethod.Modp1536 or KeyExchangeMethod.Modp2048 or KeyExchangeMethod.Modp3072 or KeyExchangeMethod.Modp4096 or KeyExchangeMethod.Modp6144 or KeyExchangeMethod.Modp8192
        or KeyExchangeMethod.Ecp256 or KeyExchangeMethod.Ecp384 or KeyExchangeMethod.Ecp521 or KeyExchangeMethod.Curve25519;

    /// <summary>Octets of the method's public values.</summary>
    public static int PublicLength(KeyExchangeMethod method) => method switch
    {
        KeyExchangeMethod.Modp1024 => 128,
        KeyExchangeMethod.Modp1536 => 192,
        KeyExchangeMethod.Modp2048 => 256,
        KeyExchangeMethod.Modp3072 => 384,
        KeyExchangeMethod.Modp4096 => 512,
        KeyExchangeMethod.Modp6144 => 768,
        KeyExchangeMethod.Modp8192 => 1024,
        KeyExchangeMethod.Ecp256 => 2 * 32,
        KeyExchangeMethod.Ecp384 => 2 * 48,
        KeyExchangeMethod.Ecp521 => 2 * 66,
        KeyExchangeMethod.Curve25519 => 32,
        _ => throw NotSupported(method),
    };

    /// <summary>A fresh private value. Asking for a method that is not supported is a bug.</summary>
    public static KeyExchange Start(KeyExchangeMethod method, Dice dice) => method switch
    {
        _ when !IsSupported(method) => throw NotSupported(method),
        KeyExchangeMethod.Curve25519 => new Curve25519Exchange(Secret.Random(Curve25519Exchange.Length, dice)),
        KeyExchangeMethod.Ecp256 or KeyExchangeMethod.Ecp384 or KeyExchangeMethod.Ecp521 => EcpExchange.Start(method, dice),
        _ => ModpExchange.Start(method, dice),
    };

    /// <summary>With a private value from outside, for published test vectors.</summary>
    internal static KeyExchange WithPrivateValue(KeyExchangeMethod method, ReadOnlySpan<byte> value) => method switch
    {
        KeyExchangeMethod.Curve25519 => new Curve25519Exchange(Secret.Copy(value)),
        KeyExchangeMethod.Ecp256 or KeyExchangeMethod.Ecp384 or KeyExchangeMethod.Ecp521 => new EcpExchange(method, Secret.Copy(value)),
        _ => new ModpExchange(method, Secret.Copy(value)),
    };

    /// <summary>The responder's whole side: a public value to answer with and the secret, or what is wrong with the peer's value.</summary>
    public static bool TryAnswer(
        KeyExchangeMethod method, Dice dice, ReadOnlySpan<byte> peerPublic,
        out Blob publicValue, [NotNullWhen(true)] out Secret? shared, out PublicValueFault fault)
    {
        using var own = Start(method, dice);
        publicValue = own.PublicValue;
        return own.TryDerive(peerPublic, out shared, out fault);
    }

    /// <summary>The shared secret with this peer's KE data, which the caller disposes; or false and what is wrong with the data.</summary>
    public bool TryDerive(ReadOnlySpan<byte> peerPublic, [NotNullWhen(true)] out Secret? shared, out PublicValueFault fault)
    {
        shared = null;
        fault = peerPublic.Length == PublicLength(Method) ? Derive(peerPublic, out shared) : PublicValueFault.WrongLength;
        return shared is not null;
    }

    public virtual void Dispose()
    {
        PrivateValue.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>With a public value of the right length; the secret is null exactly when there is a fault.</summary>
    private protected abstract PublicValueFault Derive(ReadOnlySpan<byte> peerPublic, out Secret? shared);

    private protected static NotSupportedException NotSupported(KeyExchangeMethod method) =>
        new($"{method.Name()} is not among the supported key exchanges");
}
