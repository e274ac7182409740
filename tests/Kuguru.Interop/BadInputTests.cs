using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// What people get wrong and what networks do to them: one line that says what, where and what to do, in the log, as VICI's errmsg
/// and with an exit status; the daemon stays up and its other tunnel is untouched.
/// </summary>
public class BadInputTests
{
    // A second address of the gateway, so that a filter hits the second tunnel only.
    const string Second = "192.0.2.9";
    const string Impatient = "retransmit_timeout = 0.3\nretransmit_base = 1\nretransmit_tries = 2";

    public static TheoryData<string, Tunnel, string, string> Mistakes => new()
    {
        { "a wrong secret", new() { ClientId = "client2.example", Secret = "wrong" }, Second, "192\\.0\\.2\\.9.*secret" },
        { "an identity that the gateway does not know", new() { ClientId = "stranger.example" }, Second, "stranger\\.example" },
        { "a gateway with another identity", new() { GatewayId = "other.example" }, Second, "other\\.example" },
        { "no common proposal for IKE", new() { Ike = "aes256-sha512-modp8192" }, Second, "192\\.0\\.2\\.9.*proposal" },
        { "no common proposal for ESP", new() { Esp = "aes256-sha512" }, Second, "proposal" },
        { "an unreachable peer", new(), "192.0.2.77", "192\\.0\\.2\\.77" },
        { "udp/4500 filtered while udp/500 answers", new(), Second, "192\\.0\\.2\\.9.*4500" },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public void A_tunnel_that_cannot_come_up_says_why_and_hurts_no_other(string what, Tunnel wrong, string gateway, string line)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        world.Gateway.Ip($"addr add {Second}/24 dev eth0");
        using var near = Peer.Kuguru.On(world.Clients[0], Impatient);
        using var far = Peer.Charon.On(world.Gateway);
        far.Load(new Tunnel().ForGateway(2));
        near.Load(new Tunnel().ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        if (what.StartsWith("udp/4500", StringComparison.Ordinal))
            world.Nat!.Drop($"ip daddr {Second} udp dport 4500");
        near.Load(new Tunnel().ForClient(1, world.GatewayAddress) + Renamed(wrong.ForClient(2, gateway)));

        var swanctl = near.TrySwanctl("--initiate", "--child", "badnet", "--timeout", "20");
        Assert.NotEqual(0, swanctl.Status);
        Assert.Matches(line, swanctl.Errors + swanctl.Output);
        var up = Outcome.Of([.. KuguruDaemon.Program, "up", "bad", "--timeout", "20", "--vici", near.Socket]);
        TestContext.Current.TestOutputHelper?.WriteLine(up.Errors);
        Assert.Equal(1, up.Status);
        Assert.Matches($"^kuguru: bad: .*({line})", Assert.Single(up.Errors.TrimEnd('\n').Split('\n')));
        Assert.Contains(up.Errors["kuguru: bad: establishing CHILD_SA 'badnet' failed: ".Length..].TrimEnd('\n'), near.Log);

        Assert.False(near.Job.HasEnded);
        Assert.Equal("ESTABLISHED", Assert.Single(near.List(), sa => sa.Name == "home").State);
        world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
    }

    [Fact]
    public void A_port_in_use_ends_the_daemon_with_one_line()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var other = world.Gateway.Inside(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Any, 4500));
            return socket;
        });
        Refused(Run(world.Gateway), "4500.*in use");
    }

    [Fact]
    public void No_right_to_open_tun_ends_the_daemon_with_one_line()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        Refused(Run(world.Gateway, "", "setpriv", "--bounding-set=-net_admin"), "TUN.*(root|CAP_NET_ADMIN)");
    }

    [Fact]
    public void A_daemon_that_already_runs_is_named()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var first = Peer.Kuguru.On(world.Gateway);
        Refused(Run(world.Gateway), "500.*in use");
        Assert.False(first.Job.HasEnded);
        first.Swanctl("--stats");
    }

    [Theory]
    [InlineData("version = 2", "version 2", "swanctl\\.conf:3: ")]
    [InlineData("version = 2", "version = 2\n}", "swanctl\\.conf:")]
    [InlineData("vips = 0.0.0.0", "vip = 0.0.0.0", "swanctl\\.conf:5: connections\\.home\\.vip: .*vips")]
    [InlineData("aes128gcm16-prfsha256-x25519", "aes128-md17", "swanctl\\.conf:6: connections\\.home\\.proposals: .*md17")]
    [InlineData("auth = psk", "auth = eap-sim", "swanctl\\.conf:9: connections\\.home\\.local\\.auth: .*eap-sim")]
    [InlineData("esp_proposals = aes128gcm16", "mode = beet", "swanctl\\.conf:19: connections\\.home\\.children\\.net\\.mode: .*beet.* is not supported, only tunnel, transport")]
    [InlineData("10.2.0.0/24", "10.2.0.0/240", "swanctl\\.conf:18: connections\\.home\\.children\\.net\\.remote_ts: .*10\\.2\\.0\\.0/240")]
    public void A_wrong_configuration_is_refused_by_line_and_key_and_leaves_the_old_one(string right, string wrong, string line)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        var configuration = new Tunnel().ForClient(1, world.GatewayAddress);
        near.Load(configuration);
        var file = System.IO.Path.Combine(world.Network.Folder, "swanctl.conf");
        var at = configuration.IndexOf(right, StringComparison.Ordinal);
        File.WriteAllText(file, configuration[..at] + wrong + configuration[(at + right.Length)..]);

        var load = Outcome.Of([.. KuguruDaemon.Program, "load", file, "--vici", near.Socket]);
        TestContext.Current.TestOutputHelper?.WriteLine(load.Errors);
        Assert.Equal(2, load.Status);
        Assert.Matches(line, Assert.Single(load.Errors.TrimEnd('\n').Split('\n')));
        Assert.Contains("net: TUNNEL", near.Swanctl("--list-conns"));
        // swanctl's own complaints about syntax are its own affair; what the daemon refuses, it must hear.
        near.Host.Write("/run/swanctl/swanctl.conf", File.ReadAllText(file));
        if (line.Contains("connections", StringComparison.Ordinal))
            Assert.Contains(Regex.Match(line, "[a-z_]+(?=: )").Value, near.TrySwanctl("--load-all", "--noprompt").Errors);
    }

    [Fact]
    public void A_broken_line_in_strongswan_conf_ends_the_start()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        Refused(Run(world.Gateway, "charon {\n  keep_alive 3s\n}\n"), "strongswan\\.conf:2");
    }

    /// <summary>A start that is to fail, with this strongswan.conf and by way of another program that starts it.</summary>
    static Outcome Run(Host host, string settings = "", params string[] by)
    {
        host.Write("/run/strongswan.conf", settings);
        return host.Try([.. by, .. KuguruDaemon.Program, "run"]);
    }

    static void Refused(Outcome run, string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(run.Errors);
        Assert.InRange(run.Status, 1, 9);
        var said = (run.Errors + run.Output).TrimEnd('\n').Split('\n');
        Assert.Matches(line, Assert.Single(said, text => text.StartsWith("kuguru: ", StringComparison.Ordinal)));
    }

    static string Renamed(string configuration) => configuration.Replace("  home {", "  bad {", StringComparison.Ordinal)
        .Replace("      net {", "      badnet {", StringComparison.Ordinal);
}
