using System.Collections.Frozen;
using System.Globalization;

namespace Kuguru.Daemon.Vici;

/// <summary>Names of IP protocols and services, both ways: this host's /etc/protocols and /etc/services, and a few that every host knows.</summary>
static class IpNames
{
    static readonly Lazy<IReadOnlyList<Entry>> Protocols = new(() =>
    [
        .. Read("/etc/protocols"),
        new("icmp", 1, ""), new("tcp", 6, ""), new("udp", 17, ""), new("gre", 47, ""), new("ipv6-icmp", 58, ""), new("icmpv6", 58, ""), new("sctp", 132, ""),
    ]);

    static readonly Lazy<IReadOnlyList<Entry>> Services = new(() =>
    [
        .. Read("/etc/services"),
        new("ssh", 22, "tcp"), new("domain", 53, "udp"), new("http", 80, "tcp"), new("https", 443, "tcp"), new("l2f", 1701, "udp"), new("l2tp", 1701, "udp"),
    ]);

    static readonly Lazy<FrozenDictionary<string, int>> ProtocolsByName = new(() => ByName(Protocols.Value));
    static readonly Lazy<FrozenDictionary<string, int>> ServicesByName = new(() => ByName(Services.Value));

    /// <summary>One line: a name (aliases are lines of their own), its number, and for a service its protocol.</summary>
    readonly record struct Entry(string Name, int Number, string Protocol);

    public static byte? Protocol(string name) => ProtocolsByName.Value.TryGetValue(name, out var number) && number <= byte.MaxValue ? (byte)number : null;
    public static ushort? Service(string name) => ServicesByName.Value.TryGetValue(name, out var number) ? (ushort)number : null;
    public static string? Protocol(byte number) => Protocols.Value.FirstOrDefault(p => p.Number == number).Name;

    /// <summary>The first name of a port; protocol 0 takes that of any.</summary>
    public static string? Service(byte protocol, ushort port)
    {
        var name = protocol == 0 ? null : Protocol(protocol);
        return Services.Value.FirstOrDefault(s => s.Number == port && (name is null || s.Protocol == name)).Name;
    }

    /// <summary>Lines of <c>name number[/protocol] aliases # comment</c>.</summary>
    static IEnumerable<Entry> Read(string path)
    {
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            var words = line.Split('#')[0].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || words[1].Split('/') is not [var text, .. var rest])
                continue;
            if (!ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                continue;
            foreach (var name in words.Skip(2).Prepend(words[0]))
                yield return new Entry(name, number, rest.FirstOrDefault(""));
        }
    }

    static FrozenDictionary<string, int> ByName(IEnumerable<Entry> entries) =>
        entries.DistinctBy(e => e.Name).ToFrozenDictionary(e => e.Name, e => e.Number, StringComparer.Ordinal);
}
