using System.Globalization;
using System.Runtime.InteropServices;
using Kuguru.Crypto;
using Kuguru.Daemon.Settings;
using Kuguru.Engine;

namespace Kuguru.Daemon.Vici;

/// <summary>What only asks: version, stats, list-sas, list-conns, list-policies, get-algorithms, get-counters.</summary>
sealed class QueryCommands(ControlLoop loop, Func<IEnumerable<(string Why, long Count)>> packetDrops, TimeProvider time)
{
    readonly DateTimeOffset _since = time.GetLocalNow();
    readonly long _start = time.GetTimestamp();

    public void Register(ViciServer server)
    {
        server.Command("version", (_, _) => Task.FromResult(Version()));
        server.Command("stats", (_, _) => Stats());
        server.Command("list-sas", ListSas);
        server.Command("list-conns", ListConnections);
        server.Command("list-policies", ListPolicies);
        server.Command("get-algorithms", (_, _) => Task.FromResult(Algorithms()));
        server.Command("get-counters", (call, _) => GetCounters(call.Request));
        server.Command("reset-counters", (call, _) => ResetCounters(call.Request));
    }

    async Task<ViciMessage> ListSas(ViciCall call, CancellationToken gone)
    {
        var request = call.Request;
        var (sas, at) = await loop.Ask((node, now, _) => (node.Status(now).ToList(), now));
        foreach (var sa in sas.Where(sa => Fits(request["ike"], sa.Name) && Fits(request["ike-id"], sa.UniqueId)))
        {
            var listed = SaWriter.ListSa(sa, at, child => Fits(request["child"], child.Name) && Fits(request["child-id"], child.UniqueId));
            await call.Stream("list-sa", listed, gone);
        }
        return [];
    }

    async Task<ViciMessage> ListConnections(ViciCall call, CancellationToken gone)
    {
        var connections = await loop.Ask((node, _, _) => node.Connections.All.ToList());
        foreach (var connection in connections.Where(c => Fits(call.Request["ike"], c.Name)))
            await call.Stream("list-conn", ConnectionWriter.ListConn(connection), gone);
        return [];
    }

    /// <summary>Traps and shunts, each kind where it is asked for.</summary>
    async Task<ViciMessage> ListPolicies(ViciCall call, CancellationToken gone)
    {
        var request = call.Request;
        bool IsAskedFor(ChildMode mode) => request[mode switch { ChildMode.Tunnel or ChildMode.Transport => "trap", ChildMode.Pass => "pass", ChildMode.Drop => "drop" }] is not null;
        var traps = await loop.Ask((node, _, _) => node.TrapStatus.ToList());
        foreach (var trap in traps.Where(t => IsAskedFor(t.Child.Mode) && Fits(request["ike"], t.Connection.Name) && Fits(request["child"], t.Child.Name)))
            await call.Stream("list-policy", ConnectionWriter.ListPolicy(trap), gone);
        return [];
    }

    static ViciMessage Version() => new()
    {
        { "daemon", "kuguru" },
        { "version", typeof(QueryCommands).Assembly.GetName().Version?.ToString(3) },
        { "sysname", Kernel("ostype") },
        { "release", Kernel("osrelease") },
        { "machine", RuntimeInformation.OSArchitecture switch { Architecture.X64 => "x86_64", Architecture.Arm64 => "aarch64", var other => other.ToString() } },
    };

    async Task<ViciMessage> Stats()
    {
        var (total, halfOpen, moves, ikeDrops) = await loop.Ask((node, _, _) =>
            (node.IkeSaCount, node.HalfOpenCount, node.Counters.Moves, node.Counters.Drops.ToList()));
        ViciMessage drops = [];
        foreach (var (why, count) in ikeDrops.Concat(packetDrops()))
            drops.Add(why, count);
        var memory = GC.GetGCMemoryInfo();
        ViciMessage none() => new() { { "critical", 0 }, { "high", 0 }, { "medium", 0 }, { "low", 0 } };
        return new ViciMessage
        {
            {
                "uptime", new ViciMessage
                {
                    { "running", Running(time.GetElapsedTime(_start)) },
                    { "since", _since.ToString("MMM dd HH:mm:ss yyyy", CultureInfo.InvariantCulture) },
                }
            },
            { "workers", new ViciMessage { { "total", ThreadPool.ThreadCount }, { "idle", 0 }, { "active", none() } } },
            { "queues", none() },
            { "scheduled", 0 },
            { "ikesas", new ViciMessage { { "total", total }, { "half-open", halfOpen }, { "moves", moves } } },
            { "drops", drops },
            { "plugins", (string[])[] },
            {
                "mallinfo", new ViciMessage
                {
                    { "sbrk", memory.HeapSizeBytes },
                    { "mmap", memory.TotalCommittedBytes },
                    { "used", GC.GetTotalMemory(false) },
                    { "free", memory.FragmentedBytes },
                }
            },
        };
    }

