using System.Collections.Immutable;

namespace Kuguru.Ike;

/// <summary>Which of the packets that one side wants in a tunnel the other side agrees to (RFC 7296 section 2.9).</summary>
public static class Narrowing
{
    /// <summary>No payload holds more selectors.</summary>
    const int MaxSelectors = 255;

    /// <summary>
    /// The selectors that a configured end stands for when it has these addresses. "Dynamic" is each address by itself; an any-address, which
    /// is what an end has that still waits for a virtual one, is its whole family.
    /// </summary>
    public static ImmutableArray<Selector> Resolve(ImmutableArray<SelectorTemplate> templates, IReadOnlyCollection<IpAddress> addresses)
    {
        var selectors = ImmutableArray.CreateBuilder<Selector>();
        foreach (var template in templates)
        {
            if (template.Range is not null)
                selectors.Add(template.For(default));
            else
                selectors.AddRange(addresses.Select(address => Dynamic(template, address)));
        }
        return WithoutCovered(selectors);
    }

    /// <summary>What both have, in the order of what is configured; empty when there is nothing in common.</summary>
    public static ImmutableArray<Selector> Narrow(ImmutableArray<Selector> configured, ImmutableArray<Selector> offered)
    {
        var common = ImmutableArray.CreateBuilder<Selector>();
        foreach (var mine in configured)
        {
            foreach (var theirs in offered)
            {
                if (common.Count < MaxSelectors && mine.Intersect(theirs) is { } both)
                    common.Add(both);
            }
        }
        return WithoutCovered(common);
    }

    /// <summary>How well a child fits an offer: 0 not at all, 1 after narrowing, 2 just as it was offered.</summary>
    public static int Fit(ImmutableArray<Selector> narrowed, ImmutableArray<Selector> offered) =>
        narrowed.IsEmpty ? 0 : offered.All(theirs => narrowed.Any(mine => mine.Covers(theirs))) ? 2 : 1;

    static Selector Dynamic(SelectorTemplate template, IpAddress address) =>
        address.IsAny ? template.For(address) with { Range = AddressRange.Prefix(address, 0) } : template.For(address);

    static ImmutableArray<Selector> WithoutCovered(ImmutableArray<Selector>.Builder selectors)
    {
        var kept = ImmutableArray.CreateBuilder<Selector>();
        for (var i = 0; i < selectors.Count; i++)
        {
            var one = selectors[i];
            // Of two that are equal the first stays.
            if (!selectors.Where((other, j) => j != i && other.Covers(one) && (other != one || j < i)).Any())
                kept.Add(one);
        }
        return kept.ToImmutable();
    }
}
