using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Kuguru.Daemon.Vici;

namespace Kuguru.Cli;

/// <summary><c>kuguru version</c>: of this program, and of the daemon that listens, if any.</summary>
static class VersionVerb
{
    public static Command Command()
    {
        var vici = Door.Vici();
        var verb = new Command("version", "Show the versions of this program and of the running daemon") { vici };
        verb.SetAction(async (parsed, cancel) =>
        {
            var version = typeof(VersionVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            Console.WriteLine($"kuguru {version.Split('+')[0]} ({RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription})");
            var path = parsed.GetRequiredValue(vici);
            try
            {
                using var client = await ViciClient.Connect(path, cancel);
                var daemon = await client.Call("version", cancel: cancel);
                Console.WriteLine($"daemon on {path}: {daemon["daemon"]} {daemon["version"]}");
            }
            catch (ViciException e)
            {
                Console.WriteLine($"daemon: {e.Message}");
            }
            return Exit.Done;
        });
        return verb;
    }
}
