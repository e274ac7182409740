using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Org.BouncyCastle.Security;

namespace Kuguru.Pki;

/// <summary>Kinds of names in a subjectAltName (RFC 5280 section 4.2.1.6) that identify an IKE peer.</summary>
public enum AltNameKind { Email, Dns, Directory, Address }

/// <summary>One name of a subjectAltName: text as octets, a DER name, or 4 or 16 octets of an address.</summary>
public readonly record struct AltName(AltNameKind Kind, Blob Data);

/// <summary>An X.509 certificate as the platform reads it, with what IKE asks of it. Equal by its octets.</summary>
public sealed class Certificate : IEquatable<Certificate>
{
    /// <summary>Octets of a certificate that are looked at; larger ones are refused.</summary>
    public const int MaxLength = 32_768;

    /// <summary>More names are not looked at.</summary>
    const int MaxNames = 1000;

    /// <summary>Kinds of otherName: Windows' szOID_NT_PRINCIPAL_NAME, and id-on-xmppAddr (RFC 6120 section 13.7.1.4).</summary>
    const string UserPrincipalName = "1.3.6.1.4.1.311.20.2.3", XmppAddress = "1.3.6.1.5.5.7.8.5";

    Certificate(X509Certificate2 native, PublicKey key, ImmutableArray<AltName> names, SignatureScheme? scheme)
    {
        (Native, Key, AltNames, Der, Scheme) = (native, key, names, native.RawData, scheme);
        var constraints = native.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        IsAuthority = constraints?.CertificateAuthority ?? false;
        (Subject, Issuer) = (Blob.Copy(native.SubjectName.RawData), Blob.Copy(native.IssuerName.RawData));
        SignsOcsp = native.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(usage => usage.EnhancedKeyUsages.Cast<Oid>().Any(purpose => purpose.Value == OcspAnswer.SigningPurpose));
        // Whatever the platform reads only when asked is asked for here, where it may be refused.
        KeyId = native.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault() is { } id ? Blob.Copy(id.SubjectKeyIdentifierBytes.Span) : Blob.Empty;
        (NotBefore, NotAfter) = (native.NotBefore.ToUniversalTime(), native.NotAfter.ToUniversalTime());
    }

    internal X509Certificate2 Native { get; }
    public Blob Der { get; }

    /// <summary>DER names.</summary>
    public Blob Subject { get; }

    /// <inheritdoc cref="Subject"/>
    public Blob Issuer { get; }

    public PublicKey Key { get; }
    public ImmutableArray<AltName> AltNames { get; }

    /// <summary>How it is signed; null for what is none of ours.</summary>
    public SignatureScheme? Scheme { get; }

    /// <summary>basicConstraints say that it may sign others.</summary>
    public bool IsAuthority { get; }

    /// <summary>Its authority lets it sign OCSP responses (RFC 6960 section 4.2.2.2).</summary>
    public bool SignsOcsp { get; }

    /// <summary>Subject and issuer are the same: the end of a chain.</summary>
    public bool IsSelfIssued => Subject == Issuer;

    /// <summary>subjectKeyIdentifier; empty when there is none.</summary>
    public Blob KeyId { get; }

    public DateTimeOffset NotBefore { get; }
    public DateTimeOffset NotAfter { get; }

    public string SubjectText => DistinguishedName.Print(Subject);
    public string IssuerText => DistinguishedName.Print(Issuer);

    /// <summary>From DER or PEM. False, with the reason, for what is no certificate, is too long, or has a key that is not supported.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Certificate certificate, out string why)
    {
        certificate = null!;
        if (bytes.Length > MaxLength)
        {
            why = $"{bytes.Length} octets, of which at most {MaxLength} are taken";
            return false;
        }
        try
        {
            var native = X509CertificateLoader.LoadCertificate(bytes);
            if (!PublicKey.TryRead(native.PublicKey.ExportSubjectPublicKeyInfo(), out var key, out why))
                return false;
            certificate = new(native, key, ReadAltNames(native), ReadScheme(native));
            return true;
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException or ArgumentException)
        {
            why = "not an X.509 certificate";
            return false;
        }
    }

    /// <summary>The signature is this authority's; the constraints of either are another question (<see cref="Trust"/>).</summary>
    public bool IsSignedBy(Certificate issuer)
    {
        if (Issuer != issuer.Subject)
            return false;
        try
        {
            new Org.BouncyCastle.X509.X509Certificate(Der.ToArray()).Verify(PublicKeyFactory.CreateKey(issuer.Key.Info.ToArray()));
            return true;
        }
        catch (Exception e) when (Unreadable.Is(e))
        {
            return false;
        }
    }

    public bool Equals(Certificate? other) => other is not null && Der == other.Der;
    public override bool Equals(object? obj) => Equals(obj as Certificate);
    public override int GetHashCode() => Der.GetHashCode();
    public override string ToString() => SubjectText;

    static ImmutableArray<AltName> ReadAltNames(X509Certificate2 native)
    {
        if (native.Extensions.FirstOrDefault(extension => extension.Oid?.Value == "2.5.29.17") is not { } extension)
            return [];
        var names = ImmutableArray.CreateBuilder<AltName>();
        var sequence = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
        while (sequence.HasData && names.Count < MaxNames)
        {
            var tag = sequence.PeekTag();
            var content = Blob.Copy(sequence.PeekContentBytes().Span);
            if (tag == new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true))
            {
                if (ReadOtherName(sequence.ReadSequence(tag)) is { } user)
                    names.Add(new(AltNameKind.Email, user));
                continue;
            }
            sequence.ReadEncodedValue();
            if (tag.TagClass == TagClass.ContextSpecific && KindOf(tag.TagValue, content) is { } kind)
                names.Add(new(kind, content));
        }
        return names.ToImmutable();
    }

    /// <summary>Of a user of Windows or XMPP, which is written like a mail address and, as for strongSwan, is one; null for what else is in an otherName.</summary>
    static Blob? ReadOtherName(AsnReader name)
    {
        try
        {
            if (name.ReadObjectIdentifier() is not (UserPrincipalName or XmppAddress))
                return null;
            var value = name.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true));
            return Encoding.UTF8.GetBytes(value.ReadCharacterString(UniversalTagNumber.UTF8String));
        }
        // What cannot be read is nobody's name.
        catch (AsnContentException)
        {
            return null;
        }
    }

    static SignatureScheme? ReadScheme(X509Certificate2 native)
    {
        var certificate = new AsnReader(native.RawData, AsnEncodingRules.DER).ReadSequence();
        certificate.ReadEncodedValue();
        return SignatureScheme.OfCertificate(certificate.ReadEncodedValue().Span, native.SignatureAlgorithm.Value ?? "");
    }

    /// <summary>certificatePolicies has this OID.</summary>
    public bool HasPolicy(string oid)
    {
        if (Native.Extensions.FirstOrDefault(extension => extension.Oid?.Value == "2.5.29.32") is not { } extension)
            return false;
        try
        {
            var policies = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (policies.HasData)
            {
                if (policies.ReadSequence().ReadObjectIdentifier() == oid)
                    return true;
            }
        }
        // An extension that cannot be read has no policy.
        catch (AsnContentException)
        {
            return false;
        }
        return false;
    }

    static AltNameKind? KindOf(int tag, Blob content) => tag switch
    {
        1 => AltNameKind.Email,
        2 => AltNameKind.Dns,
        4 => AltNameKind.Directory,
        7 when content.Length is 4 or 16 => AltNameKind.Address,
        _ => null,
    };
}
