using System.Globalization;
using System.Text;
using Kuguru.Pki;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>
/// Who a peer is (RFC 7296 section 3.5): a type and its octets, never an address taken from a packet.
/// Text forms are strongSwan's: an address, a domain name, <c>user@domain</c>, <c>@#hex</c> for a key ID, which other text with a colon is too,
/// <c>type:value</c> with <c>ipv4</c>, <c>ipv6</c>, and also <c>type:#hex</c> with <c>fqdn</c>, <c>rfc822</c>, <c>email</c>, <c>userfqdn</c>, <c>keyid</c>, <c>asn1dn</c>; a
/// distinguished name with <c>=</c>; <c>ipv4net</c>, <c>ipv6net</c>, <c>ipv4range</c>, <c>ipv6range</c>; <c>%any</c>, <c>0.0.0.0</c> and <c>::</c> fit everybody, <c>10.1.0.0/16</c> and
/// <c>10.1.0.1-10.1.0.9</c> every address inside.
/// </summary>
public sealed record Identity(IdType Type, Blob Data)
{
    /// <summary>Fits everybody; never sent.</summary>
    public static Identity Any { get; } = new((IdType)0, Blob.Empty);

    public bool IsAny => Type == 0;

    /// <summary>RFC 2407's numbers for ranges of addresses, which are nobody's identity: they only stand in configurations.</summary>
    const IdType Ipv4Range = (IdType)7, Ipv6Range = (IdType)8;

    /// <summary>It stands for all addresses of a network or range.</summary>
    public bool IsRange => Type is Ipv4Range or Ipv6Range;

    /// <summary>The addresses that this fits; null where it is none or just one.</summary>
    AddressRange? Range => IsRange
        ? new(IpAddress.Read(Data.Span[..(Data.Length / 2)]), IpAddress.Read(Data.Span[(Data.Length / 2)..])) : null;

    public static Identity Of(IpAddress address) => new(address.IsV6 ? IdType.Ipv6Addr : IdType.Ipv4Addr, address.ToBytes());

