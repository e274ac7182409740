using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>IKEv1 with signatures, and with charon in either part: RSA and ECDSA, main and aggressive mode, users besides, and users alone (hybrid).</summary>
public class IkeV1CertificateTests
{
    /// <summary>A way to log in: its name is that of the connection and of the client; the gateway's key is of the same kind.</summary>
    sealed record Way(string Name, string Keys, bool Aggressive = false, bool User = false, bool Hybrid = false);

    static readonly Way[] _ways =
    [
        new("rsa", "rsa2048"), new("p256", "ecdsa256"), new("p384", "ecdsa384"), new("p521", "ecdsa521"),
        new("fast", "rsa2048", Aggressive: true), new("fast256", "ecdsa256", Aggressive: true),
        new("user", "rsa2048", User: true), new("hybrid", "rsa2048", User: true, Hybrid: true),
    ];

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Every_kind_of_signature_logs_in_behind_a_NAT(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        var root = Authority.Root(keys: "rsa2048");
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        foreach (var way in _ways)
        {
            near.Give(root, way.Name, way.Hybrid ? null : root.Issue($"{way.Name}.example", way.Keys));
            far.Give(root, $"gw-{way.Name}", root.Issue($"gw-{way.Name}.example", way.Keys));
        }
        far.Load($"connections {{\n{string.Concat(_ways.Select(Gateway))}}}\npools {{\n pool4 {{\n addrs = 10.3.0.0/24\n }}\n}}\n{Secret}");
        near.Load($"connections {{\n{string.Concat(_ways.Select(way => Client(way, world.GatewayAddress)))}}}\n{Secret}");
        foreach (var way in _ways)
        {
            near.Swanctl("--initiate", "--child", way.Name);
            var (here, there) = (near.Single(), far.Single());
            Assert.Equal(("1", $"{way.Name}.example", $"gw-{way.Name}.example"), (there.Version, there.RemoteId, here.RemoteId));
            Assert.Equal(way.User, far.Sas().Contains("remote-xauth-id=carol", StringComparison.Ordinal));
            Assert.Equal("10.1.0.10[4500]", here.Local);
            world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            near.Swanctl("--terminate", "--ike", way.Name);
            Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(10), () => far.List().Count == 0);
        }
    }

    const string Secret = "secrets {\n xauth-carol {\n id = carol\n secret = 4iChxLT3\n }\n}\n";

    static string Client(Way way, string gateway) => $$"""
          {{way.Name}} {
            version = 1
            aggressive = {{(way.Aggressive ? "yes" : "no")}}
            remote_addrs = {{gateway}}
            vips = 0.0.0.0
            proposals = aes128-sha256-x25519
            {{(way.Hybrid ? "" : $"local-cert {{\n auth = pubkey\n certs = {way.Name}.pem\n id = {way.Name}.example\n }}")}}
            {{(way.User ? $"local-user {{\n auth = xauth\n xauth_id = carol\n {(way.Hybrid ? "id = hybrid.example" : "")}\n }}" : "")}}
            remote {
              auth = pubkey
              id = gw-{{way.Name}}.example
            }
            children {
              {{way.Name}} {
                remote_ts = 10.2.0.0/24
                esp_proposals = aes128gcm16
              }
            }
          }

        """;

    static string Gateway(Way way) => $$"""
          {{way.Name}} {
            version = 1
            aggressive = {{(way.Aggressive ? "yes" : "no")}}
            pools = pool4
            proposals = aes128-sha256-x25519
            local {
              auth = pubkey
              certs = gw-{{way.Name}}.pem
              id = gw-{{way.Name}}.example
            }
            {{(way.Hybrid ? "" : $"remote-cert {{\n auth = pubkey\n id = {way.Name}.example\n }}")}}
            {{(way.User ? $"remote-user {{\n auth = xauth\n {(way.Hybrid ? "id = hybrid.example" : "")}\n }}" : "")}}
            children {
              {{way.Name}} {
                local_ts = 10.2.0.0/24
                esp_proposals = aes128gcm16
              }
            }
          }

        """;
}
