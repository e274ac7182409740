using Kuguru.Daemon.Vici;

namespace Kuguru.Daemon.Settings;

/// <summary>What a load changed, for one line to the user.</summary>
public sealed record LoadResult(int Secrets, int Pools, int Connections, int Unloaded, int Failed)
{
    public override string ToString() =>
        $"loaded {Connections} connections, {Pools} pools and {Secrets} secrets, unloaded {Unloaded}" + (Failed == 0 ? "" : $"; {Failed} failed");
}

/// <summary>
/// Makes a daemon have exactly what a swanctl.conf says, over VICI or in-process: loads all of it, then unloads what the daemon has
/// beyond it. The daemon's refusals become complaints with file and line.
/// </summary>
public static class SwanctlLoader
{
    /// <summary>How a kind of thing is loaded, which are there, and how one is unloaded by which key.</summary>
    sealed record Kind(string Load, string Get, string Unload, string UnloadKey, string List);

    static readonly Kind Secret = new("load-shared", "get-shared", "unload-shared", "id", "keys");
    static readonly Kind Authority = new("load-authority", "get-authorities", "unload-authority", "name", "authorities");
    static readonly Kind Pool = new("load-pool", "get-pools", "unload-pool", "name", "");
    static readonly Kind Connection = new("load-conn", "get-conns", "unload-conn", "name", "conns");

    /// <param name="conf">What it is to have.</param>
    /// <param name="call">Calls it.</param>
    /// <param name="complaints">What it refuses.</param>
    /// <param name="maxValue">Octets that the way to it has room for in one value.</param>
    public static async Task<LoadResult> Load(SwanctlConf conf, Func<string, ViciMessage, Task<ViciMessage>> call, Complaints complaints, int maxValue = int.MaxValue)
    {
        var loaded = new Dictionary<Kind, int>();
        int unloaded = 0, failed = 0;
        await LoadFiles(conf, call, complaints, maxValue, (isLoaded) => failed += isLoaded ? 0 : 1);
        foreach (var kind in (Kind[])[Secret, Authority, Pool, Connection])
        {
            var requests = conf.Requests.Where(r => r.Command == kind.Load).ToList();
            var surplus = Names(kind, await call(kind.Get, [])).ToHashSet(StringComparer.Ordinal);
            foreach (var request in requests)
            {
                surplus.Remove(request.Key[(request.Key.IndexOf('.') + 1)..]);
                var refused = Refused(await call(kind.Load, request.Message), conf, request.Key, complaints);
                failed += refused ? 1 : 0;
                loaded[kind] = loaded.GetValueOrDefault(kind) + (refused ? 0 : 1);
            }
            foreach (var name in surplus)
            {
                var refused = Refused(await call(kind.Unload, new ViciMessage { { kind.UnloadKey, name } }), conf, name, complaints);
                failed += refused ? 1 : 0;
                unloaded += refused ? 0 : 1;
            }
        }
        return new LoadResult(loaded.GetValueOrDefault(Secret), loaded.GetValueOrDefault(Pool), loaded.GetValueOrDefault(Connection), unloaded, failed);
    }

    /// <summary>Certificates stay until clear-creds, as with swanctl; private keys that are not among these go.</summary>
    static async Task LoadFiles(SwanctlConf conf, Func<string, ViciMessage, Task<ViciMessage>> call, Complaints complaints, int maxValue, Action<bool> done)
    {
        var surplus = (await call("get-keys", [])).Items("keys")?.ToHashSet(StringComparer.Ordinal) ?? [];
        foreach (var request in conf.Requests.Where(request => request.Command is "load-cert" or "load-key"))
        {
            if (request.Message.Bytes("data") is { } data && data.Length > maxValue)
            {
                complaints.Warning(conf.Where(""), "", $"{request.Key}: {data.Length} octets, of which VICI carries at most {maxValue}: it is loaded when the daemon starts");
                continue;
            }
            var reply = await call(request.Command, request.Message);
            if (reply["id"] is { } id)
                surplus.Remove(id);
            if (reply["success"] != "yes")
                complaints.Error(conf.Where(""), "", $"{request.Key}: {reply["errmsg"] ?? "refused by the daemon"}");
            done(reply["success"] == "yes");
        }
        foreach (var id in surplus)
            await call("unload-key", new ViciMessage { { "id", id } });
    }

    /// <summary>The reply to a list request has one list, or for pools one section for each.</summary>
    static IEnumerable<string> Names(Kind kind, ViciMessage reply) =>
        kind == Pool ? reply.Sections.Select(s => s.Name) : reply.Items(kind.List) ?? [];

    static bool Refused(ViciMessage reply, SwanctlConf conf, string section, Complaints complaints)
    {
        if (reply["success"] == "yes")
            return false;
        // Kuguru tells all that is wrong, key by key; charon one sentence about the whole.
        var keys = reply.Items("keys") ?? [];
        foreach (var (key, reason) in keys.Zip(reply.Items("reasons") ?? []))
            complaints.Error(conf.Where(key), key, reason);
        if (keys.Count == 0)
            complaints.Error(conf.Where(section), section, reply["errmsg"] ?? "refused by the daemon");
        return true;
    }
}
