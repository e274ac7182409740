using System.Globalization;

namespace Kuguru.Lab;

/// <summary>Address prefixes as people write them.</summary>
public static class Prefix
{
    /// <summary><c>192.168.1.0/24</c></summary>
    public static AddressRange Of(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return AddressRange.Prefix(IpAddress.Parse(text[..slash]), int.Parse(text.AsSpan(slash + 1), CultureInfo.InvariantCulture));
    }

    /// <summary>The address at this place in the range, from 0.</summary>
    public static IpAddress At(this AddressRange range, uint index) => range.First.WithValue(range.First.Value + index);
}
