using System.CommandLine;
using System.Numerics;
using Kuguru.Crypto;

namespace Kuguru.Bench;

/// <summary>What the values of options must be, said before anything is started.</summary>
static class OptionChecks
{
    public static void MustBePositive<T>(this Option<T> option) where T : struct, INumber<T> => option.Validators.Add(result =>
    {
        if (result.GetValue(option) <= T.Zero)
            result.AddError($"{option.Name} wants a number above 0");
    });

    /// <summary>Suites by strongSwan's keywords.</summary>
    public static void MustBe(this Option option, ProposalKind kind) => option.Validators.Add(result =>
    {
        foreach (var token in result.Tokens)
        {
            if (!AlgorithmSet.TryParse(token.Value, kind, out _, out var error))
                result.AddError($"{option.Name} {token.Value}: {error}");
        }
    });
}
