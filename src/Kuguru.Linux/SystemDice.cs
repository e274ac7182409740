using System.Security.Cryptography;

namespace Kuguru.Linux;

/// <summary>The operating system's cryptographic random numbers.</summary>
public sealed class SystemDice : Dice
{
    public static SystemDice Instance { get; } = new();

    public override void Fill(Span<byte> bytes) => RandomNumberGenerator.Fill(bytes);
}
