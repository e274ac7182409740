using System.Security.Cryptography.X509Certificates;
using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Clients;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>The gateway of docs/clients.md, and charon with the proposals, identities and proofs of the clients that ship with systems.</summary>
public class ClientTests
{
    [Fact]
    public void The_documented_gateway_serves_them_all_behind_one_NAT()
    {
        Peers.NeedRoot();
        var (known, devices) = (Authority.Root("Public CA"), Authority.Root("Devices CA"));
        using var world = new RoadWarriors();
        using var far = Gateway(world, known, devices);
        using var near = Peer.Charon.On(world.Clients[0]);
        near.Give(known, "bob", devices.Issue("bob@example.org", "rsa2048"));
        near.Load(string.Concat(
            Client("windows", "aes256-sha1-modp2048, aes256-sha256-modp2048", "aes256-sha1", "auth = eap-mschapv2\n eap_id = alice", "auth = pubkey"),
            Client("windows-tls", "aes256-sha384-ecp384", "aes256gcm16-ecp384", "auth = eap-tls\n certs = bob.pem\n id = 10.1.0.10\n eap_id = bob@example.org", "auth = pubkey"),
            Client("apple", "aes256-sha256-modp2048", "aes256-sha256", "auth = eap-mschapv2\n id = anything\n eap_id = alice", "auth = pubkey\n id = gateway.example.org"),
            Client("certificate", "aes256gcm16-prfsha256-ecp256", "aes256gcm16", "auth = pubkey\n certs = bob.pem\n id = bob@example.org", "auth = pubkey\n id = gateway.example.org"),
            Client("android", "aes256-sha512-modp4096", "aes256-sha512", "auth = psk\n id = keyid:phone", "auth = psk\n id = gateway.example.org"),
            Client("networkmanager", "default", "default", "auth = eap\n id = alice\n eap_id = alice", "auth = pubkey"),
            "secrets {\n eap-alice {\n id = alice\n secret = \"change me\"\n }\n ike-phone {\n secret = \"change me, and make it long\"\n }\n }\n"));
        foreach (var (name, by) in ((string, string)[])[("windows", "users"), ("windows-tls", "users"), ("apple", "users"), ("certificate", "certificates"), ("android", "keys"), ("networkmanager", "users")])
        {
            near.UpAndDown(far, name, () =>
            {
                Assert.Contains($"{{{by} {{", far.Sas(), StringComparison.Ordinal);
                world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
                near.Swanctl("--rekey", "--child", name);
                Wait.Until("the child has new keys", TimeSpan.FromSeconds(10), () => near.Log.Contains("outbound CHILD_SA " + name, StringComparison.Ordinal));
                world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            });
        }

        static string Client(string name, string ike, string esp, string local, string remote) => $$"""
            connections {
              {{name}} {
                version = 2
                remote_addrs = 192.0.2.2
                vips = 0.0.0.0
                proposals = {{ike}}
                local {
                  {{local}}
                }
                remote {
                  {{remote}}
                }
                children {
                  {{name}} {
                    remote_ts = 10.2.0.0/24
                    esp_proposals = {{esp}}
                  }
                }
              }
            }

            """;
    }

    /// <summary>The gateway of docs/clients.md, with the files that belong beside its configuration.</summary>
    internal static IkeDaemon Gateway(RoadWarriors world, Authority known, Authority devices)
    {
        var own = known.Issue("gateway.example.org", new Wish
        {
            Keys = "rsa2048",
            Names = ["gateway.example.org"],
            Extensions = [new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1")], critical: false)],
        });
        var gateway = Peer.Kuguru.On(world.Gateway);
        gateway.Host.Write("/run/swanctl/x509/gateway.pem", own.Pem);
        gateway.Host.Write("/run/swanctl/private/gateway.pem", own.Keys.Pem);
        gateway.Host.Write("/run/swanctl/x509ca/public.pem", known.Own.Pem);
        gateway.Host.Write("/run/swanctl/x509ca/devices.pem", devices.Own.Pem);
        gateway.Load(Documentation.Configurations("docs/clients.md")[0]);
        return gateway;
    }
}
