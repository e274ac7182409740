namespace Kuguru.Daemon.Settings;

/// <summary>Where something was written; prints as <c>/etc/swanctl/swanctl.conf:17</c>.</summary>
public readonly record struct Origin(string File, int Line)
{
    public override string ToString() => $"{File}:{Line}";
}

/// <summary>One thing wrong in a file: where, under which key (dotted, empty for syntax), and what would be right.</summary>
public sealed record Complaint(Origin At, string Key, string What, bool IsError)
{
    public override string ToString() => Key.Length == 0 ? $"{At}: {What}" : $"{At}: {Key}: {What}";
}

/// <summary>Collects all that is wrong in a set of files, so that one run shows everything. Errors refuse the file, warnings are told.</summary>
public sealed class Complaints
{
    readonly List<Complaint> _all = [];

    public IReadOnlyList<Complaint> All => _all;
    public bool HasErrors => _all.Any(c => c.IsError);

    public void Error(Origin at, string key, string what) => Add(new Complaint(at, key, what, true));
    public void Warning(Origin at, string key, string what) => Add(new Complaint(at, key, what, false));

    /// <summary>The known word that somebody probably meant, as <c>: did you mean "x"?</c>, or nothing.</summary>
    public static string DidYouMean(string word, IEnumerable<string> known)
    {
        var (best, distance) = known.Select(k => (k, Distance(word, k))).DefaultIfEmpty(("", int.MaxValue)).MinBy(p => p.Item2);
        return distance <= Math.Max(1, word.Length / 3) ? $": did you mean \"{best}\"?" : "";
    }

    /// <summary>A section that others inherit from is met several times, and told once.</summary>
    void Add(Complaint complaint)
    {
        if (!_all.Contains(complaint))
            _all.Add(complaint);
    }

    /// <summary>Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.</summary>
    internal static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
