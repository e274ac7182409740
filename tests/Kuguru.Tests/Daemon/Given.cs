using System.Globalization;
using Kuguru.Linux;

namespace Kuguru.Tests.Daemon;

/// <summary>What the tests of this room start from.</summary>
static class Given
{
    static readonly Dictionary<string, byte> _protocols = new() { ["icmp"] = 1, ["tcp"] = 6, ["udp"] = 17 };

    /// <summary><c>10.1.0.0/16 10.2.0.1-10.2.0.4 10.3.0.0/16[tcp/80] 10.4.0.0/16[udp/0-1023]</c></summary>
    public static Selector[] Selectors(string text) => [.. text.Split(' ').Select(SelectorOf)];

    static Selector SelectorOf(string text)
    {
        var parts = text.TrimEnd(']').Split('[');
        var range = RangeOf(parts[0]);
        if (parts.Length == 1)
            return new(range);
        var service = parts[1].Split('/');
        if (service.Length == 1)
            return new(range, _protocols[service[0]]);
        var ports = service[1].Split('-').Select(port => ushort.Parse(port, CultureInfo.InvariantCulture)).ToArray();
        return new(range, _protocols[service[0]], ports[0], ports[^1]);
    }

    static AddressRange RangeOf(string text)
    {
        if (text.Split('-') is [var first, var last])
            return new(IpAddress.Parse(first), IpAddress.Parse(last));
        var prefix = Prefix.Parse(text);
        return AddressRange.Prefix(prefix.Address, prefix.Length);
    }
}
