namespace Kuguru.Crypto;

/// <summary>
/// A pseudo-random function of IKE, keyed with any number of octets (RFC 7296 section 2.13: all of ours are HMACs). Key length and output
/// length are the same. The data may come in parts, which are taken as one string.
/// </summary>
public sealed class Prf
{
    Prf(PseudoRandomFunction algorithm, int length) => (Algorithm, Length) = (algorithm, length);

    public PseudoRandomFunction Algorithm { get; }

    /// <summary>Octets of output, and of the preferred key (the length of SK_d, SK_pi and SK_pr).</summary>
    public int Length { get; }

    public static bool IsSupported(PseudoRandomFunction algorithm) => algorithm is PseudoRandomFunction.HmacSha1
        or PseudoRandomFunction.HmacSha2_256 or PseudoRandomFunction.HmacSha2_384 or PseudoRandomFunction.HmacSha2_512;

    /// <summary>Asking for one that is not supported is a bug.</summary>
    public static Prf Of(PseudoRandomFunction algorithm) => algorithm switch
    {
        PseudoRandomFunction.HmacSha1 => new(algorithm, 20),
        PseudoRandomFunction.HmacSha2_256 => new(algorithm, 32),
        PseudoRandomFunction.HmacSha2_384 => new(algorithm, 48),
        PseudoRandomFunction.HmacSha2_512 => new(algorithm, 64),
        _ => throw new NotSupportedException($"{algorithm.Name()} is not among the supported PRFs"),
    };

    /// <summary>prf(key, a | b | c | d), for values that are sent or compared (AUTH, cookies).</summary>
    public byte[] Compute(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default) =>
        throw new NotImplementedException();

    /// <summary>prf(key, a | b | c | d), for values that are keys.</summary>
    public Secret Derive(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default) =>
        throw new NotImplementedException();

    /// <summary>prf+(key, a | b | c | d), as many octets as wanted, up to 255 outputs.</summary>
    public Secret Plus(
        int length, ReadOnlySpan<byte> key, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b = default, ReadOnlySpan<byte> c = default, ReadOnlySpan<byte> d = default) =>
        throw new NotImplementedException();
}
