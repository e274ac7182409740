using System.Globalization;
using System.Text.Json;
using Kuguru.Cli.Namespaces;

namespace Kuguru.Bench;

/// <summary>What is sent through a tunnel: TCP, from the client behind the NAT to the server behind the gateway, or back.</summary>
enum Load { OneStream, Reverse, FourStreams }

/// <summary>iperf3 between a network's first client and its server.</summary>
sealed class Iperf : IDisposable
{
    static readonly TimeSpan _patience = TimeSpan.FromSeconds(15);

    readonly Host _client;
    readonly Job _server;

    public Iperf(RoadWarriors world)
    {
        _client = world.Clients[0];
        _server = world.Server.Start("iperf3", "iperf3", "--server", "--forceflush");
        Wait.Until("iperf3 listens", _patience, () => _server.Log.Contains("Server listening", StringComparison.Ordinal));
    }

    /// <summary>Bits per second of payload that arrived.</summary>
    /// <exception cref="IOException">iperf3 did not get through.</exception>
    public double Run(Load load, int seconds)
    {
        string[] options = load switch
        {
            Load.OneStream => [],
            Load.Reverse => ["--reverse"],
            Load.FourStreams => ["--parallel", "4"],
        };
        var outcome = _client.Try(["iperf3", "--client", RoadWarriors.Server4, "--time", seconds.ToString(CultureInfo.InvariantCulture), "--json", .. options],
            TimeSpan.FromSeconds(seconds) + _patience);
        if (outcome.Output.Length == 0)
            throw new CommandFailedException(outcome);
        using var report = JsonDocument.Parse(outcome.Output);
        return report.RootElement.TryGetProperty("error", out var error)
            ? throw new IOException($"{outcome.Command}: {error.GetString()}")
            : report.RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble();
    }

    public void Dispose() => _server.Dispose();
}
