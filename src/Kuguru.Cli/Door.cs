using System.CommandLine;
using Kuguru.Daemon.Vici;

namespace Kuguru.Cli;

/// <summary>The way of a verb to the daemon: its <c>--vici</c> option, the connection, and what is said when there is none.</summary>
static class Door
{
    public static Option<string> Vici() => new("--vici")
    {
        Description = "The daemon's VICI socket",
        HelpName = "PATH",
        DefaultValueFactory = _ => ViciServer.DefaultPath,
    };

    /// <summary>Makes the verb's action: connect, do the work, and turn what goes wrong into one line and an exit status.</summary>
    public static void Action(this Command verb, Option<string> vici, Func<ParseResult, ViciClient, CancellationToken, Task<int>> work)
    {
        verb.Options.Add(vici);
        verb.SetAction(async (parsed, cancel) =>
        {
            try
            {
                using var client = await ViciClient.Connect(parsed.GetRequiredValue(vici), cancel);
                return await work(parsed, client, cancel);
            }
            catch (ViciException e)
            {
                return Exit.Fail(Exit.Environment, e.Message);
            }
            catch (OperationCanceledException)
            {
                return Exit.Done;
            }
        });
    }

    /// <summary>Whether a response says <c>success = yes</c>.</summary>
    public static bool Succeeded(this ViciMessage response) => response["success"] == "yes";

    /// <summary>What a streaming command sends, as the sections of its events: <c>list-conns</c>, <c>list-sas</c>.</summary>
    public static async Task<IReadOnlyList<ViciElement.Section>> Stream(
        this ViciClient client, string command, string eventName, CancellationToken cancel)
    {
        var sections = new List<ViciElement.Section>();
        await client.Call(command, [], [eventName], (_, message) => sections.AddRange(message.Sections), cancel);
        return sections;
    }
}
