using System.Text;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Xunit;

namespace Kuguru.Tests.Daemon.Settings;

public class SwanctlConfTests
{
    readonly Complaints _complaints = new();

    [Fact]
    public void A_connection_becomes_what_swanctl_sends()
    {
        var conf = Read("""
            connections {
              gw {
                remote_addrs = 192.0.2.1, gw.example.org
                local { auth = psk
                }
                children {
                  net { local_ts = 10.1.0.0/16
                    esp_proposals = aes128gcm16-x25519, default
                    updown = /usr/lib/ipsec/_updown iptables }
                }
                version = 2
              }
            }
            """)!;
        var request = Assert.Single(conf.Requests);
        Assert.Equal(("load-conn", "connections.gw"), (request.Command, request.Key));
        Assert.Equal(new ViciMessage
        {
            {
                "gw", new ViciMessage
                {
                    { "remote_addrs", (string[])["192.0.2.1", "gw.example.org"] },
                    { "version", "2" },
                    { "local", new ViciMessage { { "auth", "psk" } } },
                    {
                        "children", new ViciMessage
                        {
                            {
                                "net", new ViciMessage
                                {
                                    { "local_ts", (string[])["10.1.0.0/16"] },
                                    { "esp_proposals", (string[])["aes128gcm16-x25519", "default"] },
                                    { "updown", "/usr/lib/ipsec/_updown iptables" },
                                }
                            },
                        }
                    },
                }
            },
        }, request.Message);
    }

    [Fact]
    public void Secrets_and_pools_come_before_connections()
    {
        var conf = Read("connections { c { } } pools { p { addrs = 10.3.0.0/24\n dns = 10.0.0.1, 10.0.0.2\n } } secrets { ike-1 { secret = x } }")!;
        Assert.Equal(["load-shared", "load-pool", "load-conn"], conf.Requests.Select(r => r.Command));
        Assert.Equal(new ViciMessage { { "p", new ViciMessage { { "addrs", "10.3.0.0/24" }, { "dns", (string[])["10.0.0.1", "10.0.0.2"] } } } }, conf.Requests[1].Message);
    }

    [Theory]
    [InlineData("secret = \"plain text\"", "706c61696e2074657874")]
    [InlineData("secret = 0x45a30759df97dc26a15b88ff", "45a30759df97dc26a15b88ff")]
    [InlineData("secret = 0X5a3", "05a3")]
    [InlineData("secret = 0sv+NkxY9LLZvwj4qCC2o/gGrWDF2d21jL", "bfe364c58f4b2d9bf08f8a820b6a3f806ad60c5d9ddb58cb")]
    [InlineData("secret = grün", "6772c3bc6e")]
    public void A_secret_is_text_hexadecimal_or_base64(string line, string hex)
    {
        var message = Assert.Single(Read($"secrets {{ ike-a {{ id-1 = moon\n id2 = sun\n {line}\n }} }}")!.Requests).Message;
        Assert.Equal(("ike-a", "ike", hex), (message["id"], message["type"], Convert.ToHexStringLower(message.Bytes("data")!.Value.Span)));
        Assert.Equal(["moon", "sun"], message.Items("owners"));
    }

