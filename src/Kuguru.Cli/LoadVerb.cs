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
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("SWANCTL_DIR") is { } folder ? System.IO.Path.Combine(folder, "swanctl.conf") : SwanctlConf.DefaultPath,
        };
        var verb = new Command("load", "Load swanctl.conf into the daemon") { file };
        verb.Action(Door.Vici(), async (parsed, client, cancel) =>
        {
            var complaints = new Complaints();
            var settings = SettingsFile.Load(parsed.GetRequiredValue(file), complaints);
            var result = settings is null ? null : await Send(settings, complaints, client, cancel);
            if (result is not null)
                Console.WriteLine(result);
            return Tell(complaints);
        });
        return verb;
    }

    /// <summary>Loads all of it and unloads what is not in it; the exit status, with a line for each part that is wrong or that the daemon refuses.</summary>
    internal static async Task<int> Load(SettingsSection settings, ViciClient client, CancellationToken cancel)
    {
        var complaints = new Complaints();
        await Send(settings, complaints, client, cancel);
        return Tell(complaints);
    }

    static async Task<LoadResult?> Send(SettingsSection settings, Complaints complaints, ViciClient client, CancellationToken cancel) =>
        SwanctlConf.From(settings, complaints) is { } conf
            ? await SwanctlLoader.Load(conf, (command, request) => client.Call(command, request, cancel), complaints)
            : null;

    static int Tell(Complaints complaints)
    {
        foreach (var complaint in complaints.All)
            Console.Error.WriteLine($"kuguru: {complaint}");
        return complaints.HasErrors ? Exit.Usage : Exit.Done;
    }
}
