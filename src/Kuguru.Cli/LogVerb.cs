using System.CommandLine;
using System.Globalization;

namespace Kuguru.Cli;

/// <summary><c>kuguru log</c>: the daemon's log as it grows.</summary>
static class LogVerb
{
    public static Command Command()
    {
        var verb = new Command("log", "Follow the daemon's log until Ctrl-C");
        verb.Action(Door.Vici(), async (_, client, cancel) =>
        {
            await foreach (var packet in await client.Watch(["log"], cancel))
            {
                var message = packet.Message;
                var about = message["ikesa-name"] is { } name ? $" <{name}|{message["ikesa-uniqueid"]}>" : "";
                var time = DateTime.Now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
                Console.WriteLine($"{time} [{message["group"]}]{about} {message["msg"]}");
            }
            return Exit.Fail(Exit.Environment, "the daemon closed the connection");
        });
        return verb;
    }
}
