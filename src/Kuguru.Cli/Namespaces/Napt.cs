using System.Text.RegularExpressions;

namespace Kuguru.Cli.Namespaces;

/// <summary>
/// Network address and port translation by the kernel (nftables, conntrack) on a host's outer device: what leaves there gets the
/// device's address and a source port from <see cref="Ports"/>, chosen at random and never preserved. Filters and port
/// forwards are set one by one; each takes effect at once.
/// </summary>
public sealed class Napt
{
    readonly string _outside;

    public Napt(Host host, string outside, int first = 20000, int last = 29999)
    {
        (Host, _outside) = (host, outside);
        Rules("""
            add table inet napt
            add chain inet napt forwards { type nat hook prerouting priority dstnat; }
            add chain inet napt translation { type nat hook postrouting priority srcnat; }
            add chain inet napt filter { type filter hook forward priority filter; }
            add chain inet napt fragments { type filter hook prerouting priority -450; }
            """);
        Remap(first, last);
    }

    public Host Host { get; }

    /// <summary>The source ports that mappings get.</summary>
    public (int First, int Last) Ports { get; private set; }

    /// <summary>Other ports for new mappings, and all mappings forgotten: what a NAT's restart looks like from both sides.</summary>
    public void Remap(int first, int last)
    {
        Ports = (first, last);
        Rules($$"""
            flush chain inet napt translation
            add rule inet napt translation oifname "{{_outside}}" meta l4proto { tcp, udp } masquerade to :{{first}}-{{last}} fully-random
            add rule inet napt translation oifname "{{_outside}}" masquerade
            """);
        Flush();
    }

    /// <summary>No translation any more, but a stateful firewall: from outside comes in only what belongs to a flow from inside.</summary>
    public void OnlyFilter() => Rules($$"""
        flush chain inet napt translation
        add rule inet napt filter iifname "{{_outside}}" ct state established,related accept
        add rule inet napt filter iifname "{{_outside}}" drop
        """);

    /// <summary>A port forward: what comes to this UDP port from outside goes to a host inside.</summary>
    public void Forward(int port, string to)
    {
        var (protocol, family) = to.Contains(':') ? ("ipv6", "ip6") : ("ipv4", "ip");
        Rules($"add rule inet napt forwards iifname \"{_outside}\" meta nfproto {protocol} udp dport {port} dnat {family} to {to}");
    }

    /// <summary>Drops what matches, in either direction; the match is nftables' (<c>udp dport 4500</c>).</summary>
    public void Drop(string match) => Rules($"add rule inet napt filter {match} drop");

    /// <summary>Lets no plain ESP through, as most NATs.</summary>
    public void DropEsp() => Drop("meta l4proto esp");

    /// <summary>Drops IPv4 fragments, before the kernel can put them together.</summary>
    public void DropFragments() => Rules("add rule inet napt fragments ip frag-off & 0x3fff != 0 drop");

    /// <summary>Lets everything through again that <see cref="Drop"/> and its kin stopped.</summary>
    public void DropNothing() => Rules("flush chain inet napt filter\nflush chain inet napt fragments");

    /// <summary>How long an idle UDP mapping lives: before, and after, both sides have talked for a while.</summary>
    public void Timeouts(TimeSpan talking, TimeSpan settled)
    {
        // A kernel setting is that of the namespace of whoever opens the file, so a process of the host writes it.
        foreach (var (name, span) in new[] { ("udp_timeout", talking), ("udp_timeout_stream", settled) })
            Host.Run("bash", "-c", $"echo {span.TotalSeconds:0} >/proc/sys/net/netfilter/nf_conntrack_{name}");
    }

    /// <summary>Forgets all mappings.</summary>
    public void Flush() => Host.Run("conntrack", "-F");

    /// <summary>The UDP mappings that exist now.</summary>
    public IReadOnlyList<Mapping> Table() =>
    [
        .. Host.Run("conntrack", "-L", "-p", "udp").Split('\n').Select(Mapping.Read).OfType<Mapping>()
            .OrderBy(mapping => mapping.Inside, StringComparer.Ordinal),
    ];

    void Rules(string text) => Host.Try(["nft", "-f", "-"], input: text).Text();
}

/// <summary>A UDP mapping: whose packets leave as whom, and to whom; endpoints as <c>10.1.0.10[4500]</c>.</summary>
public sealed partial record Mapping(string Inside, string Outside, string Remote)
{
    /// <summary>A line of <c>conntrack -L</c>: the flow as it came, and the flow as its answers come.</summary>
    internal static Mapping? Read(string line)
    {
        var match = Line().Match(line);
        string Endpoint(int address, int port) => $"{match.Groups[address].Value}[{match.Groups[port].Value}]";
        return match.Success ? new(Endpoint(1, 3), Endpoint(6, 8), Endpoint(2, 4)) : null;
    }

    [GeneratedRegex(@"src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)")]
    private static partial Regex Line();
}
