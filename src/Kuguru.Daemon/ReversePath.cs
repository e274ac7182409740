namespace Kuguru.Daemon;

/// <summary>
/// The kernel's check of where IPv4 packets come from (rp_filter). What comes out of an SA was authenticated and fits its selectors, and what
/// comes in for transport mode has the same addresses outside as inside. The strict check asks besides whether an answer would leave by the
/// same device; and in asking it knows neither marks nor, for fragments and ARP, protocol and ports, so it would be told the wrong device. Where
/// it is strict, it becomes loose for as long as we run: some way back is enough.
/// </summary>
sealed class ReversePath(Action<string> tell) : IDisposable
{
    const string Strict = "1", Loose = "2";

    readonly Dictionary<string, string> _before = new(StringComparer.Ordinal);
    readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <summary>On this device; once is enough. Where it cannot be changed, that is told.</summary>
    public void Loosen(string link)
    {
        if (!_seen.Add(link))
            return;
        var file = FileOf(link);
        try
        {
            var before = Read(file);
            // The stricter of the two counts, and 2 is more than 1.
            if ((before != Strict && Read(FileOf("all")) != Strict) || before == Loose)
                return;
            File.WriteAllText(file, Loose);
            _before.Add(file, before);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            tell($"cannot set {file} to {Loose} ({e.Message}): set it yourself, or the kernel may drop what peers send in transport mode");
        }
    }

    /// <summary>Puts back what was there, on devices that still are.</summary>
    public void Dispose()
    {
        foreach (var (file, before) in _before.Where(one => File.Exists(one.Key)))
            File.WriteAllText(file, before);
        _before.Clear();
    }

    static string FileOf(string link) => $"/proc/sys/net/ipv4/conf/{link}/rp_filter";
    static string Read(string file) => File.ReadAllText(file).Trim();
}
