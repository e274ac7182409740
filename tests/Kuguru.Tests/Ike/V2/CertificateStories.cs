using Kuguru.Ike;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>IKE_AUTH with signatures: who trusts whom, and what is said when not.</summary>
public class CertificateStories
{
    static readonly Authority Root = Authority.Root();

    /// <summary>Moon and sun with certificates of one authority, by which each knows the other.</summary>
    internal static Pair Pair(
        Issued moon, Issued sun, Func<Connection, Connection>? changeMoon = null, Func<Connection, Connection>? changeSun = null, Authority? authority = null)
    {
        static AuthenticationRound signs(AuthenticationRound round) => round with { Kind = AuthenticationKind.PublicKey };
        Connection Signs(Connection c, Issued own) => c with { Local = [signs(c.Local[0]) with { Certificates = [own.Certificate] }], Remote = [signs(c.Remote[0])] };
        var pair = new Pair(
            c => changeMoon is null ? Signs(c, moon) : changeMoon(Signs(c, moon)), c => changeSun is null ? Signs(c, sun) : changeSun(Signs(c, sun)));
        Give(pair.Moon, moon, authority ?? Root);
        Give(pair.Sun, sun, authority ?? Root);
        return pair;
    }

    static void Give(Host host, Issued own, Authority authority)
    {
        host.Certificates.Add(authority.Certificate);
        host.Certificates.Add(own.Keys.Private);
    }

    static Issued Moon(Wish? wish = null) => Root.Issue("moon.example.org", wish);
    static Issued Sun(Wish? wish = null) => Root.Issue("sun.example.org", wish);

    [Fact]
    public void Both_sides_ask_for_certificates_send_theirs_and_sign()
    {
        var pair = Pair(Moon(), Sun());
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("""
            0.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(SIGNATURE_HASH_ALGORITHMS) }
            0.05 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(SIGNATURE_HASH_ALGORITHMS), CERTREQ, N(CHILDLESS_IKEV2_SUPPORTED) }
            0.10 > IKE_AUTH request 1 { IDi, CERT, N(INITIAL_CONTACT), CERTREQ, IDr, AUTH, SA, TSi, TSr }
            0.15 < IKE_AUTH response 1 { IDr, CERT, AUTH, SA, TSi, TSr }

            """, pair.World.Transcript);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Contains(pair.Moon.Events, one => one.Sentence == "authentication of 'sun.example.org' with ECDSA_WITH_SHA256_DER successful");
    }

    [Theory]
    [InlineData("rsa2048", "RSA_EMSA_PKCS1_SHA2_256")]
    [InlineData("rsa4096", "RSA_EMSA_PKCS1_SHA2_384")]
    [InlineData("ecdsa384", "ECDSA_WITH_SHA384_DER")]
    [InlineData("ecdsa521", "ECDSA_WITH_SHA512_DER")]
    [InlineData("ed25519", "ED25519")]
    public void A_key_of_any_kind_signs_as_strongly_as_it_is(string keys, string scheme)
    {
        var pair = Pair(Moon(new() { Keys = keys }), Sun());
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Contains(pair.Sun.Events, one => one.Sentence == $"authentication of 'moon.example.org' with {scheme} successful");
    }

