using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kuguru.Ike;
using Kuguru.Pki;
using Xunit;

namespace Kuguru.Tests.Pki;

/// <summary>Chains that are believed, and those that are not: too long, in a circle, beyond their constraints, no certificates at all.</summary>
public class TrustTests
{
    static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    static readonly Authority Root = Authority.Root();

    static ChainVerdict Judge(Issued leaf, IEnumerable<Authority> between, Authority? root = null) =>
        Trust.Judge(leaf.Certificate, between.Select(one => one.Certificate), [(root ?? Root).Certificate], [], Now);

    static List<Authority> Tower(int height)
    {
        var tower = new List<Authority> { Root };
        for (var i = 1; i <= height; i++)
            tower.Add(tower[^1].Below($"CA {i}"));
        return tower;
    }

    [Theory]
    [InlineData(7, true)]
    [InlineData(8, false)]
    [InlineData(98, false)]
    public void A_chain_has_nine_certificates_at_most(int between, bool isTrusted)
    {
        var tower = Tower(between);
        var verdict = Judge(tower[^1].Issue("moon.example.org"), tower.Skip(1));
        Assert.Equal(isTrusted ? null : $"its chain has {between + 2} certificates, of which at most 9 are taken", verdict.Why);
        Assert.Equal(isTrusted ? 9 : 0, verdict.Chain.Length);
    }

    [Fact]
    public void Authorities_that_have_issued_each_other_end_nowhere()
    {
        var (keys, others) = (KeyPair.Make("ecdsa256"), KeyPair.Make("ecdsa256"));
        var (one, other) = (Cross("One", keys, "Other", others), Cross("Other", others, "One", keys));
        var leaf = Cross("moon", KeyPair.Make("ecdsa256"), "One", keys, isAuthority: false);
        var verdict = Trust.Judge(leaf, [one, other, leaf], [Root.Certificate], [], Now);
        Assert.Contains("nobody trusts", verdict.Why, StringComparison.Ordinal);
        Assert.True(verdict.LacksAnchor);
        // Ours to send, they go once each.
        using var store = new CertificateStore();
        store.Add(one);
        store.Add(other);
        store.Add(Root.Certificate);
        Assert.Equal(["CN=moon", "CN=One", "CN=Other"],
            Certification.Sent(store, Kuguru.Tests.Ike.Configs.Connection("moon", "sun") with { SendCertificates = SendCertificates.Always }, true, new Signing(null!, leaf)).Select(sent => sent.SubjectText));
    }

    /// <summary>Renewed with its old key: the peer sends the one that it has had for years, the new one is loaded here.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_authority_that_has_expired_and_was_renewed_counts_by_the_newer_certificate(bool newerFirst)
    {
        var keys = KeyPair.Make("ecdsa256");
        Certificate second(DateTimeOffset to) => Cross("Second", keys, "C=CH, O=Kuguru, CN=Kuguru Root CA", Root.Own.Keys, to: to);
        var (old, renewed) = (second(Now.AddDays(-1)), second(Now.AddYears(1)));
        var leaf = Cross("moon", KeyPair.Make("ecdsa256"), "Second", keys, isAuthority: false);
        Certificate[] both = newerFirst ? [renewed, old] : [old, renewed];
        Assert.Equal(["CN=moon", "CN=Second", "C=CH, O=Kuguru, CN=Kuguru Root CA"], Trust.Judge(leaf, both, [Root.Certificate], [], Now).Chain.Select(one => one.SubjectText));
        Assert.Contains("'CN=Second' is not valid now", Trust.Judge(leaf, [old], [Root.Certificate], [], Now).Why, StringComparison.Ordinal);
        using var store = new CertificateStore();
        foreach (var one in (Certificate[])[.. both, Root.Certificate])
            store.Add(one);
        Assert.Equal([leaf, renewed], Sent(store, leaf));
    }

