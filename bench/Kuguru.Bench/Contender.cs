using System.Diagnostics;
using System.Globalization;
using Kuguru.Cli;
using Kuguru.Cli.Namespaces;
using Kuguru.Daemon.Vici;

namespace Kuguru.Bench;

/// <summary>One measurement: Gbit/s of payload, and milliseconds of processor time that both daemons took for each Gbit, system calls included.</summary>
readonly record struct Sample(double Gbits, double CpuPerGbit);

/// <summary>How often a tunnel comes up in a second, and milliseconds of processor time that both daemons take to have it down and up.</summary>
readonly record struct Comeback(double PerSecond, double Cpu);

/// <summary>A network of its own, with a daemon at either end of its one tunnel or none at all; between measurements it rests.</summary>
sealed class Contender : IDisposable
{
    static readonly TimeSpan _clockTick = TimeSpan.FromMilliseconds(10);
    const string Patience = "20000";

    readonly RoadWarriors _world = new();
    readonly IReadOnlyList<IkeDaemon> _daemons = [];
    readonly Iperf _iperf;

    /// <param name="name">For the table.</param>
    /// <param name="daemon">Makes the daemon of a host; null: no tunnel, the server is reached through the NAT alone.</param>
    /// <param name="tunnel">The suites.</param>
    public Contender(string name, Func<Host, IkeDaemon>? daemon, Tunnel tunnel)
    {
        Name = name;
        try
        {
            if (daemon is null)
                _world.Nat!.Host.Ip("route add 10.2.0.0/24 via 192.0.2.2");
            else
            {
                _daemons = [daemon(_world.Clients[0]), daemon(_world.Gateway)];
                _daemons[0].Load(tunnel.ForClient(1, _world.GatewayAddress));
                _daemons[1].Load(tunnel.ForGateway());
                Vici(Up);
                Suite = Vici(async vici => (await Sa.List(vici, CancellationToken.None))[0].Children[0].Suite);
            }
            _iperf = new(_world);
        }
        catch
        {
            _world.Dispose();
            throw;
        }
    }

    public string Name { get; }

    /// <summary>What the child agreed on.</summary>
    public string Suite { get; } = "";

    public Sample Measure(Load load, int seconds)
    {
        var before = CpuTime();
        var bits = _iperf.Run(load, seconds);
        var cpu = CpuTime() - before;
        return new(bits / 1e9, cpu.TotalMilliseconds / (bits * seconds / 1e9));
    }

    /// <summary>
    /// The client's tunnel going down and coming up, one time after the other, and what that takes: order over VICI, both exchanges, address and
    /// route; going down is not in <see cref="Comeback.PerSecond"/>. It is up again when this returns.
    /// </summary>
    public Comeback ComeBack(TimeSpan duration) => Vici(async vici =>
    {
        var (up, count, cpu) = (TimeSpan.Zero, 0, CpuTime());
        for (var end = Stopwatch.GetTimestamp() + duration.TotalSeconds * Stopwatch.Frequency; Stopwatch.GetTimestamp() < end; count++)
        {
            await Order(vici, "terminate", new() { { "ike", "home" }, { "timeout", Patience } });
            var begin = Stopwatch.GetTimestamp();
            await Up(vici);
            up += Stopwatch.GetElapsedTime(begin);
        }
        return new Comeback(count / up.TotalSeconds, (CpuTime() - cpu).TotalMilliseconds / count);
    });

    public void Dispose()
    {
        _iperf.Dispose();
        foreach (var daemon in _daemons)
            daemon.Dispose();
        _world.Dispose();
    }

    async Task<bool> Up(ViciClient vici)
    {
        await Order(vici, "initiate", new() { { "ike", "home" }, { "child", "net" }, { "timeout", Patience } });
        return true;
    }

    async Task Order(ViciClient vici, string command, ViciMessage request)
    {
        var answer = await vici.Call(command, request);
        if (answer["success"] != "yes")
            throw new IOException($"{Name}: {command}: {answer["errmsg"]}; the daemon said last: {_daemons[0].Log.TrimEnd().Split('\n')[^1]}");
    }

    T Vici<T>(Func<ViciClient, Task<T>> talk)
    {
        using var client = ViciClient.Connect(_daemons[0].Socket).GetAwaiter().GetResult();
        return talk(client).GetAwaiter().GetResult();
    }

    /// <summary>Of both daemons, in user mode and in the kernel (fields 14 and 15 of /proc/PID/stat, behind the name in parentheses).</summary>
    TimeSpan CpuTime() => _daemons.Aggregate(TimeSpan.Zero, (sum, daemon) =>
    {
        var stat = daemon.Host.Read($"/proc/{daemon.Job.Pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return sum + (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) * _clockTick;
    });
}
