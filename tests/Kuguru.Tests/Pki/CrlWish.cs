using Kuguru.Pki;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Crypto.Operators;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;
using Org.BouncyCastle.X509.Extension;

namespace Kuguru.Tests.Pki;

/// <summary>A CRL as an authority with a key on P-256 is to make it.</summary>
public sealed record CrlWish
{
    public int Number { get; init; } = 1;

    /// <summary>The number of the complete CRL that this one is the delta of.</summary>
    public int? Base { get; init; }
    public DateTimeOffset From { get; init; } = new(2025, 6, 1, 0, 0, 0, TimeSpan.Zero);
    public DateTimeOffset To { get; init; } = new(2040, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Where the delta is.</summary>
    public string? Freshest { get; init; }

    /// <summary>It is about certificates alone that name this distribution point.</summary>
    public string? Point { get; init; }

    /// <summary>Certificates with <see cref="CrlReason"/>s.</summary>
    public (Issued Certificate, int Reason)[] Revoked { get; init; } = [];

    public byte[] By(Authority authority)
    {
        var issuer = new Org.BouncyCastle.X509.X509Certificate(authority.Own.Native.RawData);
        var generator = new X509V2CrlGenerator();
        generator.SetIssuerDN(issuer.SubjectDN);
        generator.SetThisUpdate(From.UtcDateTime);
        generator.SetNextUpdate(To.UtcDateTime);
        generator.AddExtension(X509Extensions.AuthorityKeyIdentifier, critical: false, X509ExtensionUtilities.CreateAuthorityKeyIdentifier(issuer.GetPublicKey()));
        generator.AddExtension(X509Extensions.CrlNumber, critical: false, DerInteger.ValueOf(Number));
        if (Base is { } number)
            generator.AddExtension(X509Extensions.DeltaCrlIndicator, critical: true, DerInteger.ValueOf(number));
        if (Freshest is { } uri)
            generator.AddExtension(X509Extensions.FreshestCrl, critical: false, new CrlDistPoint([new(new DistributionPointName(Uri(uri)), null, null)]));
        if (Point is { } point)
            generator.AddExtension(X509Extensions.IssuingDistributionPoint, critical: true, new IssuingDistributionPoint(new DistributionPointName(Uri(point)), false, false, null, false, false));
        foreach (var (one, reason) in Revoked)
            generator.AddCrlEntry(new BigInteger(1, one.Native.SerialNumberBytes.ToArray()), From.UtcDateTime, reason);
        return generator.Generate(new Asn1SignatureFactory("SHA256WITHECDSA", PrivateKeyFactory.CreateKey(authority.Own.Keys.Pkcs8))).GetEncoded();
    }

    public RevocationList ReadBy(Authority authority) => RevocationList.TryRead(By(authority), out var list, out var why) ? list : throw new InvalidOperationException(why);

    static GeneralNames Uri(string uri) => new(new GeneralName(GeneralName.UniformResourceIdentifier, uri));
}
