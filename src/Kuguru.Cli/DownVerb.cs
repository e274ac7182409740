using System.CommandLine;
using Kuguru.Daemon.Vici;

namespace Kuguru.Cli;

/// <summary><c>kuguru down</c>: closes tunnels by name, or all of them.</summary>
static class DownVerb
{
    public static Command Command()
    {
        var names = new Argument<string[]>("name") { Description = "A connection, or a child", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "Close every tunnel" };
        var force = new Option<bool>("--force") { Description = "Do not wait for the peer" };
        var verb = new Command("down", "Close tunnels") { names, all, force };
        verb.Validators.Add(result =>
        {
            if (result.GetValue(all) == (result.GetValue(names)?.Length > 0))
                result.AddError("down wants names, or --all");
        });
        verb.Action(Door.Vici(), async (parsed, client, cancel) =>
        {
            var status = Exit.Done;
            var sas = await Sa.List(client, cancel);
            var wanted = parsed.GetValue(all) ? sas.Select(sa => sa.Name).Distinct() : parsed.GetRequiredValue(names);
            foreach (var name in wanted.ToArray())
            {
                var isConnection = sas.Any(sa => sa.Name == name);
                if (!isConnection && !sas.Any(sa => sa.Children.Any(child => child.Name == name)))
                    status = Exit.Fail(Exit.Failed, $"no tunnel named '{name}' is up");
                else
                    status = Math.Max(status, await Terminate(client, isConnection ? "ike" : "child", name, parsed.GetValue(force), cancel));
            }
            return status;
        });
        return verb;
    }

    static async Task<int> Terminate(ViciClient client, string kind, string name, bool force, CancellationToken cancel)
    {
        var answer = await client.Call("terminate", new() { { kind, name }, { "force", force ? "yes" : null } }, cancel);
        if (!answer.Succeeded())
            return Exit.Fail(Exit.Failed, $"{name}: {answer["errmsg"] ?? "the daemon did not say why it failed"}");
        Console.WriteLine($"{name}: down");
        return Exit.Done;
    }
}
