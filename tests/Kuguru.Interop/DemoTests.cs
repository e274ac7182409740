using System.Diagnostics;
using System.Text.RegularExpressions;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary><c>kuguru demo</c> as a newcomer meets it.</summary>
public sealed class DemoTests : IDisposable
{
    /// <summary>Where the demo puts its files, and by which its processes are known: it is in their environment.</summary>
    readonly string _folder = Directory.CreateTempSubdirectory("kuguru-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData()]
    [InlineData("--ip6")]
    [InlineData("--peer", "strongswan")]
    public void As_root_it_shows_two_clients_behind_one_nat_and_leaves_nothing(params string[] options)
    {
        Peers.NeedRoot();
        var demo = Demo(options);
        Assert.Equal((0, ""), (demo.Status, demo.Errors));
        var outside = options is ["--ip6"] ? "2001:db8::1" : "192.0.2.1";
        foreach (var client in new[] { "client1", "client2" })
        {
            Assert.Matches($@"{client} +NAT: (local|both); IKE moved from port 500 to 4500, ESP goes in UDP", demo.Output);
            Assert.Matches($@"gateway +sees {client}\.example at {outside}\[2\d{{4}}\], NAT: remote", demo.Output);
            Assert.Matches($@"server +still reaches {client} at 10\.3\.0\.\d", demo.Output);
        }
        Assert.Contains("All of it worked", demo.Output);
        Assert.Empty(Traces());
    }

    [Fact]
    public void Interrupted_it_cleans_up()
    {
        Peers.NeedRoot();
        // Who runs the tests in the background of a script has SIGINT ignored, and so would the demo.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", .. KuguruDaemon.Program, "demo"]) { RedirectStandardOutput = true };
        foreach (var (name, value) in Mark)
            start.Environment[name] = value;
        using var demo = Process.Start(start)!;
        for (var line = demo.StandardOutput.ReadLine(); line is not null && !line.Contains("Traffic", StringComparison.Ordinal);)
            line = demo.StandardOutput.ReadLine();
        Outcome.Of(["kill", "-INT", $"{demo.Id}"]).Text();
        var rest = demo.StandardOutput.ReadToEnd();
        demo.WaitForExit();
        Assert.Equal(130, demo.ExitCode);
        Assert.Contains("interrupted, all of it is gone", rest);
        Assert.Empty(Traces());
    }

    [Fact]
    public void Kept_it_stays_until_it_is_ended_by_what_it_says()
    {
        Peers.NeedRoot();
        var demo = Demo("--keep").Text();
        Assert.NotEmpty(Traces());
        var enter = Regex.Match(demo, "client1 +sudo (nsenter .*)").Groups[1].Value.TrimEnd();
        Outcome.Of(["bash", "-c", $"{enter} ping -c1 -W3 {RoadWarriors.Server4}"]).Text();
        var end = demo.Split('\n').Single(line => line.StartsWith("end it: sudo ", StringComparison.Ordinal));
        Outcome.Of(["bash", "-c", end["end it: sudo ".Length..]]).Text();
        Wait.Until("all of it is gone", TimeSpan.FromSeconds(5), () => Traces().Count == 0);
    }

    [Fact]
    public void Without_root_it_runs_on_the_simulated_network_and_says_so()
    {
        Peers.NeedRoot();
        var demo = Outcome.Of(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", .. KuguruDaemon.Program, "demo"],
            environment: new Dictionary<string, string> { ["HOME"] = "/nonexistent" });
        Assert.Equal((0, ""), (demo.Status, demo.Errors));
        Assert.Contains("simulated", demo.Output);
        Assert.Contains("client2", demo.Output);
    }

    Outcome Demo(params string[] options) =>
        Outcome.Of([.. KuguruDaemon.Program, "demo", .. options], environment: Mark);

    Dictionary<string, string> Mark => new() { ["TMPDIR"] = _folder, ["KUGURU_TEST"] = _folder };

    /// <summary>Processes and folders of the demo that are still there; namespaces without a name go with the last process in them.</summary>
    IReadOnlyList<string> Traces()
    {
        const string Marked = "grep -lsaF \"KUGURU_TEST=$0\" /proc/[0-9]*/environ | cut -d/ -f3 | xargs -r ps -o pid=,args= -p || true";
        var processes = Outcome.Of(["bash", "-c", Marked, _folder]).Text();
        return [.. processes.Split('\n', StringSplitOptions.RemoveEmptyEntries), .. Directory.GetDirectories(_folder, "kuguru-net-*")];
    }
}
