using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Globalization;
using System.Text;

namespace Kuguru.Pki;

/// <summary>
/// X.500 names (RFC 5280 section 4.1.2.4): DER to and from strongSwan's text form (<c>C=CH, O=strongSwan Project, CN=moon.strongswan.org</c>), and
/// how closely one with wildcards fits another. Attributes keep the order in which the certificate has them.
/// </summary>
public static class DistinguishedName
{
    /// <summary>Names with more attributes than this are refused.</summary>
    const int MaxAttributes = 20;

    /// <summary>Text name and OID; of several names for one attribute the first is printed.</summary>
    static readonly ImmutableArray<(string Name, string Oid, bool IsIa5)> Types =
    [
        ("CN", "2.5.4.3", false), ("C", "2.5.4.6", false), ("O", "2.5.4.10", false), ("OU", "2.5.4.11", false), ("L", "2.5.4.7", false), ("ST", "2.5.4.8", false),
        ("STREET", "2.5.4.9", false), ("SN", "2.5.4.4", false), ("serialNumber", "2.5.4.5", false), ("T", "2.5.4.12", false), ("D", "2.5.4.13", false),
        ("postalAddress", "2.5.4.16", false), ("postalCode", "2.5.4.17", false), ("N", "2.5.4.41", false), ("G", "2.5.4.42", false), ("I", "2.5.4.43", false),
        ("ID", "2.5.4.45", false), ("dnQualifier", "2.5.4.46", false), ("dmdName", "2.5.4.54", false), ("pseudonym", "2.5.4.65", false),
        ("organizationIdentifier", "2.5.4.97", false), ("UID", "0.9.2342.19200300.100.1.1", false), ("DC", "0.9.2342.19200300.100.1.25", true),
        ("E", "1.2.840.113549.1.9.1", true), ("Email", "1.2.840.113549.1.9.1", true), ("emailAddress", "1.2.840.113549.1.9.1", true),
        ("unstructuredName", "1.2.840.113549.1.9.2", true), ("UN", "1.2.840.113549.1.9.2", true),
        ("unstructuredAddress", "1.2.840.113549.1.9.8", false), ("UA", "1.2.840.113549.1.9.8", false),
        ("EN", "2.16.840.1.113730.3.1.3", false), ("employeeNumber", "2.16.840.1.113730.3.1.3", false),
    ];

    readonly record struct Part(string Oid, string Text);

    /// <summary>Separated by commas, or by slashes if it begins with one; blanks around names and values do not count.</summary>
    public static bool TryParse(string text, out Blob der, out string error)
    {
        (der, error) = (Blob.Empty, "");
        var separator = text.StartsWith('/') ? '/' : ',';
        var w = new AsnWriter(AsnEncodingRules.DER);
        var count = 0;
        using (w.PushSequence())
        {
            foreach (var item in text.Split(separator, StringSplitOptions.RemoveEmptyEntries).Select(item => item.Trim()).Where(item => item.Length > 0))
            {
                var equals = item.IndexOf('=', StringComparison.Ordinal);
                var name = equals < 0 ? item : item[..equals].TrimEnd();
                if (equals < 0 || Types.FirstOrDefault(type => type.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { Oid: { } oid } found)
                {
                    error = equals < 0 ? $"'{item}' in the distinguished name '{text}' is not TYPE=VALUE"
                        : $"'{name}' in the distinguished name '{text}' is no known type: give C, ST, L, O, OU, CN, SN, UID, DC, E or another that openssl knows";
                    return false;
                }
                if (++count > MaxAttributes)
                {
                    error = $"the distinguished name '{text}' has more than {MaxAttributes} parts";
                    return false;
                }
                Write(w, oid, item[(equals + 1)..].TrimStart(), found.IsIa5);
            }
        }
        if (count == 0)
            error = "a distinguished name has at least one TYPE=VALUE";
        der = w.Encode();
        return count > 0;
    }

    /// <summary>As charon prints it; what is no name, as hexadecimal.</summary>
    public static string Print(ReadOnlySpan<byte> der) => Read(der) is { } parts
        ? string.Join(", ", parts.Select(part => $"{NameOf(part.Oid)}={Printable(part.Text)}")) : Convert.ToHexStringLower(der);

    /// <summary>
    /// 0 when they differ, 1000 when they are the same, less for each value of the pattern that is "*". The order counts; letter case and blanks around do not.
    /// </summary>
    public static int Fit(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> name)
    {
        if (pattern.SequenceEqual(name))
            return 1000;
        if (Read(pattern) is not { } wanted || Read(name) is not { } parts || wanted.Count != parts.Count)
            return 0;
        var wildcards = 0;
        foreach (var (want, part) in wanted.Zip(parts))
        {
            if (want.Oid != part.Oid)
                return 0;
            if (want.Text == "*")
                wildcards++;
            else if (!string.Equals(want.Text.Trim(), part.Text.Trim(), StringComparison.OrdinalIgnoreCase))
                return 0;
        }
        return wildcards == 0 ? 999 : 900 - wildcards;
    }

    /// <summary>One of the values is "*".</summary>
    public static bool HasWildcard(ReadOnlySpan<byte> der) => Read(der)?.Any(part => part.Text == "*") ?? false;

    /// <summary>It can be read as a name, which may be empty.</summary>
    public static bool IsValid(ReadOnlySpan<byte> der) => Read(der) is not null;

    static void Write(AsnWriter w, string oid, string value, bool isIa5)
    {
        using (w.PushSetOf())
        using (w.PushSequence())
        {
            w.WriteObjectIdentifier(oid);
            var type = isIa5 && value.All(char.IsAscii) ? UniversalTagNumber.IA5String
                : value.All(IsPrintableString) ? UniversalTagNumber.PrintableString : UniversalTagNumber.UTF8String;
            w.WriteCharacterString(type, value);
        }
    }

    static List<Part>? Read(ReadOnlySpan<byte> der)
    {
        try
        {
            var parts = new List<Part>();
            var reader = new AsnReader(der.ToArray(), AsnEncodingRules.BER);
            var name = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            while (name.HasData)
            {
                var set = name.ReadSetOf(skipSortOrderValidation: true);
                while (set.HasData)
                {
                    var attribute = set.ReadSequence();
                    parts.Add(new(attribute.ReadObjectIdentifier(), Text(attribute)));
                    if (parts.Count > MaxAttributes)
                        return null;
                }
            }
            return parts;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    static string Text(AsnReader attribute)
    {
        var tag = attribute.PeekTag();
        var bytes = attribute.PeekContentBytes();
        attribute.ReadEncodedValue();
        return tag.HasSameClassAndValue(Asn1Tag.PrimitiveBitString) ? Convert.ToHexStringLower(bytes.Span)
            : tag.HasSameClassAndValue(new Asn1Tag(UniversalTagNumber.BMPString)) ? Encoding.BigEndianUnicode.GetString(bytes.Span)
            : tag.HasSameClassAndValue(new Asn1Tag(UniversalTagNumber.T61String)) ? Encoding.Latin1.GetString(bytes.Span)
            : Encoding.UTF8.GetString(bytes.Span);
    }

    static string NameOf(string oid) => Types.FirstOrDefault(type => type.Oid == oid).Name ?? oid;

    /// <summary>What a terminal or log must not get is a question mark.</summary>
    static string Printable(string text) => string.Concat(text.Select(c =>
        CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? '?' : c));

    static bool IsPrintableString(char c) => char.IsAsciiLetterOrDigit(c) || " '()+,-./:=?".Contains(c, StringComparison.Ordinal);
}
