using System.Globalization;
using Kuguru.Cli.Namespaces;
using Spectre.Console;

namespace Kuguru.Bench;

/// <summary>
/// Contenders measured in turn, round after round, so that a machine that is busier now and then is so for all. What is said is the median, and
/// as ratio the median of each round's own.
/// </summary>
sealed class SideBySide : IDisposable
{
    static readonly Load[] _loads = [Load.OneStream, Load.Reverse, Load.FourStreams];
    static readonly TimeSpan _comebacks = TimeSpan.FromSeconds(3);

    readonly List<Contender> _all = [];
    readonly Dictionary<(Contender, Load), List<Sample>> _samples = [];

    Contender Plain => _all[0];
    Contender Charon => _all[1];
    Contender Kuguru => _all[2];

    /// <summary>Builds the networks and brings up the tunnels.</summary>
    public SideBySide(Tunnel tunnel)
    {
        try
        {
            _all.Add(new("no tunnel", null, tunnel));
            _all.Add(new("charon + libipsec", host => new Charon(host), tunnel));
            _all.Add(new("Kuguru", host => new KuguruDaemon(host), tunnel));
        }
        catch
        {
            Dispose();
            throw;
        }
        if (Charon.Suite != Kuguru.Suite)
            throw new InvalidOperationException($"charon agreed on {Charon.Suite}, Kuguru on {Kuguru.Suite}: that is no comparison");
    }

    /// <summary>What both tunnels run on.</summary>
    public string Suite => Kuguru.Suite;

    public void Measure(int rounds, int seconds, CancellationToken cancel)
    {
        // The first run finds cold caches, small windows and, with us, code that is not compiled yet.
        foreach (var contender in _all)
            contender.Measure(Load.OneStream, 1);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var load in _loads)
            {
                foreach (var contender in _all)
                {
                    cancel.ThrowIfCancellationRequested();
                    Samples(contender, load).Add(contender.Measure(load, seconds));
                }
            }
        }
    }

    /// <summary>How many times as fast as charon we were, in the worst of the loads.</summary>
    public double WorstRatio => _loads.Min(Ratio);

    public void ShowThroughput()
    {
        AnsiConsole.WriteLine("TCP through one tunnel, Gbit/s: median (least..most)");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("", Plain.Name, Charon.Name, Kuguru.Name, "Kuguru : charon", "CPU ms per Gbit: charon", "CPU ms per Gbit: Kuguru");
        foreach (var load in _loads)
        {
            table.AddRow(NameOf(load), Speed(Plain, load), Speed(Charon, load), Speed(Kuguru, load), Number(Ratio(load), "0.0"),
                Number(Median(Samples(Charon, load).Select(sample => sample.CpuPerGbit)), "0"),
                Number(Median(Samples(Kuguru, load).Select(sample => sample.CpuPerGbit)), "0"));
        }
        AnsiConsole.Write(table);
    }

    public void ShowComebacks(CancellationToken cancel)
    {
        AnsiConsole.WriteLine("One client's tunnel coming up over real sockets, time after time");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("", "per second", "CPU ms, both daemons, down and up");
        foreach (var contender in new[] { Charon, Kuguru })
        {
            cancel.ThrowIfCancellationRequested();
            // Code that runs once a tunnel is compiled late.
            _ = contender.ComeBack(_comebacks);
            var comeback = contender.ComeBack(_comebacks);
            table.AddRow(contender.Name, Number(comeback.PerSecond, "0"), Number(comeback.Cpu, "0.0"));
        }
        AnsiConsole.Write(table);
    }

    public void Dispose()
    {
        foreach (var contender in _all)
            contender.Dispose();
    }

    List<Sample> Samples(Contender contender, Load load) =>
        _samples.TryGetValue((contender, load), out var samples) ? samples : _samples[(contender, load)] = [];

    double Ratio(Load load) => Median(Samples(Kuguru, load).Zip(Samples(Charon, load), (ours, theirs) => ours.Gbits / theirs.Gbits));

    string Speed(Contender contender, Load load)
    {
        var speeds = Samples(contender, load).Select(sample => sample.Gbits).ToArray();
        return $"{Number(Median(speeds), "0.00")} ({Number(speeds.Min(), "0.00")}..{Number(speeds.Max(), "0.00")})";
    }

    static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    static string NameOf(Load load) => load switch
    {
        Load.OneStream => "one stream",
        Load.Reverse => "one stream, reverse",
        Load.FourStreams => "four streams",
    };

    static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
