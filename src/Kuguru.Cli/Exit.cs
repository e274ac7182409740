using System.CommandLine;

namespace Kuguru.Cli;

/// <summary>Exit statuses, and the one line on standard error that goes with each but the first.</summary>
static class Exit
{
    public const int Done = 0;

    /// <summary>The daemon or the peer refused, or the tunnel did not come up.</summary>
    public const int Failed = 1;

    /// <summary>Wrong arguments, or a configuration that is wrong.</summary>
    public const int Usage = 2;

    /// <summary>This machine does not give what is needed: no daemon to talk to, no right, a port in use, a program missing.</summary>
    public const int Environment = 3;

    public static int Fail(int status, string line)
    {
        Console.Error.WriteLine($"kuguru: {line}");
        return status;
    }

    /// <summary>The verb that was asked for, with a space behind, or nothing.</summary>
    public static IEnumerable<string> Verb(ParseResult parsed) =>
        parsed.CommandResult == parsed.RootCommandResult ? [] : [parsed.CommandResult.Command.Name, ""];
}
