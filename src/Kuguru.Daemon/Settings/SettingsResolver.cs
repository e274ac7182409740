namespace Kuguru.Daemon.Settings;

/// <summary>
/// Follows references: a section is the list of all raw sections that contribute to it, its own first, then those that it refers to
/// from left to right, then those that the parent's references bring. The first that has a key decides it, also by clearing it.
/// </summary>
sealed class SettingsResolver(RawSection root, Complaints complaints)
{
    readonly HashSet<string> _following = new(StringComparer.Ordinal);

    public static SettingsSection? Resolve(RawSection root, Complaints complaints)
    {
        var before = complaints.All.Count(c => c.IsError);
        var section = new SettingsResolver(root, complaints).Merge("", "", [root]);
        return complaints.All.Count(c => c.IsError) == before ? section : null;
    }

    SettingsSection Merge(string name, string path, List<RawSection> contributors)
    {
        var values = new List<SettingsValue>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (key, text, at) in contributors.SelectMany(c => c.Values))
        {
            if (seen.Add(key) && text is not null)
                values.Add(new SettingsValue(key, text, at));
        }
        var names = contributors.SelectMany(c => c.Sections).Select(s => s.Name).Distinct(StringComparer.Ordinal);
        var sections = names.Select(n => Merge(n, path.Length == 0 ? n : $"{path}.{n}", Children(contributors, n)));
        return new SettingsSection(name, path, contributors[0].At, values, [.. sections]);
    }

    List<RawSection> Children(List<RawSection> parents, string name)
    {
        var result = new List<RawSection>();
        foreach (var child in parents.Select(p => p.Find(name)).OfType<RawSection>())
            Expand(child, result);
        return result;
    }

    void Expand(RawSection section, List<RawSection> result)
    {
        if (result.Contains(section))
            return;
        result.Add(section);
        foreach (var (path, at) in section.References)
            Follow(path, at, section, result);
    }

    void Follow(string path, Origin at, RawSection from, List<RawSection> result)
    {
        if (!_following.Add(path))
        {
            complaints.Error(at, "", $"section '{from.Name}' refers to '{path}', which refers back to it");
            return;
        }
        var found = new List<RawSection> { root };
        foreach (var name in path.Split('.'))
            found = Children(found, name);
        if (found.Count == 0)
            complaints.Error(at, "", $"section '{from.Name}' refers to '{path}', but there is no such section");
        foreach (var section in found.Where(f => !result.Contains(f)))
            result.Add(section);
        _following.Remove(path);
    }
}
