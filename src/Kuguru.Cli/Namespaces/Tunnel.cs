namespace Kuguru.Cli.Namespaces;

/// <summary>
/// swanctl.conf for both ends of a <see cref="RoadWarriors"/> tunnel: pre-shared keys, the names <c>client1.example</c> and
/// <c>gw.example</c>, virtual addresses from 10.3.0.0/24 and fd03::/120, the office behind the gateway. Connection and child are
/// called <c>home</c> and <c>net</c> at the client, <c>rw</c> and <c>net</c> at the gateway.
/// </summary>
public sealed record Tunnel
{
    public string Ike { get; init; } = "aes128gcm16-prfsha256-x25519";
    public string Esp { get; init; } = "aes128gcm16";

    /// <summary>The network behind the gateway, as a traffic selector.</summary>
    public string Office { get; init; } = "10.2.0.0/24";

    /// <summary>What the client asks for; empty: no virtual address, the tunnel is to its own.</summary>
    public string Virtual { get; init; } = "0.0.0.0";

    /// <summary>The name that the client gives itself and has its secret for; null: <c>client1.example</c> and so on.</summary>
    public string? ClientId { get; init; }

    /// <summary>The name that the client expects of the gateway.</summary>
    public string GatewayId { get; init; } = "gw.example";

    public string Secret { get; init; } = "correct horse battery staple";

    /// <summary>More lines for the connection of either end, and for its child.</summary>
    public string ClientExtra { get; init; } = "";
    public string GatewayExtra { get; init; } = "";
    public string ChildExtra { get; init; } = "";

    /// <summary>The client with this number, from 1.</summary>
    public string ForClient(int number, string gateway) => $$"""
        connections {
          home {
            version = 2
            remote_addrs = {{gateway}}
            {{(Virtual == "" ? "" : $"vips = {Virtual}")}}
            proposals = {{Ike}}
            {{ClientExtra}}
            local {
              auth = psk
              id = {{ClientId ?? $"client{number}.example"}}
            }
            remote {
              auth = psk
              id = {{GatewayId}}
            }
            children {
              net {
                remote_ts = {{Office}}
                esp_proposals = {{Esp}}
                {{ChildExtra}}
              }
            }
          }
        }
        secrets {
          ike-{{number}} {
            id = {{ClientId ?? $"client{number}.example"}}
            secret = "{{Secret}}"
          }
        }

        """;

    public string ForGateway(int clients = 1) => $$"""
        connections {
          rw {
            version = 2
            {{(Virtual == "" ? "" : "pools = pool4, pool6")}}
            proposals = {{Ike}}
            {{GatewayExtra}}
            local {
              auth = psk
              id = gw.example
            }
            remote {
              auth = psk
            }
            children {
              net {
                local_ts = {{Office}}
                esp_proposals = {{Esp}}
                {{ChildExtra}}
              }
            }
          }
        }
        pools {
          pool4 {
            addrs = 10.3.0.0/24
          }
          pool6 {
            addrs = fd03::/120
          }
        }
        secrets {
        {{string.Join('\n', Enumerable.Range(1, clients).Select(Key))}}
        }

        """;

    string Key(int number) => $$"""
          ike-{{number}} {
            id = client{{number}}.example
            secret = "{{Secret}}"
          }
        """;
}
