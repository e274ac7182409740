using System.Buffers.Binary;
using System.Numerics;

namespace Kuguru.Lab;

/// <summary>Dice that fall the same way every time for one seed (xoshiro256**): what makes a run of the lab repeatable. Never for real keys.</summary>
public sealed class SeededDice : Dice
{
    readonly ulong _seed;
    ulong _a, _b, _c, _d;

    public SeededDice(ulong seed)
    {
        _seed = seed;
        (_a, _b, _c, _d) = (Spread(ref seed), Spread(ref seed), Spread(ref seed), Spread(ref seed));
    }

    public override void Fill(Span<byte> bytes)
    {
        while (bytes.Length >= 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, Next());
            bytes = bytes[8..];
        }
        if (bytes.IsEmpty)
            return;
        Span<byte> rest = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(rest, Next());
        rest[..bytes.Length].CopyTo(bytes);
    }

    /// <summary>True with this probability. Certain answers cost no throw, so that a perfect link does not depend on what others throw.</summary>
    public bool Chance(double probability) => probability > 0 && (probability >= 1 || Fraction() < probability);

    /// <summary>A number in [0, limit).</summary>
    public int Below(int limit) => (int)(Fraction() * limit);

    /// <summary>Dice of one's own, that depend on the seed and the name and on nothing that was thrown so far.</summary>
    public SeededDice Fork(string name)
    {
        var hash = 14695981039346656037UL;
        foreach (var letter in name)
            hash = (hash ^ letter) * 1099511628211UL;
        return new(_seed ^ hash);
    }

    ulong Next()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    static ulong Spread(ref ulong state)
    {
        var z = state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
