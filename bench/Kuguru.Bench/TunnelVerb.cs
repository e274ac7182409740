using System.CommandLine;
using System.Runtime.InteropServices;
using Kuguru.Cli.Namespaces;
using Kuguru.Crypto;
using Spectre.Console;

namespace Kuguru.Bench;

/// <summary><c>tunnel</c>: throughput of one tunnel, Kuguru at both ends beside charon with kernel-libipsec at both ends, and handshakes. Needs root.</summary>
static class TunnelVerb
{
    public const int Failed = 1, Usage = 2, Environment = 3;

    static readonly string[] _folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "For each measurement", HelpName = "N", DefaultValueFactory = _ => 2 };
        var rounds = new Option<int>("--rounds") { Description = "Measurements of each contender under each load", HelpName = "N", DefaultValueFactory = _ => 3 };
        var esp = new Option<string>("--esp") { Description = "ESP suite by strongSwan's keywords", HelpName = "SUITE", DefaultValueFactory = _ => "aes128gcm16" };
        var least = new Option<double>("--at-least") { Description = "Fail when Kuguru is less than so many times as fast as charon under any load", HelpName = "RATIO" };
        seconds.MustBePositive();
        rounds.MustBePositive();
        esp.MustBe(ProposalKind.Esp);
        var verb = new Command("tunnel", "Measure one tunnel beside charon's, and handshakes (default)") { seconds, rounds, esp, least };
        // On a thread of its own: Ctrl-C is heard once the action has given its task.
        verb.SetAction((parsed, cancel) => Task.Run(() => Missing() is { } missing
            ? Fail(Environment, missing)
            : Run(new() { Esp = parsed.GetRequiredValue(esp) }, parsed.GetValue(rounds), parsed.GetValue(seconds), parsed.GetValue(least), cancel)));
        return verb;
    }

    static int Run(Tunnel tunnel, int rounds, int seconds, double least, CancellationToken cancel)
    {
        try
        {
            Preamble();
            HandshakesVerb.Show([tunnel.Ike], TimeSpan.FromSeconds(1), cancel);
            using var bench = new SideBySide(tunnel);
            AnsiConsole.WriteLine($"client - kernel NAPT - gateway - server, IPv4, ESP {bench.Suite} in UDP; {rounds} rounds of {seconds} s\n");
            bench.ShowComebacks(cancel);
            bench.Measure(rounds, seconds, cancel);
            bench.ShowThroughput();
            return bench.WorstRatio >= least ? 0 : Fail(Failed, FormattableString.Invariant($"Kuguru was {bench.WorstRatio:0.0} times as fast as charon, not {least}"));
        }
        catch (OperationCanceledException)
        {
            AnsiConsole.WriteLine("interrupted, cleaned up");
            return 130;
        }
        catch (Exception e) when (e is CommandFailedException or IOException or TimeoutException or InvalidOperationException or FormatException)
        {
            return Fail(Failed, e.Message.ReplaceLineEndings(" "));
        }
    }

    /// <summary>A line about the first thing that is not there, if any.</summary>
    static string? Missing()
    {
        if (!System.Environment.IsPrivilegedProcess)
            return "the tunnels need root (namespaces, TUN): sudo bench/run; without it there are bench/run handshakes and bench/run micro";
        string[] programs = ["unshare", "nsenter", "ip", "nft", "conntrack", "iperf3", "charon-systemd", "swanctl"];
        var missing = programs.FirstOrDefault(program => !_folders.Any(folder => File.Exists(System.IO.Path.Combine(folder, program))));
        return missing is null ? null : $"the program {missing} is missing: bench/run installs what it needs";
    }

    static void Preamble()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1];
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        AnsiConsole.WriteLine($"{System.Environment.ProcessorCount} x {model ?? RuntimeInformation.OSArchitecture.ToString()}, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}");
        AnsiConsole.WriteLine($"load average before: {load}; on a busy machine only ratios mean something\n");
    }

    static int Fail(int status, string line)
    {
        Console.Error.WriteLine($"bench: {line}");
        return status;
    }
}
