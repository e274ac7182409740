using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Forms of keys, names and constraints beside the plain ones, between Kuguru and strongSwan in either part, and what the gateway says of those that do not fit.</summary>
public class LoginFormsTests
{
    const string Policy = "1.3.6.1.4.1.36906.1.1.1";

    static readonly DateTimeOffset Later = DateTimeOffset.UtcNow.AddDays(1);

    /// <summary>certificatePolicies { <see cref="Policy"/> }.</summary>
    static readonly X509Extension Policies = new("2.5.29.32", Convert.FromHexString("300f300d060b2b0601040182a02a010101"), critical: false);

    static string Pubkey(string own, string id, string more = "") => $"auth = pubkey\n certs = {own}.pem\n id = {id}\n {more}";

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Signatures_with_PSS_raw_keys_wildcards_and_constraints_let_in_who_fits(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        var research = root.Below("Research CA", new Wish { Extensions = [Policies] });
        var (rawClient, rawGateway) = (KeyPair.Make("rsa2048"), KeyPair.Make("ecdsa256"));
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Give(root, "gw.example", root.Issue("gw.example", "rsa2048"));
        far.Host.Write("/run/swanctl/x509ca/research.pem", research.Own.Pem);
        near.Host.Write("/run/swanctl/x509ca/research.pem", research.Own.Pem);
        near.Give(root, "pss", root.Issue("pss.example", "rsa2048"));
        near.Give(root, "dn", root.Issue("dn.example"));
        near.Give(root, "star", root.Issue("x", new Wish { Names = ["host.star.example"] }));
        near.Give(root, "upn", root.Issue("upn", new Wish { AltNames = UserPrincipalName("carol@corp.example") }));
        near.Give(root, "v6", root.Issue("v6", new Wish { Names = ["2001:db8::7"] }));
        near.Give(root, "policy", research.Issue("policy.example", new Wish { Extensions = [Policies] }));
        foreach (var (daemon, own, other) in ((IkeDaemon, KeyPair, KeyPair)[])[(near, rawClient, rawGateway), (far, rawGateway, rawClient)])
        {
            daemon.Host.Write("/run/swanctl/private/raw.pem", own.Pem);
            daemon.Host.Write("/run/swanctl/pubkey/own.pem", own.PublicPem);
            daemon.Host.Write("/run/swanctl/pubkey/other.pem", other.PublicPem);
        }
        // Charon reads certificates by its openssl plugin, which does not see policies.
        var wanted = gateway == Peer.Kuguru ? $"\n cert_policy = {Policy}" : "";
        far.Load(string.Concat(
            Logins.Gateway("pss", "auth = ike:rsa/pss-sha384\n id = pss.example", "auth = ike:rsa/pss-sha512\n certs = gw.example.pem\n id = gw.example"),
            Logins.Gateway("raw", "auth = pubkey\n pubkeys = other.pem\n id = raw.example", "auth = pubkey\n pubkeys = own.pem\n id = gw-raw.example"),
            Logins.Gateway("dn", "auth = pubkey\n id = \"C=CH, O=Kuguru, CN=*\"", "auth = pubkey\n certs = gw.example.pem"),
            Logins.Gateway("star", "auth = pubkey\n id = *.star.example"),
            Logins.Gateway("upn", "auth = pubkey\n id = *@corp.example"),
            Logins.Gateway("v6", "auth = pubkey\n id = 2001:db8::7"),
            Logins.Gateway("policy", "auth = pubkey\n id = policy.example\n ca_id = \"C=CH, O=Kuguru, CN=Research CA\"" + wanted),
            Logins.Gateway("psk", "auth = psk\n id = *@psk.example", "auth = psk\n id = gw.example"),
            Logins.Pools, "secrets {\n ike-one {\n id = *@psk.example\n secret = \"correct horse\"\n }\n }\n"));
        near.Load(string.Concat(
            Logins.Client("pss", world.GatewayAddress, Pubkey("pss", "pss.example").Replace("= pubkey", "= ike:rsa/pss-sha384", StringComparison.Ordinal), "auth = ike:rsa/pss-sha512\n id = gw.example"),
            Logins.Client("raw", world.GatewayAddress, "auth = pubkey\n pubkeys = own.pem\n id = raw.example", "auth = pubkey\n pubkeys = other.pem\n id = gw-raw.example"),
            Logins.Client("dn", world.GatewayAddress, "auth = pubkey\n certs = dn.pem", "auth = pubkey\n id = \"C=CH, O=*, CN=*\""),
            Logins.Client("star", world.GatewayAddress, Pubkey("star", "host.star.example"), "auth = pubkey\n id = gw.example", "send_cert = always"),
            Logins.Client("upn", world.GatewayAddress, Pubkey("upn", "carol@corp.example")),
            Logins.Client("v6", world.GatewayAddress, Pubkey("v6", "2001:db8::7")),
            Logins.Client("policy", world.GatewayAddress, Pubkey("policy", "policy.example"), "auth = pubkey\n id = *.example"),
            Logins.Client("psk", world.GatewayAddress, "auth = psk\n id = carol@psk.example", "auth = psk\n id = gw.example"),
            "secrets {\n ike-one {\n id = gw.example\n secret = \"correct horse\"\n }\n }\n"));
        foreach (var (name, id) in ((string, string)[])
        [
            ("pss", "pss.example"), ("raw", "raw.example"), ("dn", "C=CH, O=Kuguru, CN=dn.example"), ("star", "host.star.example"), ("upn", "carol@corp.example"), ("v6", "2001:db8::7"),
            ("policy", "policy.example"), ("psk", "carol@psk.example"),
        ])
            near.UpAndDown(far, name, () => Assert.Equal((name, id, name == "raw" ? "gw-raw.example" : name == "dn" ? "C=CH, O=Kuguru, CN=gw.example" : "gw.example"), (far.Single().Name, far.Single().RemoteId, near.Single().RemoteId)));
        foreach (var daemon in (IkeDaemon[])[near, far])
            Assert.Contains($"with RSA_EMSA_PSS_SHA2_{(daemon == near ? "512_SALT_64" : "384_SALT_48")} successful", daemon.Log, StringComparison.Ordinal);
    }