    /// <summary>Its old authority is not trusted here, its new one is; nobody knows which of the two the platform tries.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_authority_below_two_others_is_trusted_by_the_one_that_is_trusted(bool trustedFirst)
    {
        var (keys, stranger) = (KeyPair.Make("ecdsa256"), Authority.Root("Old Root"));
        var strange = Cross("Second", keys, "C=CH, O=Kuguru, CN=Old Root", stranger.Own.Keys);
        var trusted = Cross("Second", keys, "C=CH, O=Kuguru, CN=Kuguru Root CA", Root.Own.Keys);
        var leaf = Cross("moon", KeyPair.Make("ecdsa256"), "Second", keys, isAuthority: false);
        List<Certificate> sent = trustedFirst ? [trusted, strange] : [strange, trusted];
        foreach (var others in (List<Certificate>[])[sent, [.. sent, stranger.Certificate]])
            Assert.Equal([leaf, trusted, Root.Certificate], Trust.Judge(leaf, others, [Root.Certificate], [], Now).Chain);
        var verdict = Trust.Judge(leaf, [strange, stranger.Certificate], [Root.Certificate], [], Now);
        Assert.False(verdict.IsTrusted);
        Assert.True(verdict.LacksAnchor);
    }

    /// <summary>A new authority with the name of the old one and another key.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Authorities_of_one_name_are_told_apart_by_who_has_signed(bool rightFirst)
    {
        var (one, other) = (Authority.Root("Twin"), Authority.Root("Twin"));
        var leaf = one.Issue("moon.example.org").Certificate;
        Certificate[] roots = rightFirst ? [one.Certificate, other.Certificate] : [other.Certificate, one.Certificate];
        Assert.Equal([leaf, one.Certificate], Trust.Judge(leaf, [], roots, [], Now).Chain);

        var (second, twin) = (Root.Below("Second CA"), Root.Below("Second CA"));
        var below = second.Issue("moon.example.org").Certificate;
        Certificate[] between = rightFirst ? [second.Certificate, twin.Certificate] : [twin.Certificate, second.Certificate];
        Assert.Equal([below, second.Certificate, Root.Certificate], Trust.Judge(below, between, [Root.Certificate], [], Now).Chain);
        using var store = new CertificateStore();
        foreach (var known in (Certificate[])[.. between, Root.Certificate])
            store.Add(known);
        Assert.Equal([below, second.Certificate], Sent(store, below));
        Assert.NotNull(Trust.Judge(below, [twin.Certificate], [Root.Certificate], [], Now).Why);
    }

    static IEnumerable<Certificate> Sent(CertificateStore store, Certificate own) => Certification.Sent(
        store, Kuguru.Tests.Ike.Configs.Connection("moon", "sun") with { SendCertificates = SendCertificates.Always }, true, new Signing(null!, own));

    [Fact]
    public void Sixteen_certificates_of_one_name_end_in_words_and_in_time()
    {
        var strangers = Enumerable.Range(0, 16).Select(_ => Authority.Root("Twin")).ToList();
        var (keys, leafKeys) = (KeyPair.Make("ecdsa256"), KeyPair.Make("ecdsa256"));
        var between = strangers.Select(one => Cross("Second", keys, "C=CH, O=Kuguru, CN=Twin", one.Own.Keys)).ToList();
        var verdict = Trust.Judge(Cross("moon", leafKeys, "Second", keys, isAuthority: false), [.. between, .. strangers.Select(one => one.Certificate)], [Root.Certificate], [], Now);
        Assert.Empty(verdict.Chain);
        Assert.NotNull(verdict.Why);
    }

