namespace Kuguru.Daemon.Settings;

/// <summary>One <c>key = value</c>. Prints its key only, as the text may be a secret.</summary>
public sealed record SettingsValue(string Key, string Text, Origin At)
{
    public override string ToString() => Key;
}

/// <summary>
/// A section as the daemon sees it: files merged, later values in place of earlier ones, references resolved (what is inherited
/// follows what is the section's own), cleared values gone. <paramref name="Path"/> is dotted and empty for the root.
/// </summary>
public sealed record SettingsSection(
    string Name, string Path, Origin At, IReadOnlyList<SettingsValue> Values, IReadOnlyList<SettingsSection> Sections)
{
    /// <summary>The value of this key, null when there is none or it was cleared.</summary>
    public SettingsValue? Value(string key) => Values.FirstOrDefault(v => v.Key == key);

    /// <summary>The subsection of this name, which may be dotted.</summary>
    public SettingsSection? Section(string path)
    {
        var section = this;
        foreach (var name in path.Split('.'))
        {
            section = section.Sections.FirstOrDefault(s => s.Name == name);
            if (section is null)
                return null;
        }
        return section;
    }

    /// <summary>The dotted path of something in this section, for complaints.</summary>
    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    public override string ToString() => Path;
}
