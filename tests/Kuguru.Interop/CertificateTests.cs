using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Certificates of every kind between Kuguru and strongSwan, and those that are refused.</summary>
public class CertificateTests
{
    static readonly string[] Kinds = ["rsa2048", "rsa3072", "rsa4096", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"];

    /// <summary>What each of them signs with, as charon calls it.</summary>
    static readonly (string Kind, string Scheme)[] Schemes =
    [
        ("rsa2048", "RSA_EMSA_PKCS1_SHA2_256"), ("ecdsa256", "ECDSA_WITH_SHA256_DER"), ("ecdsa384", "ECDSA_WITH_SHA384_DER"), ("ecdsa521", "ECDSA_WITH_SHA512_DER"), ("ed25519", "ED25519"),
    ];

    static readonly Authority Root = Authority.Root();
    static readonly Authority Second = Root.Below("Second CA"), Third = Second.Below("Third CA");

    /// <summary>A client and a gateway of each kind; made once, since keys of 4096 bits take their time.</summary>
    static readonly Lazy<Dictionary<string, (Issued Client, Issued Gateway)>> OfKinds = new(() => Kinds.Append("chain").ToDictionary(kind => kind, kind =>
    {
        var issuer = kind == "chain" ? Third : Root;
        Issued issue(string name) => issuer.Issue(name, kind == "chain" ? "ecdsa256" : kind);
        return (issue($"{kind}.example"), issue($"gw-{kind}.example"));
    }));

    static string Local(string name, string more = "") => $"auth = pubkey\n certs = {name}.pem\n id = {name}.example\n {more}";
    static string Remote(string name, string more = "") => $"auth = pubkey\n id = {name}.example\n {more}";

    static void GiveAll(IkeDaemon daemon, Func<(Issued Client, Issued Gateway), Issued> which, string prefix, IEnumerable<string> kinds)
    {
        foreach (var kind in kinds)
            daemon.Give(Root, prefix + kind, which(OfKinds.Value[kind]));
        daemon.Host.Write("/run/swanctl/x509ca/second.pem", Second.Own.Pem);
        daemon.Host.Write("/run/swanctl/x509ca/third.pem", Third.Own.Pem);
    }

    /// <summary>Both ends sign with keys of the same kind; of a chain of four, both send what the other does not have.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Every_kind_of_key_and_a_chain_of_four_log_in_through_a_NAT_that_drops_fragments(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        world.Nat!.DropFragments();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        string[] all = [.. Kinds, "chain"];
        GiveAll(near, pair => pair.Client, "", all);
        GiveAll(far, pair => pair.Gateway, "gw-", all);
        far.Load(string.Concat(all.Select(kind => Logins.Gateway(kind, Remote(kind), Local($"gw-{kind}")))) + Logins.Pools);
        near.Load(string.Concat(all.Select(kind => Logins.Client(kind, world.GatewayAddress, Local(kind), Remote($"gw-{kind}")))));
        foreach (var kind in all)
        {
            near.UpAndDown(far, kind, () =>
            {
                Assert.Equal(($"{kind}.example", $"gw-{kind}.example"), (far.Single().RemoteId, near.Single().RemoteId));
                world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            });
        }
        var theirs = client == Peer.Charon ? near : far;
        foreach (var (kind, scheme) in Schemes)
            Assert.Contains($"authentication of '{(theirs == near ? "gw-" : "")}{kind}.example' with {scheme} successful", theirs.Log, StringComparison.Ordinal);
    }

