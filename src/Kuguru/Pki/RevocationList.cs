using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.X509;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.X509;

namespace Kuguru.Pki;

/// <summary>A certificate revocation list (RFC 5280 section 5), complete or a delta, which has only what has changed since a complete one.</summary>
public sealed class RevocationList
{
    /// <summary>Octets that are looked at.</summary>
    public const int MaxLength = 4 << 20;

    /// <summary>Extensions that may be critical: what they say is heeded, or says nothing that counts here.</summary>
    static readonly DerObjectIdentifier[] Understood =
        [X509Extensions.CrlNumber, X509Extensions.AuthorityKeyIdentifier, X509Extensions.IssuingDistributionPoint, X509Extensions.DeltaCrlIndicator, X509Extensions.FreshestCrl];

    readonly X509Crl _crl;
    readonly IssuingDistributionPoint? _scope;
    readonly ImmutableArray<GeneralName> _points;
    readonly Dictionary<BigInteger, DateTimeOffset> _revoked = [];
    readonly BigInteger? _number, _base;
    readonly (Blob Issuer, Blob Key, Blob Scope, bool IsDelta) _series;

    RevocationList(X509Crl crl, Blob der)
    {
        Blob Extension(DerObjectIdentifier oid) => crl.GetExtensionValue(oid)?.GetOctets() ?? Blob.Empty;
        BigInteger? Number(DerObjectIdentifier oid) => Extension(oid) is { IsEmpty: false } number ? DerInteger.GetInstance(number.ToArray()).Value : null;
        var scope = Extension(X509Extensions.IssuingDistributionPoint);
        _scope = scope.IsEmpty ? null : IssuingDistributionPoint.GetInstance(scope.ToArray());
        _points = _scope?.DistributionPoint is { Type: DistributionPointName.FullName } point ? [.. GeneralNames.GetInstance(point.Name).GetNames()] : [];
        (_crl, Der, Issuer, ThisUpdate) = (crl, der, crl.IssuerDN.GetDerEncoded(), Utc(crl.ThisUpdate));
        NextUpdate = crl.NextUpdate is { } next ? Utc(next) : ThisUpdate;
        (_number, _base) = (Number(X509Extensions.CrlNumber), Number(X509Extensions.DeltaCrlIndicator));
        _series = (Issuer, Extension(X509Extensions.AuthorityKeyIdentifier), scope, IsDelta);
        FreshestUris = IsDelta || Extension(X509Extensions.FreshestCrl) is not { IsEmpty: false } freshest ? [] : [.. DistributionPoints.Uris(freshest.Memory)];
        // BouncyCastle says null where there are none.
        foreach (var entry in crl.GetRevokedCertificates() ?? new HashSet<X509CrlEntry>())
        {
            if (!IsDelta || !IsLifted(entry))
                _revoked[entry.SerialNumber] = Utc(entry.RevocationDate);
        }
    }

    public Blob Der { get; }

    /// <summary>DER name.</summary>
    public Blob Issuer { get; }

    public DateTimeOffset ThisUpdate { get; }

    /// <summary>Without one it is out of date at once.</summary>
    public DateTimeOffset NextUpdate { get; }

    /// <summary>It has only what has changed since a complete list.</summary>
    public bool IsDelta => _base is not null;

    /// <summary>Where the delta of a complete list is (freshestCRL, RFC 5280 section 5.2.6).</summary>
    public ImmutableArray<string> FreshestUris { get; }

    /// <summary>Both are of one authority and about the same, so that the newer one takes the place of the other.</summary>
    public bool IsOfSeries(RevocationList other) => _series == other._series;

    /// <summary>By their numbers, if they have any that differ.</summary>
    public bool IsNewerThan(RevocationList other) =>
        _number is { } number && other._number is { } before && !number.Equals(before) ? number.CompareTo(before) > 0 : ThisUpdate > other.ThisUpdate;

    /// <summary>This delta makes the complete list newer (RFC 5280 section 5.2.4).</summary>
    public bool Extends(RevocationList complete) => _series == (complete._series with { IsDelta = true })
        && complete._number is { } number && _number is { } own && _base!.CompareTo(number) <= 0 && number.CompareTo(own) < 0;

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
            var der = KeyFile.Decode(bytes, out _, MaxLength);
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

    /// <summary>
    /// It is about certificates like this one: there are CRLs for authorities alone, for all others, and for those alone that name the same distribution point
    /// (RFC 5280 section 6.3.3, b.2).
    /// </summary>
    public bool Covers(Certificate certificate) => _scope is null
        || (!(certificate.IsAuthority ? _scope.OnlyContainsUserCerts : _scope.OnlyContainsCACerts)
            && (_scope.DistributionPoint is null || _points.Any(NamesOf(certificate).Contains)));

    static HashSet<GeneralName> NamesOf(Certificate certificate)
    {
        if (DistributionPoints.Of(certificate) is not { IsEmpty: false } points)
            return [];
        try
        {
            return [.. CrlDistPoint.GetInstance(points.ToArray()).GetDistributionPoints().Select(point => point.DistributionPointName)
                .Where(name => name is { Type: DistributionPointName.FullName }).SelectMany(name => GeneralNames.GetInstance(name.Name).GetNames())];
        }
        catch (Exception e) when (Unreadable.Is(e))
        {
            return [];
        }
    }

    /// <summary>In a delta: it is no longer in the complete list, which has the last word (RFC 5280 section 5.3.1).</summary>
    static bool IsLifted(X509CrlEntry entry) => entry.GetExtensionValue(X509Extensions.ReasonCode) is { } reason
        && DerEnumerated.GetInstance(reason.GetOctets()).Value.Equals(BigInteger.ValueOf(CrlReason.RemoveFromCrl));

    /// <summary>A list that leaves something out, or is about other issuers' certificates as well, would be misread (RFC 5280 sections 5.2.4 and 5.2.5).</summary>
    string? WhyUnusable()
    {
        if (_scope?.DistributionPoint is { Type: not DistributionPointName.FullName })
            return "a CRL whose distribution point has a name relative to its issuer, which is not supported";
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
