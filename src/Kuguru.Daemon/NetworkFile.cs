using System.Globalization;
using Kuguru.Nat;

namespace Kuguru.Daemon;

// networks: one network a line, the latest last: the longest silence that its NAT has lived through, and the shortest that it has not, in seconds
//
//   45 75 192.168.1.1 52:54:00:12:34:56
//   330 - 10.0.0.1 52:54:00:ab:cd:ef

/// <summary>What was learned of networks, in a folder that only the owner reads: where this host has been is nobody else's business.</summary>
public sealed class NetworkFile
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const int MaxOctets = 64 * 1024;
    const string Never = "-";

    readonly string _folder, _path;
    readonly NetworkMemory _memory = new();

    /// <summary>Reads what is there; lines that make no sense are left out.</summary>
    /// <exception cref="IOException">There is a file that cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public NetworkFile(string folder)
    {
        (_folder, _path) = (folder, System.IO.Path.Combine(folder, "networks"));
        if (!File.Exists(_path) || new FileInfo(_path).Length > MaxOctets)
            return;
        foreach (var line in File.ReadLines(_path))
        {
            if (Read(line) is { } known)
                _memory.Learn(known.Name, known.Life);
        }
    }

    public IReadOnlyList<KnownNetwork> Networks => _memory.Networks;

    /// <summary>Keeps it; the file is never half written.</summary>
    /// <exception cref="IOException">The folder cannot be made or written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Learn(string network, MappingLife life)
    {
        _memory.Learn(network, life);
        Directory.CreateDirectory(_folder, OwnerOnly | UnixFileMode.UserExecute);
        var draft = _path + ".new";
        File.Delete(draft);
        using (var stream = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        using (var writer = new StreamWriter(stream))
        {
            foreach (var known in _memory.Networks)
                writer.WriteLine(Write(known));
        }
        File.Move(draft, _path, overwrite: true);
    }

    static string Write(KnownNetwork known) =>
        string.Create(CultureInfo.InvariantCulture, $"{Seconds(known.Life.Holds)} {(known.Life.Fails is { } fails ? Seconds(fails) : Never)} {known.Name}");

    static long Seconds(TimeSpan time) => (long)time.TotalSeconds;

    static KnownNetwork? Read(string line)
    {
        var words = line.Split(' ', 3);
        if (words.Length < 3 || words[2].Length == 0 || Time(words[0]) is not { } holds)
            return null;
        var fails = Time(words[1]);
        return fails is null && words[1] != Never ? null : new(words[2], new(holds, fails));
    }

    static TimeSpan? Time(string word) =>
        ushort.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(seconds) : null;
}