    /// <summary>Without RFC 7427 there is a method for RSA with SHA-1, and one for each curve.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void A_peer_that_negotiates_no_hashes_gets_the_older_methods(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        const string Old = "signature_authentication = no\n";
        string[] kinds = ["rsa2048", "ecdsa256", "ecdsa384", "ecdsa521"];
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0], client == Peer.Charon ? Old : "");
        using var far = gateway.On(world.Gateway, gateway == Peer.Charon ? Old : "");
        GiveAll(near, pair => pair.Client, "", kinds);
        GiveAll(far, pair => pair.Gateway, "gw-", kinds);
        far.Load(string.Concat(kinds.Select(kind => Logins.Gateway(kind, Remote(kind), Local($"gw-{kind}")))) + Logins.Pools);
        near.Load(string.Concat(kinds.Select(kind => Logins.Client(kind, world.GatewayAddress, Local(kind), Remote($"gw-{kind}")))));
        foreach (var kind in kinds)
            near.UpAndDown(far, kind, () => Assert.Equal($"{kind}.example", far.Single().RemoteId));
        var ours = client == Peer.Kuguru ? near : far;
        foreach (var scheme in (string[])["RSA_EMSA_PKCS1_SHA1", "ECDSA-256", "ECDSA-384", "ECDSA-521"])
            Assert.Contains($"(myself) with {scheme}", ours.Log, StringComparison.Ordinal);
    }

    /// <summary>One identity in two certificates with two keys: each tunnel proves itself by its own, whichever of the two the peer has seen before.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Two_certificates_of_one_identity_are_told_apart_by_their_keys(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Give(Root, "gw.example", Root.Issue("gw.example"));
        var two = new Dictionary<string, Issued> { ["first"] = Root.Issue("carol.example", "rsa2048"), ["second"] = Root.Issue("carol.example", "rsa2048") };
        foreach (var (name, issued) in two)
        {
            near.Give(Root, name, issued);
            far.Host.Write($"/run/swanctl/x509/{name}.pem", issued.Pem);
        }
        // Nothing is sent: the gateway has to try the certificates that it has.
        string Own(string name) => $"auth = pubkey\n certs = {name}.pem\n id = carol.example";
        far.Load(Logins.Gateway("rw", "auth = pubkey", more: "unique = never\n send_certreq = no") + Logins.Pools);
        near.Load(string.Concat(two.Keys.Select(name => Logins.Client(name, world.GatewayAddress, Own(name), more: "send_cert = never\n unique = never"))));
        near.Swanctl("--initiate", "--child", "first");
        near.Swanctl("--initiate", "--child", "second");
        Assert.Equal(["carol.example", "carol.example"], far.List().Select(sa => sa.RemoteId));
    }

    [Theory]
    [InlineData(Peer.Charon)]
    [InlineData(Peer.Kuguru)]
    public void A_gateway_refuses_what_is_expired_revoked_or_somebody_elses_and_says_why(Peer client)
    {
        Peers.NeedRoot();
        var (stranger, byFile) = (Authority.Root("Somebody else"), Authority.Root("File CA"));
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        var later = DateTimeOffset.UtcNow.AddDays(1);
        Issued issue(string name, string? crl = null, string? ocsp = null) => Root.Issue($"{name}.example", new Wish { Extensions = Authority.Uris(WebServer.Uri(crl), WebServer.Uri(ocsp)) });
        var certificates = new Dictionary<string, Issued>
        {
            ["good"] = issue("good", "good.crl", "good"),
            ["expired"] = Root.Issue("expired.example", new Wish { To = DateTimeOffset.UtcNow.AddDays(-1) }),
            ["name"] = Root.Issue("other.example"),
            ["authority"] = stranger.Issue("authority.example"),
            ["file"] = byFile.Issue("file.example"),
            ["crl"] = issue("crl", "revoked.crl"),
            ["ocsp"] = issue("ocsp", null, "revoked"),
            ["gone"] = issue("gone", "gone.crl"),
        };
        using var web = world.Gateway.Inside(() => new WebServer(new()
        {
            ["/good.crl"] = Root.Crl(later),
            ["/good"] = Root.Ocsp(certificates["good"], true, DateTimeOffset.UtcNow, later),
            ["/revoked.crl"] = Root.Crl(later, certificates["crl"]),
            ["/revoked"] = Root.Ocsp(certificates["ocsp"], false, DateTimeOffset.UtcNow, later),
        }));
        far.Give(Root, "gw.example", Root.Issue("gw.example"));
        far.Host.Write("/run/swanctl/x509ca/file.pem", byFile.Own.Pem);
        far.Host.Write("/run/swanctl/x509crl/file.pem", System.Security.Cryptography.PemEncoding.WriteString("X509 CRL", byFile.Crl(later, certificates["file"])));
        far.Load(Logins.Gateway("rw", "auth = pubkey\n revocation = ifuri") + Logins.Pools);
        foreach (var (name, issued) in certificates)
            near.Give(Root, name, issued);
        near.Load(string.Concat(certificates.Keys.Select(name => Logins.Client(name, world.GatewayAddress, Local(name)))));

        near.Swanctl("--initiate", "--child", "good");
        foreach (var (name, why) in ((string, string)[])
        [
            ("expired", "certificate 'C=CH, O=Kuguru, CN=expired.example' is not valid now"),
            ("name", "certificate 'C=CH, O=Kuguru, CN=other.example' does not name 'name.example'"),
            ("authority", "no issuer certificate found for 'C=CH, O=Kuguru, CN=authority.example'"),
            ("file", "certificate 'C=CH, O=Kuguru, CN=file.example' is revoked: since 2025-06-01 00:00:00Z, says the CRL that is loaded"),
            ("crl", $"certificate 'C=CH, O=Kuguru, CN=crl.example' is revoked: since 2025-06-01 00:00:00Z, says {WebServer.Uri("revoked.crl")}"),
            ("ocsp", "certificate 'C=CH, O=Kuguru, CN=ocsp.example' is revoked: OCSP response of"),
            ("gone", $"which 'revocation = ifuri' wants to know: {WebServer.Uri("gone.crl")}: HTTP status 404"),
        ])
            near.Refused(name, far, why);
        Assert.Equal("good.example", far.Single().RemoteId);
        world.FilesCross(world.Clients[0], "10.3.0.1");
    }

    /// <summary>A gateway whose certificate is not good enough, as a client sees it, and one that is.</summary>
    [Fact]
    public void A_client_refuses_a_gateway_that_is_expired_revoked_or_somebody_elses_and_says_why()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Charon.On(world.Gateway);
        var later = DateTimeOffset.UtcNow.AddDays(1);
        Issued issue(string name, string? crl = null, string? ocsp = null) => Root.Issue(name, new Wish { Extensions = Authority.Uris(WebServer.Uri(crl), WebServer.Uri(ocsp)) });
        var (byCrl, byOcsp, good) = (issue("gw.example", "revoked.crl"), issue("gw.example", null, "revoked"), issue("gw.example", "revoked.crl"));
        using var web = world.Clients[0].Inside(() => new WebServer(new()
        {
            ["/revoked.crl"] = Root.Crl(later, byCrl),
            ["/revoked"] = Root.Ocsp(byOcsp, false, DateTimeOffset.UtcNow, later),
        }));
        near.Give(Root, "client", Root.Issue("client.example"));
        near.Load(Logins.Client("client", world.GatewayAddress, Local("client"), Remote("gw", "revocation = ifuri")));
        foreach (var (own, why) in ((Issued, string)[])
        [
            (Authority.Root("Somebody else").Issue("gw.example"), "nobody trusts 'C=CH, O=Kuguru, CN=Somebody else' here"),
            (Root.Issue("gw.example", new Wish { To = DateTimeOffset.UtcNow.AddDays(-1) }), "certificate 'C=CH, O=Kuguru, CN=gw.example' is not valid now"),
            (Root.Issue("other.example"), "certificate 'C=CH, O=Kuguru, CN=other.example' does not name 'gw.example'"),
            (byCrl, $"certificate 'C=CH, O=Kuguru, CN=gw.example' is revoked: since 2025-06-01 00:00:00Z, says {WebServer.Uri("revoked.crl")}"),
            (byOcsp, "certificate 'C=CH, O=Kuguru, CN=gw.example' is revoked: OCSP response of"),
        ])
        {
            Become(own);
            near.Refused("client", near, why);
        }
        Become(good);
        near.UpAndDown(far, "client", () => Assert.Equal("gw.example", near.Single().RemoteId));

        void Become(Issued own)
        {
            far.Give(Root, "gw", own);
            far.Swanctl("--load-creds", "--clear", "--noprompt");
            far.Load(Logins.Gateway("rw", "auth = pubkey", "auth = pubkey\n certs = gw.pem\n id = gw.example") + Logins.Pools);
        }
    }
}
