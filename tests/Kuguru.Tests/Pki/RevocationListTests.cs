using Kuguru.Pki;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Crypto.Operators;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;
using Xunit;

namespace Kuguru.Tests.Pki;

/// <summary>CRLs of a part: for some certificates, for some reasons, with changes alone.</summary>
public class RevocationListTests
{
    static readonly Authority Root = Authority.Root();
    static readonly DateTimeOffset Now = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    internal static byte[] Crl(DerObjectIdentifier? oid = null, Asn1Encodable? extension = null)
    {
        var generator = new X509V2CrlGenerator();
        generator.SetIssuerDN(X509Name.GetInstance(Root.Own.Native.SubjectName.RawData));
        generator.SetThisUpdate(Now.AddDays(-1).UtcDateTime);
        generator.SetNextUpdate(Now.AddDays(1).UtcDateTime);
        if (oid is not null)
            generator.AddExtension(oid, critical: true, extension);
        return generator.Generate(new Asn1SignatureFactory("SHA256WITHECDSA", PrivateKeyFactory.CreateKey(Root.Own.Keys.Pkcs8))).GetEncoded();
    }

    static IssuingDistributionPoint Scope(bool users = false, bool authorities = false, bool indirect = false, bool attributes = false, ReasonFlags? reasons = null) =>
        new(null, users, authorities, reasons, indirect, attributes);

    [Fact]
    public void What_would_be_misread_is_refused_in_words()
    {
        Assert.Equal("", Why(Crl()));
        Assert.Equal("", Why(Crl(X509Extensions.IssuingDistributionPoint, Scope())));
        Assert.StartsWith("a CRL whose distribution point has a name relative", Why(Crl(X509Extensions.IssuingDistributionPoint,
            new IssuingDistributionPoint(new DistributionPointName(DistributionPointName.NameRelativeToCrlIssuer, new DerSet()), false, false, null, false, false))), StringComparison.Ordinal);
        Assert.StartsWith("a CRL that is indirect", Why(Crl(X509Extensions.IssuingDistributionPoint, Scope(indirect: true))), StringComparison.Ordinal);
        Assert.StartsWith("a CRL that is indirect", Why(Crl(X509Extensions.IssuingDistributionPoint, Scope(attributes: true))), StringComparison.Ordinal);
        Assert.StartsWith("a CRL that is indirect", Why(Crl(X509Extensions.IssuingDistributionPoint, Scope(reasons: new(ReasonFlags.KeyCompromise)))), StringComparison.Ordinal);
        Assert.Equal("a CRL with the critical extension 1.2.3.4, which is unknown here", Why(Crl(new("1.2.3.4"), DerNull.Instance)));
        static string Why(byte[] crl) => RevocationList.TryRead(crl, out _, out var why) ? "" : why;
    }

    [Theory]
    [InlineData(true, false, true, false)]
    [InlineData(false, true, false, true)]
    [InlineData(false, false, true, true)]
    public void A_list_of_end_entities_or_of_authorities_says_nothing_of_the_others(bool users, bool authorities, bool ofLeaf, bool ofAuthority)
    {
        Assert.True(RevocationList.TryRead(Crl(X509Extensions.IssuingDistributionPoint, Scope(users, authorities)), out var list, out var why), why);
        var (leaf, second) = (Root.Issue("moon.example.org").Certificate, Root.Below("Second CA").Certificate);
        Assert.Equal((ofLeaf, ofAuthority), (list.Covers(leaf), list.Covers(second)));
        var revocation = new Revocation();
        revocation.Add(list);
        Assert.Equal(ofLeaf, revocation.Judge([leaf, Root.Certificate], RevocationPolicy.Strict, [], [], Now, mayWait: true).Why is null);
        Assert.Equal(ofAuthority, revocation.Judge([second, Root.Certificate], RevocationPolicy.Strict, [], [], Now, mayWait: true).Why is null);
    }
}
