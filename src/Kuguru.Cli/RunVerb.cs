using System.CommandLine;
using Kuguru.Daemon;

namespace Kuguru.Cli;

/// <summary>The daemon in the foreground; SIGTERM ends it in good order.</summary>
static class RunVerb
{
    static readonly Option<string?> Settings = new("--settings") { Description = "strongswan.conf to read [STRONGSWAN_CONF or /etc/strongswan.conf]", HelpName = "FILE" };
    static readonly Option<string?> Configuration = new("--config") { Description = "swanctl.conf to read [swanctl.conf in SWANCTL_DIR or /etc/swanctl]", HelpName = "FILE" };
    static readonly Option<string?> Vici = new("--vici") { Description = "serve VICI on this Unix socket [/run/charon.vici]", HelpName = "PATH" };
    static readonly Option<string?> SaveKeys = new("--save-keys") { Description = "write Wireshark's key tables to this folder: whoever has them reads the traffic", HelpName = "DIR" };
    static readonly Option<string?> State = new("--state") { Description = "keep what is learned of networks in this folder [STATE_DIRECTORY or /var/lib/kuguru]", HelpName = "DIR" };
    static readonly Option<bool> Verbose = new("--verbose") { Description = "log more, for diagnosis" };

    public static Command Command()
    {
        var command = new Command("run", "Run the daemon in the foreground") { Settings, Configuration, Vici, SaveKeys, State, Verbose };
        command.SetAction((parsed, cancel) => Run(new DaemonOptions
        {
            Settings = parsed.GetValue(Settings),
            Configuration = parsed.GetValue(Configuration),
            Vici = parsed.GetValue(Vici),
            SaveKeys = parsed.GetValue(SaveKeys),
            State = parsed.GetValue(State),
            Verbose = parsed.GetValue(Verbose),
        }, cancel));
        return command;
    }

    static async Task<int> Run(DaemonOptions options, CancellationToken cancel)
    {
        try
        {
            await DaemonHost.Run(options, cancel);
            return Exit.Done;
        }
        catch (DaemonStartException e)
        {
            return Exit.Fail(e.IsConfiguration ? Exit.Usage : Exit.Environment, e.Message);
        }
    }
}
