using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Kuguru.Cli.Namespaces;
using Kuguru.Daemon.Vici;
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

    /// <summary>
    /// Every kind of credential, as files of each form, loaded by stock swanctl and by <c>kuguru load</c>, and listed by stock swanctl in charon's words and order.
    /// </summary>
    [Fact]
    public void Credentials_are_loaded_and_listed_as_charon_does()
    {
        Peers.NeedRoot();
        var now = DateTimeOffset.UtcNow;
        var root = Authority.Root();
        var second = root.Below("Second CA", new Wish { PathLength = 0, Keys = "rsa2048" });
        var own = root.Issue("gw.example", "rsa2048");
        var curve = second.Issue("ec.example", new Wish { Keys = "ecdsa384", Names = ["ec.example", "ec@example.org", "192.0.2.7", "2001:db8::7"], To = now.AddDays(30) });
        var edwards = root.Issue("ed.example", new Wish { Keys = "ed25519", Extensions = Authority.Uris("http://192.0.2.9/ca.crl", "http://192.0.2.9:8880/") });
        var signer = root.Issue("ocsp.example", new Wish { Extensions = [new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.9"), new("1.3.6.1.5.5.7.3.1")], critical: false)] });
        using var rsa = RSA.Create(2048);
        using var other = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (raw, rawCurve) = (KeyPair.Make("rsa2048"), KeyPair.Make("ecdsa256"));
        using var contained = new CertificateRequest("CN=p12.example", other, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(now.AddDays(-1), now.AddDays(100));
        var locked = rsa.ExportEncryptedPkcs8PrivateKey("Ar3etTnp", new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 2048));
        var crl = new CrlWish { Number = 300, To = now.AddDays(9), Revoked = [(own, 1), (curve, 4)], Freshest = "http://192.0.2.9/delta.crl" };
        var files = new Dictionary<string, byte[]>
        {
            ["x509ca/second.der"] = second.Own.Native.RawData,
            ["x509/ec.der"] = curve.Native.RawData,
            ["x509/ed.der"] = edwards.Native.RawData,
            ["x509/old.der"] = root.Issue("old.example", new Wish { To = now.AddDays(-10) }).Native.RawData,
            ["x509/young.der"] = root.Issue("young.example", new Wish { From = now.AddDays(10) }).Native.RawData,
            ["x509/signer.der"] = signer.Native.RawData,
            ["x509/an-authority-too.der"] = second.Own.Native.RawData,
            ["x509ocsp/plain.der"] = root.Issue("signer.example").Native.RawData,
            ["x509crl/complete.pem"] = Pem("X509 CRL", crl.By(root)),
            ["x509crl/delta.crl"] = new CrlWish { Number = 301, Base = 300, To = now.AddDays(1), Revoked = [(edwards, 6)] }.By(root),
            ["x509crl/old.crl"] = new CrlWish { To = now.AddDays(-9) }.By(Authority.Root("Other CA")),
            ["pubkey/rsa.pem"] = Pem("PUBLIC KEY", raw.Key.ExportSubjectPublicKeyInfo()),
            ["pubkey/ec.der"] = rawCurve.Key.ExportSubjectPublicKeyInfo(),
            ["private/raw.der"] = raw.Pkcs8,
            ["private/ed.der"] = edwards.Keys.Pkcs8,
            ["rsa/pkcs1.pem"] = Pem("RSA PRIVATE KEY", KeyPkcs1()),
            ["ecdsa/sec1.der"] = ecdsa.ExportECPrivateKey(),
            ["pkcs8/locked.pem"] = Pem("ENCRYPTED PRIVATE KEY", locked),
            ["pkcs8/locked.der"] = locked,
            ["pkcs12/both.p12"] = contained.Export(X509ContentType.Pkcs12, "p12pass"),
        };
        const string Secrets = "pkcs8-a {\n file = locked.pem\n secret = Ar3etTnp\n }\n pkcs8-b {\n file = locked.der\n secret = Ar3etTnp\n }\n pkcs12-c {\n file = both.p12\n secret = p12pass\n }\n";
        var configuration = "authorities {\n root {\n cacert = root.pem\n crl_uris = http://192.0.2.9/ca.crl, http://192.0.2.9/other.crl\n ocsp_uris = http://192.0.2.9:8880\n }\n"
            + " second {\n file = /run/swanctl/x509ca/second.der\n }\n }\n" + $"secrets {{\n {Secrets} }}\n" + Logins.Gateway("rw", "auth = pubkey")
            + "pools {\n pool4 {\n addrs = 10.3.0.0/24\n }\n range {\n addrs = 10.4.0.5-10.4.0.9\n }\n }\n";
        var (charon, kuguru, ours) = (Listed(Peer.Charon), Listed(Peer.Kuguru), Listed(Peer.Kuguru, byKuguru: true));
        Assert.Equal(7, charon.Keys.Count);
        Assert.Equal(charon.Keys, kuguru.Keys);
        Assert.Equal(charon.Keys, ours.Keys);
        Assert.Equal(charon.Text, kuguru.Text);
        // Of each folder in the order of its names; swanctl has the order of the disk.
        Assert.Equal(Sorted(charon.Text), Sorted(ours.Text));

        (string Text, List<string> Keys) Listed(Peer peer, bool byKuguru = false)
        {
            using var world = new RoadWarriors();
            using var far = peer.On(world.Gateway);
            far.Give(root, "gw.example", own);
            foreach (var (name, bytes) in files)
            {
                far.Host.Write($"/run/swanctl/{name}", "");
                File.WriteAllBytes(far.Host.Outside($"/run/swanctl/{name}"), bytes);
            }
            if (byKuguru)
            {
                far.Host.Write("/run/swanctl/swanctl.conf", configuration);
                far.Host.Run([.. KuguruDaemon.Program, "load", "/run/swanctl/swanctl.conf", "--vici", IkeDaemon.Vici]);
            }
            else
                far.Load(configuration);
            string[] questions =
            [
                "--list-certs", "--list-certs --raw", "--list-certs --short --utc", "--list-certs --pem --type x509_crl", "--list-certs --type x509 --flag ca", "--list-certs --type x509 --flag ocsp",
                "--list-certs --type x509ca", "--list-certs --type pubkey", "--list-certs --type x509crl", "--list-certs --type ocsp_response", "--list-certs --flag ca", "--list-certs --type nonsense",
                "--list-certs --subject 192.0.2.7", "--list-certs --subject ec@example.org", "--list-authorities", "--list-authorities --raw", "--list-authorities --name second", "--list-authorities --name none",
                "--list-pools", "--list-pools --leases --raw", "--list-pools --name range", "--flush-certs --type x509_crl", "--flush-certs --type x509crl", "--flush-certs --type nonsense",
            ];
            var text = string.Join('\n', questions.Select(question => (question, far.TrySwanctl(question.Split(' ')))).Select(asked => $"{asked.question}: {asked.Item2.Status}\n{Blot(asked.Item2.Output + asked.Item2.Errors)}"));
            using var client = ViciClient.Connect(far.Socket).GetAwaiter().GetResult();
            return (text, [.. client.Call("get-keys", []).GetAwaiter().GetResult().Items("keys")!.Order(StringComparer.Ordinal)]);
        }

        static byte[] Pem(string label, byte[] der) => System.Text.Encoding.ASCII.GetBytes(PemEncoding.WriteString(label, der));
        static string Sorted(string text) => string.Join('\n', text.Split('\n').Order(StringComparer.Ordinal));
        static byte[] KeyPkcs1()
        {
            using var key = RSA.Create(2048);
            return key.ExportRSAPrivateKey();
        }
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
