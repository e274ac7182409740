using System.CommandLine;
using Kuguru.Bench;
using Spectre.Console;

// One file per verb; without a verb: tunnel.
//
//   handshakes   two nodes of the library in this process              HandshakesVerb --> NodePair
//   tunnel       Kuguru beside charon through the kernel's NAT         TunnelVerb --> SideBySide --> Contender --> Iperf
//   micro        BenchmarkDotNet: parts of the packet path             *Benchmarks

if (args is ["micro", .. var rest])
{
    MicroVerb.Run(rest);
    return 0;
}
var root = new RootCommand("How fast Kuguru is, beside strongSwan's charon with kernel-libipsec on the same machine, and part by part.")
{
    HandshakesVerb.Command(), TunnelVerb.Command(), MicroVerb.Command(),
};

// A table that goes to a file or a pipe is not broken at the width of a terminal that is not there.
if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 250;

var parsed = root.Parse(args is [] ? ["tunnel"] : args);
if (parsed.Errors.Count > 0)
{
    var what = parsed.UnmatchedTokens is [var token, ..] ? $"unknown command or option '{token}'" : parsed.Errors[0].Message.TrimEnd('.');
    Console.Error.WriteLine($"bench: {what}; see bench/run --help");
    return TunnelVerb.Usage;
}
return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