    static ViciMessage Algorithms()
    {
        static ViciMessage section(IEnumerable<string> names)
        {
            ViciMessage message = [];
            foreach (var name in names.Distinct())
                message.Add(name, "kuguru");
            return message;
        }
        return new ViciMessage
        {
            { "encryption", section(Supported.Encryption.Concat(Supported.WeakEncryption).Where(e => !e.IsAead).Select(e => e.Algorithm.Name())) },
            { "integrity", section(Supported.Integrity.Concat(Supported.WeakIntegrity).Select(i => i.Name())) },
            { "aead", section(Supported.Encryption.Where(e => e.IsAead).Select(e => e.Algorithm.Name())) },
            { "prf", section(Supported.Prf.Concat(Supported.WeakPrf).Select(p => p.Name())) },
            { "ke", section(Supported.KeyExchange.Concat(Supported.WeakKeyExchange).Select(k => k.Name())) },
        };
    }

    async Task<ViciMessage> GetCounters(ViciMessage request)
    {
        var (only, all) = (request["name"], SettingsText.Bool(request["all"] ?? "no") ?? false);
        var counted = await loop.Ask((node, _, _) => all
            ? node.Counters.Connections.Select(name => (name, node.Counters.Of(name))).ToList()
            : [(only ?? "", only is null ? node.Counters.All : node.Counters.Of(only))]);
        ViciMessage sections = [];
        foreach (var (name, values) in counted.Where(c => !c.Item2.IsEmpty))
        {
            ViciMessage section = [];
            foreach (var counter in Enum.GetValues<Counter>())
                section.Add(Name(counter), values[(int)counter]);
            sections.Add(name, section);
        }
        var isMissing = !all && sections.Count == 0;
        return new ViciMessage
        {
            { "counters", sections },
            { "success", isMissing ? "no" : "yes" },
            { "errmsg", isMissing ? "no counters found for this connection" : null },
        };
    }

    Task<ViciMessage> ResetCounters(ViciMessage request) => loop.Ask((node, _, _) =>
    {
        node.Counters.Reset(SettingsText.Bool(request["all"] ?? "no") == true ? null : request["name"]);
        return Reply.Success;
    });

    static bool Fits(string? wanted, string name) => wanted is null || wanted == name;

    /// <summary>0 and what is no number mean any, as charon has it.</summary>
    static bool Fits(string? wanted, uint id) => wanted is null || SettingsText.Number(wanted, 1u, uint.MaxValue) is not { } number || number == id;

    /// <summary>A time in the largest unit of which there are more than two.</summary>
    internal static string Running(TimeSpan time)
    {
        var (count, unit) = time.TotalDays > 2 ? ((long)time.TotalDays, "day") : time.TotalHours > 2 ? ((long)time.TotalHours, "hour")
            : time.TotalMinutes > 2 ? ((long)time.TotalMinutes, "minute") : ((long)time.TotalSeconds, "second");
        return string.Create(CultureInfo.InvariantCulture, $"{count} {unit}{(count == 1 ? "" : "s")}");
    }

    static string? Kernel(string name) => $"/proc/sys/kernel/{name}" is var path && File.Exists(path) ? File.ReadAllText(path).Trim() : null;

    static string Name(Counter counter) => counter switch
    {
        Counter.IkeRekeyInitiated => "ike-rekey-init",
        Counter.IkeRekeyAnswered => "ike-rekey-resp",
        Counter.ChildRekey => "child-rekey",
        Counter.Invalid => "invalid",
        Counter.InvalidSpi => "invalid-spi",
        Counter.InitInRequest => "ike-init-in-req",
        Counter.InitInResponse => "ike-init-in-resp",
        Counter.InitOutRequest => "ike-init-out-req",
        Counter.InitOutResponse => "ike-init-out-resp",
        Counter.AuthInRequest => "ike-auth-in-req",
        Counter.AuthInResponse => "ike-auth-in-resp",
        Counter.AuthOutRequest => "ike-auth-out-req",
        Counter.AuthOutResponse => "ike-auth-out-resp",
        Counter.CreateChildInRequest => "create-child-in-req",
        Counter.CreateChildInResponse => "create-child-in-resp",
        Counter.CreateChildOutRequest => "create-child-out-req",
        Counter.CreateChildOutResponse => "create-child-out-resp",
        Counter.InformationalInRequest => "info-in-req",
        Counter.InformationalInResponse => "info-in-resp",
        Counter.InformationalOutRequest => "info-out-req",
        Counter.InformationalOutResponse => "info-out-resp",
    };
}
