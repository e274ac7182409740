using System.Diagnostics.CodeAnalysis;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;

namespace Kuguru.Pki;

/// <summary>A certificate revocation list (RFC 5280 section 5).</summary>
public sealed class RevocationList
{
    /// <summary>Octets that are looked at.</summary>
    public const int MaxLength = 4 << 20;

    /// <summary>cRLNumber and authorityKeyIdentifier say nothing that counts here; issuingDistributionPoint is looked at.</summary>
    static readonly DerObjectIdentifier[] Understood = [X509Extensions.CrlNumber, X509Extensions.AuthorityKeyIdentifier, X509Extensions.IssuingDistributionPoint];

    readonly X509Crl _crl;
    readonly IssuingDistributionPoint? _scope;
    readonly Dictionary<BigInteger, DateTimeOffset> _revoked = [];

    RevocationList(X509Crl crl, Blob der)
    {
        _scope = crl.GetExtensionValue(X509Extensions.IssuingDistributionPoint) is { } scope ? IssuingDistributionPoint.GetInstance(scope.GetOctets()) : null;
        (_crl, Der, Issuer, ThisUpdate) = (crl, der, crl.IssuerDN.GetDerEncoded(), Utc(crl.ThisUpdate));
        NextUpdate = crl.NextUpdate is { } next ? Utc(next) : ThisUpdate;
        // BouncyCastle says null where there are none.
        foreach (var entry in crl.GetRevokedCertificates() ?? new HashSet<X509CrlEntry>())
            _revoked[entry.SerialNumber] = Utc(entry.RevocationDate);
    }

    public Blob Der { get; }

    /// <summary>DER name.</summary>
    public Blob Issuer { get; }

    public DateTimeOffset ThisUpdate { get; }

    /// <summary>Without one it is out of date at once.</summary>
    public DateTimeOffset NextUpdate { get; }

    /// <summary>From DER or PEM.</summary>
    public static bool TryRead(Blob bytes, [NotNullWhen(true)] out RevocationList? list, out string why)
    {
        (list, why) = (null, "not a CRL");
        if (bytes.Length > MaxLength)
        {
            why = $"{bytes.Length} octets, of which at most {MaxLength} are taken";
            return false;
        }
        try
        {
            var der = KeyFile.Decode(bytes, out _);
            if (new X509CrlParser().ReadCrl(der) is not { } crl)
                return false;
            var found = new RevocationList(crl, der);
            if (found.WhyUnusable() is { } unusable)
            {
                why = unusable;
                return false;
            }
            list = found;
            return true;
        }
        catch (Exception e) when (Unreadable.Is(e))
        {
            return false;
        }
    }

    /// <summary>It is about certificates like this one: there are CRLs for authorities alone, and for all others.</summary>
    public bool Covers(Certificate certificate) => _scope is null || !(certificate.IsAuthority ? _scope.OnlyContainsUserCerts : _scope.OnlyContainsCACerts);

    /// <summary>A list that leaves something out, or is about other issuers' certificates as well, would be misread (RFC 5280 sections 5.2.4 and 5.2.5).</summary>
    string? WhyUnusable()
    {
        if (_crl.GetExtensionValue(X509Extensions.DeltaCrlIndicator) is not null)
            return "a delta CRL, which is not supported: it has only what is new";
        if (_scope is { IsIndirectCrl: true } or { OnlyContainsAttributeCerts: true } || _scope?.OnlySomeReasons is not null)
            return "a CRL that is indirect, for some reasons only or for attribute certificates, which is not supported";
        var unknown = _crl.GetCriticalExtensionOids()?.FirstOrDefault(oid => !Understood.Any(known => known.Id == oid));
        return unknown is null ? null : $"a CRL with the critical extension {unknown}, which is unknown here";
    }

    /// <summary>Since when; null when it is not in the list.</summary>
    public DateTimeOffset? RevokedAt(Certificate certificate) =>
        _revoked.TryGetValue(new BigInteger(1, certificate.Native.SerialNumberBytes.ToArray()), out var since) ? since : null;

    /// <summary>The signature is this authority's.</summary>
    public bool IsSignedBy(Certificate issuer)
    {
        if (Issuer != issuer.Subject)
            return false;
        try
        {
            _crl.Verify(PublicKeyFactory.CreateKey(issuer.Key.Info.ToArray()));
            return true;
        }
        catch (Exception e) when (Unreadable.Is(e))
        {
            return false;
        }
    }

    static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));
}

/// <summary>The ways in which BouncyCastle says that something is not what it should be.</summary>
static class Unreadable
{
    public static bool Is(Exception e) => e is GeneralSecurityException or IOException or ArgumentException or InvalidOperationException or FormatException or InvalidCastException
        or ArithmeticException or IndexOutOfRangeException or NullReferenceException or Org.BouncyCastle.Crypto.CryptoException or Org.BouncyCastle.Ocsp.OcspException;
}
