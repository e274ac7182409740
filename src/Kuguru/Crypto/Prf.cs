using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// A pseudo-random function of IKE, keyed with any number of octets (RFC 7296 section 2.13: all of ours are HMACs). Key length and output
/// length are the same. The data may come in parts, which are taken as one string.
/// </summary>
public sealed class Prf
{
    readonly HashAlgorithmName _hash;

    Prf(PseudoRandomFunction algorithm, int length, HashAlgorithmName hash) => (Algorithm, Length, _hash) = (algorithm, length, hash);

    public PseudoRandomFunction Algorithm { get; }

    /// <summary>Octets of output, and of the preferred key (the length of SK_d, SK_pi and SK_pr).</summary>
    public int Length { get; }

    /// <summary>The hash that this is an HMAC of.</summary>
    public HashAlgorithmName HashName => _hash;

    public static bool IsSupported(PseudoRandomFunction algorithm) => algorithm is PseudoRandomFunction.HmacSha1
        or PseudoRandomFunction.HmacSha2_256 or PseudoRandomFunction.HmacSha2_384 or PseudoRandomFunction.HmacSha2_512;

    /// <summary>Asking for one that is not supported is a bug.</summary>
    public static Prf Of(PseudoRandomFunction algorithm) => algorithm switch
    {
        PseudoRandomFunction.HmacSha1 => new(algorithm, 20, HashAlgorithmName.SHA1),
        PseudoRandomFunction.HmacSha2_256 => new(algorithm, 32, HashAlgorithmName.SHA256),
        PseudoRandomFunction.HmacSha2_384 => new(algorithm, 48, HashAlgorithmName.SHA384),
        PseudoRandomFunction.HmacSha2_512 => new(algorithm, 64, HashAlgorithmName.SHA512),
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
        using var hmac = IncrementalHash.CreateHMAC(_hash, key);
        Append(hmac, a, b, c, d);
        var output = new Secret(Length);
        hmac.GetHashAndReset(output.Buffer);
        return output;
    }

    /// <summary>The hash that this is an HMAC of, over a | b | c | d: what IKEv1 negotiates, and makes IVs and NAT-D payloads with.</summary>
    public byte[] Hash(
        ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default)
    {
        using var hash = IncrementalHash.CreateHash(_hash);
        Append(hash, a, b, c, d);
        return hash.GetHashAndReset();
    }

    /// <summary>prf+(key, S) with S = a | b | c | d, as many octets as wanted, up to 255 outputs.</summary>
    public Secret Plus(
        int length, ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default)
    {
        // T1 = prf(K, S | 0x01), T2 = prf(K, T1 | S | 0x02), ...          RFC 7296 section 2.13
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, 255 * Length);
        using var hmac = IncrementalHash.CreateHMAC(_hash, key);
        using var block = new Secret(Length);
        var output = new Secret(length);
        for (var made = 0; made < length; made += Length)
        {
            if (made > 0)
                hmac.AppendData(block.Span);
            Append(hmac, a, b, c, d);
            hmac.AppendData([(byte)(made / Length + 1)]);
            hmac.GetHashAndReset(block.Buffer);
            block.Span[..Math.Min(Length, length - made)].CopyTo(output.Buffer[made..]);
        }
        return output;
    }

    static void Append(IncrementalHash hmac, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c, ReadOnlySpan<byte> d)
    {
        hmac.AppendData(a);
        hmac.AppendData(b);
        hmac.AppendData(c);
        hmac.AppendData(d);
    }

    public override string ToString() => Algorithm.Name();
}