    [Theory]
    [InlineData("secrets {\n ike { secret = 0xgeheim } }", "f:2: secrets.ike.secret: what follows 0x is not hexadecimal")]
    [InlineData("secrets {\n ike { secret = 0sgeheim! } }", "f:2: secrets.ike.secret: what follows 0s is not base64 (a multiple of four characters)")]
    [InlineData("secrets {\n ike { id = a } }", "f:2: secrets.ike: has no \"secret\"")]
    [InlineData("secrets { rsa-1 { secret = x } }", "f:1: secrets.rsa-1: the passphrase of a private key has \"file\" and \"secret\"")]
    [InlineData("secrets { psk { secret = x } }", "f:1: secrets.psk: the name of a secret begins with its type: eap, xauth, ntlm, ike, ppk")]
    [InlineData("secrets { ike { secret = x\n owner = y\n } }", "f:2: secrets.ike.owner: unknown key: a secret has \"secret\" and keys that begin with \"id\"")]
    [InlineData("conections { a { } }", "f:1: conections: unknown section: did you mean \"connections\"?")]
    [InlineData("connections {\n version = 2 }", "f:2: connections.version: a key where a section of a name of your choice should be: connections { NAME { version = ... } }")]
    [InlineData("connections { gw { local { certs = none.pem } } }", "f:1: connections.gw.local.certs: cannot read x509/none.pem: *")]
    public void A_mistake_has_file_line_and_key_and_never_the_secret(string text, string expected)
    {
        Assert.Null(Read(text));
        var told = Assert.Single(_complaints.All).ToString();
        if (expected.EndsWith('*'))
            Assert.StartsWith(expected[..^1], told, StringComparison.Ordinal);
        else
            Assert.Equal(expected, told);
        Assert.DoesNotContain("geheim", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_finds_back_to_its_line_also_when_it_was_inherited()
    {
        var conf = Read("connections {\n gw : common {\n children {\n net { mode = tunnel\n }\n }\n }\n}\ncommon {\n proposals = x\n}")!;
        Assert.Equal(4, conf.Where("connections.gw.children.net.mode").Line);
        Assert.Equal(4, conf.Where("connections.gw.children.net.absent").Line);
        Assert.Equal(10, conf.Where("connections.gw.proposals").Line);
        Assert.Equal(2, conf.Where("connections.gw.nothing.at.all").Line);
    }

    [Fact]
    public void Sections_that_others_refer_to_may_have_any_name() =>
        Assert.Equal("connections.gw", Assert.Single(Read("my-defaults { version = 2\n } connections { gw : my-defaults { } }")!.Requests).Key);

    [Fact]
    public async Task A_load_replaces_all_that_the_daemon_has()
    {
        var conf = Read("connections { new { } } pools { p { addrs = 10.0.0.0/24\n } } secrets { ike { secret = x } }")!;
        var sent = new List<string>();
        var result = await SwanctlLoader.Load(conf, (command, message) =>
        {
            sent.Add($"{command} {message["name"] ?? message["id"] ?? string.Join(' ', message.Sections.Select(s => s.Name))}".Trim());
            return Task.FromResult(command switch
            {
                "get-shared" => new ViciMessage { { "keys", (string[])["ike", "ike-old"] } },
                "get-pools" => new ViciMessage { { "old", new ViciMessage { { "base", "10.9.0.1" } } } },
                "get-conns" => new ViciMessage { { "conns", (string[])["old"] } },
                _ => new ViciMessage { { "success", "yes" } },
            });
        }, _complaints);
        Assert.Equal(["get-keys", "get-shared", "load-shared ike", "unload-shared ike-old", "get-authorities", "get-pools", "load-pool p", "unload-pool old", "get-conns", "load-conn new", "unload-conn old"], sent);
        Assert.Equal("loaded 1 connections, 1 pools and 1 secrets, unloaded 3", result.ToString());
        Assert.Empty(_complaints.All);
    }

    [Fact]
    public async Task What_the_daemon_refuses_is_told_with_file_and_line()
    {
        var conf = Read("connections {\n gw {\n proposals = nonsense\n }\n}")!;
        var result = await SwanctlLoader.Load(conf, (command, _) => Task.FromResult(command == "load-conn"
            ? new ViciMessage { { "success", "no" }, { "errmsg", "..." }, { "keys", (string[])["connections.gw.proposals", "connections.gw"] }, { "reasons", (string[])["bad", "no local"] } }
            : []), _complaints);
        Assert.Equal(["f:3: connections.gw.proposals: bad", "f:2: connections.gw: no local"], _complaints.All.Select(c => c.ToString()));
        Assert.Equal(1, result.Failed);
    }

    [Fact]
    public async Task A_refusal_of_charon_is_told_for_its_section()
    {
        var conf = Read("connections {\n gw { } }")!;
        await SwanctlLoader.Load(conf, (_, _) => Task.FromResult(new ViciMessage { { "success", "no" }, { "errmsg", "invalid value for: proposals, config discarded" } }), _complaints);
        Assert.Equal("f:2: connections.gw: invalid value for: proposals, config discarded", Assert.Single(_complaints.All).ToString());
    }

    SwanctlConf? Read(string text)
    {
        var root = SettingsFile.Parse(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), "f", _complaints);
        return root is null ? null : SwanctlConf.From(root, _complaints);
    }
}
