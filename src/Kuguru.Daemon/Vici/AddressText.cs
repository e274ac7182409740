using System.Collections.Immutable;
using System.Globalization;
using Kuguru.Daemon.Settings;
using Kuguru.Ike;

namespace Kuguru.Daemon.Vici;

/// <summary>Addresses, ranges and selectors as swanctl.conf writes them.</summary>
static class AddressText
{
    /// <summary>One address, a prefix (its host bits do not count), or two addresses with a hyphen.</summary>
    public static AddressRange? Range(string text)
    {
        if (IpAddress.TryParse(text, out var single))
            return AddressRange.Single(single);
        if (text.Split('/') is [var address, var length])
        {
            return IpAddress.TryParse(address, out var network) && SettingsText.Number(length, 0, network.Bits) is { } bits
                ? AddressRange.Prefix(network, bits)
                : null;
        }
        return text.Split('-') is [var first, var last] && IpAddress.TryParse(first.Trim(), out var from) && IpAddress.TryParse(last.Trim(), out var to)
            && from.IsV6 == to.IsV6 && from <= to ? new AddressRange(from, to) : null;
    }

    /// <summary>All of an address family or both for %any; else one pattern: what is no address is a host name.</summary>
    public static (ImmutableArray<AddressPattern> Patterns, string? Error) Patterns(string text)
    {
        switch (text)
        {
            case "%any":
                return ([All(IpAddress.AnyV4), All(IpAddress.AnyV6)], null);
            case "%any4" or "0.0.0.0":
                return ([All(IpAddress.AnyV4)], null);
            case "%any6" or "::":
                return ([All(IpAddress.AnyV6)], null);
        }
        if (Range(text) is { } range)
            return ([new AddressPattern(range, null)], null);
        // A range the wrong way round looks like a name.
        return !text.Split('-').All(end => IpAddress.TryParse(end, out _)) && Uri.CheckHostName(text) == UriHostNameType.Dns && !text.All(c => char.IsAsciiDigit(c) || c == '.')
            ? ([new AddressPattern(null, text)], null)
            : ([], $"\"{text}\" is neither an address, a prefix, a range FIRST-LAST, a host name nor %any");
    }

    /// <summary>Several, comma separated before; nothing but %any is the empty list, which is anything.</summary>
    public static (ImmutableArray<AddressPattern> Patterns, string? Error) Patterns(IReadOnlyList<string> items)
    {
        var result = ImmutableArray.CreateBuilder<AddressPattern>();
        foreach (var item in items)
        {
            var (patterns, error) = Patterns(item.Trim());
            if (error is not null)
                return ([], error);
            result.AddRange(patterns);
        }
        return (items.All(i => i.Trim() == "%any") ? [] : result.ToImmutable(), null);
    }

    /// <summary><c>dynamic</c>, an address or range, each with an optional <c>[protocol/port]</c>.</summary>
    public static (SelectorTemplate? Selector, string? Error) Selector(string text)
    {
        var open = text.IndexOf('[', StringComparison.Ordinal);
        var address = open < 0 ? text : text[..open];
        var template = SelectorTemplate.Dynamic;
        if (open >= 0)
        {
            if (!text.EndsWith(']'))
                return (null, $"\"{text}\" has no closing ]");
            if (!TryProtocolAndPort(text[(open + 1)..^1], out template, out var error))
                return (null, $"\"{text}\": {error}");
        }
        if (address.Equals("dynamic", StringComparison.OrdinalIgnoreCase))
            return (template, null);
        return Range(address) is { } range
            ? (template with { Range = range }, null)
            : (null, $"\"{address}\" is neither an address, a prefix, a range FIRST-LAST nor \"dynamic\"");
    }

    /// <summary>
    /// A selector as charon prints it: protocols and single ports by their names on this host, ICMP as type and code. A null
    /// <paramref name="address"/> stands for the range.
    /// </summary>
    public static string Print(Selector selector, string? address = null)
    {
        var range = address ?? selector.Range.ToString();
        if (selector.Protocol == 0 && selector.IsAnyPort)
            return range;
        var protocol = selector.Protocol == 0 ? "0" : IpNames.Protocol(selector.Protocol) ?? Text(selector.Protocol);
        return selector.IsAnyPort ? $"{range}[{protocol}]" : $"{range}[{protocol}/{Ports(selector)}]";
    }

    public static string Print(SelectorTemplate template) => Print(template.For(IpAddress.AnyV4), template.Range is null ? "dynamic" : null);

    static string Ports(Selector selector)
    {
        if (selector.IsOpaque)
            return "OPAQUE";
        return selector.FirstPort == selector.LastPort ? Port(selector.Protocol, selector.FirstPort, byName: true)
            : $"{Port(selector.Protocol, selector.FirstPort, byName: false)}-{Port(selector.Protocol, selector.LastPort, byName: false)}";
    }

    static string Port(byte protocol, ushort port, bool byName)
    {
        if (protocol is 1 or 58)
            return (port & 0xff) == 0 ? Text(port >> 8) : $"{Text(port >> 8)}({Text(port & 0xff)})";
        return (byName ? IpNames.Service(protocol, port) : null) ?? Text(port);
    }

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>An address range as charon takes and prints it in <c>local_addrs</c>: with a hyphen.</summary>
    public static string Print(AddressPattern pattern) =>
        pattern is { Range: { } range, Single: null } && range.PrefixLength() is null ? $"{range.First}-{range.Last}" : pattern.ToString();

    static AddressPattern All(IpAddress family) => new(AddressRange.Prefix(family, 0), null);

    static bool TryProtocolAndPort(string text, out SelectorTemplate template, out string error)
    {
        template = SelectorTemplate.Dynamic;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var (protocolName, port) = slash < 0 ? (text, "any") : (text[..slash], text[(slash + 1)..]);
        byte? protocol = protocolName is "" or "any" ? (byte)0 : SettingsText.Number<byte>(protocolName, 0, 255) ?? IpNames.Protocol(protocolName);
        error = protocol is null
            ? $"\"{protocolName}\" is no IP protocol: give its number"
            : $"\"{port}\" is no port: give a number, a range, a service name, any or opaque";
        if (protocol is null || Ports(port) is not var (first, last))
            return false;
        template = new SelectorTemplate(null, protocol.Value, first, last);
        return true;
    }

    static ushort? Port(string text) => SettingsText.Number<ushort>(text, 0, ushort.MaxValue);

    static (ushort First, ushort Last)? Ports(string text)
    {
        if (text is "" or "any")
            return (0, ushort.MaxValue);
        if (text == "opaque")
            return (ushort.MaxValue, 0);
        if (IpNames.Service(text) is { } service)
            return (service, service);
        var ends = text.Split('-');
        return ends.Length <= 2 && Port(ends[0]) is { } first && Port(ends[^1]) is { } last && first <= last ? (first, last) : null;
    }
}
