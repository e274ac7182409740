using Kuguru.Ike;
using Kuguru.Pki;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>IKE_AUTH that waits for a CRL or an OCSP response.</summary>
public class RevocationStories
{
    const string Crl = "http://crl.example.org/ca.crl", Ocsp = "http://ocsp.example.org/";

    static readonly Authority Root = Authority.Root();
    static readonly DateTimeOffset Now = World.Clock.At(new Instant(1_000_000_000)), Later = Now.AddDays(7), Before = Now.AddDays(-1);

    static Issued Moon(string? crl = null, string? ocsp = null) => Root.Issue("moon.example.org", new Wish { Extensions = Authority.Uris(crl, ocsp) });

    /// <summary>Sun wants to know this much about moon's certificate.</summary>
    static Pair Pair(Issued moon, RevocationPolicy policy) => CertificateStories.Pair(moon, Root.Issue("sun.example.org"),
        changeSun: c => c with { Remote = [c.Remote[0] with { Revocation = policy }] }, authority: Root);

    [Fact]
    public void A_CRL_that_is_loaded_decides_at_once()
    {
        var moon = Moon();
        var pair = Pair(moon, RevocationPolicy.Relaxed);
        Assert.True(RevocationList.TryRead(Root.Crl(Later, moon), out var list, out _));
        pair.Sun.Certificates.Revocation.Add(list);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("certificate 'C=CH, O=Kuguru, CN=moon.example.org' is revoked: since 2025-06-01 00:00:00Z, says the CRL that is loaded", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RevocationPolicy.Relaxed, true)]
    [InlineData(RevocationPolicy.IfUri, true)]
    [InlineData(RevocationPolicy.Strict, false)]
    public void Without_any_source_only_strict_refuses(RevocationPolicy policy, bool isUp)
    {
        var pair = Pair(Moon(), policy);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(isUp, pair.Moon.Outcome(1) is null);
        Assert.Equal(isUp, !pair.Sun.Failures.Any());
    }

    [Theory]
    [InlineData(RevocationPolicy.Relaxed, true)]
    [InlineData(RevocationPolicy.IfUri, false)]
    [InlineData(RevocationPolicy.Strict, false)]
    public void A_source_that_fails_is_an_obstacle_unless_relaxed(RevocationPolicy policy, bool isUp)
    {
        var pair = Pair(Moon(Crl), policy);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.False(pair.Moon.IsDone(1));
        pair.Sun.Deliver(null);
        pair.World.Run(1);
        Assert.Equal(isUp, pair.Moon.Outcome(1) is null);
        Assert.Contains(pair.Sun.Events, one => one.Sentence.Contains($"{Crl}: HTTP status 404", StringComparison.Ordinal));
    }

