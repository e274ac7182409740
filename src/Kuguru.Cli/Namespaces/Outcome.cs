using System.Diagnostics;

namespace Kuguru.Cli.Namespaces;

/// <summary>What a finished command said; an exit status of 124 or 137 means that its time was up.</summary>
public sealed record Outcome(string Command, int Status, string Output, string Errors)
{
    /// <summary>The output of a command that must have succeeded.</summary>
    /// <exception cref="CommandFailedException">It had not.</exception>
    public string Text() => Status == 0 ? Output : throw new CommandFailedException(this);

    /// <summary>
    /// Runs a command of this machine, out of reach of the terminal's Ctrl-C; arguments are passed as they are, no shell reads them.
    /// </summary>
    public static Outcome Of(IReadOnlyList<string> command, string input = "", IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("setsid", command)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(string.Join(' ', command), process.ExitCode, output, errors.Result);
    }
}

/// <summary>A command that had to succeed did not; the message holds what it said.</summary>
public sealed class CommandFailedException(Outcome outcome)
    : Exception($"`{outcome.Command}` ended with status {outcome.Status}: {(outcome.Errors + outcome.Output).Trim()}")
{
    public Outcome Outcome { get; } = outcome;
}
