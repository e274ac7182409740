using System.CommandLine;
using Kuguru.Cli;

// One file per verb. Those that talk to a daemon do so over VICI (Door), so they work with strongSwan's charon too.
var root = new RootCommand("Kuguru: IPsec that gets through NAT. A daemon, its controls, and a demonstration.");
root.Subcommands.Add(RunVerb.Command());
root.Subcommands.Add(LoadVerb.Command());
root.Subcommands.Add(UpVerb.Command());
root.Subcommands.Add(DownVerb.Command());
root.Subcommands.Add(StatusVerb.Command());
root.Subcommands.Add(LogVerb.Command());
root.Subcommands.Add(DemoVerb.Command());
root.Subcommands.Add(VersionVerb.Command());

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
    return Exit.Fail(Exit.Usage, $"{parsed.Errors[0].Message.TrimEnd('.')}; see kuguru {string.Join(' ', Exit.Verb(parsed))}--help");
return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