    [Fact]
    public void A_certificate_of_an_authority_that_nobody_trusts_is_named_and_its_issuer_too()
    {
        var pair = Pair(Authority.Root("Somebody else").Issue("moon.example.org"), Sun());
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        var sentence = Assert.Single(pair.Sun.Failures);
        Assert.Contains("'moon.example.org' has proved to have its key, but is not trusted", sentence, StringComparison.Ordinal);
        Assert.Contains("no issuer certificate found for 'C=CH, O=Kuguru, CN=moon.example.org': nobody trusts 'C=CH, O=Kuguru, CN=Somebody else' here", sentence, StringComparison.Ordinal);
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void An_expired_certificate_says_from_when_to_when_it_is_valid()
    {
        var pair = Pair(Moon(new() { To = new(2025, 6, 1, 0, 0, 0, TimeSpan.Zero) }), Sun());
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("certificate 'C=CH, O=Kuguru, CN=moon.example.org' is not valid now: it is from 2025-01-01 00:00:00Z to 2025-06-01 00:00:00Z",
            Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_does_not_name_a_private_address_behind_a_NAT_says_that_this_is_why()
    {
        var pair = new Pair(c => c with { Local = [new() { Kind = AuthenticationKind.PublicKey, Id = Identity.Parse("10.1.0.10"), Certificates = [Moon().Certificate] }] },
            c => c with { Remote = [new() { Kind = AuthenticationKind.PublicKey }] }, nat: new("203.0.113.9"));
        var own = Moon();
        pair.Moon.Connections[0] = pair.Moon.Connections[0] with { Local = [pair.Moon.Connections[0].Local[0] with { Certificates = [own.Certificate] }] };
        Give(pair.Moon, own, Root);
        Give(pair.Sun, Sun(), Root);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        var sentence = Assert.Single(pair.Sun.Failures);
        Assert.StartsWith("certificate 'C=CH, O=Kuguru, CN=moon.example.org' does not name '10.1.0.10' (IPv4 address), which the peer says it is", sentence, StringComparison.Ordinal);
        Assert.EndsWith("; this is its private address behind a NAT: set 'id' in its local section, or expect '10.1.0.10' here", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_for_somebody_else_says_whom_it_is_for()
    {
        var pair = Pair(Root.Issue("mars.example.org"), Sun());
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("certificate 'C=CH, O=Kuguru, CN=mars.example.org' does not name 'moon.example.org' (domain name), which the peer says it is: "
            + "it is for 'C=CH, O=Kuguru, CN=mars.example.org', 'mars.example.org'", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    /// <summary>By its certificate's subject, say, where its clients know a domain name: Microsoft's instructions for Azure have <c>rightid=%...</c> for that.</summary>
    [Theory]
    [InlineData("sun.example.org", true)]
    [InlineData("venus.example.org", false)]
    public void A_gateway_may_call_itself_otherwise_as_long_as_its_certificate_is_for_the_name(string wanted, bool isIn)
    {
        var sun = Sun();
        var pair = Pair(Moon(), sun, moon => moon with { Remote = [moon.Remote[0] with { Id = null, CertifiedAs = Identity.Parse(wanted) }] },
            own => own with { Local = [own.Local[0] with { Id = new Identity(Kuguru.Wire.IdType.DerAsn1Dn, sun.Certificate.Subject) }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("request 1 { IDi, CERT, CERTREQ, AUTH,", pair.World.Transcript, StringComparison.Ordinal);
        if (isIn)
            Assert.Equal("C=CH, O=Kuguru, CN=sun.example.org", $"{pair.Moon.Session.RemoteId}");
        else
            Assert.EndsWith("certificate 'C=CH, O=Kuguru, CN=sun.example.org' is not for 'venus.example.org', as 'id = %venus.example.org' of the remote section wants: "
                + "it is for 'C=CH, O=Kuguru, CN=sun.example.org', 'sun.example.org'", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_known_does_not_stand_for_the_name_that_a_certificate_has_to_have()
    {
        var sun = Sun();
        var pair = Pair(Moon(), sun, moon => moon with { Remote = [moon.Remote[0] with { Id = null, CertifiedAs = Identity.Parse("venus.example.org") }] },
            own => own with { Local = [own.Local[0] with { Id = new Identity(Kuguru.Wire.IdType.KeyId, sun.Certificate.Key.Fingerprint) }] });
        pair.Moon.Certificates.Add(sun.Certificate.Key);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal(FailureCode.BadCertificate, pair.Moon.Outcome(1)!.Code);
    }

    [Fact]
    public void A_responder_that_is_not_trusted_is_told_so()
    {
        var pair = Pair(Moon(), Authority.Root("Somebody else").Issue("sun.example.org"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("> INFORMATIONAL request 2 { N(AUTHENTICATION_FAILED) }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(FailureCode.BadCertificate, pair.Moon.Outcome(1)!.Code);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void Without_a_private_key_nothing_is_sent()
    {
        var pair = Pair(Moon(), Sun());
        pair.Moon.Certificates.RemoveKey(pair.Moon.Certificates.Keys.Single().Key);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Empty(pair.World.Transcript);
        Assert.Equal(FailureCode.NoPrivateKey, pair.Moon.Outcome(1)!.Code);
    }

    [Fact]
    public void A_chain_of_four_is_sent_without_its_root()
    {
        var (second, third) = (Root.Below("Second CA"), (Authority?)null);
        third = second.Below("Third CA");
        var pair = Pair(third.Issue("moon.example.org"), Sun(), c => c with { Fragmentation = false });
        pair.Moon.Certificates.Add(second.Certificate);
        pair.Moon.Certificates.Add(third.Certificate);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Contains("{ IDi, CERT, CERT, CERT, N(INITIAL_CONTACT), CERTREQ", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void One_side_signs_and_the_other_has_a_shared_key()
    {
        var pair = Pair(Moon(), Sun(), c => c with { Remote = [c.Remote[0] with { Kind = AuthenticationKind.Psk }] }, c => c with { Local = [c.Local[0] with { Kind = AuthenticationKind.Psk }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Contains(pair.Moon.Events, one => one.Sentence == "authentication of 'sun.example.org' with pre-shared key successful");
    }

    [Fact]
    public void A_peer_that_authenticates_in_another_way_than_expected_is_told_apart_from_a_wrong_key()
    {
        var pair = Pair(Moon(), Sun(), changeSun: c => c with { Remote = [c.Remote[0] with { Kind = AuthenticationKind.Psk }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Contains("'moon.example.org' authenticates by a public key, we expect a pre-shared key", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_rounds_of_both_sides_take_two_exchanges()
    {
        static Connection twice(Connection c) => c with { Local = [.. c.Local, c.Local[0] with { Kind = AuthenticationKind.Psk }], Remote = [.. c.Remote, c.Remote[0] with { Kind = AuthenticationKind.Psk }] };
        var pair = Pair(Moon(), Sun(), twice, twice);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.EndsWith("""
            0.10 > IKE_AUTH request 1 { IDi, CERT, N(INITIAL_CONTACT), CERTREQ, IDr, N(MULTIPLE_AUTH_SUPPORTED), AUTH, N(ANOTHER_AUTH_FOLLOWS), SA, TSi, TSr }
            0.15 < IKE_AUTH response 1 { IDr, CERT, AUTH, N(ANOTHER_AUTH_FOLLOWS) }
            0.20 > IKE_AUTH request 2 { IDi, AUTH }
            0.25 < IKE_AUTH response 2 { IDr, AUTH, SA, TSi, TSr }

            """, pair.World.Transcript, StringComparison.Ordinal);
        Assert.Null(pair.Moon.Outcome(1));
    }

    [Fact]
    public void Keys_without_certificates_are_enough_when_each_knows_the_others()
    {
        var (moon, sun) = (KeyPair.Make("rsa2048"), KeyPair.Make("ecdsa256"));
        static AuthenticationRound knows(AuthenticationRound round, KeyPair key) => round with { Kind = AuthenticationKind.PublicKey, PublicKeys = [key.Private.Public] };
        var pair = new Pair(c => c with { Local = [knows(c.Local[0], moon)], Remote = [knows(c.Remote[0], sun)] }, c => c with { Local = [knows(c.Local[0], sun)], Remote = [knows(c.Remote[0], moon)] });
        pair.Moon.Certificates.Add(moon.Private);
        pair.Sun.Certificates.Add(sun.Private);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.DoesNotContain("CERT", pair.World.Transcript, StringComparison.Ordinal);

        var thief = new Pair(c => c with { Local = [knows(c.Local[0], sun)], Remote = [knows(c.Remote[0], sun)] }, c => c with { Local = [knows(c.Local[0], sun)], Remote = [knows(c.Remote[0], moon)] });
        thief.Moon.Certificates.Add(sun.Private);
        thief.Sun.Certificates.Add(sun.Private);
        thief.Moon.Up(thief.Sun);
        thief.World.Run(1);
        Assert.Contains("signature validation failed: the AUTH of 'moon.example.org' is no signature by the RSA 2048 key that is configured for it", Assert.Single(thief.Sun.Failures), StringComparison.Ordinal);
    }
}
