using System.CommandLine;

namespace Kuguru.Cli;

static class RunVerb
{
    public static Command Command() => new("run", "Run the daemon in the foreground");
}
