namespace Kuguru.Ike.V1;

/// <summary>What a peer asks for, as a child of ours would have it.</summary>
/// <param name="Scope">With the selectors agreed on.</param>
/// <param name="Transport">What both ends are called; null in tunnel mode.</param>
readonly record struct QuickScope(Scope Scope, TransportEnds? Transport);

/// <summary>Which of our children takes what a peer wants: there are no selectors but one identity a side, which is taken as it is or not at all.</summary>
static class QuickScopes
{
    /// <summary>
    /// The children whose selectors take what the peer wants, the closest first, and transport mode before tunnel mode where it may be either. A client of
    /// Cisco's Unity asks for everything, and means what it has been told.
    /// </summary>
    public static List<QuickScope> Fitting(Turn t, Established e, Selector local, Selector remote)
    {
        var fitting = new List<(QuickScope Scope, int Fit)>();
        foreach (var scope in Scopes(t, e))
        {
            if (scope.AsTransport([local], [remote]) is var (ours, theirs, ends) && Covers(scope, ours[0], theirs[0]))
                fitting.Add((new(scope with { Local = ours, Remote = theirs }, ends), IsExact(scope, ours[0], theirs[0]) ? 4 : 3));
            if (Covers(scope, local, remote))
                fitting.Add((new(scope with { Local = [local], Remote = [remote] }, null), IsExact(scope, local, remote) ? 2 : 1));
            else if (e.Peer.Unity && Narrowing.Narrow(scope.Local, [local]) is { IsEmpty: false } mine && Narrowing.Narrow(scope.Remote, [remote]) is { IsEmpty: false } its)
                fitting.Add((new(scope with { Local = mine, Remote = its }, null), 0));
        }
        return [.. fitting.OrderByDescending(pair => pair.Fit).Select(pair => pair.Scope)];
    }

    /// <summary>Why nothing fits, with all that we have.</summary>
    public static string Describe(Turn t, Established e) =>
        string.Join(" and ", Scopes(t, e).Select(scope => $"{string.Join(' ', scope.Local)} === {string.Join(' ', scope.Remote)} ('{scope.Config.Name}')"));

    /// <summary>Children in transport mode come first as they are: their ends keep their names when the peer has got another address from its NAT meanwhile.</summary>
    static IEnumerable<Scope> Scopes(Turn t, Established e) =>
    [
        .. e.Children.Where(child => child.Sa.Transport is not null && !child.IsWaning).Select(child => Scope.Of(child.Sa, t.Sa.Nat)),
        .. e.Connection.Children.Where(child => !child.Mode.IsShunt).Select(child => Scope.Of(child, e.Ends(t.Sa))),
    ];

    static bool Covers(Scope scope, Selector local, Selector remote) =>
        scope.Local.Any(mine => mine.Covers(local)) && scope.Remote.Any(theirs => theirs.Covers(remote));

    static bool IsExact(Scope scope, Selector local, Selector remote) => scope.Local.Contains(local) && scope.Remote.Contains(remote);
}
