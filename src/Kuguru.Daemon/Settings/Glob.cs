namespace Kuguru.Daemon.Settings;

/// <summary>Shell wildcards in paths: <c>*</c>, <c>?</c> and <c>[a-z]</c> in any component; hidden files only by name.</summary>
static class Glob
{
    public static bool HasWildcard(string pattern) => pattern.AsSpan().ContainsAny('*', '?', '[');

    /// <summary>The files that match, in order of their names.</summary>
    public static IReadOnlyList<string> Match(string pattern)
    {
        var paths = new List<string> { System.IO.Path.IsPathRooted(pattern) ? "/" : "" };
        foreach (var component in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
            paths = [.. paths.SelectMany(p => Step(p, component))];
        return [.. paths.Where(File.Exists)];
    }

    static IEnumerable<string> Step(string directory, string component)
    {
        if (!HasWildcard(component))
            return [System.IO.Path.Combine(directory, component)];
        var where = directory.Length == 0 ? "." : directory;
        if (!Directory.Exists(where))
            return [];
        return Directory.EnumerateFileSystemEntries(where)
            .Select(e => System.IO.Path.GetFileName(e)!)
            .Where(n => Fits(component, n) && (n[0] != '.' || component[0] == '.'))
            .Order(StringComparer.Ordinal)
            .Select(n => System.IO.Path.Combine(directory, n));
    }

    /// <summary>Whether a name fits a pattern without slashes.</summary>
    internal static bool Fits(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        if (pattern.IsEmpty)
            return name.IsEmpty;
        if (pattern[0] == '*')
            return Fits(pattern[1..], name) || (!name.IsEmpty && Fits(pattern, name[1..]));
        if (name.IsEmpty)
            return false;
        var close = pattern[0] == '[' && pattern.Length > 2 ? pattern[2..].IndexOf(']') + 2 : 1;
        return close > 1
            ? InSet(pattern[1..close], name[0]) && Fits(pattern[(close + 1)..], name[1..])
            : (pattern[0] == '?' || pattern[0] == name[0]) && Fits(pattern[1..], name[1..]);
    }

    /// <summary>The inside of brackets: single characters and ranges, all others when it begins with '!'.</summary>
    static bool InSet(ReadOnlySpan<char> set, char c)
    {
        if (set.Length > 1 && set[0] is '!' or '^')
            return !InSet(set[1..], c);
        for (var i = 0; i < set.Length; i++)
        {
            if (i + 2 < set.Length && set[i + 1] == '-')
            {
                if (c >= set[i] && c <= set[i + 2])
                    return true;
                i += 2;
            }
            else if (c == set[i])
            {
                return true;
            }
        }
        return false;
    }
}
