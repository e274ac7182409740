using Kuguru.Ike;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Ike;

public class IdentityTests
{
    [Theory]
    [InlineData("192.0.2.1", IdType.Ipv4Addr, "c0000201", "192.0.2.1")]
    [InlineData("2001:db8::1", IdType.Ipv6Addr, "20010db8000000000000000000000001", "2001:db8::1")]
    [InlineData("moon.example.org", IdType.Fqdn, "6d6f6f6e2e6578616d706c652e6f7267", "moon.example.org")]
    [InlineData("@moon", IdType.Fqdn, "6d6f6f6e", "moon")]
    [InlineData("moon@a", IdType.Rfc822Addr, "6d6f6f6e4061", "moon@a")]
    [InlineData("@@moon@a", IdType.Rfc822Addr, "6d6f6f6e4061", "moon@a")]
    [InlineData("@#0aff", IdType.KeyId, "0aff", "0a:ff")]
    [InlineData("keyid:abc", IdType.KeyId, "616263", "abc")]
    [InlineData("keyid:0x0a", IdType.KeyId, "30783061", "0x0a")]
    [InlineData("keyid:#0aff", IdType.KeyId, "0aff", "0a:ff")]
    [InlineData("KeyID:#0aff", IdType.KeyId, "0aff", "0a:ff")]
    [InlineData("fqdn:#6d6f6f6e", IdType.Fqdn, "6d6f6f6e", "moon")]
    [InlineData("Email:#6d6f6f6e4061", IdType.Rfc822Addr, "6d6f6f6e4061", "moon@a")]
    [InlineData("asn1dn:#30143112301006092a864886f70d0109011603614062", IdType.DerAsn1Dn, "30143112301006092a864886f70d0109011603614062", "E=a@b")]
    [InlineData("0a:ff", IdType.KeyId, "30613a6666", "0a:ff")]
    [InlineData("moon:a@b", IdType.Rfc822Addr, "6d6f6f6e3a614062", "moon:a@b")]
    [InlineData("fqdn:192.0.2.1", IdType.Fqdn, "3139322e302e322e31", "192.0.2.1")]
    [InlineData("email:moon", IdType.Rfc822Addr, "6d6f6f6e", "moon")]
    [InlineData("ipv4:192.0.2.1", IdType.Ipv4Addr, "c0000201", "192.0.2.1")]
    [InlineData("C=CH, O=a b", IdType.DerAsn1Dn, "301b310b3009060355040613024348310c300a060355040a1303612062", "C=CH, O=a b")]
    [InlineData("/c=CH/o=a b/", IdType.DerAsn1Dn, "301b310b3009060355040613024348310c300a060355040a1303612062", "C=CH, O=a b")]
    [InlineData("asn1dn:E=a@b", IdType.DerAsn1Dn, "30143112301006092a864886f70d0109011603614062", "E=a@b")]
    [InlineData("CN=J\u00f6rg", IdType.DerAsn1Dn, "3010310e300c06035504030c054ac3b67267", "CN=J\u00f6rg")]
    public void Text_becomes_a_type_and_octets(string text, IdType type, string octets, string printed)
    {
        var identity = Identity.Parse(text);
        Assert.Equal((type, Blob.FromHex(octets), printed), (identity.Type, identity.Data, identity.ToString()));
    }

    [Theory]
    [InlineData("%any")]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public void Anybody_fits_everybody(string text)
    {
        Assert.True(Identity.Parse(text).IsAny);
        Assert.True(Identity.Parse(text).Fits(Identity.Parse("moon")) > 0);
        Assert.Equal("%any", Identity.Parse(text).ToString());
    }

