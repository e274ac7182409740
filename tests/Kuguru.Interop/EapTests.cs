using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Users log in by EAP, and postquantum pre-shared keys are used or not, between Kuguru and strongSwan in either part.</summary>
public class EapTests
{
    /// <summary>Charon verifies what EAP-GTC carries with the passwords of EAP. Its TLS is 1.2: with 1.3 it does not know RFC 9190 yet.</summary>
    const string Charon = "eap-gtc {\n backend = generic\n }\n";

    static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void Users_log_in_by_every_method_alone_and_in_two_rounds(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway, gateway == Peer.Charon ? $"plugins {{\n{Charon}}}\n" : "");
        Give(far, root, "gw.example");
        far.Load(Gateway);
        foreach (var name in (string[])["tls.example", "only.example", "rounds.example"])
            Give(near, root, name);
        near.Load(string.Concat(
            Client("md5", world.GatewayAddress, "auth = eap-md5\n id = md5.example\n eap_id = carol"),
            Client("gtc", world.GatewayAddress, "auth = eap\n id = gtc.example\n eap_id = carol"),
            Client("mschapv2", world.GatewayAddress, "auth = eap-mschapv2\n id = mschapv2.example\n eap_id = carol"),
            Client("tls", world.GatewayAddress, "auth = eap-tls\n id = tls.example\n certs = tls.example.pem"),
            Client("only", world.GatewayAddress, "auth = eap-tls\n id = only.example\n certs = only.example.pem", "auth = eap-tls"),
            Client("rounds", world.GatewayAddress, "auth = pubkey\n id = rounds.example\n certs = rounds.example.pem\n round = 1", more: "local-2 {\n auth = eap-mschapv2\n eap_id = carol\n round = 2\n }"),
            Client("wrong", world.GatewayAddress, "auth = eap-mschapv2\n id = mschapv2.example\n eap_id = dave"),
            "secrets {\n eap-carol {\n id = carol\n secret = Ar3etTnp\n }\n eap-dave {\n id = dave\n secret = wrong\n }\n }\n"));

