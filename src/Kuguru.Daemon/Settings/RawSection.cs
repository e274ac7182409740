namespace Kuguru.Daemon.Settings;

/// <summary>A section as written, several of the same name merged; references not followed yet. A value of null was cleared by <c>key =</c>.</summary>
sealed class RawSection(string name, Origin at)
{
    readonly Dictionary<string, int> _keys = new(StringComparer.Ordinal);
    readonly Dictionary<string, RawSection> _byName = new(StringComparer.Ordinal);

    public string Name { get; } = name;
    public Origin At { get; } = at;
    public List<(string Key, string? Text, Origin At)> Values { get; } = [];
    public List<RawSection> Sections { get; } = [];
    public List<(string Path, Origin At)> References { get; } = [];

    public RawSection? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A repeated key keeps its place and takes the new value.</summary>
    public void Set(string key, string? text, Origin at)
    {
        if (_keys.TryGetValue(key, out var index))
        {
            Values[index] = (key, text, at);
            return;
        }
        _keys.Add(key, Values.Count);
        Values.Add((key, text, at));
    }

    /// <summary>A repeated section extends the first.</summary>
    public RawSection Open(string name, Origin at)
    {
        if (Find(name) is { } known)
            return known;
        var section = new RawSection(name, at);
        _byName.Add(name, section);
        Sections.Add(section);
        return section;
    }

    /// <summary>What is inherited from comes after what was inherited before; naming a section twice changes nothing.</summary>
    public void Refer(IEnumerable<(string Path, Origin At)> references) =>
        References.AddRange(references.Where(r => !References.Exists(known => known.Path == r.Path)));
}
