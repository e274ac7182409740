using System.CommandLine;
using BenchmarkDotNet.Running;

namespace Kuguru.Bench;

/// <summary><c>micro</c>: the BenchmarkDotNet classes of this project; what follows the verb is BenchmarkDotNet's (<c>--filter '*Esp*'</c>, <c>--list flat</c>).</summary>
static class MicroVerb
{
    /// <summary>For the help only: the arguments are not ours to parse.</summary>
    public static Command Command() => new("micro", "Run micro-benchmarks; options are BenchmarkDotNet's: --filter '*KeyExchange*', --list flat, ...");

    public static void Run(string[] arguments) => BenchmarkSwitcher.FromAssembly(typeof(MicroVerb).Assembly).Run(arguments);
}
