using System.Diagnostics;
using Xunit;

namespace Kuguru.Tests.Linux;

/// <summary>Runs a program in the calling thread's namespace; it must end well.</summary>
static class Programs
{
    public static string Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEnd();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {arguments}: {error}");
        return output;
    }
}
