using System.Text;
using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Users log in by EAP, and postquantum pre-shared keys are used or not, between Kuguru and strongSwan in either part.</summary>
public class EapTests
{
    /// <summary>Charon verifies what EAP-GTC carries with the passwords of EAP. Its TLS is 1.2 unless it is told otherwise.</summary>
    const string Charon = "plugins {\n eap-gtc {\n backend = generic\n }\n }\n";

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
        using var near = client.On(world.Clients[0], "", client == Peer.Kuguru ? ["--verbose"] : []);
        using var far = gateway.On(world.Gateway, gateway == Peer.Charon ? Charon : "", gateway == Peer.Kuguru ? ["--verbose"] : []);
        far.Give(root, "gw.example", root.Issue("gw.example", "rsa2048"));
        far.Load(Gateway);
        foreach (var name in (string[])["tls.example", "only.example", "rounds.example"])
            near.Give(root, name, root.Issue(name, "rsa2048"));
        near.Load(string.Concat(
            Logins.Client("md5", world.GatewayAddress, "auth = eap-md5\n id = md5.example\n eap_id = carol"),
            Logins.Client("gtc", world.GatewayAddress, "auth = eap\n id = gtc.example\n eap_id = carol"),
            Logins.Client("mschapv2", world.GatewayAddress, "auth = eap-mschapv2\n id = mschapv2.example\n eap_id = carol"),
            Logins.Client("tls", world.GatewayAddress, "auth = eap-tls\n id = tls.example\n certs = tls.example.pem"),
            Logins.Client("only", world.GatewayAddress, "auth = eap-tls\n id = only.example\n certs = only.example.pem", "auth = eap-tls\n id = gw.example"),
            Logins.Client("rounds", world.GatewayAddress, "auth = pubkey\n id = rounds.example\n certs = rounds.example.pem\n round = 1", more: "local-2 {\n auth = eap-mschapv2\n eap_id = carol\n round = 2\n }"),
            Logins.Client("wrong", world.GatewayAddress, "auth = eap-mschapv2\n id = mschapv2.example\n eap_id = dave"),
            "secrets {\n eap-carol {\n id = carol\n secret = Ar3etTnp\n }\n eap-dave {\n id = dave\n secret = Zu7fo0lang\n }\n }\n"));

