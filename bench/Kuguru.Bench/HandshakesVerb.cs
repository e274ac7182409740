using System.CommandLine;
using System.Globalization;
using Kuguru.Crypto;
using Spectre.Console;

namespace Kuguru.Bench;

/// <summary>
/// <c>handshakes</c>: IKE_SA_INIT and IKE_AUTH of the pure library for each second of one processor, both ends in this thread: no socket, no
/// daemon, no packet path.
/// </summary>
static class HandshakesVerb
{
    static readonly string[] _suites = ["aes128gcm16-prfsha256-x25519", "aes128-sha256-ecp256", "aes128-sha256-modp2048"];

    public static Command Command()
    {
        var seconds = new Option<double>("--seconds") { Description = "Of processor time, for each suite", HelpName = "N", DefaultValueFactory = _ => 1 };
        var ike = new Option<string[]>("--ike") { Description = "IKE suites by strongSwan's keywords", HelpName = "SUITE", DefaultValueFactory = _ => _suites, AllowMultipleArgumentsPerToken = true };
        seconds.MustBePositive();
        ike.MustBe(ProposalKind.Ike);
        var verb = new Command("handshakes", "Count handshakes of the library in one thread") { seconds, ike };
        verb.SetAction(parsed => Show(parsed.GetRequiredValue(ike), TimeSpan.FromSeconds(parsed.GetValue(seconds)), CancellationToken.None));
        return verb;
    }

    public static void Show(IReadOnlyList<string> suites, TimeSpan duration, CancellationToken cancel)
    {
        AnsiConsole.WriteLine("Handshakes (IKE_SA_INIT, IKE_AUTH with pre-shared keys, one child) for each second of one processor");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("suite", "both ends", "the gateway alone");
        foreach (var suite in suites)
        {
            var (both, gateway) = Count(suite, duration, cancel);
            table.AddRow(suite, Rate(both), Rate(gateway));
        }
        AnsiConsole.Write(table);
    }

    static (double Both, double Gateway) Count(string suite, TimeSpan duration, CancellationToken cancel)
    {
        var pair = new NodePair(suite);
        Run(pair, duration, cancel);
        return Run(pair, duration, cancel);
    }

    /// <summary>Only coming up is timed; going down in between keeps the tables small.</summary>
    static (double Both, double Gateway) Run(NodePair pair, TimeSpan duration, CancellationToken cancel)
    {
        TimeSpan both = default, gateway = default;
        var count = 0;
        for (; both < duration; count++)
        {
            cancel.ThrowIfCancellationRequested();
            var (begin, before) = (ThreadClock.Now, pair.GatewayTime);
            pair.Up();
            both += ThreadClock.Now - begin;
            gateway += pair.GatewayTime - before;
            pair.Down();
        }
        return (count / both.TotalSeconds, count / gateway.TotalSeconds);
    }

    static string Rate(double value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
