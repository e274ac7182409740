using System.Diagnostics;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Xunit;

namespace Kuguru.Tests.Daemon.Vici;

/// <summary>strongSwan's own swanctl against our door.</summary>
public sealed class StockSwanctlTests : IAsyncDisposable
{
    const string Conf = """
        connections {
          gw {
            local_addrs = 192.0.2.1
            remote_addrs = 198.51.100.7
            pools = p4
            local { auth = psk
              id = moon.example.org }
            remote { auth = psk
              id = sun.example.org }
            children {
              net { local_ts = 10.1.0.0/16
                remote_ts = 10.2.0.0/16[udp/17010]
                esp_proposals = aes128gcm16-x25519
                rekey_time = 30m }
            }
            version = 2
            proposals = aes128-sha256-x25519
          }
        }
        secrets {
          ike-1 { id = sun.example.org
            secret = 0sv+NkxY9LLZvwj4qCC2o/gGrWDF2d21jL }
        }
        pools {
          p4 { addrs = 10.3.0.0/24
            dns = 10.1.0.53 }
        }
        """;

    readonly BareDaemon _daemon = new();

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task It_loads_lists_and_unloads_everything()
    {
        var (status, text) = await Swanctl("--load-all", "--noprompt", "--file", _daemon.Write("swanctl.conf", Conf));
        Assert.Equal(0, status);
        Assert.Contains("loaded ike secret 'ike-1'", text, StringComparison.Ordinal);
        Assert.Contains("successfully loaded 1 pools, 0 unloaded", text, StringComparison.Ordinal);
        Assert.Contains("successfully loaded 1 connections, 0 unloaded", text, StringComparison.Ordinal);

        (_, text) = await Swanctl("--list-conns");
        Assert.Equal("""
            gw: IKEv2, no reauthentication, rekeying every 14400s
              local:  192.0.2.1
              remote: 198.51.100.7
              local pre-shared key authentication:
                id: moon.example.org
              remote pre-shared key authentication:
                id: sun.example.org
              net: TUNNEL, rekeying every 1800s
                local:  10.1.0.0/16
                remote: 10.2.0.0/16[udp/17010]

            """, text);

        (_, text) = await Swanctl("--list-pools");
        Assert.Matches(@"^p4 +10\.3\.0\.1 +0 / 0 / 254", text);

        (status, text) = await Swanctl("--load-all", "--noprompt", "--file", _daemon.Write("empty.conf", ""));
        Assert.Equal(0, status);
        Assert.Contains("no connections found, 1 unloaded", text, StringComparison.Ordinal);
        Assert.Contains("no pools found, 1 unloaded", text, StringComparison.Ordinal);
        Assert.Empty((await Swanctl("--list-conns")).Text);
    }

