namespace Kuguru.Fuzz;

/// <summary>
/// One parser under test. <paramref name="Run"/> takes a stranger's bytes and may do anything with them but throw, go on for ever, or accept
/// what it cannot write and read again: for that it calls <see cref="Oracle"/>. It says whether it accepted them.
/// </summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Run">The parser and its oracle.</param>
/// <param name="Mend">Puts the length right that covers the whole input, and that would otherwise hide from mutation what is behind it.</param>
/// <param name="Seeds">Good inputs to begin from.</param>
sealed record Target(string Name, Func<byte[], bool> Run, Action<byte[]> Mend, params byte[][] Seeds);

/// <summary>A parser accepted something, and then contradicted itself.</summary>
sealed class Contradiction(string what) : Exception(what);

static class Oracle
{
    public static void Same<T>(T first, T again) where T : IEquatable<T>
    {
        if (!first.Equals(again))
            throw new Contradiction($"{first} reads back as {again}");
    }

    public static void True(bool holds, string what)
    {
        if (!holds)
            throw new Contradiction(what);
    }
}
