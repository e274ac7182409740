namespace Kuguru.Tests.Ike;

/// <summary>The same numbers for the same seed.</summary>
sealed class SeededDice(int seed) : Dice
{
    readonly Random _random = new(seed);

    public override void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
}
