using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// HMAC of an INTEG algorithm, keyed once; the inner and outer pads are hashed at creation and only copied per packet. Not thread-safe.
/// </summary>
sealed unsafe class HmacContext : NativeContext
{
    const int LongestOutput = 64;

    readonly int _icvLength;

    HmacContext(nint handle, int icvLength) : base(handle) => _icvLength = icvLength;

    public static HmacContext Create(IntegrityAlgorithm algorithm, ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, algorithm.KeyLength());
        var digest = algorithm switch
        {
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

    /// <summary>The ICV over both parts.</summary>
    [SkipLocalsInit]
    public void Compute(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, Span<byte> icv)
    {
        Span<byte> full = stackalloc byte[LongestOutput];
        Run(a, b, full);
        full[.._icvLength].CopyTo(icv);
    }

    /// <summary>Whether this is the ICV over both parts; compared in constant time.</summary>
    [SkipLocalsInit]
    public bool Matches(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> icv)
    {
        Span<byte> full = stackalloc byte[LongestOutput];
        Run(a, b, full);
        return CryptographicOperations.FixedTimeEquals(full[.._icvLength], icv);
    }

    void Run(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, Span<byte> full)
    {
        uint length;
        Libcrypto.Check(Libcrypto.HmacInitShort(Handle, null, 0, 0, 0), "HMAC_Init_ex");
        Append(a);
        Append(b);
        fixed (byte* f = full)
            Libcrypto.Check(Libcrypto.HmacFinalShort(Handle, f, &length), "HMAC_Final");
        GC.KeepAlive(this);
    }

    void Append(ReadOnlySpan<byte> part)
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

    protected override void Free(nint handle) => Libcrypto.HmacFree(handle);

    static class Algorithms
    {
        public static readonly nint Sha1 = Libcrypto.Digest("SHA1\0"u8);
        public static readonly nint Sha256 = Libcrypto.Digest("SHA256\0"u8);
        public static readonly nint Sha384 = Libcrypto.Digest("SHA384\0"u8);
        public static readonly nint Sha512 = Libcrypto.Digest("SHA512\0"u8);
    }
}
