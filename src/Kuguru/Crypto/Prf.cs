using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// A pseudo-random function of IKE, keyed with any number of octets (RFC 7296 section 2.13): an HMAC, or a MAC of AES. Output and preferred key
/// have the same length. The data may come in parts, which are taken as one string.
/// </summary>
public abstract class Prf
{
    private protected Prf(PseudoRandomFunction algorithm, int length) => (Algorithm, Length) = (algorithm, length);

    public PseudoRandomFunction Algorithm { get; }

    /// <summary>Octets of output, and of the preferred key (the length of SK_d, SK_pi and SK_pr).</summary>
    public int Length { get; }

    /// <summary>The hash that this is an HMAC of, which is what IKEv1 negotiates. A MAC of AES has none: asking it is a bug.</summary>
    public virtual HashAlgorithmName HashName => throw new NotSupportedException($"{this} is made of no hash");

    /// <summary>How much of each nonce makes SKEYSEED: all, but for the two PRFs of AES, which take 64 bits (RFC 7296 section 2.14).</summary>
    public virtual int SeedNonceLength => int.MaxValue;

    public static bool IsSupported(PseudoRandomFunction algorithm) => algorithm switch
    {
        PseudoRandomFunction.HmacSha1 or PseudoRandomFunction.HmacSha2_256 or PseudoRandomFunction.HmacSha2_384 or PseudoRandomFunction.HmacSha2_512 => true,
        PseudoRandomFunction.Aes128Xcbc or PseudoRandomFunction.Aes128Cmac => Libcrypto.IsLoaded,
        PseudoRandomFunction.HmacMd5 => Libcrypto.IsMd5There,
        _ => false,
    };

    /// <summary>Asking for one that is not supported is a bug.</summary>
    public static Prf Of(PseudoRandomFunction algorithm) => algorithm switch
    {
        PseudoRandomFunction.HmacMd5 when IsSupported(algorithm) => new HmacPrf(algorithm, 16, HashAlgorithmName.MD5),
        PseudoRandomFunction.HmacSha1 => new HmacPrf(algorithm, 20, HashAlgorithmName.SHA1),
        PseudoRandomFunction.HmacSha2_256 => new HmacPrf(algorithm, 32, HashAlgorithmName.SHA256),
        PseudoRandomFunction.HmacSha2_384 => new HmacPrf(algorithm, 48, HashAlgorithmName.SHA384),
        PseudoRandomFunction.HmacSha2_512 => new HmacPrf(algorithm, 64, HashAlgorithmName.SHA512),
        PseudoRandomFunction.Aes128Xcbc => new AesPrf(algorithm, padsShortKeys: true, key => new XcbcContext(key, XcbcContext.Length)),
        PseudoRandomFunction.Aes128Cmac => new AesPrf(algorithm, padsShortKeys: false, key => new CmacContext(key, CmacContext.Length)),
        _ => throw new NotSupportedException($"{algorithm.Name()} is not among the supported PRFs"),
    };

    /// <summary>prf(key, a | b | c | d), for values that are sent or compared (AUTH, cookies).</summary>
    public byte[] Compute(
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default)
    {
        using var output = Derive(key, a, b, c, d);
        return output.Span.ToArray();
    }

    /// <summary>prf(key, a | b | c | d), for values that are keys.</summary>
    public Secret Derive(
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default)
    {
        using var keyed = Key(key);
        keyed.Append(a, b, c, d);
        var output = new Secret(Length);
        keyed.Finish(output.Buffer);
        return output;
    }

    /// <summary>The hash that this is an HMAC of, over a | b | c | d: what IKEv1 negotiates, and makes IVs and NAT-D payloads with.</summary>
    public byte[] Hash(
        ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default)
    {
        using var hash = IncrementalHash.CreateHash(HashName);
        hash.AppendData(a);
        hash.AppendData(b);
        hash.AppendData(c);
        hash.AppendData(d);
        return hash.GetHashAndReset();
    }

    /// <summary>prf+(key, S) with S = a | b | c | d, as many octets as wanted, up to 255 outputs.</summary>
    public Secret Plus(
        int length, ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default)
    {
        // T1 = prf(K, S | 0x01), T2 = prf(K, T1 | S | 0x02), ...          RFC 7296 section 2.13
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 255 * Length);
        using var keyed = Key(key);
        using var block = new Secret(Length);
        var output = new Secret(length);
        for (var made = 0; made < length; made += Length)
        {
            if (made > 0)
                keyed.Append(block.Span);
            keyed.Append(a, b, c, d);
            keyed.Append([(byte)(made / Length + 1)]);
            keyed.Finish(block.Buffer);
            block.Span[..Math.Min(Length, length - made)].CopyTo(output.Buffer[made..]);
        }
        return output;
    }

    public sealed override string ToString() => Algorithm.Name();

    private protected abstract KeyedPrf Key(ReadOnlySpan<byte> key);
}

/// <summary>A PRF with its key. Finishing begins anew.</summary>
abstract class KeyedPrf : IDisposable
{
    public abstract void Append(ReadOnlySpan<byte> part);
    public abstract void Finish(Span<byte> output);
    public abstract void Dispose();

    public void Append(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c, ReadOnlySpan<byte> d)
    {
        Append(a);
        Append(b);
        Append(c);
        Append(d);
    }
}

sealed class HmacPrf(PseudoRandomFunction algorithm, int length, HashAlgorithmName hash) : Prf(algorithm, length)
{
    public override HashAlgorithmName HashName => hash;

    private protected override KeyedPrf Key(ReadOnlySpan<byte> key) => new Keyed(IncrementalHash.CreateHMAC(hash, key));

    sealed class Keyed(IncrementalHash hmac) : KeyedPrf
    {
        public override void Append(ReadOnlySpan<byte> part) => hmac.AppendData(part);
        public override void Finish(Span<byte> output) => hmac.GetHashAndReset(output);
        public override void Dispose() => hmac.Dispose();
    }
}

/// <summary>PRF_AES128_XCBC (RFC 4434) and PRF_AES128_CMAC (RFC 4615): a key that is not 16 octets long is made so first.</summary>
sealed class AesPrf(PseudoRandomFunction algorithm, bool padsShortKeys, Func<Secret, IntegrityContext> mac) : Prf(algorithm, KeyLength)
{
    const int KeyLength = 16;

    public override int SeedNonceLength => 8;

    private protected override KeyedPrf Key(ReadOnlySpan<byte> key)
    {
        using var fitting = Fit(key);
        return new Keyed(mac(fitting));
    }

    /// <summary>XCBC pads what is too short with zeros; for the rest a key of zeros is taken over the key.</summary>
    Secret Fit(ReadOnlySpan<byte> key)
    {
        var fitting = new Secret(KeyLength);
        if (key.Length == KeyLength || (key.Length < KeyLength && padsShortKeys))
            key.CopyTo(fitting.Buffer);
        else
        {
            using var ofZeros = mac(fitting);
            ofZeros.Compute(key, default, fitting.Buffer);
        }
        return fitting;
    }

    sealed class Keyed : KeyedPrf
    {
        readonly IntegrityContext _mac;

        public Keyed(IntegrityContext mac)
        {
            _mac = mac;
            mac.Begin();
        }

        public override void Append(ReadOnlySpan<byte> part) => _mac.Append(part);

        public override void Finish(Span<byte> output)
        {
            _mac.Finish(output);
            _mac.Begin();
        }

        public override void Dispose() => _mac.Dispose();
    }
}