    [Theory]
    [InlineData("ipv4:moon")]
    [InlineData("ipv6:192.0.2.1")]
    [InlineData("@#0")]
    [InlineData("@#xy")]
    [InlineData("keyid:#xy")]
    [InlineData("asn1dn:#3")]
    [InlineData("C=CH, strongSwan")]
    [InlineData("X-Y=CH")]
    [InlineData("asn1dn:CH")]
    [InlineData("10.1.0.0/33")]
    [InlineData("10.1.0.0/")]
    [InlineData("10.1.0.9-10.1.0.1")]
    [InlineData("10.1.0.1-fd00::1")]
    [InlineData("fd00::/129")]
    [InlineData("email:^(moon|sun)@example\\.org$")]
    [InlineData("asn1dn:^.*CN=.+$")]
    [InlineData("uri:https://moon")]
    [InlineData("xmppaddr:moon@example.org")]
    [InlineData("asn1gn:moon")]
    [InlineData("{3}:moon")]
    [InlineData("ipv4net:fd00::/64")]
    [InlineData("ipv4range:10.1.0.0/16")]
    [InlineData("ipv6net:10.1.0.0/16")]
    public void What_does_not_fit_its_type_is_refused_in_words(string text)
    {
        Assert.False(Identity.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Theory]
    [InlineData("moon.example.org", "moon.example.org", "sun.example.org")]
    [InlineData("moon.example.org", "MOON.example.ORG", "sun.example.org")]
    [InlineData("MOON.example.org", "*.example.org", "%any")]
    [InlineData("moon.example.org", "*.example.org", "*.org")]
    [InlineData("moon@example.org", "*@example.org", "*.org")]
    [InlineData("192.0.2.1", "192.0.2.1", "%any")]
    [InlineData("192.0.2.1", "%any", "192.0.2.2")]
    [InlineData("192.0.2.1", "192.0.2.1", "192.0.2.1/32")]
    [InlineData("192.0.2.1", "192.0.2.0/24", "192.0.0.0/16")]
    [InlineData("192.0.2.1", "ipv4net:192.0.2.0/24", "ipv4range:192.0.0.0-192.0.255.255")]
    [InlineData("192.0.2.1", "192.0.2.0-192.0.2.99", "192.0.0.0/16")]
    [InlineData("192.0.2.1", "0.0.0.0/0", "%any")]
    [InlineData("192.0.2.1", "%any", "192.0.3.0/24")]
    [InlineData("fd00::1", "fd00::/64", "0.0.0.0/0")]
    [InlineData("moon", "%any", "*.moon")]
    [InlineData("C=CH, O=x, CN=moon", "C=CH, O=x, CN=moon", "C=CH, O=x, CN=*")]
    [InlineData("C=CH, O=x, CN=moon", "C=ch, O=X, CN=Moon", "C=CH, O=*, CN=*")]
    [InlineData("C=CH, O=x, CN=moon", "C=CH, O=x, CN=*", "C=CH, O=*, CN=*")]
    [InlineData("C=CH, O=x, CN=moon", "C=*, O=*, CN=*", "%any")]
    [InlineData("C=CH, O=x, CN=moon", "%any", "O=x, C=CH, CN=moon")]
    [InlineData("C=CH, O=x, CN=moon", "%any", "C=CH, O=x")]
    public void The_first_fits_better_than_the_second(string stated, string better, string worse) =>
        Assert.True(Identity.Parse(better).Fits(Identity.Parse(stated)) > Identity.Parse(worse).Fits(Identity.Parse(stated)));

    [Theory]
    [InlineData("moon.example.org", "example.org")]
    [InlineData("fqdn:192.0.2.1", "192.0.2.1")]
    [InlineData("moon@example.org", "fqdn:moon@example.org")]
    [InlineData("keyid:moon", "moon")]
    [InlineData("keyid:moon", "keyid:MOON")]
    [InlineData("keyid:a.b", "keyid:*.b")]
    public void Types_and_key_IDs_are_compared_octet_by_octet(string stated, string configured) =>
        Assert.Equal(0, Identity.Parse(configured).Fits(Identity.Parse(stated)));

    [Theory]
    [InlineData("10.1.2.3/16", "10.1.0.0/16")]
    [InlineData("10.1.0.1-10.1.0.9", "10.1.0.1-10.1.0.9")]
    [InlineData("fd00::1/64", "fd00::/64")]
    public void A_range_of_addresses_is_nobody_and_fits_nobody_who_says_that_it_is_one(string text, string printed)
    {
        var range = Identity.Parse(text);
        Assert.Equal((printed, false, false), (range.ToString(), range.IsExact, range.IsAny));
        Assert.Equal(0, range.Fits(range));
        Assert.Equal(0, Identity.Parse("10.1.0.1").Fits(range));
    }

    [Fact]
    public void What_is_no_text_prints_as_hex() => Assert.Equal("6d00", new Identity(IdType.Fqdn, Blob.FromHex("6d00")).ToString());
}
