using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// An INTEG algorithm, keyed once. What the ICV covers comes in parts, which are taken as one string: <see cref="Begin"/>,
/// <see cref="Append"/> as often as needed, then one of the ends. Not thread-safe; no allocation.
/// </summary>
abstract unsafe class IntegrityContext : NativeContext
{
    const int LongestOutput = 64;

    private protected IntegrityContext(nint handle, int icvLength) : base(handle) => IcvLength = icvLength;

    public int IcvLength { get; }

    public static IntegrityContext Create(IntegrityAlgorithm algorithm, ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, algorithm.KeyLength());
        return algorithm switch
        {
            IntegrityAlgorithm.AesXcbc96 => new XcbcContext(key, algorithm.IcvLength()),
            IntegrityAlgorithm.AesCmac96 => new CmacContext(key, algorithm.IcvLength()),
            _ => HmacContext.Create(algorithm, key),
        };
    }

    public abstract void Begin();
    public abstract void Append(ReadOnlySpan<byte> part);

    /// <summary>The ICV over all parts.</summary>
    [SkipLocalsInit]
    public void Finish(Span<byte> icv)
    {
        Span<byte> full = stackalloc byte[LongestOutput];
        End(full);
        full[..IcvLength].CopyTo(icv);
    }

    /// <summary>Whether this is the ICV over all parts; compared in constant time.</summary>
    [SkipLocalsInit]
    public bool FinishMatches(ReadOnlySpan<byte> icv)
    {
        Span<byte> full = stackalloc byte[LongestOutput];
        End(full);
        return CryptographicOperations.FixedTimeEquals(full[..IcvLength], icv);
    }

    /// <summary>The ICV over both parts.</summary>
    public void Compute(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, Span<byte> icv)
    {
        Begin();
        Append(a);
        Append(b);
        Finish(icv);
    }

    /// <summary>Whether this is the ICV over both parts.</summary>
    public bool Matches(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> icv)
    {
        Begin();
        Append(a);
        Append(b);
        return FinishMatches(icv);
    }

    /// <summary>Writes the whole output, of which an ICV is the beginning.</summary>
    private protected abstract void End(Span<byte> full);
}

/// <summary>HMAC; the inner and outer pads are hashed at creation and only copied per packet (RFC 2404, RFC 4868).</summary>
sealed unsafe class HmacContext : IntegrityContext
{
    HmacContext(nint handle, int icvLength) : base(handle, icvLength) { }

    public static new HmacContext Create(IntegrityAlgorithm algorithm, ReadOnlySpan<byte> key)
    {
        var digest = algorithm switch
        {
            IntegrityAlgorithm.HmacMd5_96 when Libcrypto.IsMd5There => Algorithms.Md5,
            IntegrityAlgorithm.HmacSha1_96 => Algorithms.Sha1,
            IntegrityAlgorithm.HmacSha2_256_128 => Algorithms.Sha256,
            IntegrityAlgorithm.HmacSha2_384_192 => Algorithms.Sha384,
            IntegrityAlgorithm.HmacSha2_512_256 => Algorithms.Sha512,
            _ => throw new NotSupportedException($"{algorithm.Name()} is no HMAC of ours"),
        };
        var context = new HmacContext(Libcrypto.Need(Libcrypto.HmacNew(), "HMAC_CTX_new"), algorithm.IcvLength());
        fixed (byte* k = key)
            Libcrypto.Check(Libcrypto.HmacInit(context.Handle, k, key.Length, digest, 0), "HMAC_Init_ex");
        return context;
    }

    public override void Begin() => Libcrypto.Check(Libcrypto.HmacInitShort(Handle, null, 0, 0, 0), "HMAC_Init_ex");

    public override void Append(ReadOnlySpan<byte> part)
    {
        if (part.IsEmpty)
            return;
        fixed (byte* p = part)
            Libcrypto.Check(
                part.Length <= Libcrypto.ShortLimit
                    ? Libcrypto.HmacUpdateShort(Handle, p, (nuint)part.Length)
                    : Libcrypto.HmacUpdate(Handle, p, (nuint)part.Length),
                "HMAC_Update");
    }

    private protected override void End(Span<byte> full)
    {
        uint length;
        fixed (byte* f = full)
            Libcrypto.Check(Libcrypto.HmacFinalShort(Handle, f, &length), "HMAC_Final");
        GC.KeepAlive(this);
    }

    protected override void Free(nint handle) => Libcrypto.HmacFree(handle);

    static class Algorithms
    {
        public static readonly nint Md5 = Libcrypto.IsMd5There ? Libcrypto.Digest(Libcrypto.Md5Name) : 0;
        public static readonly nint Sha1 = Libcrypto.Digest("SHA1\0"u8);
        public static readonly nint Sha256 = Libcrypto.Digest("SHA256\0"u8);
        public static readonly nint Sha384 = Libcrypto.Digest("SHA384\0"u8);
        public static readonly nint Sha512 = Libcrypto.Digest("SHA512\0"u8);
    }
}
