using System.CommandLine;
using System.Globalization;
using Kuguru.Daemon.Vici;

namespace Kuguru.Cli;

/// <summary><c>kuguru up</c>: brings up connections, or single children of them, and says what came of it.</summary>
static class UpVerb
{
    public static Command Command()
    {
        var names = new Argument<string[]>("name")
        {
            Description = "A connection (all its children) or a child of swanctl.conf",
            Arity = ArgumentArity.OneOrMore,
        };
        var timeout = new Option<int>("--timeout")
        {
            Description = "Give up after so many seconds; 0: when the daemon does",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => 60,
        };
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Show what the daemon does meanwhile" };
        var verb = new Command("up", "Bring up connections") { names, timeout, verbose };
        verb.Action(Door.Vici(), async (parsed, client, cancel) =>
        {
            var status = Exit.Done;
            var loaded = await Loaded(client, cancel);
            foreach (var name in parsed.GetRequiredValue(names))
            {
                var wanted = Wanted(name, loaded);
                if (wanted.Count == 0)
                    status = Exit.Fail(Exit.Failed, $"no connection or child is named '{name}'; loaded: {Choice(loaded)}");
                foreach (var (connection, child) in wanted)
                    status = Math.Max(status, await Initiate(client, connection, child, parsed.GetValue(timeout), parsed.GetValue(verbose), cancel));
            }
            return status;
        });
        return verb;
    }

    /// <summary>Every child that is loaded, with its connection; a connection without children has a null.</summary>
    internal static async Task<IReadOnlyList<(string Connection, string? Child)>> Loaded(ViciClient client, CancellationToken cancel) =>
    [
        .. from connection in await client.Stream("list-conns", "list-conn", cancel)
           from child in (connection.Body.Section("children") ?? []).Sections.Select(child => (string?)child.Name).DefaultIfEmpty()
           select (connection.Name, child),
    ];

    internal static IReadOnlyList<(string Connection, string? Child)> Wanted(string name, IReadOnlyList<(string Connection, string? Child)> loaded)
    {
        var connections = loaded.Where(entry => entry.Connection == name).ToArray();
        return connections.Length > 0 ? connections : [.. loaded.Where(entry => entry.Child == name)];
    }

    internal static string Choice(IReadOnlyList<(string Connection, string? Child)> loaded) =>
        loaded.Count == 0 ? "none" : string.Join(", ", loaded.Select(entry => entry.Connection).Distinct());

    static async Task<int> Initiate(ViciClient client, string connection, string? child, int timeout, bool verbose, CancellationToken cancel)
    {
        var request = new ViciMessage
        {
            { "ike", connection },
            { "child", child },
            { "timeout", (timeout * 1000).ToString(CultureInfo.InvariantCulture) },
            { "loglevel", verbose ? "1" : null },
        };
        string[] events = verbose ? ["control-log"] : [];
        void Show(string name, ViciMessage message) => Console.WriteLine($"  {message["group"]} {message["msg"]}");
        var answer = await client.Call("initiate", request, events, Show, cancel);
        if (!answer.Succeeded())
            return Exit.Fail(Exit.Failed, $"{connection}: {answer["errmsg"] ?? "the daemon did not say why it failed"}");
        foreach (var sa in (await Sa.List(client, cancel)).Where(sa => sa.Name == connection))
            Console.WriteLine(Sentence(sa));
        return Exit.Done;
    }

    static string Sentence(Sa sa)
    {
        var address = sa.LocalVirtual.Count > 0 ? $", here {string.Join(' ', sa.LocalVirtual)}" : "";
        return $"{sa.Name}: {sa.State.ToLowerInvariant()}, {sa.Local}...{sa.Remote}, NAT {sa.Nat}{address}";
    }
}