    [Fact]
    public async Task A_refused_connection_fails_the_load_and_names_the_key()
    {
        var (status, text) = await Swanctl("--load-conns", "--file", _daemon.Write("swanctl.conf", Conf.Replace("version = 2", "versoin = 2", StringComparison.Ordinal)));
        Assert.NotEqual(0, status);
        Assert.Contains("loading connection 'gw' failed: connections.gw.versoin: unknown key: did you mean \"version\"?", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_statistics_algorithms_and_counters_are_shown()
    {
        Assert.Matches("strongSwan [0-9.]+ kuguru \\(Linux, ", (await Swanctl("--version", "--daemon")).Text);
        var (status, text) = await Swanctl("--stats");
        Assert.Equal(0, status);
        Assert.Matches("uptime: [0-9]+ seconds?, since ", text);
        Assert.Contains("IKE_SAs: 0 total, 0 half-open", text, StringComparison.Ordinal);
        Assert.Matches("drops.*esp-Replayed=3", (await Swanctl("--stats", "--raw")).Text);
        Assert.Contains("CURVE_25519", (await Swanctl("--list-algs")).Text, StringComparison.Ordinal);
        Assert.Contains("ike-init-in-req", (await Swanctl("--counters")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_initiation_shows_the_log_and_ends_at_its_timeout_as_an_IKE_SA_that_connects()
    {
        await Swanctl("--load-all", "--noprompt", "--file", _daemon.Write("swanctl.conf", Conf));
        var (status, text) = await Swanctl("--initiate", "--child", "net", "--timeout", "1");
        Assert.NotEqual(0, status);
        Assert.Contains("initiate failed: CHILD_SA 'net' not established after 1000ms", text, StringComparison.Ordinal);
        var raw = (await Swanctl("--list-sas", "--raw")).Text;
        Assert.True(System.Text.RegularExpressions.Regex.IsMatch(raw, @"list-sa event \{gw \{uniqueid=1 version=2 state=CONNECTING local-host=192\.0\.2\.1 local-port=500 local-id=\S+ "
            + @"remote-host=198\.51\.100\.7 remote-port=500 remote-id=.* initiator=yes initiator-spi=[0-9a-f]{16} responder-spi=0{16}"), raw);
        Assert.Equal(0, (await Swanctl("--terminate", "--ike", "gw", "--force")).Status);
        Assert.Contains("no matching SAs to terminate found", (await Swanctl("--terminate", "--ike", "gw")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_there_is_named()
    {
        Assert.Contains("CHILD_SA config 'none' not found", (await Swanctl("--initiate", "--child", "none")).Text, StringComparison.Ordinal);
        Assert.Contains("no matching SAs to rekey found", (await Swanctl("--rekey", "--ike", "none")).Text, StringComparison.Ordinal);
        Assert.Contains("policy 'none' not found", (await Swanctl("--uninstall", "--child", "none")).Text, StringComparison.Ordinal);
        Assert.Contains("redirect is not supported", (await Swanctl("--redirect", "--ike", "x", "--gateway", "192.0.2.9")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trap_is_installed_listed_and_uninstalled()
    {
        await Swanctl("--load-all", "--noprompt", "--file", _daemon.Write("swanctl.conf", Conf));
        Assert.Equal(0, (await Swanctl("--install", "--child", "net")).Status);
        Assert.Equal("gw/net, TUNNEL\n  local:  10.1.0.0/16\n  remote: 10.2.0.0/16[udp/17010]\n", (await Swanctl("--list-pols")).Text);
        Assert.Equal(0, (await Swanctl("--uninstall", "--child", "net")).Status);
        Assert.Empty((await Swanctl("--list-pols")).Text);
    }

    [Fact]
    public async Task Our_loader_sends_exactly_what_swanctl_sends()
    {
        const string Everything = """
            connections {
              gw : shared {
                vips = 0.0.0.0, ::
                local-1 { auth = psk
                  id = "moon @ example" }
                children { net { local_ts = 10.1.0.0/16,10.2.0.0/16 ,  dynamic
                  updown = /bin/a "b  c" d
                  esp_proposals = default } }
              }
              rw { remote { auth = psk
                } pools =
              }
            }
            shared { version = 2
              local_addrs = %any
              children { net { mode = tunnel } more { } }
            }
            secrets {
              ike-text { secret = 'My "home" is my "castle"!' }
              ike-hex { secret = 0x45a30759df97dc26a15b88ff
                id-b = b
                id-a = a }
              ike-base64 { id = "x y"
                secret = "0sv+NkxY9LLZvwj4qCC2o/gGrWDF2d21jL" }
              eapol { secret = s }
            }
            pools { p { addrs = 10.3.0.0/24
                dns = 10.1.0.53,10.1.0.54
                subnet = 10.0.0.0/8 } }
            """;
        var received = new List<(string Command, ViciMessage Message)>();
        var socket = _daemon.Write("unused", "") + ".vici";
        await using var server = new ViciServer(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        foreach (var command in (string[])["load-conn", "load-shared", "load-pool"])
            server.Command(command, (call, _) => { received.Add((command, Copy(call.Request))); return Task.FromResult(new ViciMessage { { "success", "yes" } }); });
        foreach (var command in (string[])["get-conns", "get-shared", "get-pools", "get-keys", "get-authorities"])
            server.Command(command, (_, _) => Task.FromResult<ViciMessage>([]));
        server.Listen(socket);
        var file = _daemon.Write("swanctl.conf", Everything);
        Assert.Equal(0, (await SwanctlAt(socket, "--load-all", "--noprompt", "--file", file)).Status);

        var complaints = new Complaints();
        var requests = SwanctlConf.Load(file, complaints)!.Requests;
        Assert.Empty(complaints.All);
        Assert.Equal(received.Select(r => r.Command), requests.Select(r => r.Command));
        foreach (var ((command, theirs), ours) in received.Zip(requests))
            Assert.True(theirs.Equals(ours.Message), $"{command} {ours.Key}: swanctl sends {theirs}, we {ours.Message}");
    }

    /// <summary>The request's octets are zeroed after the command.</summary>
    static ViciMessage Copy(ViciMessage message)
    {
        Assert.True(new ViciPacket(ViciOperation.Event, "", message).TryWrite(out var frame));
        Assert.True(ViciPacket.TryParse(frame.AsMemory(4), out var packet, out _));
        return packet.Message;
    }

    Task<(int Status, string Text)> Swanctl(params string[] arguments) => SwanctlAt(_daemon.Socket, arguments);

    static async Task<(int Status, string Text)> SwanctlAt(string socket, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/swanctl"), "strongswan-swanctl is not installed");
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
        foreach (var argument in (string[])["-c", "exec swanctl \"$@\" 2>&1", "sh", .. arguments, "--uri", $"unix://{socket}"])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var text = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await process.WaitForExitAsync();
        return (process.ExitCode, text);
    }
}
