using System.Security.Cryptography.X509Certificates;
using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Daemon;
using Kuguru.Tests.Pki;
using Org.BouncyCastle.Asn1.X509;
using Xunit;

namespace Kuguru.Interop;

/// <summary>What strongSwan's scenarios crl-* and ocsp-* show, with a charon whose certificate Kuguru judges.</summary>
public class RevocationTests
{
    static readonly Authority Root = Authority.Root();
    static readonly DateTimeOffset Later = DateTimeOffset.UtcNow.AddDays(1);

    static string Local(string name) => $"auth = pubkey\n certs = {name}.pem\n id = {name}.example";
    static string Remote(string name) => $"auth = pubkey\n id = {name}.example\n revocation = strict";

    static Issued Issue(string name, params string[] crls) =>
        Root.Issue($"{name}.example", new Wish { Extensions = [CertificateRevocationListBuilder.BuildCrlDistributionPointExtension(crls)] });

    /// <summary>crl-to-cache, crl-from-cache: the delta revokes; after a restart nothing has to be fetched, and charon reads the same files.</summary>
    [Fact]
    public void What_was_fetched_is_kept_beside_swanctl_conf_and_decides_after_a_restart()
    {
        Peers.NeedRoot();
        const string Caches = "cache_crls = yes\n";
        var (good, revoked) = (Issue("gw-good", WebServer.Uri("root.crl")!), Issue("gw-revoked", WebServer.Uri("root.crl")!));
        var complete = new CrlWish { Number = 5, Freshest = WebServer.Uri("delta.crl"), To = Later };
        var delta = new CrlWish { Number = 6, Base = 5, To = Later, Revoked = [(revoked, CrlReason.KeyCompromise)] };
        using var world = new RoadWarriors();
        using var far = Peer.Charon.On(world.Gateway);
        far.Give(Root, "gw-good", good);
        far.Give(Root, "gw-revoked", revoked);
        far.Load(string.Concat(((string[])["good", "revoked"]).Select(name => Logins.Gateway(name, "auth = pubkey", Local($"gw-{name}")))) + Logins.Pools);
        var configuration = string.Concat(((string[])["good", "revoked"]).Select(name => Logins.Client(name, world.GatewayAddress, Local("client"), Remote($"gw-{name}"))));
        var id = Root.Certificate.KeyId;
        var (first, second) = ($"/run/swanctl/x509crl/{id}.crl", $"/run/swanctl/x509crl/{id}_delta.crl");

        using (var near = Peer.Kuguru.On(world.Clients[0], Caches))
        {
            using var web = world.Clients[0].Inside(() => new WebServer(new() { ["/root.crl"] = complete.By(Root), ["/delta.crl"] = delta.By(Root) }));
            near.Give(Root, "client", Root.Issue("client.example"));
            near.Load(configuration);
            near.UpAndDown(far, "good", () => Assert.Equal("gw-good.example", near.Single().RemoteId));
            near.Refused("revoked", near, $"certificate 'C=CH, O=Kuguru, CN=gw-revoked.example' is revoked: since 2025-06-01 00:00:00Z, says ");
            Assert.Equal(0, near.Stop());
            Assert.Contains($"written crl file '{first}' (", near.Log, StringComparison.Ordinal);
            Assert.Contains($"written crl file '{second}' (", near.Log, StringComparison.Ordinal);
        }
        Assert.Equal($"644 {first}\n644 {second}", world.Clients[0].Run("bash", "-c", "stat -c '%a %n' /run/swanctl/x509crl/*").Trim());
        using (var charon = Peer.Charon.On(world.Clients[0]))
        {
            var loaded = charon.Swanctl("--load-creds");
            Assert.Contains($"loaded certificate from '{first}'", loaded, StringComparison.Ordinal);
            Assert.Contains($"loaded certificate from '{second}'", loaded, StringComparison.Ordinal);
            Assert.Contains("serial:    06", charon.Swanctl("--list-certs", "--type", "x509_crl"), StringComparison.Ordinal);
        }
        using var again = Peer.Kuguru.On(world.Clients[0], Caches);
        again.Load(configuration);
        again.UpAndDown(far, "good", () => Assert.Equal("gw-good.example", again.Single().RemoteId));
        again.Refused("revoked", again, "says the delta CRL that is loaded");
        Assert.DoesNotContain("fetching", again.Log, StringComparison.Ordinal);
    }

