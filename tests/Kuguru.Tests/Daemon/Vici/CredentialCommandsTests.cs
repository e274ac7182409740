using System.Security.Cryptography;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Tests.Daemon.Vici;

/// <summary>Certificates, keys and authorities over VICI: what is loaded, listed and unloaded, by charon's names, and what is refused.</summary>
public sealed class CredentialCommandsTests : IAsyncDisposable
{
    readonly BareDaemon _daemon = new();
    readonly Authority _root = Authority.Root();

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    async Task<ViciMessage> Ask(string command, ViciMessage request)
    {
        using var client = await ViciClient.Connect(_daemon.Socket);
        return await client.Call(command, request);
    }

    async Task Accepted(string command, ViciMessage request) => Assert.Equal("yes", (await Ask(command, request))["success"]);

    async Task Refused(string command, ViciMessage request, string why)
    {
        var answer = await Ask(command, request);
        Assert.Equal("no", answer["success"]);
        Assert.Contains(why, answer["errmsg"], StringComparison.Ordinal);
    }

    static ViciMessage Certificate(string type, string flag, byte[] data) => new() { { "type", type }, { "flag", flag }, { "data", (ReadOnlyMemory<byte>)data } };
    static ViciMessage Key(string type, byte[] data) => new() { { "type", type }, { "data", (ReadOnlyMemory<byte>)data } };

    async Task<List<ViciMessage>> List(string command, string what, ViciMessage request)
    {
        using var client = await ViciClient.Connect(_daemon.Socket);
        var listed = new List<ViciMessage>();
        await client.Call(command, request, [what], (_, message) => listed.Add(message));
        return listed;
    }

    [Fact]
    public async Task Certificates_of_each_kind_are_loaded_and_listed_by_type_flag_and_subject()
    {
        var own = _root.Issue("moon.example.org", "rsa2048");
        await Accepted("load-cert", Certificate("X509", "CA", _root.Own.Native.RawData));
        await Accepted("load-cert", Certificate("X509", "NONE", System.Text.Encoding.ASCII.GetBytes(own.Pem)));
        await Accepted("load-cert", Certificate("x509", "ocsp", _root.Issue("ocsp.example.org").Native.RawData));
        await Accepted("load-cert", Certificate("X509_CRL", "NONE", _root.Crl(DateTimeOffset.UtcNow.AddDays(1))));
        await Accepted("load-cert", Certificate("PUBKEY", "NONE", KeyPair.Make("ecdsa256").Key.ExportSubjectPublicKeyInfo()));
        var before = await List("list-certs", "list-cert", []);
        Assert.Equal(["PUBKEY/", "X509/NONE", "X509/CA", "X509/OCSP", "X509_CRL/"], before.Select(one => $"{one["type"]}/{one["flag"]}"));
        Assert.DoesNotContain(before, one => one["has_privkey"] is not null);
        await Accepted("load-key", Key("rsa", own.Keys.Pkcs8));
        Assert.Single(await List("list-certs", "list-cert", []), one => one["has_privkey"] == "yes");
        Assert.Single(await List("list-certs", "list-cert", new() { { "type", "X509" }, { "flag", "CA" } }));
        Assert.Single(await List("list-certs", "list-cert", new() { { "type", "x509ca" } }));
        Assert.Equal(5, (await List("list-certs", "list-cert", new() { { "flag", "CA" } })).Count);
        Assert.Equal(own.Native.RawData, Assert.Single(await List("list-certs", "list-cert", new() { { "subject", "moon.example.org" } })).Bytes("data")!.Value.ToArray());
        await Accepted("clear-creds", []);
        Assert.Empty(await List("list-certs", "list-cert", []));
    }

    [Fact]
    public async Task What_is_no_certificate_of_its_kind_is_refused_in_words()
    {
        var leaf = _root.Issue("moon.example.org").Native.RawData;
        await Refused("load-cert", [], "certificate type missing");
        await Refused("load-cert", new() { { "type", "X509" } }, "certificate data missing");
        await Refused("load-cert", Certificate("X509", "NONE", [1, 2, 3]), "not an X.509 certificate");
        await Refused("load-cert", Certificate("X509", "CA", leaf), "is no authority: its basicConstraints do not say so; put it into x509");
        await Refused("load-cert", Certificate("X509", "AA", leaf), "attribute authorities are not supported");
        await Refused("load-cert", Certificate("X509_AC", "NONE", leaf), "attribute certificates are not supported");
        await Refused("load-cert", Certificate("X509", "ANY", leaf), "invalid certificate flag 'ANY'");
        await Refused("load-cert", Certificate("x509ca", "NONE", leaf), "is no authority");
        await Refused("load-cert", Certificate("X509_CRL", "NONE", leaf), "loading a CRL failed");
        await Refused("load-cert", Certificate("PUBKEY", "NONE", leaf), "loading a public key failed");
        await Refused("load-cert", Certificate("PGP", "NONE", leaf), "invalid certificate type 'PGP'");
        Assert.Empty(await List("list-certs", "list-cert", []));
    }

    [Theory]
    [InlineData("rsa2048", "rsa", "ecdsa")]
    [InlineData("ecdsa384", "ecdsa", "rsa")]
    [InlineData("ed25519", "any", "rsa")]
    public async Task Keys_go_by_the_fingerprint_of_their_public_half(string kind, string type, string other)
    {
        var pair = KeyPair.Make(kind);
        await Refused("load-key", Key(other, pair.Pkcs8), "the private key is of the type");
        var loaded = await Ask("load-key", Key(type, pair.Pkcs8));
        Assert.Equal(("yes", pair.Private.Public.KeyFingerprint.ToString()), (loaded["success"], loaded["id"]));
        Assert.Equal([loaded["id"]!], (await Ask("get-keys", [])).Items("keys")!);
        await Refused("unload-key", new() { { "id", "00" } }, "private key not found: 00");
        await Accepted("unload-key", new() { { "id", loaded["id"]!.ToUpperInvariant() } });
        Assert.Empty((await Ask("get-keys", [])).Items("keys")!);
    }

