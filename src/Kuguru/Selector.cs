using System.Globalization;

namespace Kuguru;

/// <summary>
/// Which packets an SA takes, at one end (RFC 4301 section 4.4.1.1): addresses, IP protocol and ports.
/// Protocol 0 is any. Ports 0 to 65535 are any; 65535 to 0 is OPAQUE. For ICMP a port is type and code, 8 bits each (RFC 7296 section 3.13.1).
/// Prints as charon does: <c>10.1.0.0/16</c>, <c>10.1.0.10/32[udp/1701]</c>.
/// </summary>
public readonly record struct Selector(AddressRange Range, byte Protocol = 0, ushort FirstPort = 0, ushort LastPort = ushort.MaxValue)
{
    public bool IsAnyPort => FirstPort == 0 && LastPort == ushort.MaxValue;
    public bool IsOpaque => FirstPort > LastPort;

    /// <summary>What both take; null when there is nothing.</summary>
    public Selector? Intersect(Selector other)
    {
        if (Range.First.IsV6 != other.Range.First.IsV6 || (Protocol != other.Protocol && Protocol != 0 && other.Protocol != 0))
            return null;
        var first = Range.First > other.Range.First ? Range.First : other.Range.First;
        var last = Range.Last < other.Range.Last ? Range.Last : other.Range.Last;
        if (first > last)
            return null;
        var protocol = Protocol == 0 ? other.Protocol : Protocol;
        if (IsOpaque || other.IsOpaque)
            return IsOpaque && other.IsOpaque ? new Selector(new(first, last), protocol, ushort.MaxValue, 0) : null;
        var (low, high) = (Math.Max(FirstPort, other.FirstPort), Math.Min(LastPort, other.LastPort));
        return low > high ? null : new Selector(new(first, last), protocol, low, high);
    }

    /// <summary>Takes everything that the other takes.</summary>
    public bool Covers(Selector other) => Intersect(other) == other;

    public override string ToString() => Protocol == 0 && IsAnyPort ? $"{Range}" : $"{Range}[{ProtocolName}{PortText}]";

    string ProtocolName => Protocol switch
    {
        0 => "0",
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        58 => "ipv6-icmp",
        _ => Protocol.ToString(CultureInfo.InvariantCulture),
    };

    string PortText => IsAnyPort ? "" : IsOpaque ? "/OPAQUE"
        : FirstPort == LastPort ? string.Create(CultureInfo.InvariantCulture, $"/{FirstPort}")
        : string.Create(CultureInfo.InvariantCulture, $"/{FirstPort}-{LastPort}");
}