    /// <summary>False, with the reason in words, for text that names an identity type which is unknown or whose value does not fit it.</summary>
    public static bool TryParse(string text, out Identity identity, out string error)
    {
        error = "";
        identity = Any;
        text = text.Trim();
        if (text.Length == 0 || text is "%any" or "%any6" or "*" or "0.0.0.0" or "::" or "0::0")
            return true;
        if (text.StartsWith('{'))
            return Refuse("types of identities are not given by number: give their names, such as fqdn:", ref error);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && TryParseTyped(text[..colon].ToLowerInvariant(), text[(colon + 1)..], ref identity, ref error))
            return error.Length == 0;
        if (IpAddress.TryParse(text, out var address))
            identity = Of(address);
        else if (text.IndexOfAny(['/', '-']) is > 0 and var at && IpAddress.TryParse(text[..at], out var first))
            return TryParseRange(first, text[at] == '/', text[(at + 1)..], ref identity, ref error);
        else if (text.StartsWith("@#", StringComparison.Ordinal))
            return TryParseHex(text[2..], IdType.KeyId, ref identity, ref error);
        else if (text.StartsWith("@@", StringComparison.Ordinal))
            identity = new(IdType.Rfc822Addr, Encoding.UTF8.GetBytes(text[2..]));
        else if (text.StartsWith('@'))
            identity = new(IdType.Fqdn, Encoding.UTF8.GetBytes(text[1..]));
        else if (text.Contains('='))
            return TryParseName(text, ref identity, ref error);
        else
            identity = new(text.Contains('@') ? IdType.Rfc822Addr : colon >= 0 ? IdType.KeyId : IdType.Fqdn, Encoding.UTF8.GetBytes(text));
        return true;
    }

    public static Identity Parse(string text) =>
        TryParse(text, out var identity, out var error) ? identity : throw new FormatException(error);

    static bool TryParseTyped(string type, string value, ref Identity identity, ref string error)
    {
        switch (type)
        {
            case "rfc822" or "email" or "userfqdn" or "fqdn" or "dns" or "asn1dn" when value is ['^', .., '$']:
                Refuse($"'{value}' is a regular expression, which is not supported: give a name with * for what may be anything (*.example.org, *@example.org, CN=*)", ref error);
                return true;
            case "asn1gn" or "xmppaddr" or "uri":
                Refuse($"identities of type '{type}' are not supported: give an address, a domain name, a mail address, a key ID or a distinguished name", ref error);
                return true;
            case "ipv4net" or "ipv6net" or "ipv4range" or "ipv6range":
                var isPrefix = type.EndsWith("net", StringComparison.Ordinal);
                if (value.IndexOf(isPrefix ? '/' : '-', StringComparison.Ordinal) is > 0 and var at && IpAddress.TryParse(value[..at], out var first) && first.IsV6 == (type[3] == '6'))
                    TryParseRange(first, isPrefix, value[(at + 1)..], ref identity, ref error);
                else
                    Refuse($"'{value}' does not look like {(isPrefix ? "ADDRESS/LENGTH" : "FIRST-LAST")} of {type[..4]}", ref error);
                return true;
            case "ipv4" or "ipv6":
                if (!IpAddress.TryParse(value, out var address) || address.IsV6 != (type == "ipv6"))
                    Refuse($"'{value}' is not an {type} address", ref error);
                else
                    identity = Of(address);
                return true;
            case "fqdn" or "dns":
                TakeOctets(value, IdType.Fqdn, ref identity, ref error);
                return true;
            case "rfc822" or "email" or "userfqdn":
                TakeOctets(value, IdType.Rfc822Addr, ref identity, ref error);
                return true;
            case "keyid":
                TakeOctets(value, IdType.KeyId, ref identity, ref error);
                return true;
            case "asn1dn" when value.StartsWith('#'):
                TakeOctets(value, IdType.DerAsn1Dn, ref identity, ref error);
                return true;
            case "asn1dn":
                return TryParseName(value, ref identity, ref error) || error.Length > 0;
            default:
                return false;
        }
    }

    /// <summary>The text itself, or what follows a # in hexadecimal.</summary>
    static void TakeOctets(string value, IdType type, ref Identity identity, ref string error)
    {
        if (value.StartsWith('#'))
            TryParseHex(value[1..], type, ref identity, ref error);
        else
            identity = new(type, Encoding.UTF8.GetBytes(value));
    }

    static bool TryParseRange(IpAddress first, bool isPrefix, string rest, ref Identity identity, ref string error)
    {
        AddressRange range;
        if (isPrefix && byte.TryParse(rest, CultureInfo.InvariantCulture, out var bits) && bits <= first.Bits)
            range = AddressRange.Prefix(first, bits);
        else if (!isPrefix && IpAddress.TryParse(rest, out var last) && last.IsV6 == first.IsV6 && first <= last)
            range = new(first, last);
        else
            return Refuse($"'{rest}' does not make a range of addresses that begins with {first}", ref error);
        identity = new(first.IsV6 ? Ipv6Range : Ipv4Range, (byte[])[.. range.First.ToBytes(), .. range.Last.ToBytes()]);
        return true;
    }

    static bool TryParseName(string text, ref Identity identity, ref string error)
    {
        if (!DistinguishedName.TryParse(text, out var der, out error))
            return false;
        identity = new(IdType.DerAsn1Dn, der);
        return true;
    }

    static bool TryParseHex(string hex, IdType type, ref Identity identity, ref string error)
    {
        if (hex.Length == 0 || hex.Length % 2 != 0 || !hex.All(char.IsAsciiHexDigit))
            return Refuse($"'{hex}' is not an even number of hex digits", ref error);
        identity = new(type, Blob.FromHex(hex));
        return true;
    }

    static bool Refuse(string why, ref string error)
    {
        error = why;
        return false;
    }

    /// <summary>
    /// How well this identity, as configured, fits one that a peer stated: 0 not at all, else more is closer.
    /// Equal beats a wildcard (<c>*.example.org</c>, <c>*@example.org</c>) and a range of addresses (the smaller, the closer), which beat <c>%any</c>. Letter case does not count in names.
    /// </summary>
    public int Fits(Identity stated)
    {
        if (IsAny)
            return 1;
        if (Range is { } range)
            return stated is { Type: IdType.Ipv4Addr, Data.Length: 4 } or { Type: IdType.Ipv6Addr, Data.Length: 16 } && range.Contains(IpAddress.Read(stated.Data))
                ? 2 + CommonBits(range) : 0;
        if (Type != stated.Type)
            return 0;
        if (Data == stated.Data)
            return 1000;
        if (Type == IdType.DerAsn1Dn)
            return DistinguishedName.Fit(Data, stated.Data);
        if (Type is not (IdType.Fqdn or IdType.Rfc822Addr))
            return 0;
        var mine = Encoding.UTF8.GetString(Data);
        var theirs = Encoding.UTF8.GetString(stated.Data);
        if (string.Equals(mine, theirs, StringComparison.OrdinalIgnoreCase))
            return 999;
        return mine.StartsWith('*') && theirs.EndsWith(mine[1..], StringComparison.OrdinalIgnoreCase) ? Math.Min(mine.Length + 1, 998) : 0;
    }

    /// <summary>Of a prefix its length.</summary>
    static int CommonBits(AddressRange range)
    {
        var bits = 0;
        while (bits < range.First.Bits && range.First.First(bits + 1) == range.Last.First(bits + 1))
            bits++;
        return bits;
    }

    /// <summary>The same identity, letter case apart; wildcards stand for nothing.</summary>
    public bool IsSameAs(Identity other) => !IsAny && Fits(other) >= 999;

    /// <summary>It stands for one identity, not for several.</summary>
    public bool IsExact => !IsAny && !IsRange && (Type == IdType.DerAsn1Dn ? !DistinguishedName.HasWildcard(Data) : !ToString().StartsWith('*'));

    /// <summary>
    /// As strongSwan prints it: <c>10.1.0.10</c>, <c>moon.strongswan.org</c>, <c>carol@strongswan.org</c>, <c>C=CH, O=strongSwan, CN=moon</c>, hex
    /// for what is no text (of a key ID with colons), <c>%any</c>.
    /// </summary>
    public override string ToString() => Type switch
    {
        _ when IsAny => "%any",
        _ when Range is { } range => range.PrefixLength() is null ? $"{range.First}-{range.Last}" : $"{range}",
        IdType.Ipv4Addr when Data.Length == 4 => IpAddress.Read(Data).ToString(),
        IdType.Ipv6Addr when Data.Length == 16 => IpAddress.Read(Data).ToString(),
        IdType.DerAsn1Dn when DistinguishedName.IsValid(Data) => DistinguishedName.Print(Data),
        _ when IsPrintable => Encoding.UTF8.GetString(Data),
        IdType.KeyId => string.Join(':', Convert.ToHexStringLower(Data.Span).Chunk(2).Select(pair => new string(pair))),
        _ => Data.ToString(),
    };

    /// <summary>The type in words, for messages that explain a mismatch.</summary>
    public string TypeName => IsAny ? "anybody" : Type switch
    {
        IdType.Ipv4Addr => "IPv4 address",
        IdType.Ipv6Addr => "IPv6 address",
        Ipv4Range or Ipv6Range => "range of addresses",
        IdType.Fqdn => "domain name",
        IdType.Rfc822Addr => "mail address",
        IdType.DerAsn1Dn => "distinguished name",
        IdType.DerAsn1Gn => "general name",
        IdType.KeyId => "key ID",
        _ => string.Create(CultureInfo.InvariantCulture, $"identity type {(int)Type}"),
    };

    bool IsPrintable
    {
        get
        {
            foreach (var octet in Data.Span)
            {
                if (octet is < 0x20 or > 0x7e)
                    return false;
            }
            // A key ID of 20 octets is a fingerprint, even if all of them happen to be letters.
            return Type is IdType.Fqdn or IdType.Rfc822Addr or IdType.KeyId && !Data.IsEmpty && (Type != IdType.KeyId || Data.Length != 20);
        }
    }
}
