using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Kuguru.Pki;
using Org.BouncyCastle.OpenSsl;
using Org.BouncyCastle.Security;
using Xunit;

namespace Kuguru.Tests.Pki;

/// <summary>Keys and certificates as they lie in swanctl's folders: PEM and DER, PKCS#1, SEC 1, PKCS#8, PKCS#12, with passphrases and without.</summary>
public class KeyFileTests
{
    const string Passphrase = "Ar3etTnp";

    static readonly Authority Root = Authority.Root();

    static Kuguru.Pki.PublicKey Opened(ReadOnlySpan<byte> file)
    {
        Assert.False(KeyFile.IsEncrypted(file));
        Assert.True(PrivateKey.TryRead(KeyFile.Decode(file, out _), out var key, out var why), why);
        using (key)
            return key.Public;
    }

    [Theory]
    [InlineData("rsa2048")]
    [InlineData("ecdsa256")]
    [InlineData("ecdsa521")]
    [InlineData("ed25519")]
    public void A_key_opens_from_PEM_and_DER_of_each_form(string kind)
    {
        var pair = KeyPair.Make(kind);
        var expected = pair.Private.Public;
        List<byte[]> files = [pair.Pkcs8, Encoding.ASCII.GetBytes(pair.Pem)];
        if (kind.StartsWith("rsa", StringComparison.Ordinal))
        {
            using var rsa = RSA.Create();
            rsa.ImportPkcs8PrivateKey(pair.Pkcs8, out _);
            files.AddRange([rsa.ExportRSAPrivateKey(), Encoding.ASCII.GetBytes(rsa.ExportRSAPrivateKeyPem())]);
        }
        else if (kind.StartsWith("ecdsa", StringComparison.Ordinal))
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportPkcs8PrivateKey(pair.Pkcs8, out _);
            files.AddRange([ecdsa.ExportECPrivateKey(), Encoding.ASCII.GetBytes(ecdsa.ExportECPrivateKeyPem())]);
        }
        Assert.All(files, file => Assert.Equal(expected, Opened(file)));
        Assert.True(Kuguru.Pki.PublicKey.TryReadFile(Encoding.ASCII.GetBytes(pair.PublicPem), out var known, out var why), why);
        Assert.Equal(expected, known);
    }

    [Theory]
    [InlineData("rsa2048")]
    [InlineData("ecdsa384")]
    public void PKCS8_and_the_older_form_open_with_their_passphrase_only(string kind)
    {
        var pair = KeyPair.Make(kind);
        AsymmetricAlgorithm native = kind.StartsWith("rsa", StringComparison.Ordinal) ? RSA.Create() : ECDsa.Create();
        native.ImportPkcs8PrivateKey(pair.Pkcs8, out _);
        var terms = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 2048);
        var pem = new StringWriter();
        using (var writer = new PemWriter(pem))
            writer.WriteObject(PrivateKeyFactory.CreateKey(pair.Pkcs8), "AES-128-CBC", Passphrase.ToCharArray(), new SecureRandom());
        Assert.Contains("DEK-Info: AES-128-CBC,", pem.ToString(), StringComparison.Ordinal);
        foreach (var file in (byte[][])[native.ExportEncryptedPkcs8PrivateKey(Passphrase, terms),
            Encoding.ASCII.GetBytes(native.ExportEncryptedPkcs8PrivateKeyPem(Passphrase, terms)), Encoding.ASCII.GetBytes(pem.ToString())])
        {
            Assert.True(KeyFile.IsEncrypted(file));
            Assert.False(PrivateKey.TryRead(KeyFile.Decode(file, out _), out _, out _));
            Assert.Null(KeyFile.Decrypt(file, "wrong"));
            Assert.Equal(pair.Private.Public, Opened(KeyFile.Decrypt(file, Passphrase)!));
        }
        native.Dispose();
    }

    /// <summary>What `openssl ecparam -genkey | openssl ec -aes128` writes with the passphrase below.</summary>
    const string OlderForm = """
        -----BEGIN EC PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,AAA4840523A453C963512DE9D40620E2

        rtYBAMYfhXB8OBl4XrzUqIasZpmlBuV5+K8gdbFfV6nBk9fAv9izfNwUf9tlI6oS
        CX3jDlll7sd/Ybbp/gPNPXINNwvryrF14Ou36Z5GSohF0vWRcUfrdIkJUyuf4G6P
        K3IV+pgJVfQwRh1wbA720EvmX+fFSNHVpHcA2Gt0s3Y=
        -----END EC PRIVATE KEY-----

        """;

    [Fact]
    public void A_passphrase_has_any_letters()
    {
        const string Foreign = "p\u00e4ssw\u00f6rd\u20ac";
        var pair = KeyPair.Make("rsa2048");
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(pair.Pkcs8, out _);
        var terms = new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 2048);
        foreach (var file in (byte[][])[rsa.ExportEncryptedPkcs8PrivateKey(Foreign, terms), Encoding.ASCII.GetBytes(rsa.ExportEncryptedPkcs8PrivateKeyPem(Foreign, terms))])
        {
            Assert.Null(KeyFile.Decrypt(file, "password"));
            Assert.Equal(pair.Private.Public, Opened(KeyFile.Decrypt(file, Foreign)!));
        }
        Assert.Equal("ECDSA 256", $"{Opened(KeyFile.Decrypt(Encoding.ASCII.GetBytes(OlderForm), Foreign)!)}");
        Assert.Null(KeyFile.Decrypt(Encoding.ASCII.GetBytes(OlderForm), "password\u20ac"));

        foreach (var kind in (string[])["rsa2048", "ecdsa256"])
        {
            var issued = Root.Issue("moon.example.org", kind);
            using var withKey = kind == "rsa2048" ? WithRsa(issued) : WithEcdsa(issued);
            var contained = new X509Certificate2Collection { withKey, Root.Own.Native }.Export(X509ContentType.Pkcs12, Foreign)!;
            Assert.Null(Container.Open(contained, "password\u20ac"));
            var container = Container.Open(contained, Foreign);
            Assert.Equal(issued.Keys.Private.Public, Opened(Assert.Single(container!.Keys)));
            Assert.Equal(2, container.Certificates.Count);
        }
    }

    [Fact]
    public void Parameters_in_front_of_a_key_are_passed_over()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        const string Parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        Assert.Equal(new Span<byte>(ecdsa.ExportSubjectPublicKeyInfo()), Opened(Encoding.ASCII.GetBytes(Parameters + ecdsa.ExportECPrivateKeyPem())).Info.Span);
        Assert.False(PrivateKey.TryRead(KeyFile.Decode(Encoding.ASCII.GetBytes(Parameters), out _), out _, out var why));
        Assert.StartsWith("not a private key", why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_container_may_have_several_keys()
    {
        var (moon, sun) = (Root.Issue("moon.example.org", "rsa2048"), Root.Issue("sun.example.org", "ecdsa384"));
        using var first = WithRsa(moon);
        using var second = WithEcdsa(sun);
        var container = Container.Open(new X509Certificate2Collection { first, second, Root.Own.Native }.Export(X509ContentType.Pkcs12, Passphrase)!, Passphrase)!;
        Assert.Equal(3, container.Certificates.Count);
        Assert.Equal(["ECDSA 384", "RSA 2048"], container.Keys.Select(key => $"{Opened(key)}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("rsa2048", false)]
    [InlineData("ecdsa256", false)]
    [InlineData("rsa2048", true)]
    public void PKCS12_gives_the_key_its_certificate_and_those_above_it(string kind, bool isOld)
    {
        var issued = Root.Issue("moon.example.org", kind);
        using var withKey = kind.StartsWith("rsa", StringComparison.Ordinal) ? WithRsa(issued) : WithEcdsa(issued);
        var all = new X509Certificate2Collection { withKey, Root.Own.Native };
        // Half of the world still writes containers with 3DES and SHA-1.
        var file = isOld ? withKey.ExportPkcs12(Pkcs12ExportPbeParameters.Pkcs12TripleDesSha1, Passphrase) : all.Export(X509ContentType.Pkcs12, Passphrase)!;
        var container = Container.Open(file, Passphrase);
        Assert.NotNull(container);
        Assert.Equal(issued.Keys.Private.Public, Opened(Assert.Single(container.Keys)));
        Assert.Contains(container.Certificates, der => der.AsSpan().SequenceEqual(issued.Native.RawData));
        Assert.Equal(isOld ? 1 : 2, container.Certificates.Count);
        Assert.Null(Container.Open(file, "wrong"));
        Assert.Null(Container.Open(file.AsSpan(0, file.Length / 2), Passphrase));
        Assert.Null(Container.Open("nothing of the kind"u8, Passphrase));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN PRIVATE KEY-----")]
    [InlineData("-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("0")]
    public void What_is_no_key_is_refused_and_never_quoted(string text)
    {
        Assert.False(PrivateKey.TryRead(KeyFile.Decode(Encoding.ASCII.GetBytes(text), out _), out _, out var why));
        Assert.StartsWith("not a private key", why, StringComparison.Ordinal);
        Assert.Null(KeyFile.Decrypt(Encoding.ASCII.GetBytes(text), Passphrase));
    }

    [Fact]
    public void Keys_that_are_too_short_or_of_an_unknown_curve_say_so()
    {
        Assert.Contains("an RSA key of 512 bits: 1024 to 8192 are taken", WhyNot(RSA.Create(512).ExportPkcs8PrivateKey()), StringComparison.Ordinal);
        Assert.Contains("its curve is not supported", WhyNot(ECDsa.Create(ECCurve.NamedCurves.brainpoolP256r1).ExportPkcs8PrivateKey()), StringComparison.Ordinal);
        Assert.Contains("its curve is not supported", WhyNot(ECDsa.Create(ECDsa.Create(ECCurve.NamedCurves.nistP256).ExportExplicitParameters(false).Curve).ExportPkcs8PrivateKey()), StringComparison.Ordinal);
        static string WhyNot(byte[] der) => PrivateKey.TryRead(der, out _, out var why) ? "" : why;
    }

    /// <summary>Kinds that strongSwan has, or that people have, and Kuguru has not.</summary>
    [Theory]
    [InlineData("2b6571", "Ed448 is not supported: RSA, ECDSA and Ed25519 are")]
    [InlineData("2b656e", "X25519, which does not sign, is not supported")]
    [InlineData("2a864886f70d01010a", "RSASSA-PSS (a key for that alone, where an RSA key would do) is not supported")]
    [InlineData("2a8648ce380401", "DSA is not supported")]
    [InlineData("2a03", "1.2.3 is not supported")]
    public void Keys_of_other_kinds_are_refused_by_name(string oid, string expected)
    {
        byte[] named = [6, (byte)(oid.Length / 2), .. Convert.FromHexString(oid)];
        byte[] algorithm = [0x30, (byte)named.Length, .. named];
        byte[] key = [2, 1, 0, .. algorithm, 4, 2, 4, 0];
        Assert.False(PrivateKey.TryRead((byte[])[0x30, (byte)key.Length, .. key], out _, out var why));
        Assert.StartsWith($"a private key of the algorithm {expected}", why, StringComparison.Ordinal);
        byte[] info = [.. algorithm, 3, 2, 0, 0];
        Assert.False(Kuguru.Pki.PublicKey.TryRead((byte[])[0x30, (byte)info.Length, .. info], out _, out why));
        Assert.StartsWith($"a public key of the algorithm {expected}", why, StringComparison.Ordinal);
    }

    /// <summary>Whoever sends a key chooses what it costs to verify with it.</summary>
    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(2000, false)]
    public void An_RSA_exponent_has_64_bits_at_most(int bits, bool isTaken)
    {
        var inner = new AsnWriter(AsnEncodingRules.DER);
        using (inner.PushSequence())
        {
            inner.WriteInteger((BigInteger.One << 2047) + 1);
            inner.WriteInteger((BigInteger.One << (bits - 1)) + 1);
        }
        var info = new AsnWriter(AsnEncodingRules.DER);
        using (info.PushSequence())
        {
            using (info.PushSequence())
            {
                info.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                info.WriteNull();
            }
            info.WriteBitString(inner.Encode());
        }
        Assert.Equal(isTaken, Kuguru.Pki.PublicKey.TryRead(info.Encode(), out _, out var why));
        if (!isTaken)
            Assert.Equal("an RSA key whose exponent has more than 64 bits", why);
    }

    static X509Certificate2 WithRsa(Issued issued)
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(issued.Keys.Pkcs8, out _);
        return issued.Native.CopyWithPrivateKey(rsa);
    }

    static X509Certificate2 WithEcdsa(Issued issued)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportPkcs8PrivateKey(issued.Keys.Pkcs8, out _);
        return issued.Native.CopyWithPrivateKey(ecdsa);
    }
}
