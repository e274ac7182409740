using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Kuguru.Pki;

/// <summary>Where a certificate or a CRL says that more can be learned (RFC 5280 sections 4.2.1.13, 4.2.2.1 and 5.2.6); of the URIs, those that can be fetched.</summary>
static class DistributionPoints
{
    /// <summary>More are not looked at.</summary>
    const int MaxNames = 16;

    public static IEnumerable<string> Ocsp(Certificate certificate)
    {
        try
        {
            return [.. certificate.Native.Extensions.OfType<X509AuthorityInformationAccessExtension>().SelectMany(access => access.EnumerateOcspUris()).Where(IsOfHttp)];
        }
        // An extension that cannot be read names nobody.
        catch (CryptographicException)
        {
            return [];
        }
    }

    public static IEnumerable<string> Crl(Certificate certificate) => Uris(Of(certificate).Memory);

    /// <summary>The DER CRLDistributionPoints of a certificate; empty when there are none.</summary>
    public static Blob Of(Certificate certificate) =>
        certificate.Native.Extensions.FirstOrDefault(extension => extension.Oid?.Value == "2.5.29.31") is { } extension ? Blob.Copy(extension.RawData) : Blob.Empty;

    /// <summary>The URIs in a DER CRLDistributionPoints.</summary>
    public static IEnumerable<string> Uris(ReadOnlyMemory<byte> der)
    {
        var found = new List<string>();
        if (der.IsEmpty)
            return found;
        try
        {
            var points = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            while (points.HasData && found.Count < MaxNames)
                Read(points.ReadSequence(), found);
        }
        // What can be read of it counts.
        catch (AsnContentException)
        {
            return found.Where(IsFetched);
        }
        return found.Where(IsFetched);
    }

    /// <summary>DistributionPoint: [0] { [0] { [6] URI ... } }.</summary>
    static void Read(AsnReader point, List<string> found)
    {
        var name = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (!point.HasData || !point.PeekTag().HasSameClassAndValue(name))
            return;
        var inner = point.ReadSequence(name);
        if (!inner.HasData || !inner.PeekTag().HasSameClassAndValue(name))
            return;
        var names = inner.ReadSequence(name);
        while (names.HasData)
        {
            if (names.PeekTag().HasSameClassAndValue(new Asn1Tag(TagClass.ContextSpecific, 6)))
                found.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, new Asn1Tag(TagClass.ContextSpecific, 6)));
            else
                names.ReadEncodedValue();
        }
    }

    static bool IsOfHttp(string uri) => SchemeOf(uri) is "http" or "https";

    /// <summary>Windows' authorities write ldap URIs without a server, which are for members of their domain.</summary>
    static bool IsFetched(string uri) => IsOfHttp(uri) || (SchemeOf(uri) == "ldap" && new Uri(uri).Host.Length > 0);

    static string? SchemeOf(string uri) => Uri.TryCreate(uri, UriKind.Absolute, out var parsed) ? parsed.Scheme : null;
}
