using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;

namespace Kuguru.Interop;

/// <summary>What stories about how peers log in have in common: credentials in swanctl's folders, and connections that differ in their local and remote sections.</summary>
static class Logins
{
    public const string Pools = "pools {\n pool4 {\n addrs = 10.3.0.0/24\n }\n }\n";

    /// <summary>The root into x509ca, certificate and key into x509 and private under this name.</summary>
    public static void Give(this IkeDaemon daemon, Authority root, string name, Issued? own)
    {
        daemon.Host.Write("/run/swanctl/x509ca/root.pem", root.Own.Pem);
        if (own is null)
            return;
        daemon.Host.Write($"/run/swanctl/x509/{name}.pem", own.Pem);
        daemon.Host.Write($"/run/swanctl/private/{name}.pem", own.Keys.Pem);
    }

    /// <summary>A client that wants a virtual address; connection and child have this name.</summary>
    public static string Client(string name, string gateway, string local, string remote = "auth = pubkey\n id = gw.example", string more = "") => $$"""
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

    /// <summary>What a gateway has for such clients; the pool is in <see cref="Pools"/>.</summary>
    public static string Gateway(string name, string remote, string local = "auth = pubkey\n certs = gw.example.pem\n id = gw.example", string more = "") => $$"""
        connections {
          {{name}} {
            version = 2
            pools = pool4
            proposals = aes128-sha256-x25519
            local {
              {{local}}
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

    /// <summary>The client comes up, says what it says, and goes again.</summary>
    public static void UpAndDown(this IkeDaemon near, IkeDaemon far, string name, Action whileUp)
    {
        var up = near.TrySwanctl("--initiate", "--child", name);
        if (up.Status != 0)
            throw new InvalidOperationException($"{name}: {up.Errors}{up.Output}\n--- client ---\n{Tail(near)}\n--- gateway ---\n{Tail(far)}");
        whileUp();
        near.Swanctl("--terminate", "--ike", name);
        Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(15), () => far.List().Count == 0);
    }

    /// <summary>The client does not come up, and somebody says why.</summary>
    public static void Refused(this IkeDaemon near, string name, IkeDaemon who, string why)
    {
        if (near.TrySwanctl("--initiate", "--child", name, "--timeout", "15").Status == 0)
            throw new InvalidOperationException($"{name} is up");
        Wait.Until($"the log says: {why}\n{Tail(who)}", TimeSpan.FromSeconds(15), () => who.Log.Contains(why, StringComparison.Ordinal));
    }

    static string Tail(IkeDaemon daemon) => string.Join('\n', daemon.Log.Split('\n').TakeLast(25));
}
