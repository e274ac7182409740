using System.CommandLine;
using System.Text;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;

namespace Kuguru.Cli;

/// <summary><c>kuguru load</c>: puts the connections, pools and secrets of a swanctl.conf in place of those that the daemon has.</summary>
static class LoadVerb
{
    /// <summary>Keys whose value is a list, for VICI.</summary>
    static readonly HashSet<string> Lists =
    [
        "local_addrs", "remote_addrs", "proposals", "esp_proposals", "ah_proposals", "local_ts", "remote_ts", "vips", "pools", "groups",
        "cert_policy", "certs", "cacerts", "pubkeys",
    ];

    public static Command Command()
    {
        var file = new Argument<string>("file")
        {
            Description = "The configuration, in the syntax of swanctl.conf",
            DefaultValueFactory = _ => System.IO.Path.Combine(Environment.GetEnvironmentVariable("SWANCTL_DIR") ?? "/etc/swanctl", "swanctl.conf"),
        };
        var verb = new Command("load", "Load swanctl.conf into the daemon") { file };
        verb.Action(Door.Vici(), async (parsed, client, cancel) =>
        {
            var complaints = new Complaints();
            var settings = SettingsFile.Load(parsed.GetRequiredValue(file), complaints);
            foreach (var complaint in complaints.All)
                Console.Error.WriteLine($"kuguru: {complaint}");
            if (settings is null || complaints.HasErrors)
                return Exit.Usage;
            var status = await Load(settings, client, cancel);
            if (status == Exit.Done)
            {
                string Count(string name) => $"{Children(settings, name).Count} {name}";
                Console.WriteLine($"loaded {Count("connections")}, {Count("pools")}, {Count("secrets")}");
            }
            return status;
        });
        return verb;
    }

    /// <summary>Loads all of it and unloads what is not in it; the exit status, with a line for each part that the daemon refuses.</summary>
    internal static async Task<int> Load(SettingsSection settings, ViciClient client, CancellationToken cancel)
    {
        var status = Exit.Done;
        async Task Send(string command, string what, ViciMessage request)
        {
            var answer = await client.Call(command, request, cancel);
            if (!answer.Succeeded())
                status = Exit.Fail(Exit.Usage, $"{what}: {answer["errmsg"] ?? $"the daemon refused {command}"}");
        }

        var (secrets, pools, connections) = (Children(settings, "secrets"), Children(settings, "pools"), Children(settings, "connections"));
        foreach (var secret in secrets)
            await Send("load-shared", secret.Path, Secret(secret));
        foreach (var pool in pools)
            await Send("load-pool", pool.Path, [new ViciElement.Section(pool.Name, Pool(pool))]);
        foreach (var connection in connections)
            await Send("load-conn", connection.Path, [new ViciElement.Section(connection.Name, Message(connection))]);

        foreach (var name in await Gone(client, "get-conns", "conns", connections, cancel))
            await Send("unload-conn", name, new() { { "name", name } });
        foreach (var name in await Gone(client, "get-shared", "keys", secrets, cancel))
            await Send("unload-shared", name, new() { { "id", name } });
        var loaded = await client.Call("get-pools", cancel: cancel);
        foreach (var name in loaded.Sections.Select(pool => pool.Name).Except(pools.Select(pool => pool.Name)))
            await Send("unload-pool", name, new() { { "name", name } });
        return status;
    }

    static async Task<IEnumerable<string>> Gone(ViciClient client, string command, string list, IEnumerable<SettingsSection> present, CancellationToken cancel) =>
        ((await client.Call(command, cancel: cancel)).Items(list) ?? []).Except(present.Select(section => section.Name));

    static IReadOnlyList<SettingsSection> Children(SettingsSection settings, string name) => settings.Section(name)?.Sections ?? [];

    static ViciMessage Message(SettingsSection section)
    {
        var message = new ViciMessage();
        foreach (var value in section.Values)
        {
            if (Lists.Contains(value.Key))
                message.Add(value.Key, Items(value.Text));
            else
                message.Add(value.Key, value.Text);
        }
        foreach (var child in section.Sections)
            message.Add(child.Name, Message(child));
        return message;
    }

    static ViciMessage Pool(SettingsSection pool)
    {
        var message = new ViciMessage();
        foreach (var value in pool.Values)
        {
            if (value.Key == "addrs")
                message.Add(value.Key, value.Text);
            else
                message.Add(value.Key, Items(value.Text));
        }
        return message;
    }

    /// <summary>A secret's kind is in its section's name (<c>ike-1</c>), its owners in the keys that begin with <c>id</c>.</summary>
    static ViciMessage Secret(SettingsSection secret) => new()
    {
        { "id", secret.Name },
        { "type", secret.Name.Split('-')[0].TrimEnd("0123456789".ToCharArray()) },
        { "data", Octets(secret.Value("secret")?.Text ?? "") },
        { "owners", secret.Values.Where(value => value.Key.StartsWith("id", StringComparison.Ordinal)).Select(value => value.Text) },
    };

    /// <summary>Text, or hex behind <c>0x</c>, or base 64 behind <c>0s</c>.</summary>
    static byte[] Octets(string text) => text switch
    {
        ['0', 'x' or 'X', .. var hex] => Convert.FromHexString(hex),
        ['0', 's' or 'S', .. var base64] => Convert.FromBase64String(base64),
        _ => Encoding.UTF8.GetBytes(text),
    };

    static string[] Items(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
