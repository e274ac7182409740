using System.Diagnostics;
using Kuguru.Cli.Namespaces;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Spectre.Console;

namespace Kuguru.Cli.Demo;

/// <summary>
/// The demonstration on this machine's own kernel: namespaces, nftables, three daemons. Each step shows what it found; the first
/// that fails ends it with one line, the failing daemon's last words and status 1.
/// </summary>
sealed class RealDemo(RoadWarriors world, bool strongSwan, CancellationToken cancel) : IDisposable
{
    const int Clients = 2;
    const int FileLength = 20_000_000;
    static readonly TimeSpan Expiry = TimeSpan.FromSeconds(4);
    static readonly TimeSpan Idle = TimeSpan.FromSeconds(6);

    readonly List<IkeDaemon> _daemons = [];
    readonly List<Result> _results = [];

    /// <summary>What one client got.</summary>
    sealed record Result(string Name, string Inside, string Seen)
    {
        public string Ping { get; set; } = "";
        public Transfer? Up { get; set; }
        public Transfer? Down { get; set; }
        public string PingAfterIdle { get; set; } = "";
    }

    IkeDaemon Gateway => _daemons[0];

    public static async Task<int> Play(bool strongSwan, bool ip6, bool keep, CancellationToken cancel)
    {
        // Ctrl-C is heard from the moment on that this has given its task.
        await Task.Yield();
        try
        {
            Title("A network in namespaces of this machine");
            using var world = new RoadWarriors(Clients, ip6: ip6);
            Picture(world, strongSwan);
            using var demo = new RealDemo(world, strongSwan, cancel);
            return await demo.Play(keep);
        }
        catch (OperationCanceledException)
        {
            AnsiConsole.WriteLine("interrupted, all of it is gone");
            return 130;
        }
        catch (Exception e) when (IsExpected(e))
        {
            return Exit.Fail(Exit.Failed, $"demo: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    async Task<int> Play(bool keep)
    {
        var begin = Stopwatch.GetTimestamp();
        try
        {
            await Steps();
        }
        catch (Exception e) when (IsExpected(e))
        {
            foreach (var daemon in _daemons)
                AnsiConsole.WriteLine($"{daemon.Host.Name} said last:\n  {string.Join("\n  ", daemon.Log.TrimEnd().Split('\n').TakeLast(8))}");
            throw;
        }
        AnsiConsole.WriteLine($"\nAll of it worked, in {Stopwatch.GetElapsedTime(begin).TotalSeconds:0} s.");
        if (keep)
            AnsiConsole.WriteLine($"\nIt stays up. Enter a host, then use ./kuguru status:\n{world.Network.Keep()}");
        return Exit.Done;
    }

    static bool IsExpected(Exception e) =>
        e is CommandFailedException or ViciException or IOException or TimeoutException or InvalidOperationException;

    async Task Steps()
    {
        Title(strongSwan ? "strongSwan's charon as gateway, Kuguru on the clients" : "Three Kuguru daemons");
        await Start();
        Title("The tunnels come up");
        for (var number = 1; number <= Clients; number++)
            await Up(number);
        ShowMappings();
        Title("Traffic through the tunnels");
        foreach (var (client, result) in world.Clients.Zip(_results))
            Traffic(client, result);
        Title($"Nobody talks for {Idle.TotalSeconds} s; the NAT forgets after {Expiry.TotalSeconds} s");
        AfterIdle();
        Title("In short");
        Summary();
    }

    async Task Start()
    {
        world.Nat!.Timeouts(Expiry, Expiry);
        const string Settings = "keep_alive = 2s\n";
        Add(strongSwan ? new Charon(world.Gateway, Settings) : Kuguru(world.Gateway, Settings));
        foreach (var client in world.Clients)
            Add(Kuguru(client, Settings));
        var tunnel = new Tunnel();
        await Load(Gateway, tunnel.ForGateway(Clients));
        for (var number = 1; number <= Clients; number++)
            await Load(_daemons[number], tunnel.ForClient(number, world.GatewayAddress));
    }

    static KuguruDaemon Kuguru(Host host, string settings) => new(host, $"charon {{\n{settings}}}\n");

    void Add(IkeDaemon daemon)
    {
        cancel.ThrowIfCancellationRequested();
        _daemons.Add(daemon);
        Say(daemon.Host.Name, $"{daemon.Job.Name} runs as process {daemon.Job.Pid} of its namespace");
    }

    async Task Load(IkeDaemon daemon, string configuration)
    {
        using var vici = await ViciClient.Connect(daemon.Socket, cancel);
        var complaints = new Complaints();
        var root = SettingsFile.Parse(configuration, $"{daemon.Host.Name}.conf", complaints);
        if (root is not null && SwanctlConf.From(root, complaints) is { } conf)
            await LoadVerb.Load(conf, vici, complaints, cancel);
        if (complaints.HasErrors)
            throw new InvalidOperationException($"{daemon.Host.Name} does not take its configuration: {complaints.All[0]}");
    }

    async Task Up(int number)
    {
        var client = _daemons[number];
        using var vici = await ViciClient.Connect(client.Socket, cancel);
        var answer = await vici.Call("initiate", new() { { "ike", "home" }, { "child", "net" }, { "timeout", "20000" } }, cancel);
        if (!answer.Succeeded())
            throw new InvalidOperationException($"{client.Host.Name}: {answer["errmsg"]}");
        var here = (await Sa.List(vici, cancel))[0];
        using var far = await ViciClient.Connect(Gateway.Socket, cancel);
        var there = (await Sa.List(far, cancel)).Single(sa => sa.RemoteId == $"client{number}.example");
        var inside = here.LocalVirtual[0];
        Say(client.Host.Name, $"established {here.Local}...{here.Remote} with {here.Suite}");
        var port = here.Local[(here.Local.IndexOf('[') + 1)..^1];
        Say(client.Host.Name, $"NAT: {here.Nat}; IKE moved from port 500 to {port}, ESP goes {(here.Children[0].IsEncapsulated ? "in UDP" : "plain")}");
        Say(client.Host.Name, $"got the address {inside}, reaches {string.Join(' ', here.Children[0].RemoteSelectors)}");
        Say("gateway", $"sees {there.RemoteId} at {there.Remote}, NAT: {there.Nat}");
        _results.Add(new(client.Host.Name, inside, there.Remote));
    }

    void ShowMappings()
    {
        var table = new Table { Border = TableBorder.Simple, Title = new("the NAT's table") };
        table.AddColumns("inside", "leaves as", "to");
        foreach (var mapping in world.Nat!.Table())
            table.AddRow(Markup.Escape(mapping.Inside), Markup.Escape(mapping.Outside), Markup.Escape(mapping.Remote));
        AnsiConsole.Write(table);
    }

    void Traffic(Host client, Result result)
    {
        cancel.ThrowIfCancellationRequested();
        result.Ping = Ping(client, RoadWarriors.Server4);
        Say(client.Name, $"ping {RoadWarriors.Server4}: {result.Ping}");
        result.Up = Send(client, world.Server, RoadWarriors.Server4);
        result.Down = Send(world.Server, client, result.Inside);
    }

    Transfer Send(Host from, Host to, string address)
    {
        cancel.ThrowIfCancellationRequested();
        var transfer = Transfer.Tcp(from, to, address, FileLength);
        var hashes = $"SHA-256 {transfer.SentHash.ToString()[..8]} sent, {transfer.ReceivedHash.ToString()[..8]} received";
        Say(from.Name, $"sent {to.Name} {FileLength / 1_000_000} MB over TCP, {transfer.MegabitsPerSecond:0} Mbit/s, {hashes}");
        return transfer.IsIntact ? transfer : throw new InvalidOperationException($"the file from {from.Name} arrived damaged");
    }

    void AfterIdle()
    {
        cancel.WaitHandle.WaitOne(Idle);
        cancel.ThrowIfCancellationRequested();
        foreach (var result in _results)
        {
            result.PingAfterIdle = Ping(world.Server, result.Inside);
            Say("server", $"still reaches {result.Name} at {result.Inside}: {result.PingAfterIdle}; keepalives held the mapping");
        }
    }

    /// <summary>The round trip time.</summary>
    static string Ping(Host from, string address)
    {
        var output = from.Run("ping", "-c1", "-W3", address);
        var time = output.IndexOf("time=", StringComparison.Ordinal);
        return output[(time + 5)..output.IndexOf('\n', time)];
    }

    void Summary()
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("client", "inside", "seen by the gateway", "ping", "TCP up", "TCP down", "server's ping after idle");
        foreach (var result in _results)
        {
            table.AddRow(result.Name, result.Inside, Markup.Escape(result.Seen), result.Ping,
                $"{result.Up!.MegabitsPerSecond:0} Mbit/s", $"{result.Down!.MegabitsPerSecond:0} Mbit/s", result.PingAfterIdle);
        }
        AnsiConsole.Write(table);
    }

    static void Picture(RoadWarriors world, bool strongSwan)
    {
        var (client, nat, gateway) = world.GatewayAddress.Contains(':') ? ("fd01::a", "2001:db8::1", "2001:db8::2") : ("10.1.0.10", "192.0.2.1", "192.0.2.2");
        var daemon = strongSwan ? "charon" : "kuguru";
        AnsiConsole.WriteLine($"""

              client1 ──┐
              {client,-10}├── NAT ── {nat} ──── {gateway} ── gateway ({daemon}) ── 10.2.0.0/24 ── server {RoadWarriors.Server4}
              client2 ──┘   rewrites source ports

            """);
    }

    static void Title(string text) => AnsiConsole.MarkupLineInterpolated($"\n[bold]{text}[/]");

    static void Say(string who, string what) => AnsiConsole.WriteLine($"  {who,-8} {what}");

    public void Dispose()
    {
        // Kept hosts keep their daemons; all others end with their hosts anyway, but this way they say goodbye to their peers.
        foreach (var daemon in world.Network.IsKept ? [] : Enumerable.Reverse(_daemons))
            daemon.Dispose();
    }
}
