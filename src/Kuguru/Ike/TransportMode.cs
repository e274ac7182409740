using System.Collections.Immutable;

namespace Kuguru.Ike;

/// <summary>Selectors of transport mode, which are of one host at either end, and what a NAT makes of them (RFC 7296 section 2.23.1).</summary>
public static class TransportMode
{
    /// <summary>
    /// One end's selectors with the address by which we know that end. An end that is not behind a NAT has no other; null when the selectors
    /// are not of one host, or of another one.
    /// </summary>
    public static ImmutableArray<Selector>? Substitute(ImmutableArray<Selector> selectors, IpAddress host, bool isBehindNat)
    {
        if (NamedIn(selectors) is not { } named || named.IsV6 != host.IsV6)
            return null;
        if (named == host)
            return selectors;
        return isBehindNat ? [.. selectors.Select(selector => selector with { Range = AddressRange.Single(host) })] : null;
    }

    /// <summary>The one address that all of these selectors are of; null when there are several.</summary>
    public static IpAddress? NamedIn(ImmutableArray<Selector> selectors) =>
        !selectors.IsEmpty && selectors.All(selector => selector.Range == AddressRange.Single(selectors[0].Range.First))
            ? selectors[0].Range.First : null;
}
