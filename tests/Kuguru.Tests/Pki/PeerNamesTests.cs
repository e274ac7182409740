using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Kuguru.Ike;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Pki;

/// <summary>For whom a certificate is, and for whom it is not.</summary>
public class PeerNamesTests
{
    static readonly Authority Root = Authority.Root();

    static X509Extension AltName(params byte[][] names)
    {
        var w = new AsnWriter(AsnEncodingRules.DER);
        using (w.PushSequence())
        {
            foreach (var name in names)
                w.WriteEncodedValue(name);
        }
        return new("2.5.29.17", w.Encode(), critical: false);
    }

    static byte[] Other(string oid, UniversalTagNumber type, string text)
    {
        var (w, zero) = (new AsnWriter(AsnEncodingRules.DER), new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true));
        using (w.PushSequence(zero))
        {
            w.WriteObjectIdentifier(oid);
            using (w.PushSequence(zero))
                w.WriteCharacterString(type, text);
        }
        return w.Encode();
    }

    [Theory]
    [InlineData("moon.example.org", true)]
    [InlineData("MOON.Example.org", true)]
    [InlineData("sun.example.org", false)]
    [InlineData("fqdn:#6d6f6f6e2e6578616d706c652e6f726700", false)]
    [InlineData("Carol@example.org", true)]
    [InlineData("@carol@example.org", false)]
    [InlineData("192.0.2.1", true)]
    [InlineData("fqdn:192.0.2.1", false)]
    [InlineData("2001:db8::1", true)]
    [InlineData("2001:db8::2", false)]
    [InlineData("C=CH, O=Kuguru, CN=host", true)]
    [InlineData("/C=ch/O=kuguru/CN=HOST", true)]
    [InlineData("C=CH, O=Kuguru", false)]
    [InlineData("O=Kuguru, C=CH, CN=host", false)]
    [InlineData("C=CH, O=Kuguru, CN=*", false)]
    [InlineData("*.example.org", false)]
    [InlineData("%any", false)]
    public void A_certificate_is_for_its_subject_and_for_each_other_name_of_its_type(string identity, bool isFor)
    {
        var host = Root.Issue("host", new Wish { Names = ["moon.example.org", "carol@example.org", "192.0.2.1", "2001:db8::1"] }).Certificate;
        Assert.Equal(isFor, PeerNames.Has(host, Identity.Parse(identity)));
    }

    /// <summary>What a certificate says with a star is no pattern, as strongSwan has it.</summary>
    [Fact]
    public void A_star_in_a_certificate_stands_for_itself_alone()
    {
        var host = Root.Issue("host", new Wish { Names = ["*.example.org"] }).Certificate;
        Assert.False(PeerNames.Has(host, Identity.Parse("moon.example.org")));
        Assert.False(PeerNames.Has(Root.Issue("*", new Wish { Names = ["x"] }).Certificate, Identity.Parse("C=CH, O=Kuguru, CN=moon")));
    }

    /// <summary>Windows' authorities name a user so, and nowhere else.</summary>
    [Theory]
    [InlineData("1.3.6.1.4.1.311.20.2.3", "carol@corp.example.org", true)]
    [InlineData("1.3.6.1.5.5.7.8.5", "carol@corp.example.org", true)]
    [InlineData("1.3.6.1.4.1.311.20.2.3", "@carol@corp.example.org", false)]
    [InlineData("1.2.3.4", "carol@corp.example.org", false)]
    public void A_user_principal_name_is_a_mail_address(string oid, string identity, bool isFor)
    {
        var user = Root.Issue("carol", new Wish { AltNames = AltName(Other(oid, UniversalTagNumber.UTF8String, "carol@corp.example.org")) });
        Assert.Equal(isFor, PeerNames.Has(user.Certificate, Identity.Parse(identity)));
    }

    [Fact]
    public void A_name_that_cannot_be_read_leaves_the_others()
    {
        var odd = AltName(Other("1.3.6.1.4.1.311.20.2.3", UniversalTagNumber.BMPString, "carol@corp.example.org"), [0xA0, 2, 5, 0], [0x82, 4, .. "moon"u8]);
        var names = PeerNames.Of(Root.Issue("carol", new Wish { AltNames = odd }).Certificate).Select(name => $"{name}").ToList();
        Assert.Equal(["C=CH, O=Kuguru, CN=carol", "moon"], names.Take(2));
    }

    /// <summary>The fingerprint of the key with and without its algorithm, and the subjectKeyIdentifier, which some authorities make otherwise.</summary>
    [Fact]
    public void A_key_ID_is_a_fingerprint_of_the_key_or_what_the_authority_calls_it()
    {
        var host = Root.Issue("host", new Wish { KeyId = [1, 2, 3, 4] }).Certificate;
        foreach (var id in (Blob[])[host.Key.Fingerprint, host.Key.KeyFingerprint, new byte[] { 1, 2, 3, 4 }])
            Assert.True(PeerNames.Has(host, new Identity(IdType.KeyId, id)));
        Assert.False(PeerNames.Has(host, Identity.Parse("@#01020305")));
    }
}
