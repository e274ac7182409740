namespace Kuguru.Crypto;

/// <summary>A non-negative number of libcrypto, wiped on Dispose; an argument takes it by its <see cref="Handle"/>.</summary>
readonly unsafe ref struct BigNumber(nint handle) : IDisposable
{
    public nint Handle { get; } = Libcrypto.Need(handle, "BN_new");

    public static BigNumber New() => new(Libcrypto.NumberNew());

    public static BigNumber Copy(nint number) => new(Libcrypto.NumberCopy(number));

    /// <summary>From octets in network order.</summary>
    public static BigNumber Read(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* b = bytes)
            return new(Libcrypto.NumberRead(b, bytes.Length, 0));
    }

    /// <summary>From octets in network order that nobody shall learn: computing with it takes the same time for every value.</summary>
    public static BigNumber Read(Secret secret)
    {
        var number = Read(secret.Span);
        Libcrypto.NumberSetFlags(number.Handle, Libcrypto.ConstantTimeFlag);
        return number;
    }

    /// <summary>In network order, with zeros in front up to the destination's length.</summary>
    public void Write(Span<byte> destination)
    {
        fixed (byte* d = destination)
            Libcrypto.Check(Libcrypto.NumberWrite(Handle, d, destination.Length), "BN_bn2binpad");
    }

    public bool IsBelow(nint other) => Libcrypto.NumberCompare(Handle, other) < 0;

    public void Dispose() => Libcrypto.NumberClearFree(Handle);
}

/// <summary>libcrypto's temporary numbers for one computation.</summary>
readonly unsafe ref struct Scratch : IDisposable
{
    public Scratch() => Handle = Libcrypto.Need(Libcrypto.ScratchNew(), "BN_CTX_secure_new");

    public nint Handle { get; }

    public void Dispose() => Libcrypto.ScratchFree(Handle);
}