        foreach (var name in (string[])["tls", "only", "rounds", "md5", "gtc", "mschapv2"])
        {
            var up = near.TrySwanctl("--initiate", "--child", name);
            Assert.True(up.Status == 0, $"{name}: {up.Errors}{up.Output}\n--- client ---\n{Tail(near)}\n--- gateway ---\n{Tail(far)}");
            var sa = far.Single();
            if (name is not "rounds")
                Assert.True($"{name}.example" == sa.RemoteId, $"{name} is {sa}\n--- client ---\n{Tail(near)}\n--- gateway ---\n{Tail(far)}");
            if (name is "md5" or "gtc" or "mschapv2" or "rounds")
                Assert.Contains("remote-eap-id=carol", far.Sas(), StringComparison.Ordinal);
            world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            near.Swanctl("--terminate", "--ike", name);
            Wait.Until("the gateway has no SA left", Soon, () => far.List().Count == 0);
        }
        Assert.NotEqual(0, near.TrySwanctl("--initiate", "--child", "wrong", "--timeout", "10").Status);
        Wait.Until("nothing is left of who has a wrong password", Soon, () => near.List().Count == 0);
        if (gateway == Peer.Kuguru)
            Assert.Contains("EAP authentication with 'dave' failed: EAP_MSCHAPV2: there is no such user, or the password is wrong", far.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void A_postquantum_key_is_used_where_both_have_it_and_done_without_where_both_may(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Load(PpkGateway);
        near.Load(string.Concat(
            PpkClient("required", world.GatewayAddress, "ppk_id = ppk-carol\n ppk_required = yes"),
            PpkClient("optional", world.GatewayAddress, "ppk_id = ppk-dave"),
            PpkClient("without", world.GatewayAddress, ""),
            PpkClient("wrong", world.GatewayAddress, "ppk_id = ppk-wrong"),
            PpkClient("missing", world.GatewayAddress, "ppk_id = ppk-dave\n ppk_required = yes"),
            """
            secrets {
              ike-all {
                secret = "correct horse"
              }
              ppk-carol {
                id = ppk-carol
                secret = 0x98c61dd0f8c7daf07759617546f7b3ae156f19a7bc935c61523c7ca998e5eedb
              }
              ppk-dave {
                id = ppk-dave
                secret = 0x06918e49398db61094438a5be8b743894f155f4e8521e6bcd1d47690557e4b13
              }
              ppk-wrong {
                id = ppk-wrong
                secret = 0x06918e49398db61094438a5be8b743894f155f4e8521e6bcd1d47690557e4b13
              }
            }

            """));
        foreach (var (name, usesPpk) in ((string, bool)[])[("required", true), ("optional", false), ("without", false)])
        {
            near.Swanctl("--initiate", "--child", name);
            Assert.Equal(usesPpk, near.Sas().Contains("ppk=yes", StringComparison.Ordinal));
            Assert.Equal(usesPpk, far.Sas().Contains("ppk=yes", StringComparison.Ordinal));
            world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            if (usesPpk)
            {
                near.Swanctl("--rekey", "--ike", name);
                Wait.Until("the new IKE SA has the PPK too", Soon, () => near.Sas() is var sas && sas.Contains("uniqueid=2", StringComparison.Ordinal)
                    && sas.Contains("ppk=yes", StringComparison.Ordinal) && near.List().Count == 1);
                world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            }
            near.Swanctl("--terminate", "--ike", name);
            Wait.Until("the gateway has no SA left", Soon, () => far.List().Count == 0);
        }
        Assert.NotEqual(0, near.TrySwanctl("--initiate", "--child", "wrong", "--timeout", "10").Status);
        Assert.NotEqual(0, near.TrySwanctl("--initiate", "--child", "missing", "--timeout", "10").Status);
        Wait.Until("nothing is left of either", Soon, () => near.List().Count == 0 && far.List().Count == 0);
    }

    static string Tail(IkeDaemon daemon) => string.Join('\n', daemon.Log.Split('\n').TakeLast(25));

    static void Give(IkeDaemon daemon, Authority root, string name)
    {
        var own = root.Issue(name, new Wish { Keys = "rsa2048" });
        daemon.Host.Write("/run/swanctl/x509ca/root.pem", root.Own.Pem);
        daemon.Host.Write($"/run/swanctl/x509/{name}.pem", own.Pem);
        daemon.Host.Write($"/run/swanctl/private/{name}.pem", own.Keys.Pem);
    }

    static string Client(string name, string gateway, string local, string remote = "auth = pubkey", string more = "") => $$"""
        connections {
          {{name}} {
            version = 2
            remote_addrs = {{gateway}}
            vips = 0.0.0.0
            proposals = aes128-sha256-x25519
            local-1 {
              {{local}}
            }
            {{more}}
            remote {
              {{remote}}
              id = gw.example
            }
            children {
              {{name}} {
                remote_ts = 10.2.0.0/24
                esp_proposals = aes128gcm16
              }
            }
          }
        }

        """;

    static string Gateway => string.Concat(
        One("md5", "auth = eap-md5\n id = md5.example\n eap_id = %any"),
        One("gtc", "auth = eap-gtc\n id = gtc.example\n eap_id = %any"),
        One("mschapv2", "auth = eap-mschapv2\n id = mschapv2.example\n eap_id = %any"),
        One("tls", "auth = eap-tls\n id = tls.example"),
        One("only", "auth = eap-tls\n id = only.example", "auth = eap-tls"),
        One("rounds", "auth = pubkey\n id = rounds.example\n round = 1", more: "remote-2 {\n auth = eap-mschapv2\n eap_id = %any\n round = 2\n }"),
        "pools {\n pool4 {\n addrs = 10.3.0.0/24\n }\n }\n",
        "secrets {\n eap-carol {\n id = carol\n secret = Ar3etTnp\n }\n eap-dave {\n id = dave\n secret = W7R0g3do\n }\n }\n");

    static string One(string name, string remote, string local = "auth = pubkey", string more = "") => $$"""
        connections {
          {{name}} {
            version = 2
            pools = pool4
            proposals = aes128-sha256-x25519
            local {
              {{local}}
              certs = gw.example.pem
              id = gw.example
            }
            remote-1 {
              {{remote}}
            }
            {{more}}
            children {
              net {
                local_ts = 10.2.0.0/24
                esp_proposals = aes128gcm16
              }
            }
          }
        }

        """;

    static string PpkClient(string name, string gateway, string ppk) => $$"""
        connections {
          {{name}} {
            version = 2
            remote_addrs = {{gateway}}
            vips = 0.0.0.0
            proposals = aes128-sha256-x25519
            {{ppk}}
            local {
              auth = psk
              id = {{name}}.example
            }
            remote {
              auth = psk
              id = gw.example
            }
            children {
              {{name}} {
                remote_ts = 10.2.0.0/24
                esp_proposals = aes128gcm16
              }
            }
          }
        }

        """;

    const string PpkGateway = """
        connections {
          rw {
            version = 2
            pools = pool4
            proposals = aes128-sha256-x25519
            local {
              auth = psk
              id = gw.example
            }
            remote {
              auth = psk
            }
            children {
              net {
                local_ts = 10.2.0.0/24
                esp_proposals = aes128gcm16
              }
            }
          }
        }
        pools {
          pool4 {
            addrs = 10.3.0.0/24
          }
        }
        secrets {
          ike-all {
            secret = "correct horse"
          }
          ppk-carol {
            id = ppk-carol
            secret = 0x98c61dd0f8c7daf07759617546f7b3ae156f19a7bc935c61523c7ca998e5eedb
          }
          ppk-wrong {
            id = ppk-wrong
            secret = 0x11118e49398db61094438a5be8b743894f155f4e8521e6bcd1d47690557e4b13
          }
        }

        """;
}
