using System.Net;
using System.Net.Sockets;
using System.Text;
using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Certificates of every kind between Kuguru and strongSwan, and those that are refused.</summary>
public class CertificateTests
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Every_kind_of_key_and_a_chain_of_four_log_in(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        var (second, third) = (root.Below("Second CA"), (Authority?)null);
        third = second.Below("Third CA");
        string[] kinds = ["rsa2048", "rsa3072", "rsa4096", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"];
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        Give(far, root, root.Issue("gw.example"));
        far.Load(Gateway(""));
        foreach (var kind in kinds)
            Give(near, root, root.Issue($"{kind}.example", kind), kind);
        Give(near, root, third.Issue("chain.example"), "chain");
        near.Host.Write("/run/swanctl/x509ca/second.pem", second.Own.Pem);
        near.Host.Write("/run/swanctl/x509ca/third.pem", third.Own.Pem);
        near.Load(string.Concat(kinds.Append("chain").Select(kind => Client(kind, world.GatewayAddress))));
        foreach (var kind in kinds.Append("chain"))
        {
            near.Swanctl("--initiate", "--child", kind);
            Assert.Equal($"{kind}.example", far.Single().RemoteId);
            near.Swanctl("--terminate", "--ike", kind);
            Wait.Until("the gateway has no SA left", Soon, () => far.List().Count == 0);
        }
        var certificates = near.Swanctl("--list-certs");
        Assert.Contains("C=CH, O=Kuguru, CN=rsa4096.example", certificates, StringComparison.Ordinal);
        Assert.Contains("has private key", certificates, StringComparison.Ordinal);
        Assert.Contains("CN=Kuguru Root CA", certificates, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Peer.Charon)]
    [InlineData(Peer.Kuguru)]
    public void A_gateway_refuses_what_is_expired_revoked_or_somebody_elses_and_says_why(Peer client)
    {
        Peers.NeedRoot();
        var (root, stranger) = (Authority.Root(), Authority.Root("Somebody else"));
        var byFile = Authority.Root("File CA");
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        var later = DateTimeOffset.UtcNow.AddDays(1);
        Issued issue(string name, string? crl = null, string? ocsp = null) => root.Issue($"{name}.example", new Wish { Extensions = Authority.Uris(Web(crl), Web(ocsp)) });
        var certificates = new Dictionary<string, Issued>
        {
            ["good"] = issue("good", "good.crl", "good"),
            ["expired"] = root.Issue("expired.example", new Wish { To = DateTimeOffset.UtcNow.AddDays(-1) }),
            ["name"] = root.Issue("other.example"),
            ["authority"] = stranger.Issue("authority.example"),
            ["file"] = byFile.Issue("file.example"),
            ["crl"] = issue("crl", "revoked.crl"),
            ["ocsp"] = issue("ocsp", null, "revoked"),
            ["gone"] = issue("gone", "gone.crl"),
        };
        using var web = world.Gateway.Inside(() => new WebServer(new()
        {
            ["/good.crl"] = root.Crl(later),
            ["/good"] = root.Ocsp(certificates["good"], true, DateTimeOffset.UtcNow, later),
            ["/revoked.crl"] = root.Crl(later, certificates["crl"]),
            ["/revoked"] = root.Ocsp(certificates["ocsp"], false, DateTimeOffset.UtcNow, later),
        }));
        Give(far, root, root.Issue("gw.example"));
        far.Host.Write("/run/swanctl/x509ca/file.pem", byFile.Own.Pem);
        far.Host.Write("/run/swanctl/x509crl/file.pem", System.Security.Cryptography.PemEncoding.WriteString("X509 CRL", byFile.Crl(later, certificates["file"])));
        far.Load(Gateway("revocation = ifuri"));
        foreach (var (name, issued) in certificates)
            Give(near, root, issued, name);
        near.Load(string.Concat(certificates.Keys.Select(name => Client(name, world.GatewayAddress))));

        near.Swanctl("--initiate", "--child", "good");
        foreach (var (name, why) in ((string, string)[])
        [
            ("expired", "certificate 'C=CH, O=Kuguru, CN=expired.example' is not valid now"),
            ("name", "certificate 'C=CH, O=Kuguru, CN=other.example' does not name 'name.example'"),
            ("authority", "no issuer certificate found for 'C=CH, O=Kuguru, CN=authority.example'"),
            ("file", "certificate 'C=CH, O=Kuguru, CN=file.example' is revoked: since 2025-06-01 00:00:00Z, says the CRL that is loaded"),
            ("crl", $"certificate 'C=CH, O=Kuguru, CN=crl.example' is revoked: since 2025-06-01 00:00:00Z, says {Web("revoked.crl")}"),
            ("ocsp", "certificate 'C=CH, O=Kuguru, CN=ocsp.example' is revoked: OCSP response of"),
            ("gone", $"which 'revocation = ifuri' wants to know: {Web("gone.crl")}: HTTP status 404"),
        ])
        {
            var refused = near.TrySwanctl("--initiate", "--child", name);
            Assert.NotEqual(0, refused.Status);
            Wait.Until($"the gateway says: {why}", Soon, () => far.Log.Contains(why, StringComparison.Ordinal));
        }
        Assert.Equal("good.example", far.Single().RemoteId);
        world.FilesCross(world.Clients[0], "10.3.0.1");
    }

    [Fact]
    public void A_client_refuses_a_gateway_whose_certificate_is_of_another_authority_or_expired()
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Charon.On(world.Gateway);
        Give(near, root, root.Issue("client.example"), "client");
        near.Load(Client("client", world.GatewayAddress));
        foreach (var (own, why) in ((Issued, string)[])
        [
            (Authority.Root("Somebody else").Issue("gw.example"), "nobody trusts 'C=CH, O=Kuguru, CN=Somebody else' here"),
            (root.Issue("gw.example", new Wish { To = DateTimeOffset.UtcNow.AddDays(-1) }), "certificate 'C=CH, O=Kuguru, CN=gw.example' is not valid now"),
        ])
        {
            Give(far, root, own);
            far.Swanctl("--load-creds", "--clear", "--noprompt");
            far.Load(Gateway(""));
            var refused = near.TrySwanctl("--initiate", "--child", "client");
            Assert.NotEqual(0, refused.Status);
            Wait.Until($"the client says: {why}", Soon, () => near.Log.Contains(why, StringComparison.Ordinal));
        }
    }

    static string? Web(string? path) => path is null ? null : $"http://127.0.0.1:{WebServer.Port}/{path}";

    /// <summary>The root into x509ca, certificate and key into x509 and private.</summary>
    static void Give(IkeDaemon daemon, Authority root, Issued own, string name = "own")
    {
        daemon.Host.Write("/run/swanctl/x509ca/root.pem", root.Own.Pem);
        daemon.Host.Write($"/run/swanctl/x509/{name}.pem", own.Pem);
        daemon.Host.Write($"/run/swanctl/private/{name}.pem", own.Keys.Pem);
    }

    static string Client(string name, string gateway) => $$"""
        connections {
          {{name}} {
            version = 2
            remote_addrs = {{gateway}}
            vips = 0.0.0.0
            proposals = aes128-sha256-x25519
            local {
              auth = pubkey
              certs = {{name}}.pem
              id = {{name}}.example
            }
            remote {
              auth = pubkey
              id = gw.example
            }
            children {
              {{name}} {
                remote_ts = 10.2.0.0/16
                esp_proposals = aes128gcm16
              }
            }
          }
        }

        """;

    static string Gateway(string remote) => $$"""
        connections {
          rw {
            version = 2
            pools = pool4
            proposals = aes128-sha256-x25519
            local {
              auth = pubkey
              certs = own.pem
              id = gw.example
            }
            remote {
              auth = pubkey
              {{remote}}
            }
            children {
              net {
                local_ts = 10.2.0.0/16
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

        """;

    /// <summary>Answers HTTP requests by their paths, one after the other.</summary>
    sealed class WebServer : IDisposable
    {
        public const int Port = 8080;

        readonly TcpListener _listener = new(IPAddress.Loopback, Port);
        readonly Dictionary<string, byte[]> _pages;

        public WebServer(Dictionary<string, byte[]> pages)
        {
            _pages = pages;
            _listener.Start();
            _ = Serve();
        }

        public void Dispose() => _listener.Dispose();

        async Task Serve()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    await Answer(client.GetStream());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"the web server ends: {e.Message}");
            }
        }

        async Task Answer(NetworkStream stream)
        {
            var request = new byte[8192];
            var length = 0;
            do
                length += await stream.ReadAsync(request.AsMemory(length));
            while (request.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0);
            var page = _pages.GetValueOrDefault(Encoding.ASCII.GetString(request, 0, length).Split(' ')[1]);
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(page is null ? "404 Not Found" : "200 OK")}\r\nConnection: close\r\nContent-Length: {page?.Length ?? 0}\r\n\r\n"));
            await stream.WriteAsync(page ?? []);
        }
    }
}