    [Fact]
    public void An_answer_that_does_not_come_is_not_waited_for_longer_than_ten_seconds_and_a_repeated_request_does_not_fetch_again()
    {
        var pair = Pair(Moon(Crl), RevocationPolicy.IfUri);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(9.9);
        Assert.Single(pair.Sun.Fetching);
        Assert.False(pair.Moon.IsDone(1));
        pair.World.Run(1);
        Assert.Contains($"{Crl} has not answered yet", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void A_fetched_CRL_is_kept_until_its_next_update()
    {
        var (moon, other) = (Moon(Crl), Root.Issue("other.example.org"));
        var pair = Pair(moon, RevocationPolicy.Strict);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        pair.Sun.Deliver(Root.Crl(Later, other));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        pair.Moon.Up(pair.Sun, token: 2);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(2));
        Assert.Empty(pair.Sun.Fetching);
        pair.Sun.Certificates.Revocation.Flush();
        pair.Moon.Up(pair.Sun, token: 3);
        pair.World.Run(1);
        pair.Sun.Deliver(Root.Crl(Later, other, moon));
        pair.World.Run(1);
        Assert.Contains("is revoked: since 2025-06-01", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_CRL_of_somebody_else_or_of_yesterday_says_nothing()
    {
        foreach (var (crl, why) in ((byte[], string)[])[(Authority.Root().Crl(Later), "is not signed by"), (Root.Crl(Before), "is out of date since"), ([1, 2, 3], "not a CRL")])
        {
            var pair = Pair(Moon(Crl), RevocationPolicy.Strict);
            pair.Moon.Up(pair.Sun);
            pair.World.Run(1);
            pair.Sun.Deliver(crl);
            pair.World.Run(1);
            Assert.Contains(why, Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, "is revoked: OCSP response of http://ocsp.example.org/: since 2025-06-01")]
    public void An_OCSP_responder_is_asked_first_and_decides(bool isGood, string? why)
    {
        var moon = Moon(Crl, Ocsp);
        var pair = Pair(moon, RevocationPolicy.Strict);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(Ocsp, Assert.Single(pair.Sun.Fetching).Request.Uri);
        pair.Sun.Deliver(Root.Ocsp(moon, isGood, Now, Later));
        pair.World.Run(1);
        Assert.Empty(pair.Sun.Fetching);
        if (why is null)
            Assert.Null(pair.Moon.Outcome(1));
        else
            Assert.Contains(why, Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void When_the_OCSP_responder_does_not_know_the_CRL_is_fetched()
    {
        var moon = Moon(Crl, Ocsp);
        var pair = Pair(moon, RevocationPolicy.Strict);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        pair.Sun.Deliver(Root.Ocsp(moon, null, Now, Later));
        Assert.Equal(Crl, Assert.Single(pair.Sun.Fetching).Request.Uri);
        pair.Sun.Deliver(Root.Crl(Later));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
    }

    [Fact]
    public void An_OCSP_response_counts_when_the_authority_or_its_deputy_has_signed_it()
    {
        var purpose = new System.Security.Cryptography.X509Certificates.X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.9")], critical: false);
        var (deputy, impostor) = (Root.Issue("ocsp.example.org", new Wish { Extensions = [purpose] }), Root.Issue("mallory.example.org"));
        foreach (var (signer, counts) in ((Issued, bool)[])[(deputy, true), (impostor, false)])
        {
            var moon = Moon(null, Ocsp);
            var pair = Pair(moon, RevocationPolicy.Strict);
            pair.Moon.Up(pair.Sun);
            pair.World.Run(1);
            pair.Sun.Deliver(Root.Ocsp(moon, true, Now, Later, signer));
            pair.World.Run(1);
            Assert.Equal(counts, pair.Moon.Outcome(1) is null);
        }
    }

    [Fact]
    public void A_signer_that_is_loaded_and_URIs_of_a_named_authority_count_too()
    {
        var (signer, moon) = (Root.Issue("ocsp.example.org"), Moon());
        foreach (var isLoaded in (bool[])[true, false])
        {
            var pair = Pair(moon, RevocationPolicy.Strict);
            pair.Sun.Certificates.Add(new AuthorityUris("root", Root.Certificate, [Crl], [Ocsp]));
            if (isLoaded)
                pair.Sun.Certificates.AddOcspSigner(signer.Certificate);
            pair.Moon.Up(pair.Sun);
            pair.World.Run(1);
            Assert.Equal(Ocsp, pair.Sun.Fetching[0].Request.Uri);
            pair.Sun.Deliver(Root.Ocsp(moon, true, Now, Later, signer));
            pair.World.Run(1);
            Assert.Equal(isLoaded, pair.Sun.Fetching.Count == 0);
            if (!isLoaded)
                pair.Sun.Deliver(Root.Crl(Later));
            pair.World.Run(1);
            Assert.Null(pair.Moon.Outcome(1));
        }
    }

    [Fact]
    public void The_second_responder_is_asked_when_the_first_is_silent()
    {
        var moon = Moon(null, Ocsp);
        var pair = Pair(moon, RevocationPolicy.Strict);
        pair.Sun.Certificates.Add(new AuthorityUris("root", Root.Certificate, [], ["http://first.example.org/"]));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("http://first.example.org/", Assert.Single(pair.Sun.Fetching).Request.Uri);
        pair.Sun.Deliver(null);
        pair.World.Run(1);
        Assert.Equal(Ocsp, Assert.Single(pair.Sun.Fetching).Request.Uri);
        pair.Sun.Deliver(Root.Ocsp(moon, true, Now, Later));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
    }

    [Theory]
    [InlineData(false, true, Crl)]
    [InlineData(true, false, Ocsp)]
    [InlineData(false, false, null)]
    public void What_is_switched_off_is_not_asked(bool usesOcsp, bool usesCrls, string? asked)
    {
        var revocation = new Revocation { UsesOcsp = usesOcsp, UsesCrls = usesCrls };
        var verdict = revocation.Judge([Moon(Crl, Ocsp).Certificate, Root.Certificate], RevocationPolicy.IfUri, [], [], Now, mayWait: true);
        Assert.Equal(asked, verdict.Missing.Select(request => request.Uri).SingleOrDefault());
        Assert.Null(verdict.Why);
    }

    [Fact]
    public void URIs_that_nobody_can_be_asked_by_are_passed_over()
    {
        var moon = Root.Issue("moon.example.org", new Wish
        {
            Extensions = [System.Security.Cryptography.X509Certificates.CertificateRevocationListBuilder.BuildCrlDistributionPointExtension(["ldap:///cn=ca?certificateRevocationList?base", "ldaps://ldap.example.org/cn=ca", Crl])],
        });
        Assert.Equal(Crl, Assert.Single(new Revocation().Judge([moon.Certificate, Root.Certificate], RevocationPolicy.Strict, [], [], Now, mayWait: true).Missing).Uri);
    }

    [Fact]
    public void An_initiator_waits_as_well()
    {
        var sun = Root.Issue("sun.example.org", new Wish { Extensions = Authority.Uris(Crl, null) });
        var pair = CertificateStories.Pair(Root.Issue("moon.example.org"), sun, c => c with { Remote = [c.Remote[0] with { Revocation = RevocationPolicy.Strict }] }, authority: Root);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.False(pair.Moon.IsDone(1));
        pair.Moon.Deliver(Root.Crl(Later));
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));

        pair = CertificateStories.Pair(Root.Issue("moon.example.org"), sun, authority: Root);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        pair.Moon.Deliver(Root.Crl(Later, sun));
        pair.World.Run(1);
        Assert.Contains("is revoked", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Sessions);
    }
}
