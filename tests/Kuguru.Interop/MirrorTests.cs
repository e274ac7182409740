using Kuguru.Cli.Namespaces;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Xunit;

namespace Kuguru.Interop;

/// <summary>The same swanctl.conf, loaded by the same loader into charon and into Kuguru, is listed back the same.</summary>
public sealed class MirrorTests : IDisposable
{
    const string Configuration = """
        connections {
          gw {
            local_addrs = 192.0.2.1
            remote_addrs = 198.51.100.7, gw.example.org, 10.9.0.0/16, 10.8.0.1-10.8.0.9
            pools = p4
            encap = yes
            dpd_delay = 30s
            unique = replace
            version = 2
            reauth_time = 3h
            proposals = aes128-sha256-x25519
            local { auth = psk
              id = moon.example.org }
            remote { auth = psk
              id = "*@example.org" }
            children {
              net {
                local_ts = 10.1.0.0/16, dynamic[tcp/80]
                remote_ts = 10.2.0.0/16[udp/1701], 10.5.0.1-10.5.0.6, fec0::/64[tcp/1000-2000]
                esp_proposals = aes128gcm16-x25519
                rekey_time = 30m
                rekey_packets = 1000
                dpd_action = restart
                close_action = trap
              }
              other {
                rekey_time = 2h
                local_ts = 0.0.0.0/0[icmp/2048]
                remote_ts = ::/0[sctp/opaque], 10.0.0.0/8[47]
              }
            }
          }
          rw {
            version = 2
            local { auth = psk
            }
            remote { auth = psk
            }
          }
          signed {
            version = 2
            ppk_id = "ppk*@example.org"
            ppk_required = yes
            local { auth = rsa-2048-sha256
              id = "C=CH, O=Kuguru, CN=moon" }
            remote { auth = ike:ecdsa-sha384
              id = "C=CH, O=*, CN=*"
              ca_id = "C=CH, O=Kuguru, CN=Research CA"
              cert_policy = 1.3.6.1.4.1.36906.1.1.1, 2.5.29.32.0
              revocation = strict }
          }
          users {
            version = 2
            local { auth = pubkey
              id = moon.example.org }
            remote-b { auth = eap-tls
              id = "@#0aff"
              eap_id = "*@example.org"
              revocation = ifuri
              round = 2 }
            remote-a { auth = pubkey
              id = keyid:#0bff
              round = 1 }
          }
          user {
            version = 2
            local { auth = eap-mschapv2
              id = carol@example.org
              eap_id = carol
              aaa_id = aaa.example.org }
            remote { auth = pubkey
              id = 0.0.0.0 }
          }
          anybody {
            version = 2
            local { auth = eap
              id = 192.0.2.7
              eap_id = %any }
            remote { auth = eap-tls
              id = ab:cd }
          }
        }
        pools {
          p4 { addrs = 10.3.0.7/24
            dns = 10.1.0.53 }
          p6 { addrs = fec3::10-fec3::20
          }
        }
        secrets {
          ike-1 { id = sun.example.org
            secret = 0sv+NkxY9LLZvwj4qCC2o/gGrWDF2d21jL }
        }
        """;

    readonly RoadWarriors _world;

    public MirrorTests()
    {
        Peers.NeedRoot();
        _world = new();
    }

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task Charon_and_Kuguru_list_what_was_loaded_alike()
    {
        using var charon = Peer.Charon.On(_world.Gateway);
        using var kuguru = Peer.Kuguru.On(_world.Clients[0]);
        var (theirs, ours) = (await LoadAndList(charon.Socket), await LoadAndList(kuguru.Socket));
        Assert.NotEmpty(theirs);
        // charon lists the ports since 6.0.
        static bool isPort(string line) => line.Contains("_port = ", StringComparison.Ordinal);
        var hasPorts = theirs.Any(isPort);
        var comparable = ours.Where(line => hasPorts || !isPort(line)).ToList();
        Assert.Empty(theirs.Except(comparable));
        Assert.Empty(comparable.Except(theirs));
        Assert.Equal(theirs, comparable);
    }

    /// <summary>All values of list-conns, get-pools and get-shared as sorted lines of path and value.</summary>
    static async Task<IEnumerable<string>> LoadAndList(string socket)
    {
        using var client = await ViciClient.Connect(socket);
        var complaints = new Complaints();
        var conf = SwanctlConf.From(SettingsFile.Parse(Configuration, "/nonexistent/swanctl.conf", complaints)!, complaints)!;
        var result = await SwanctlLoader.Load(conf, (command, request) => client.Call(command, request), complaints);
        Assert.Equal("loaded 6 connections, 2 pools and 1 secrets, unloaded 0", result.ToString());
        Assert.Empty(complaints.All);
        var lines = new List<string>();
        await client.Call("list-conns", [], ["list-conn"], (_, message) => lines.AddRange(Lines("", message)));
        lines.AddRange(Lines("pools.", await client.Call("get-pools")));
        lines.AddRange(Lines("", await client.Call("get-shared")));
        return lines.Order(StringComparer.Ordinal);
    }

    static IEnumerable<string> Lines(string path, ViciMessage message) => message.SelectMany(element => element switch
    {
        ViciElement.Value value => [$"{path}{value.Name} = {value.Text}"],
        ViciElement.List list => [$"{path}{list.Name} = [{string.Join(' ', list.Texts)}]"],
        ViciElement.Section section => Lines($"{path}{section.Name}.", section.Body),
        _ => (IEnumerable<string>)[],
    });
}