        foreach (var name in (string[])["tls", "only", "rounds", "md5", "gtc", "mschapv2"])
        {
            near.UpAndDown(far, name, () =>
            {
                var sa = far.Single();
                if (name is not "rounds")
                    Assert.Equal($"{name}.example", sa.RemoteId);
                if (name is "md5" or "gtc" or "mschapv2" or "rounds")
                    Assert.Contains("remote-eap-id=carol", far.Sas(), StringComparison.Ordinal);
                world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            });
        }
        Assert.NotEqual(0, near.TrySwanctl("--initiate", "--child", "wrong", "--timeout", "10").Status);
        Wait.Until("nothing is left of who has a wrong password", Soon, () => near.List().Count == 0);
        if (gateway == Peer.Kuguru)
            Wait.Until("the gateway's log says why", Soon, () => far.Log.Contains("EAP authentication with 'dave' failed: EAP_MSCHAPV2: there is no such user, or the password is wrong", StringComparison.Ordinal));
        // Neither the passwords nor the keys that were loaded, in no form, however much is logged.
        foreach (var ours in (IkeDaemon[])[.. client == Peer.Kuguru ? [near] : (IkeDaemon[])[], .. gateway == Peer.Kuguru ? [far] : (IkeDaemon[])[]])
        {
            foreach (var secret in (string[])["Ar3etTnp", "Zu7fo0lang"])
                Assert.All((string[])[secret, Convert.ToHexString(Encoding.UTF8.GetBytes(secret)), Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)), Convert.ToHexString(Encoding.Unicode.GetBytes(secret))],
                    form => Assert.DoesNotContain(form, ours.Log, StringComparison.OrdinalIgnoreCase));
            Assert.DoesNotContain("PRIVATE KEY", ours.Log, StringComparison.Ordinal);
        }
    }

    /// <summary>Certificates inside EAP by keys of other kinds than RSA, at both ends.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Elliptic_curves_do_for_EAP_TLS_too(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        string[] kinds = ["ecdsa256", "ecdsa384", "ecdsa521", "ed25519"];
        foreach (var kind in kinds)
        {
            near.Give(root, kind, root.Issue($"{kind}.example", kind));
            far.Give(root, $"gw-{kind}", root.Issue($"gw-{kind}.example", kind));
        }
        far.Load(string.Concat(kinds.Select(kind => Logins.Gateway(kind, $"auth = eap-tls\n id = {kind}.example", $"auth = eap-tls\n certs = gw-{kind}.pem\n id = gw-{kind}.example"))) + Logins.Pools);
        near.Load(string.Concat(kinds.Select(kind => Logins.Client(kind, world.GatewayAddress, $"auth = eap-tls\n certs = {kind}.pem\n id = {kind}.example", $"auth = eap-tls\n id = gw-{kind}.example"))));
        foreach (var kind in kinds)
            near.UpAndDown(far, kind, () => Assert.Equal($"{kind}.example", far.Single().RemoteId));
    }

    /// <summary>Debian's charon speaks TLS 1.3 without RFC 9190: no last word, and keys of another label.</summary>
    [Fact]
    public void A_client_logs_in_by_TLS_13_at_a_gateway_from_before_RFC_9190()
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Charon.On(world.Gateway, "tls {\n version_max = 1.3\n }\n");
        far.Give(root, "gw.example", root.Issue("gw.example", "rsa2048"));
        far.Load(Gateway);
        near.Give(root, "only.example", root.Issue("only.example", "rsa2048"));
        near.Load(Logins.Client("only", world.GatewayAddress, "auth = eap-tls\n id = only.example\n certs = only.example.pem", "auth = eap-tls\n id = gw.example"));
        near.UpAndDown(far, "only", () => world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4));
        Assert.Contains("negotiated TLS 1.3", far.Log, StringComparison.Ordinal);
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
            Logins.Client("required", world.GatewayAddress, "auth = psk\n id = required.example", "auth = psk\n id = gw.example", "ppk_id = ppk-carol\n ppk_required = yes"),
            Logins.Client("optional", world.GatewayAddress, "auth = psk\n id = optional.example", "auth = psk\n id = gw.example", "ppk_id = ppk-dave"),
            Logins.Client("without", world.GatewayAddress, "auth = psk\n id = without.example", "auth = psk\n id = gw.example", ""),
            Logins.Client("wrong", world.GatewayAddress, "auth = psk\n id = wrong.example", "auth = psk\n id = gw.example", "ppk_id = ppk-wrong"),
            Logins.Client("missing", world.GatewayAddress, "auth = psk\n id = missing.example", "auth = psk\n id = gw.example", "ppk_id = ppk-dave\n ppk_required = yes"),
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
            near.UpAndDown(far, name, () =>
            {
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
            });
        }
        Assert.NotEqual(0, near.TrySwanctl("--initiate", "--child", "wrong", "--timeout", "10").Status);
        Assert.NotEqual(0, near.TrySwanctl("--initiate", "--child", "missing", "--timeout", "10").Status);
        Wait.Until("nothing is left of either", Soon, () => near.List().Count == 0 && far.List().Count == 0);
    }

    static string Gateway => string.Concat(
        Logins.Gateway("md5", "auth = eap-md5\n id = md5.example\n eap_id = %any"),
        Logins.Gateway("gtc", "auth = eap-gtc\n id = gtc.example\n eap_id = %any"),
        Logins.Gateway("mschapv2", "auth = eap-mschapv2\n id = mschapv2.example\n eap_id = %any"),
        Logins.Gateway("tls", "auth = eap-tls\n id = tls.example"),
        Logins.Gateway("only", "auth = eap-tls\n id = only.example", "auth = eap-tls\n certs = gw.example.pem\n id = gw.example"),
        Logins.Gateway("rounds", "auth = pubkey\n id = rounds.example\n round = 1", more: "remote-2 {\n auth = eap-mschapv2\n eap_id = %any\n round = 2\n }"),
        Logins.Pools,
        "secrets {\n eap-carol {\n id = carol\n secret = Ar3etTnp\n }\n eap-dave {\n id = dave\n secret = W7R0g3do\n }\n }\n");

    static string PpkGateway => Logins.Gateway("rw", "auth = psk", "auth = psk\n id = gw.example") + Logins.Pools + """
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
