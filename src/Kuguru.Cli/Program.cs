using System.CommandLine;
using System.CommandLine.Help;
using Kuguru.Cli;
using Spectre.Console;

// One file per verb. Those that talk to a daemon do so over VICI (Door), so they work with strongSwan's charon too.
var root = new Command("kuguru", "Kuguru: IPsec that gets through NAT. A daemon, its controls, and a demonstration.") { new HelpOption() };
root.Subcommands.Add(RunVerb.Command());
root.Subcommands.Add(LoadVerb.Command());
root.Subcommands.Add(UpVerb.Command());
root.Subcommands.Add(DownVerb.Command());
root.Subcommands.Add(StatusVerb.Command());
root.Subcommands.Add(LogVerb.Command());
root.Subcommands.Add(DemoVerb.Command());
root.Subcommands.Add(VersionVerb.Command());

// A table that goes to a file or a pipe is not broken at the width of a terminal that is not there.
if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 250;

var parsed = root.Parse(args switch { [] => ["--help"], ["--version"] => ["version"], _ => args });
if (parsed.Errors.Count > 0)
{
    var what = parsed.UnmatchedTokens is [var token, ..] ? $"unknown command or option '{token}'" : parsed.Errors[0].Message.TrimEnd('.');
    return Exit.Fail(Exit.Usage, $"{what}; see kuguru {string.Join(' ', Exit.Verb(parsed))}--help");
}
return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
