using System.Text.RegularExpressions;
using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// Stock swanctl drives Kuguru as it drives charon: the same story told to both is answered in the same fields and spellings.
/// </summary>
public partial class SwanctlTests
{
    static readonly string[][] Questions =
    [
        ["--list-sas", "--raw"],
        ["--list-conns", "--raw"],
        ["--list-pols", "--raw"],
        ["--list-pools", "--raw", "--leases"],
        ["--list-sas"],
        ["--list-conns"],
        ["--list-certs"],
    ];

    [Fact]
    public void A_gateway_answers_as_charon_does()
    {
        Peers.NeedRoot();
        var (charon, kuguru) = (Ask(Peer.Charon), Ask(Peer.Kuguru));
        foreach (var (question, expected, answer) in Questions.Zip(charon, kuguru))
            Assert.Equal(string.Join(' ', question) + "\n" + expected, string.Join(' ', question) + "\n" + answer);
    }

    /// <summary>Certificates with and without a key, an authority with URIs, a raw key and a CRL, in the words of stock swanctl.</summary>
    [Fact]
    public void Credentials_are_listed_as_charon_lists_them()
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        var (own, other, crl) = (root.Issue("gw.example", "rsa2048"), root.Issue("other.example"), root.Crl(DateTimeOffset.UtcNow.AddDays(9)));
        var raw = KeyPair.Make("rsa2048").PublicPem;
        string Listed(Peer peer)
        {
            using var world = new RoadWarriors();
            using var far = peer.On(world.Gateway);
            far.Give(root, "gw.example", own);
            far.Host.Write("/run/swanctl/x509/other.pem", other.Pem);
            far.Host.Write("/run/swanctl/x509crl/root.pem", System.Security.Cryptography.PemEncoding.WriteString("X509 CRL", crl));
            far.Host.Write("/run/swanctl/pubkey/raw.pem", raw);
            far.Load("authorities {\n root {\n cacert = root.pem\n crl_uris = http://192.0.2.9/ca.crl, http://192.0.2.9/other.crl\n ocsp_uris = http://192.0.2.9:8880\n }\n }\n"
                + Logins.Gateway("rw", "auth = pubkey") + Logins.Pools);
            return string.Join("\n--\n", ((string[][])[["--list-certs"], ["--list-certs", "--type", "x509", "--flag", "ca"], ["--list-certs", "--subject", "C=CH, O=Kuguru, CN=other.example"],
                ["--list-authorities"], ["--list-authorities", "--name", "root", "--raw"], ["--list-pools"], ["--list-pools", "--leases"]]).Select(question => Blot(far.Swanctl(question))));
        }
        var answer = Listed(Peer.Kuguru);
        foreach (var part in (string[])["List of X.509 End Entity Certificates", "List of X.509 CA Certificates", "List of X.509 CRLs", "List of raw public keys", "has private key", "http://192.0.2.9/other.crl", "pool4"])
            Assert.Contains(part, answer, StringComparison.OrdinalIgnoreCase);
        // Charon lists what was loaded last first.
        static string Sorted(string text) => string.Join('\n', text.Split('\n').Order(StringComparer.Ordinal));
        Assert.Equal(Sorted(Listed(Peer.Charon)), Sorted(answer));
    }

    [Fact]
    public void What_only_changes_something_is_understood_too()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var far = Peer.Kuguru.On(world.Gateway);
        using var near = Peer.Kuguru.On(world.Clients[0]);
        far.Load(new Tunnel().ForGateway());
        near.Load(new Tunnel().ForClient(1, world.GatewayAddress));
        var log = near.Host.Start("swanctl-log", "stdbuf", "-oL", "swanctl", "--log");
        Wait.Until("swanctl --log listens", TimeSpan.FromSeconds(10), () => near.Swanctl("--stats").Length > 0 && !log.HasEnded);
        near.Swanctl("--initiate", "--child", "net");
        near.Swanctl("--rekey", "--child", "net");
        near.Swanctl("--rekey", "--ike", "home");
        world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
        Assert.Contains("CHILD_SA net", log.Log);
        Assert.Matches("uptime: ", near.Swanctl("--stats"));
        Assert.Contains("AES_GCM_16", near.Swanctl("--list-algs"));
        Assert.Contains("ike-rekey-init", near.Swanctl("--counters"));
        near.Swanctl("--terminate", "--child", "net");
        near.Swanctl("--terminate", "--ike", "home");
        near.Swanctl("--install", "--child", "net");
        Assert.Contains("net", near.Swanctl("--list-pols", "--trap"));
        near.Swanctl("--uninstall", "--child", "net");
        near.Swanctl("--flush-certs");
        Assert.Contains("kuguru", near.Swanctl("--version", "--daemon"));
        log.Stop();
    }

    /// <summary>Every answer of a gateway with one client, times, numbers and SPIs blotted out.</summary>
    static string[] Ask(Peer gateway)
    {
        using var world = new RoadWarriors();
        using var far = gateway.On(world.Gateway);
        using var near = Peer.Charon.On(world.Clients[0]);
        far.Load(new Tunnel().ForGateway());
        near.Load(new Tunnel().ForClient(1, world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        world.Clients[0].Run("ping", "-c2", "-i0.2", RoadWarriors.Server4);
        return [.. Questions.Select(question => Blot(far.Swanctl(question)))];
    }

    static string Blot(string answer) => Since6.Aggregate(Differing().Replace(answer, "$1#"),
        (text, change) => text.Replace(change.Before, change.After, StringComparison.Ordinal));

    /// <summary>What strongSwan 6 says otherwise than Debian's 5.9.8; and that charon's libipsec claims a NAT, which Kuguru has no need of.</summary>
    static readonly (string Before, string After)[] Since6 =
    [
        (" local_port=# remote_port=#", ""),
        ("base=10.3.0.0 ", "base=10.3.0.1 "),
        ("  10.3.0.0  ", "  10.3.0.1  "),
        ("base=fd03:: ", "base=fd03::1 "),
        (" nat-fake=yes", ""),
    ];

    [GeneratedRegex("""
        ( (?:spi|established|time|port|seconds|use) [-a-z]* = | ,[ ]in[ ] | established[ ] | (?:rekeying|expires|reauth)[ ]in[ ] | installed[ ] | \[ )
            [0-9a-f]+ (?=s|m|h|\b)
        | (?<=_i?|\s) [0-9a-f]{16} _[ir] \*?
        | \b [0-9a-f]{8} \b (?![ ]packets)
        | \s+ [0-9]+ (?=s[ ]ago)
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Differing();
}
