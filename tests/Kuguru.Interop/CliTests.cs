using System.Text.Json;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>The program's verbs, over the VICI of either daemon.</summary>
public class CliTests
{
    public static TheoryData<Peer> Daemons => [Peer.Charon, Peer.Kuguru];

    [Theory, MemberData(nameof(Daemons))]
    public void A_tunnel_is_loaded_brought_up_shown_and_closed(Peer client)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = Peer.Charon.On(world.Gateway);
        far.Load(new Tunnel().ForGateway());
        var file = System.IO.Path.Combine(world.Network.Folder, "swanctl.conf");
        File.WriteAllText(file, new Tunnel().ForClient(1, world.GatewayAddress));

        Assert.Equal("loaded 1 connections, 0 pools and 1 secrets, unloaded 0\n", Kuguru(near, "load", file).Text());
        var up = Kuguru(near, "up", "home").Text();
        Assert.Matches(@"^home: established, 10\.1\.0\.10\[4500\]\.\.\.192\.0\.2\.2\[4500\], NAT (local|both), here 10\.3\.0\.1\n$", up);
        var status = Kuguru(near, "status").Text();
        Assert.Contains("192.0.2.2[4500]", status);
        Assert.Contains("10.3.0.1/32 = 10.2.0.0/24", status);
        using var json = JsonDocument.Parse(Kuguru(near, "status", "--json").Text());
        Assert.Equal("ESTABLISHED", json.RootElement[0].GetProperty("state").GetString());
        Assert.Equal("INSTALLED", json.RootElement[0].GetProperty("child-sas").EnumerateObject().Single().Value.GetProperty("state").GetString());
        Assert.Contains("daemon on ", Kuguru(near, "version").Text());
        Assert.Equal("home: down\n", Kuguru(near, "down", "home").Text());
        Assert.Contains("no tunnel is up", Kuguru(near, "status").Text());

        File.WriteAllText(file, "connections { }");
        Assert.Equal("loaded 0 connections, 0 pools and 0 secrets, unloaded 2\n", Kuguru(near, "load", file).Text());
        Assert.Equal((1, "kuguru: no connection or child is named 'home'; loaded: none\n"), Failed(Kuguru(near, "up", "home")));
    }

    [Fact]
    public void Wrong_use_and_a_missing_daemon_are_one_line_and_a_status()
    {
        Assert.Equal((2, "kuguru: unknown command or option 'sideways'; see kuguru --help\n"), Failed(Kuguru("sideways")));
        Assert.Equal((2, "kuguru: down wants names, or --all; see kuguru down --help\n"), Failed(Kuguru("down")));
        var (status, line) = Failed(Kuguru("status", "--vici", "/run/nobody.vici"));
        Assert.Equal(3, status);
        Assert.StartsWith("kuguru: no daemon listens on /run/nobody.vici: start it with 'kuguru run'", line);
    }

    [Fact]
    public void A_daemon_that_cannot_read_its_settings_says_so_in_a_line()
    {
        var file = System.IO.Path.GetTempFileName();
        File.WriteAllText(file, "charon {\n  port = fish\n}\n");
        Assert.Equal((2, $"kuguru: {file}:2: charon.port: \"fish\" is not a number from 0 to 65535\n"), Failed(Kuguru("run", "--settings", file, "--vici", "/run/nobody.vici")));
        File.Delete(file);
    }

    static (int Status, string Line) Failed(Outcome outcome)
    {
        Assert.Empty(outcome.Output);
        Assert.Single(outcome.Errors.TrimEnd('\n').Split('\n'));
        return (outcome.Status, outcome.Errors);
    }

    static Outcome Kuguru(IkeDaemon daemon, params string[] arguments) => Kuguru([.. arguments, "--vici", daemon.Socket]);

    static Outcome Kuguru(params string[] arguments) => Outcome.Of([.. KuguruDaemon.Program, .. arguments]);
}
