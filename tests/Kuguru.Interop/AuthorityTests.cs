using System.Security.Cryptography.X509Certificates;
using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Org.BouncyCastle.Asn1.X509;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Several authorities below one root, as in strongSwan's scenarios ikev2-multi-ca, with a charon whose chain Kuguru judges.</summary>
public class AuthorityTests
{
    static readonly DateTimeOffset Later = DateTimeOffset.UtcNow.AddDays(1);

    static string Local(string name) => $"auth = pubkey\n certs = {name}.pem\n id = {name}.example";

    static Wish With(string crl, int? pathLength = null) =>
        new() { PathLength = pathLength, Extensions = [CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([WebServer.Uri(crl)!])] };

    /// <summary>crls, certreq-resp: whose authority it is decides between connections; revoked, skipped, pathlen: an authority in between that is not good enough.</summary>
    [Fact]
    public void The_authority_above_decides_who_reaches_what()
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        var (research, sales) = (root.Below("Research CA", With("root.crl", pathLength: 0)), root.Below("Sales CA", With("root.crl")));
        var (old, nowhere, duck) = (root.Below("Old CA", With("root.crl")), root.Below("Nowhere CA", With("gone.crl")), research.Below("Duck CA", With("research.crl")));
        var clients = new Dictionary<string, (Authority Issuer, string Crl)>
        {
            ["carol"] = (research, "research.crl"),
            ["dave"] = (sales, "sales.crl"),
            ["oldie"] = (old, "old.crl"),
            ["nemo"] = (nowhere, "nowhere.crl"),
            ["donald"] = (duck, "duck.crl"),
        };
        using var world = new RoadWarriors();
        using var near = Peer.Charon.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        using var web = world.Gateway.Inside(() => new WebServer(new()
        {
            ["/root.crl"] = new CrlWish { To = Later, Revoked = [(old.Own, CrlReason.CACompromise)] }.By(root),
            ["/research.crl"] = new CrlWish { To = Later }.By(research),
            ["/sales.crl"] = new CrlWish { To = Later }.By(sales),
            ["/old.crl"] = new CrlWish { To = Later }.By(old),
            ["/nowhere.crl"] = new CrlWish { To = Later }.By(nowhere),
            ["/duck.crl"] = new CrlWish { To = Later }.By(duck),
        }));
        far.Give(root, "gw.example", root.Issue("gw.example"));
        // The gateway has the two that connections name, and no other below the root: clients send theirs.
        foreach (var (name, authority) in ((string, Authority)[])[("research", research), ("sales", sales)])
            far.Host.Write($"/run/swanctl/x509ca/{name}.pem", authority.Own.Pem);
        foreach (var (name, authority) in ((string, Authority)[])[("research", research), ("sales", sales), ("old", old), ("nowhere", nowhere), ("duck", duck)])
            near.Host.Write($"/run/swanctl/x509ca/{name}.pem", authority.Own.Pem);
        foreach (var (name, (issuer, crl)) in clients)
            near.Give(root, name, issuer.Issue($"{name}.example", With(crl)));
        string For(string name, string server) => Logins.Gateway(name, $"auth = pubkey\n cacerts = {name}.pem\n revocation = strict").Replace("10.2.0.0/24", server, StringComparison.Ordinal);
        far.Load(For("research", "10.2.0.10/32") + For("sales", "10.2.0.20/32") + Logins.Pools);
        near.Load(string.Concat(clients.Keys.Select(name => Logins.Client(name, world.GatewayAddress, Local(name)))));

        foreach (var (name, connection, server) in ((string, string, string)[])[("carol", "research", "10.2.0.10/32"), ("dave", "sales", "10.2.0.20/32")])
        {
            near.UpAndDown(far, name, () =>
            {
                Assert.Equal((connection, $"{name}.example"), (far.Single().Name, far.Single().RemoteId));
                Assert.Contains($"remote-ts=[{server}]", near.Sas(), StringComparison.Ordinal);
            });
        }
        foreach (var crl in (string[])["root.crl", "research.crl", "sales.crl"])
            Assert.Matches($"fetching [^\n]*{WebServer.Uri(crl)}", far.Log);

        far.Load(Logins.Gateway("rw", "auth = pubkey\n revocation = strict") + Logins.Pools);
        foreach (var (name, why) in ((string, string)[])
        [
            ("oldie", "certificate 'C=CH, O=Kuguru, CN=Old CA' is revoked: since 2025-06-01 00:00:00Z, says "),
            ("nemo", $"nobody can say whether certificate 'C=CH, O=Kuguru, CN=Nowhere CA' is revoked, which 'revocation = strict' wants to know: {WebServer.Uri("gone.crl")}: HTTP status 404"),
            ("donald", "may not issue what is below it: basicConstraints"),
        ])
            near.Refused(name, far, why);
        near.UpAndDown(far, "dave", () => Assert.Equal("dave.example", far.Single().RemoteId));
    }
}
