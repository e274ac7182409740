namespace Kuguru.Crypto;

/// <summary>AES-CMAC with 128 bits (RFC 4493), for INTEG (RFC 4494) and for the PRF (RFC 4615), which takes all 16 octets.</summary>
sealed unsafe class CmacContext : IntegrityContext
{
    public const int Length = 16;

    public CmacContext(ReadOnlySpan<byte> key, int outputLength) : base(Libcrypto.Need(Libcrypto.CmacNew(), "CMAC_CTX_new"), outputLength)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, Length);
        fixed (byte* k = key)
            Libcrypto.Check(Libcrypto.CmacInit(Handle, k, Length, Cipher, 0), "CMAC_Init");
    }

    static nint Cipher { get; } = Libcrypto.Cipher("AES-128-CBC\0"u8);

    public override void Begin() => Libcrypto.Check(Libcrypto.CmacInit(Handle, null, 0, 0, 0), "CMAC_Init");

    public override void Append(ReadOnlySpan<byte> part)
    {
        fixed (byte* p = part)
            Libcrypto.Check(Libcrypto.CmacUpdate(Handle, p, (nuint)part.Length), "CMAC_Update");
    }

    private protected override void End(Span<byte> full)
    {
        nuint length;
        fixed (byte* f = full)
            Libcrypto.Check(Libcrypto.CmacFinal(Handle, f, &length), "CMAC_Final");
        GC.KeepAlive(this);
    }

    protected override void Free(nint handle) => Libcrypto.CmacFree(handle);
}
