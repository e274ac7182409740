using Kuguru.Ike;
using Kuguru.Pki;
using Kuguru.Tests.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Certificates that are none, too many or not good enough: one line at who refuses them, and what is up stays up.</summary>
public class BadCertificateStories
{
    static readonly Authority Root = Authority.Root();
    static readonly Issued Moon = Root.Issue("moon.example.org");

    /// <summary>A tunnel is up, and then another first message comes whose CERT payloads somebody has changed.</summary>
    static Pair WithBadCertificates(Func<Payload.Cert, IEnumerable<Payload>> change, Issued? moon = null, Func<Connection, Connection>? sun = null)
    {
        var pair = CertificateStories.Pair(Moon, Root.Issue("sun.example.org"), authority: Root);
        pair.Sun.Settings = pair.Sun.Settings with { MaxPacket = 65507 };
        pair.Up();
        if (sun is not null)
            pair.Sun.Connections[0] = sun(pair.Sun.Connections[0]);
        if (moon is not null)
        {
            pair.Moon.Connections[0] = pair.Moon.Connections[0] with { Local = [pair.Moon.Connections[0].Local[0] with { Certificates = [moon.Certificate] }] };
            pair.Moon.Certificates.Add(moon.Keys.Private);
        }
        // One piece, so that it can be changed.
        pair.Moon.Settings = pair.Moon.Settings with { FragmentSizeV4 = 65000 };
        var before = pair.Sun.Installed.Keys.Single();
        pair.World.Changes = (from, to, bytes) => from == pair.Moon ? Resealing.WithPayloads(from, to, bytes,
            payloads => payloads.SelectMany(payload => payload is Payload.Cert cert ? change(cert) : [payload]).ToSequence()) : bytes;
        pair.Moon.Up(pair.Sun, token: 2);
        pair.World.Run(3);
        Assert.NotNull(pair.Moon.Outcome(2));
        Assert.Equal(before, Assert.Single(pair.Sun.Installed).Key);
        Assert.Equal(IkeState.Established, Assert.Single(pair.Sun.Sessions).State);
        return pair;
    }

    [Fact]
    public void What_is_no_certificate_is_said_to_be_none()
    {
        var pair = WithBadCertificates(_ => [new Payload.Cert(CertEncoding.X509Signature, "certificate"u8.ToArray())]);
        Assert.Equal("what 'moon.example.org' sends as certificates is refused: certificate 1: not an X.509 certificate", Assert.Single(pair.Sun.Failures));
    }

    [Fact]
    public void More_than_sixteen_certificates_are_not_read()
    {
        var pair = WithBadCertificates(cert => Enumerable.Repeat(cert, 17));
        Assert.Equal("what 'moon.example.org' sends as certificates is refused: more than 16 certificates", Assert.Single(pair.Sun.Failures));
    }

    [Fact]
    public void A_chain_of_sixteen_is_too_long()
    {
        var tower = new List<Authority> { Root };
        for (var i = 1; i <= 15; i++)
            tower.Add(tower[^1].Below($"CA {i}"));
        var pair = WithBadCertificates(cert => [cert, .. tower.Skip(1).Select(one => new Payload.Cert(CertEncoding.X509Signature, one.Certificate.Der))],
            tower[^1].Issue("moon.example.org"));
        Assert.Equal("'moon.example.org' has proved to have its key, but is not trusted: its chain has 17 certificates, of which at most 9 are taken", Assert.Single(pair.Sun.Failures));
    }