    /// <summary>crl-ldap: what is kept is out of date, and the directory has a newer one.</summary>
    [Fact]
    public void An_old_file_leads_to_the_directory_that_the_authority_names_and_what_it_has_is_kept()
    {
        Peers.NeedRoot();
        const string entry = "cn=Root CA, o=Kuguru, c=CH";
        using var world = new RoadWarriors();
        using var near = Peer.Charon.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway, "cache_crls = yes\n");
        using var directory = world.Gateway.Inside(() => new LdapServer(new() { [entry] = new CrlWish { Number = 5, To = Later }.By(Root) }));
        near.Give(Root, "carol", Root.Issue("carol.example"));
        far.Give(Root, "gw.example", Root.Issue("gw.example"));
        far.Host.Write("/run/swanctl/x509crl/stale.crl", System.Security.Cryptography.PemEncoding.WriteString("X509 CRL",
            new CrlWish { Number = 4, To = DateTimeOffset.UtcNow.AddDays(-1) }.By(Root)));
        far.Load(Logins.Gateway("rw", Remote("carol")) + Logins.Pools + $"authorities {{ root {{ cacert = root.pem\n crl_uris = '{directory.Uri(entry)}' }} }}");
        near.Load(Logins.Client("carol", world.GatewayAddress, Local("carol")));
        near.UpAndDown(far, "carol", () => Assert.Equal("carol.example", far.Single().RemoteId));
        Assert.Contains($"fetching {directory.Uri(entry)}, before", far.Log, StringComparison.Ordinal);
        Wait.Until("the CRL is kept", TimeSpan.FromSeconds(10), () => far.Log.Contains("written crl file", StringComparison.Ordinal));
    }

    /// <summary>crl-ldap again: the first URI names no server and is passed over, the second is fetched; ocsp-disabled.</summary>
    [Fact]
    public void An_old_file_and_an_URI_of_LDAP_without_a_server_lead_to_the_URI_of_HTTP_and_where_nothing_can_be_written_the_tunnel_is_up_all_the_same()
    {
        Peers.NeedRoot();
        string[] uris = ["ldap:///cn=ca?certificateRevocationList", WebServer.Uri("root.crl")!];
        var carol = Root.Issue("carol.example", new Wish
        {
            Extensions = [CertificateRevocationListBuilder.BuildCrlDistributionPointExtension(uris), .. Authority.Uris(null, WebServer.Uri("nobody"))],
        });
        using var world = new RoadWarriors();
        using var near = Peer.Charon.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway, "cache_crls = yes\nplugins { revocation { enable_ocsp = no } }\n");
        using var web = world.Gateway.Inside(() => new WebServer(new() { ["/root.crl"] = new CrlWish { Number = 5, To = Later }.By(Root) }));
        near.Give(Root, "carol", carol);
        far.Give(Root, "gw.example", Root.Issue("gw.example"));
        far.Host.Write("/run/swanctl/x509crl/stale.crl", System.Security.Cryptography.PemEncoding.WriteString("X509 CRL",
            new CrlWish { Number = 4, To = DateTimeOffset.UtcNow.AddDays(-1) }.By(Root)));
        far.Host.Run("mount", "-o", "bind,ro", "/run/swanctl/x509crl", "/run/swanctl/x509crl");
        far.Load(Logins.Gateway("rw", Remote("carol")) + Logins.Pools);
        near.Load(Logins.Client("carol", world.GatewayAddress, Local("carol")));
        near.UpAndDown(far, "carol", () => Assert.Equal("carol.example", far.Single().RemoteId));
        Assert.Contains($"fetching {WebServer.Uri("root.crl")}, before", far.Log, StringComparison.Ordinal);
        Wait.Until("the log says that the CRL was not written", TimeSpan.FromSeconds(10), () => far.Log.Contains("failed, it will be fetched again", StringComparison.Ordinal));
        Assert.Contains("Read-only file system", Assert.Single(far.Log.Split('\n'), line => line.Contains("writing crl file", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain(WebServer.Uri("nobody")!, far.Log, StringComparison.Ordinal);
        far.Host.Run("umount", "/run/swanctl/x509crl");
    }

    /// <summary>What an OCSP responder says, and by whose signature, of a client's or of a gateway's certificate.</summary>
    [Theory]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    public void An_OCSP_response_counts_by_who_has_signed_it(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        var deputy = Root.Issue("ocsp.example", new Wish { Extensions = [new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.9")], critical: false)] });
        var (host, local, untrusted) = (Root.Issue("host.example"), Authority.Root("Local OCSP").Own, Authority.Root("Somebody else").Own);
        var unsigned = "it is not signed by the authority or by whom that has named";
        // Each is a scenario of strongSwan's: ocsp-NAME.
        var cases = new Dictionary<string, (bool? Says, Issued? Signer, string? Why)>
        {
            ["root-cert"] = (true, null, null),
            ["signer-cert"] = (true, deputy, null),
            ["local-cert"] = (true, local, null),
            ["revoked"] = (false, deputy, "is revoked: OCSP response of"),
            ["no-signer-cert"] = (true, host, unsigned),
            ["untrusted-cert"] = (true, untrusted, unsigned),
            ["unknown"] = (null, null, "it does not know the certificate"),
        };
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        var judge = client == Peer.Kuguru ? near : far;
        var pages = new Dictionary<string, byte[]>();
        foreach (var (name, one) in cases)
        {
            var (ours, theirs) = ($"gw-{name}", name);
            if (client == Peer.Kuguru)
                (ours, theirs) = (theirs, ours);
            var judged = Root.Issue($"{theirs}.example", new Wish { Extensions = Authority.Uris(null, WebServer.Uri(name)) });
            pages[$"/{name}"] = Root.Ocsp(judged, one.Says, DateTimeOffset.UtcNow, Later, one.Signer);
            judge.Give(Root, ours, Root.Issue($"{ours}.example"));
            (judge == near ? far : near).Give(Root, theirs, judged);
        }
        using var web = judge.Host.Inside(() => new WebServer(pages));
        judge.Host.Write("/run/swanctl/x509ocsp/local.pem", local.Pem);
        string Judged(string name, bool isJudge) => isJudge ? Remote(name) : $"auth = pubkey\n id = {name}.example";
        far.Load(string.Concat(cases.Keys.Select(name => Logins.Gateway(name, Judged(name, judge == far), Local($"gw-{name}")))) + Logins.Pools);
        near.Load(string.Concat(cases.Keys.Select(name => Logins.Client(name, world.GatewayAddress, Local(name), Judged($"gw-{name}", judge == near)))));
        foreach (var (name, one) in cases)
        {
            if (one.Why is null)
                near.UpAndDown(far, name, () => Assert.Equal($"{name}.example", far.Single().RemoteId));
            else
            {
                near.Refused(name, judge, one.Why);
                Wait.Until("nobody has an IKE SA", TimeSpan.FromSeconds(10), () => near.List().Count + far.List().Count == 0);
            }
        }
        if (judge == far)
            Assert.Equal(cases.Values.Count(one => one.Why is not null), near.Log.Split("received AUTHENTICATION_FAILED notify error").Length - 1);
    }

    /// <summary>ocsp-timeouts-good, ocsp-timeouts-unknown: responders without a name or a listener, and one that is slow while the request is repeated.</summary>
    [Fact]
    public void Responders_that_are_not_there_cost_no_tunnel_while_another_answers()
    {
        Peers.NeedRoot();
        var carol = Root.Issue("carol.example", new Wish { Extensions = Authority.Uris(null, WebServer.Uri("slow")) });
        using var world = new RoadWarriors();
        using var near = Peer.Charon.On(world.Clients[0], "retransmit_timeout = 0.5\nretransmit_base = 1\nretransmit_tries = 30\n");
        using var far = Peer.Kuguru.On(world.Gateway);
        // Nobody is asked for the name outside of the host.
        far.Host.Write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
        using var web = far.Host.Inside(() => new WebServer(new() { ["/slow"] = Root.Ocsp(carol, true, DateTimeOffset.UtcNow, Later) }, slow: "/slow"));
        near.Give(Root, "carol", carol);
        near.Give(Root, "dave", Root.Issue("dave.example"));
        near.Give(Root, "erin", Root.Issue("erin.example"));
        far.Give(Root, "gw.example", Root.Issue("gw.example"));
        far.Load("authorities {\n root {\n cacert = root.pem\n ocsp_uris = http://ocsp.invalid:8880, http://127.0.0.1:8800\n }\n }\n"
            + Logins.Gateway("carol", Remote("carol")) + Logins.Gateway("dave", Remote("dave"))
            + Logins.Gateway("erin", "auth = pubkey\n id = erin.example") + Logins.Pools);
        near.Load(Logins.Client("carol", world.GatewayAddress, Local("carol")) + Logins.Client("dave", world.GatewayAddress, Local("dave"))
            + Logins.Client("erin", world.GatewayAddress, Local("erin")));
        near.Swanctl("--initiate", "--child", "erin");
        var up = near.Host.Start("up", "swanctl", "--initiate", "--child", "carol");
        Wait.Until("the request is repeated", TimeSpan.FromSeconds(20), () => near.Log.Contains("retransmit 2 of request with message ID 1", StringComparison.Ordinal));
        Assert.False(up.HasEnded);
        // Who has a tunnel keeps it meanwhile.
        world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
        web.Hurry();
        Wait.Until("the tunnel is up", TimeSpan.FromSeconds(20), () => up.HasEnded);
        Assert.Contains("initiate completed successfully", up.Log, StringComparison.Ordinal);
        Assert.Equal(["erin.example", "carol.example"], far.List().Select(sa => sa.RemoteId));
        foreach (var gone in (string[])["http://ocsp.invalid:8880", "http://127.0.0.1:8800"])
            Assert.Contains($"fetching {gone} failed: ", far.Log, StringComparison.Ordinal);
        near.Refused("dave", far, "nobody can say whether certificate 'C=CH, O=Kuguru, CN=dave.example' is revoked, which 'revocation = strict' wants to know: http://127.0.0.1:8800: ");
        Assert.Equal(["erin.example", "carol.example"], far.List().Select(sa => sa.RemoteId));
    }

    /// <summary>ocsp-rfc4806-both, ocsp-rfc4806-signer: each can ask about its own certificate alone, and tells the other; a charon from before RFC 4806 passes over what it is asked for.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void The_status_of_a_certificate_comes_with_it_where_both_have_RFC_4806(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        Issued issue(string name) => Root.Issue($"{name}.example", new Wish { Extensions = Authority.Uris(null, WebServer.Uri(name)) });
        var (carol, gw) = (issue("carol"), issue("gw"));
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        using var mine = near.Host.Inside(() => new WebServer(new() { ["/carol"] = Root.Ocsp(carol, true, DateTimeOffset.UtcNow, Later) }));
        using var theirs = far.Host.Inside(() => new WebServer(new() { ["/gw"] = Root.Ocsp(gw, true, DateTimeOffset.UtcNow, Later) }));
        near.Give(Root, "carol", carol);
        far.Give(Root, "gw", gw);
        var both = client == gateway;
        string Judged(string name) => both ? Remote(name) : $"auth = pubkey\n id = {name}.example";
        string Policy(Peer peer) => peer == Peer.Kuguru ? "ocsp = both" : "";
        far.Load(Logins.Gateway("rw", Judged("carol"), Local("gw"), Policy(gateway)) + Logins.Pools);
        near.Load(Logins.Client("carol", world.GatewayAddress, Local("carol"), Judged("gw"), Policy(client)));
        near.UpAndDown(far, "carol", () => Assert.Equal("carol.example", far.Single().RemoteId));
        foreach (var (daemon, peer, own, other) in ((IkeDaemon, Peer, string, string)[])[(near, client, "carol", "gw"), (far, gateway, "gw", "carol")])
        {
            if (peer == Peer.Kuguru && both)
            {
                Assert.Contains($"fetching {WebServer.Uri(own)}, before", daemon.Log, StringComparison.Ordinal);
                Assert.DoesNotContain($"{WebServer.Uri(other)}", daemon.Log, StringComparison.Ordinal);
            }
        }
    }
}