    /// <summary>What a charon of others may bring, in the words of the gateway that refuses it; a tunnel that is up stays up.</summary>
    [Fact]
    public void A_gateway_names_the_constraint_that_a_client_does_not_meet()
    {
        Peers.NeedRoot();
        var root = Authority.Root();
        var (good, revoked) = (root.Issue("tls-good.example", "rsa2048"), root.Issue("tls-revoked.example", "rsa2048"));
        using var world = new RoadWarriors();
        using var near = Peer.Charon.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Give(root, "gw.example", root.Issue("gw.example", "rsa2048"));
        far.Host.Write("/run/swanctl/x509crl/root.pem", PemEncoding.WriteString("X509 CRL", root.Crl(Later, revoked)));
        string[] names = ["good", "policy", "authority", "weak", "dn"];
        foreach (var name in names)
            near.Give(root, name, root.Issue($"{name}.example", "rsa2048"));
        near.Give(root, "tls-good", good);
        near.Give(root, "tls-revoked", revoked);
        // What the client does not send nobody knows.
        near.Give(root, "silent", root.Issue("silent.example"));
        far.Load(string.Concat(
            Logins.Gateway("good", "auth = pubkey\n id = good.example\n revocation = strict"),
            Logins.Gateway("policy", $"auth = pubkey\n id = policy.example\n cert_policy = {Policy}"),
            Logins.Gateway("authority", "auth = pubkey\n id = authority.example\n ca_id = \"C=CH, O=Kuguru, CN=Research CA\""),
            Logins.Gateway("weak", "auth = rsa-3072\n id = weak.example"),
            Logins.Gateway("dn", "auth = pubkey\n id = \"C=CH, O=Somebody else, CN=*\""),
            Logins.Gateway("silent", "auth = pubkey\n id = silent.example"),
            Logins.Gateway("tls", "auth = eap-tls\n id = *.example\n eap_id = *.example\n revocation = strict"),
            Logins.Pools));
        near.Load(string.Concat(names.Select(name => Logins.Client(name, world.GatewayAddress, name == "dn" ? "auth = pubkey\n certs = dn.pem" : Pubkey(name, $"{name}.example"))))
            + Logins.Client("silent", world.GatewayAddress, Pubkey("silent", "silent.example"), more: "send_cert = never")
            + string.Concat(((string[])["tls-good", "tls-revoked"]).Select(name => Logins.Client(name, world.GatewayAddress, $"auth = eap-tls\n certs = {name}.pem\n id = {name}.example\n eap_id = {name}.example"))));
        near.UpAndDown(far, "tls-good", () => Assert.Equal("tls-good.example", far.Single().RemoteId));
        near.Swanctl("--initiate", "--child", "good");
        foreach (var (name, why) in ((string, string)[])
        [
            ("policy", $"certificate 'C=CH, O=Kuguru, CN=policy.example' does not have the policy {Policy}, which 'cert_policy' wants of the whole chain"),
            ("authority", "the chain of certificate 'C=CH, O=Kuguru, CN=authority.example' has no authority that is 'C=CH, O=Kuguru, CN=Research CA', as 'ca_id' of the remote section wants"),
            ("weak", "its key is RSA 2048, 'auth' wants 3072 bits"),
            ("dn", "no connection fits 'C=CH, O=Kuguru, CN=dn.example' (distinguished name)"),
            ("silent", "no trusted public key found for 'silent.example' (domain name): it sent no certificate"),
            ("tls-revoked", "EAP authentication with 'tls-revoked.example' failed: EAP_TLS: certificate 'C=CH, O=Kuguru, CN=tls-revoked.example' is revoked"),
        ])
            near.Refused(name, far, why);
        Assert.Equal("good.example", far.Single().RemoteId);
        world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4);
    }

    /// <summary>Names and passwords of users as they are, and a user of whom the gateway knows the NT hash alone.</summary>
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Users_have_domains_long_names_and_passwords_of_any_letters(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        const string Password = "p\u00e4ssw\u00f6rd \u20ac \ud83d\udd11";
        var root = Authority.Root();
        var users = new Dictionary<string, string>
        {
            ["mail"] = "carol@example.org",
            ["domain"] = "\"CORP\\\\carol\"",
            ["long"] = new string('x', 200),
        };
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Give(root, "gw.example", root.Issue("gw.example"));
        near.Give(root, "root", null);
        string Secrets(bool hashed) => "secrets {\n" + string.Concat(users.Select(user => hashed && user.Key == "mail" ? $" ntlm-{user.Key} {{\n id = {user.Value}\n secret = 0x{NtHash(Password)}\n }}\n"
            : $" eap-{user.Key} {{\n id = {user.Value}\n secret = \"{Password}\"\n }}\n")) + "}\n";
        far.Load(Logins.Gateway("rw", "auth = eap-mschapv2\n id = user.example\n eap_id = %any") + Logins.Gateway("md5", "auth = eap-md5\n id = md5.example\n eap_id = %any") + Logins.Pools + Secrets(hashed: true));
        string Client(string name, string method, string id, string user) => Logins.Client(name, world.GatewayAddress, $"auth = eap-{method}\n id = {id}\n eap_id = {user}");
        near.Load(string.Concat(users.Select(user => Client(user.Key, "mschapv2", "user.example", user.Value))) + Client("other", "md5", "md5.example", users["domain"]) + Secrets(hashed: false));
        foreach (var name in users.Keys.Append("other"))
            near.UpAndDown(far, name, () => world.Clients[0].Run("ping", "-c1", "-W2", RoadWarriors.Server4));
    }

    static string NtHash(string password)
    {
        var md4 = new Org.BouncyCastle.Crypto.Digests.MD4Digest();
        md4.BlockUpdate(System.Text.Encoding.Unicode.GetBytes(password));
        var hash = new byte[16];
        md4.DoFinal(hash, 0);
        return Convert.ToHexString(hash);
    }

    static X509Extension UserPrincipalName(string name)
    {
        var builder = new SubjectAlternativeNameBuilder();
        builder.AddUserPrincipalName(name);
        return builder.Build();
    }
}