    [Fact]
    public async Task A_key_with_a_passphrase_and_what_is_no_key_are_refused_without_a_word_of_them()
    {
        using var rsa = RSA.Create(2048);
        var locked = rsa.ExportEncryptedPkcs8PrivateKey("Ar3etTnp", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000));
        await Refused("load-key", Key("any", locked), "the private key has a passphrase");
        await Refused("load-key", Key("any", "no key at all"u8.ToArray()), "not a private key");
        await Refused("load-key", Key("any", []), "key data missing");
        await Refused("load-key", Key("pkcs8", locked), "invalid key type: PKCS8");
        await Refused("load-token", [], "keys on tokens are not supported");
    }

    [Fact]
    public async Task Authorities_are_loaded_listed_and_unloaded_by_name()
    {
        ViciMessage authority(string name, byte[] certificate, string crl) => new()
        {
            { name, new ViciMessage { { "cacert", (ReadOnlyMemory<byte>)certificate }, { "crl_uris", (string[])[crl] }, { "ocsp_uris", (string[])["http://192.0.2.9:8880"] } } },
        };
        await Accepted("load-authority", authority("root", _root.Own.Native.RawData, "http://192.0.2.9/ca.crl"));
        Assert.Equal(["root"], (await Ask("get-authorities", [])).Items("authorities")!);
        var listed = Assert.Single(await List("list-authorities", "list-authority", [])).Section("root")!;
        Assert.Equal(("C=CH, O=Kuguru, CN=Kuguru Root CA", "http://192.0.2.9/ca.crl", "http://192.0.2.9:8880"), (listed["cacert"], listed.Items("crl_uris")!.Single(), listed.Items("ocsp_uris")!.Single()));
        Assert.Empty(await List("list-authorities", "list-authority", new() { { "name", "other" } }));
        await Refused("load-authority", authority("leaf", _root.Issue("moon.example.org").Native.RawData, "http://192.0.2.9/ca.crl"), "is no authority");
        await Refused("load-authority", authority("ftp", _root.Own.Native.RawData, "ftp://192.0.2.9/ca.crl"), "http, https, ldap or file");
        await Refused("load-authority", authority("ldap", _root.Own.Native.RawData, "ldap://192.0.2.9/cn=ca??sub"), "only one entry is looked at, not scope 'sub'");
        // The certificates of authorities with a name outlive the others.
        await Accepted("clear-creds", []);
        Assert.Single(await List("list-certs", "list-cert", []));
        await Accepted("unload-authority", new() { { "name", "root" } });
        await Refused("unload-authority", new() { { "name", "root" } }, "authority 'root' not found");
    }

    [Fact]
    public async Task A_CRL_for_which_VICI_has_no_room_is_used_all_the_same()
    {
        var crl = new CrlWish { Revoked = [.. Enumerable.Repeat((_root.Own, 1), 2500)] }.By(_root);
        Assert.InRange(crl.Length, 65_536, 500_000);
        var folder = Directory.CreateTempSubdirectory("big-crl-");
        Directory.CreateDirectory(System.IO.Path.Combine(folder.FullName, "x509crl"));
        await File.WriteAllBytesAsync(System.IO.Path.Combine(folder.FullName, "x509crl", "big.crl"), crl, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(System.IO.Path.Combine(folder.FullName, "swanctl.conf"), "", TestContext.Current.CancellationToken);
        Complaints complaints = new();
        var conf = SwanctlConf.Load(System.IO.Path.Combine(folder.FullName, "swanctl.conf"), complaints)!;
        folder.Delete(recursive: true);
        using var client = await ViciClient.Connect(_daemon.Socket);
        await Assert.ThrowsAsync<ViciException>(() => client.Call("load-cert", Certificate("X509_CRL", "NONE", crl)));
        await SwanctlLoader.Load(conf, (command, request) => client.Call(command, request), complaints, ViciEncoding.MaxValue);
        var warning = Assert.Single(complaints.All);
        Assert.False(warning.IsError);
        Assert.Contains($"big.crl: {crl.Length} octets, of which VICI carries at most 65535: it is loaded when the daemon starts", warning.ToString(), StringComparison.Ordinal);
        Assert.Empty(await _daemon.Loop.Ask((node, _, _) => node.Certificates.Revocation.Lists.ToList()));
        // As at the start of a daemon.
        await _daemon.Load(conf);
        Assert.Single(await _daemon.Loop.Ask((node, _, _) => node.Certificates.Revocation.Lists.ToList()));
        Assert.Empty(await List("list-certs", "list-cert", []));
    }

    [Fact]
    public async Task Flush_forgets_what_was_fetched_and_no_more()
    {
        await Accepted("load-cert", Certificate("X509_CRL", "NONE", _root.Crl(DateTimeOffset.UtcNow.AddDays(1))));
        await Accepted("flush-certs", new() { { "type", "X509_CRL" } });
        await Accepted("flush-certs", new() { { "type", "x509" } });
        await Refused("flush-certs", new() { { "type", "PGP" } }, "invalid certificate type 'PGP'");
        Assert.Single(await List("list-certs", "list-cert", []));
    }
}