    [Fact]
    public void Who_is_no_authority_has_issued_nothing()
    {
        var moon = Root.Issue("moon.example.org");
        var leaf = Cross("below", KeyPair.Make("ecdsa256"), "C=CH, O=Kuguru, CN=moon.example.org", moon.Keys, isAuthority: false);
        var verdict = Trust.Judge(leaf, [moon.Certificate], [Root.Certificate], [], Now);
        Assert.NotNull(verdict.Why);
        Assert.Contains("'C=CH, O=Kuguru, CN=moon.example.org'", verdict.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_may_be_no_longer_than_an_authority_says()
    {
        var second = Root.Below("Second CA", new Wish { PathLength = 0 });
        Assert.Null(Judge(second.Issue("moon.example.org"), [second]).Why);
        var third = second.Below("Third CA");
        Assert.Equal("certificate 'C=CH, O=Kuguru, CN=Second CA' may not issue what is below it: basicConstraints",
            Judge(third.Issue("moon.example.org"), [second, third]).Why!.Replace("Third", "Second", StringComparison.Ordinal));
    }

    [Fact]
    public void A_name_outside_of_an_authoritys_constraints_is_refused()
    {
        // permittedSubtrees { dNSName example.org }
        var only = new X509Extension("2.5.29.30", [0x30, 0x11, 0xA0, 0x0F, 0x30, 0x0D, 0x82, 0x0B, .. "example.org"u8], critical: true);
        var second = Root.Below("Second CA", new Wish { Extensions = [only] });
        Assert.Null(Judge(second.Issue("moon.example.org"), [second]).Why);
        Assert.Contains("a name below it is outside of its name constraints", Judge(second.Issue("moon.example.net"), [second]).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void An_authority_whose_key_is_for_other_things_has_issued_nothing()
    {
        var second = Root.Below("Second CA", new Wish { Usage = X509KeyUsageFlags.DigitalSignature });
        var why = Judge(second.Issue("moon.example.org"), [second]).Why!;
        Assert.Matches("^certificate 'C=CH, O=Kuguru, CN=[^']+' may not ", why);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_extension_that_is_unknown_counts_if_it_is_critical(bool isCritical)
    {
        var wish = new Wish { Extensions = [new X509Extension("1.2.3.4", [5, 0], isCritical)] };
        var second = Root.Below("Second CA", wish);
        foreach (var (name, verdict) in ((string, ChainVerdict)[])[("moon.example.org", Judge(Root.Issue("moon.example.org", wish), [])), ("Second CA", Judge(second.Issue("moon.example.org"), [second]))])
            Assert.Equal(isCritical ? $"certificate 'C=CH, O=Kuguru, CN={name}' has a critical extension that is unknown here" : null, verdict.Why);
    }

    [Fact]
    public void A_forged_signature_is_not_its_issuers()
    {
        var der = Root.Issue("moon.example.org").Native.RawData;
        der[^1] ^= 1;
        Assert.True(Certificate.TryRead(der, out var forged, out var why), why);
        Assert.False(Trust.Judge(forged, [], [Root.Certificate], [], Now).IsTrusted);
    }

    [Fact]
    public void A_policy_has_to_be_in_the_whole_chain()
    {
        const string Wanted = "1.3.6.1.4.1.36906.1.1.1";
        var (with, without) = (new Wish { Extensions = [Policy(Wanted)] }, new Wish());
        var second = Root.Below("Second CA", with);
        var leaf = second.Issue("moon.example.org", with);
        Assert.True(leaf.Certificate.HasPolicy(Wanted));
        Assert.False(leaf.Certificate.HasPolicy("1.2.3.4"));
        Assert.Null(Trust.Judge(leaf.Certificate, [second.Certificate], [Root.Certificate], [Wanted], Now).Why);
        Assert.Contains("'cert_policy'", Trust.Judge(second.Issue("moon.example.org", without).Certificate, [second.Certificate], [Root.Certificate], [Wanted], Now).Why, StringComparison.Ordinal);
        Assert.Contains("'cert_policy'", Trust.Judge(leaf.Certificate, [second.Certificate], [Root.Certificate], ["1.2.3.4"], Now).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_certificate_is_refused_in_words()
    {
        Assert.Equal("not an X.509 certificate", Why([]));
        Assert.Equal("not an X.509 certificate", Why("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"u8.ToArray()));
        Assert.Equal("32769 octets, of which at most 32768 are taken", Why(new byte[32769]));
        using var rsa = RSA.Create(512);
        Assert.Equal("an RSA key of 512 bits: 1024 to 8192 are taken", Why(new CertificateRequest("CN=weak", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(Now, Now.AddDays(1)).RawData));
        using var dsa = ECDsa.Create(ECCurve.NamedCurves.brainpoolP384r1);
        Assert.Contains("its curve is not supported", Why(new CertificateRequest("CN=curve", dsa, HashAlgorithmName.SHA256).CreateSelfSigned(Now, Now.AddDays(1)).RawData), StringComparison.Ordinal);
        static string Why(byte[] bytes) => Certificate.TryRead(bytes, out _, out var why) ? "" : why;
    }

    /// <summary>Whatever is made of the octets of a certificate, a CRL or an OCSP response: it is taken or refused, and nothing throws, then or when it is used.</summary>
    [Fact]
    public void Octets_that_a_stranger_has_changed_are_refused_and_never_throw()
    {
        var leaf = Root.Issue("moon.example.org", new Wish { Names = ["moon.example.org", "carol@example.org", "192.0.2.1"], Extensions = [.. Authority.Uris("http://192.0.2.9/ca.crl", "http://192.0.2.9:8880"), Policy("1.2.3.4")] });
        var random = new Random(5280);
        foreach (var good in (byte[][])[leaf.Native.RawData, Root.Crl(Now.AddDays(1), leaf), Root.Ocsp(leaf, false, Now, Now.AddDays(1))])
        {
            for (var i = 0; i < 600; i++)
            {
                var bytes = good.ToArray();
                for (var flips = random.Next(1, 4); flips > 0; flips--)
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                Use(bytes, leaf.Certificate);
                Use(bytes[..random.Next(bytes.Length)], leaf.Certificate);
            }
        }
    }

    static void Use(byte[] bytes, Certificate leaf)
    {
        var revocation = new Revocation();
        for (var round = 0; round < 2; round++)
        {
            foreach (var request in revocation.Judge([leaf, Root.Certificate], RevocationPolicy.Strict, [], [], Now, mayWait: true).Missing)
                revocation.Answer(request, bytes, "", Now);
        }
        if (RevocationList.TryRead(bytes, out var list, out _))
            revocation.Add(list);
        if (!Certificate.TryRead(bytes, out var certificate, out var why))
        {
            Assert.NotEmpty(why);
            return;
        }
        Assert.NotEmpty(PeerNames.Of(certificate));
        certificate.HasPolicy("1.2.3.4");
        var verdict = Trust.Judge(certificate, [certificate], [Root.Certificate], [], Now);
        revocation.Judge(verdict.IsTrusted ? verdict.Chain : [certificate, Root.Certificate], RevocationPolicy.IfUri, [], [], Now, mayWait: true);
    }

    internal static X509Extension Policy(string oid)
    {
        var w = new AsnWriter(AsnEncodingRules.DER);
        using (w.PushSequence())
        using (w.PushSequence())
            w.WriteObjectIdentifier(oid);
        return new("2.5.29.32", w.Encode(), critical: false);
    }

    internal static Certificate Cross(string subject, KeyPair keys, string issuer, KeyPair by, bool isAuthority = true, DateTimeOffset? to = null)
    {
        static X500DistinguishedName name(string text) => new(string.Join(", ", (text.Contains('=') ? text : $"CN={text}").Split(", ").Reverse()));
        var request = new CertificateRequest(name(subject), keys.Key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        using var native = request.Create(name(issuer), by.Generator, Now.AddYears(-1), to ?? Now.AddYears(1), [1, 2, 3]);
        return Certificate.TryRead(native.RawData, out var certificate, out var why) ? certificate : throw new InvalidOperationException(why);
    }
}