    /// <summary>As in strongSwan's scenario ikev2-multi-ca/loop: each of two authorities is signed by the other.</summary>
    [Fact]
    public void Authorities_that_have_signed_each_other_are_no_chain()
    {
        var (one, other) = (Authority.Root("One"), Authority.Root("Other"));
        var (below, above) = (TrustTests.Cross("C=CH, O=Kuguru, CN=One", one.Own.Keys, "C=CH, O=Kuguru, CN=Other", other.Own.Keys), TrustTests.Cross("C=CH, O=Kuguru, CN=Other", other.Own.Keys, "C=CH, O=Kuguru, CN=One", one.Own.Keys));
        var pair = WithBadCertificates(cert => [cert, .. Enumerable.Repeat<Certificate[]>([below, above], 7).SelectMany(pair => pair).Select(authority => new Payload.Cert(CertEncoding.X509Signature, authority.Der))],
            one.Issue("moon.example.org"));
        var sentence = Assert.Single(pair.Sun.Failures);
        Assert.StartsWith("'moon.example.org' has proved to have its key, but is not trusted: no issuer certificate found for 'C=CH, O=Kuguru, CN=O", sentence, StringComparison.Ordinal);
        Assert.EndsWith("here; put its certificate into x509ca", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_that_nobody_sends_and_nobody_has_are_missed()
    {
        var pair = WithBadCertificates(_ => []);
        Assert.Equal("no trusted public key found for 'moon.example.org' (domain name): it sent no certificate, and none is loaded that names it; "
            + "set 'send_cert = always' there or put the certificate into x509", Assert.Single(pair.Sun.Failures));
    }

    [Fact]
    public void The_certificate_of_another_does_not_fit_the_signature()
    {
        var mars = Root.Issue("mars.example.org");
        var pair = WithBadCertificates(_ => [new Payload.Cert(CertEncoding.X509Signature, mars.Certificate.Der)]);
        Assert.Equal("signature validation failed: the AUTH of 'moon.example.org' is no signature by the key of certificate 'C=CH, O=Kuguru, CN=mars.example.org'; "
            + "the private key and the certificate at the peer do not belong together", Assert.Single(pair.Sun.Failures));
    }

    [Fact]
    public void An_authority_that_ca_id_wants_has_to_be_above()
    {
        var pair = WithBadCertificates(cert => [cert], sun: c => c with { Remote = [c.Remote[0] with { AuthorityId = Identity.Parse("C=CH, O=Kuguru, CN=Research CA") }] });
        Assert.Contains("the chain of certificate 'C=CH, O=Kuguru, CN=moon.example.org' has no authority that is 'C=CH, O=Kuguru, CN=Research CA', as 'ca_id' of the remote section wants",
            Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void An_authority_out_of_cacerts_has_to_be_above()
    {
        var pair = WithBadCertificates(cert => [cert], sun: c => c with { Remote = [c.Remote[0] with { Authorities = [Authority.Root("Research CA").Certificate] }] });
        Assert.Contains("has none of the 'cacerts' of the remote section", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_that_cert_policy_wants_has_to_be_there()
    {
        var pair = WithBadCertificates(cert => [cert], sun: c => c with { Remote = [c.Remote[0] with { Policies = ["1.3.6.1.4.1.36906.1.1.1"] }] });
        Assert.Contains("certificate 'C=CH, O=Kuguru, CN=moon.example.org' does not have the policy 1.3.6.1.4.1.36906.1.1.1, which 'cert_policy' wants of the whole chain",
            Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void The_constraints_of_auth_are_named()
    {
        Assert.True(SignatureRules.TryParse("rsa-3072-sha512", rsaPss: false, out var rules, out _));
        var pair = WithBadCertificates(cert => [cert], sun: c => c with { Remote = [c.Remote[0] with { Rules = rules }] });
        Assert.Contains("its key is ECDSA 256, 'auth' wants RSA", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    /// <summary>What <c>ca_id</c>, <c>cacerts</c> and <c>cert_policy</c> want, and who has it.</summary>
    [Fact]
    public void Who_fulfils_every_constraint_is_let_in()
    {
        const string Policy = "1.3.6.1.4.1.36906.1.1.1";
        var research = Root.Below("Research CA", new Wish { Extensions = [TrustTests.Policy(Policy)] });
        var moon = research.Issue("moon.example.org", new Wish { Extensions = [TrustTests.Policy(Policy)] });
        var pair = CertificateStories.Pair(moon, Root.Issue("sun.example.org"), authority: Root, changeSun: c => c with
        {
            Remote = [c.Remote[0] with { AuthorityId = Identity.Parse("C=CH, O=Kuguru, CN=*"), Authorities = [research.Certificate], Policies = [Policy] }],
        });
        pair.Moon.Certificates.Add(research.Certificate);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Empty(pair.Sun.Failures);
        Assert.Null(pair.Moon.Outcome(1));
    }
}
