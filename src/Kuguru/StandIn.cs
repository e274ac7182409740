namespace Kuguru;

/// <summary>
/// A prefix of the peer's that this host and its network see under another one of the same size, because somebody else has the same
/// (<c>same-nat</c>, <c>overlap</c>). Prints as <c>192.168.1.0/24 as 198.18.1.0/24</c>.
/// </summary>
/// <param name="Inside">The addresses inside the SA; exactly a prefix.</param>
/// <param name="First">The first of the addresses that stand in for them.</param>
public readonly record struct StandIn(AddressRange Inside, IpAddress First)
{
    /// <summary>The addresses that stand in.</summary>
    public AddressRange Seen => new(First, First.WithValue(First.Value + (Inside.Last.Value - Inside.First.Value)));

    /// <summary>What stands in for an address of <see cref="Inside"/>.</summary>
    public IpAddress See(IpAddress inside) => First.WithValue(First.Value + (inside.Value - Inside.First.Value));

    /// <summary>How the peer's selectors look from outside; all that these stand-ins do not cover stays.</summary>
    public static IEnumerable<Selector> See(IEnumerable<Selector> remote, IReadOnlyCollection<StandIn> standIns)
    {
        foreach (var selector in remote)
        {
            var seen = selector;
            foreach (var one in standIns)
            {
                if (one.Inside.Contains(selector.Range.First) && one.Inside.Contains(selector.Range.Last))
                    seen = selector with { Range = new(one.See(selector.Range.First), one.See(selector.Range.Last)) };
            }
            yield return seen;
        }
    }

    public override string ToString() => $"{Inside} as {Seen}";
}
