using System.CommandLine;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;

namespace Kuguru.Cli;

/// <summary><c>kuguru load</c>: puts the connections, pools and secrets of a swanctl.conf in place of those that the daemon has.</summary>
static class LoadVerb
{
    public static Command Command()
    {
        var file = new Argument<string>("file")
        {
            Description = "The configuration, in the syntax of swanctl.conf",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("SWANCTL_DIR") is { } folder
                ? System.IO.Path.Combine(folder, "swanctl.conf")
                : SwanctlConf.DefaultPath,
        };
        var verb = new Command("load", "Load swanctl.conf into the daemon") { file };
        verb.Action(Door.Vici(), async (parsed, client, cancel) =>
        {
            var complaints = new Complaints();
            var conf = SwanctlConf.Load(parsed.GetRequiredValue(file), complaints);
            var result = conf is null ? null : await Load(conf, client, complaints, cancel);
            foreach (var complaint in complaints.All)
                Console.Error.WriteLine($"kuguru: {complaint}");
            if (result is null || complaints.HasErrors)
                return Exit.Usage;
            Console.WriteLine(result);
            return Exit.Done;
        });
        return verb;
    }

    internal static Task<LoadResult> Load(SwanctlConf conf, ViciClient client, Complaints complaints, CancellationToken cancel) =>
        SwanctlLoader.Load(conf, (command, request) => client.Call(command, request, cancel), complaints, ViciEncoding.MaxValue);
}
