namespace Kuguru;

/// <summary>Where the library's randomness comes from: the operating system in the daemon, a seeded generator in the lab.</summary>
public abstract class Dice
{
    public abstract void Fill(Span<byte> bytes);

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        Fill(bytes);
        return bytes;
    }

    public uint UInt32()
    {
        Span<byte> bytes = stackalloc byte[4];
        Fill(bytes);
        return BitConverter.ToUInt32(bytes);
    }

    public ulong UInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    /// <summary>A number in [0, 1), for jitter and margins; not for keys.</summary>
    public double Fraction() => (UInt64() >> 11) * (1.0 / (1UL << 53));
}
