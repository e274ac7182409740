using Kuguru.Daemon.Settings;
using Kuguru.Engine;

namespace Kuguru.Daemon.Vici;

/// <summary>What loads and unloads connections, secrets and pools. A message with any error changes nothing.</summary>
sealed class ConfigCommands(ControlLoop loop, CharonSettings settings)
{
    int _nameless;

    public void Register(ViciServer server)
    {
        server.Command("load-conn", (call, _) => LoadConnections(call.Request));
        server.Command("unload-conn", (call, _) => UnloadConnection(call.Request));
        server.Command("get-conns", async (_, _) => new ViciMessage { { "conns", await Ask(node => node.Connections.All.Select(c => c.Name).ToList()) } });
        server.Command("load-shared", (call, _) => LoadShared(call.Request));
        server.Command("unload-shared", (call, _) => UnloadShared(call.Request));
        server.Command("get-shared", async (_, _) => new ViciMessage { { "keys", await Ask(node => node.Credentials.Names.ToList()) } });
        server.Command("clear-creds", async (_, _) => await Ask(node => { node.Credentials.Clear(); node.Certificates.Clear(); return Reply.Success; }));
        server.Command("load-pool", (call, _) => LoadPools(call.Request));
        server.Command("unload-pool", (call, _) => UnloadPool(call.Request));
        server.Command("get-pools", (call, _) => GetPools(call.Request));
    }

    async Task<ViciMessage> LoadConnections(ViciMessage request)
    {
        var connections = new List<Ike.Connection>();
        foreach (var section in request.Sections)
        {
            if (ConnectionReader.Read(section.Name, section.Body, settings, out var errors) is not { } connection)
                return Reply.Refused(errors);
            connections.Add(connection);
        }
        return await loop.Ask((node, now, outbox) =>
        {
            foreach (var connection in connections)
                node.Load(now, connection, outbox);
            return Reply.Success;
        });
    }

    Task<ViciMessage> UnloadConnection(ViciMessage request) => request["name"] is not { } name
        ? Task.FromResult(Reply.Failed("unload: missing connection name"))
        : loop.Ask((node, now, outbox) => node.Unload(now, name, outbox) ? Reply.Success : Reply.Failed($"unload: connection '{name}' not found"));

    async Task<ViciMessage> LoadShared(ViciMessage request)
    {
        var nameless = $"unnamed-{Interlocked.Increment(ref _nameless)}";
        if (SharedKeyReader.Read(request, nameless, out var errors) is not { } key)
            return Reply.Refused(errors);
        return await Ask(node => { node.Credentials.Load(key); return Reply.Success; });
    }

    Task<ViciMessage> UnloadShared(ViciMessage request) => request["id"] is not { } name
        ? Task.FromResult(Reply.Failed("unique identifier missing"))
        : Ask(node => { node.Credentials.Unload(name); return Reply.Success; });

    async Task<ViciMessage> LoadPools(ViciMessage request)
    {
        var pools = new List<Ike.Pool>();
        foreach (var section in request.Sections)
        {
            if (PoolReader.Read(section.Name, section.Body, out var errors) is not { } pool)
                return Reply.Refused(errors);
            pools.Add(pool);
        }
        return await Ask(node => pools.Select(node.Pools.Load).FirstOrDefault(why => why is not null) is { } refused ? Reply.Failed(refused) : Reply.Success);
    }

    Task<ViciMessage> UnloadPool(ViciMessage request) => request["name"] is not { } name
        ? Task.FromResult(Reply.Failed("missing pool name to unload"))
        : Ask(node => node.Pools.Unload(name) is { } refused ? Reply.Failed(refused) : Reply.Success);

    async Task<ViciMessage> GetPools(ViciMessage request)
    {
        var (only, withLeases) = (request["name"], SettingsText.Bool(request["leases"] ?? "no") ?? false);
        var pools = await Ask(node => node.Pools.Status().ToList());
        ViciMessage reply = [];
        foreach (var pool in pools.Where(p => only is null || p.Pool.Name == only))
            reply.Add(pool.Pool.Name, ConnectionWriter.Pool(pool, withLeases));
        return reply;
    }

    Task<T> Ask<T>(Func<Node, T> question) => loop.Ask((node, _, _) => question(node));
}
