namespace Kuguru.Crypto;

/// <summary>
/// Group 2 of RFC 2409, groups 5 and 14 to 18 of RFC 3526, generator 2. The private exponent has the length that section 8 of the latter gives
/// for the stronger estimate, more than twice the group's strength. The prime is safe, so 1 &lt; y &lt; p-1 is all that RFC 6989 section 2.1 asks of a public value.
/// </summary>
sealed unsafe class ModpExchange : KeyExchange
{
    readonly nint _prime;

    public ModpExchange(KeyExchangeMethod method, Secret exponent) : base(method, exponent)
    {
        _prime = Prime(method);
        using var generator = BigNumber.New();
        Libcrypto.Check(Libcrypto.NumberSet(generator.Handle, 2), "BN_set_word");
        using var power = Power(generator);
        var bytes = new byte[PublicLength(method)];
        power.Write(bytes);
        PublicValue = bytes;
    }

    public override Blob PublicValue { get; }

    public static new ModpExchange Start(KeyExchangeMethod method, Dice dice)
    {
        var exponent = Secret.Random(ExponentLength(method), dice);
        exponent.Buffer[0] |= 0x80;
        return new(method, exponent);
    }

    private protected override PublicValueFault Derive(ReadOnlySpan<byte> peerPublic, out Secret? shared)
    {
        shared = null;
        using var y = BigNumber.Read(peerPublic);
        using var one = BigNumber.New();
        using var last = BigNumber.Copy(_prime);
        Libcrypto.Check(Libcrypto.NumberSet(one.Handle, 1), "BN_set_word");
        Libcrypto.Check(Libcrypto.NumberSubtract(last.Handle, 1), "BN_sub_word");
        if (!one.IsBelow(y.Handle) || !y.IsBelow(last.Handle))
            return PublicValueFault.OutOfRange;
        using var power = Power(y);
        shared = new Secret(peerPublic.Length);
        power.Write(shared.Buffer);
        return PublicValueFault.None;
    }

    BigNumber Power(BigNumber y)
    {
        using var exponent = BigNumber.Read(PrivateValue);
        using var scratch = new Scratch();
        var result = BigNumber.New();
        Libcrypto.Check(
            Libcrypto.NumberPower(result.Handle, y.Handle, exponent.Handle, _prime, scratch.Handle, 0), "BN_mod_exp_mont_consttime");
        return result;
    }

    static int ExponentLength(KeyExchangeMethod method) => method switch
    {
        KeyExchangeMethod.Modp1024 => 200 / 8,
        KeyExchangeMethod.Modp1536 => 240 / 8,
        KeyExchangeMethod.Modp2048 => 320 / 8,
        KeyExchangeMethod.Modp3072 => 424 / 8,
        KeyExchangeMethod.Modp4096 => 480 / 8,
        KeyExchangeMethod.Modp6144 => 544 / 8,
        KeyExchangeMethod.Modp8192 => 624 / 8,
        _ => throw NotSupported(method),
    };

    static nint Prime(KeyExchangeMethod method) => method switch
    {
        KeyExchangeMethod.Modp1024 => Primes.P1024,
        KeyExchangeMethod.Modp1536 => Primes.P1536,
        KeyExchangeMethod.Modp2048 => Primes.P2048,
        KeyExchangeMethod.Modp3072 => Primes.P3072,
        KeyExchangeMethod.Modp4096 => Primes.P4096,
        KeyExchangeMethod.Modp6144 => Primes.P6144,
        KeyExchangeMethod.Modp8192 => Primes.P8192,
        _ => throw NotSupported(method),
    };

    static class Primes
    {
        public static readonly nint P1024 = Libcrypto.ModpPrime("BN_get_rfc2409_prime_1024");
        public static readonly nint P1536 = Libcrypto.ModpPrime("BN_get_rfc3526_prime_1536");
        public static readonly nint P2048 = Libcrypto.ModpPrime("BN_get_rfc3526_prime_2048");
        public static readonly nint P3072 = Libcrypto.ModpPrime("BN_get_rfc3526_prime_3072");
        public static readonly nint P4096 = Libcrypto.ModpPrime("BN_get_rfc3526_prime_4096");
        public static readonly nint P6144 = Libcrypto.ModpPrime("BN_get_rfc3526_prime_6144");
        public static readonly nint P8192 = Libcrypto.ModpPrime("BN_get_rfc3526_prime_8192");
    }
}
