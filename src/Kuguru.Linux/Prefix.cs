using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Kuguru.Linux;

/// <summary>An address and how many of its leading bits count: a network when the rest is zero, else an address in its network.</summary>
public readonly record struct Prefix(IpAddress Address, int Length)
{
    public static Prefix AllV4 => new(IpAddress.AnyV4, 0);
    public static Prefix AllV6 => new(IpAddress.AnyV6, 0);

    /// <summary>One address: /32 or /128.</summary>
    public static Prefix Host(IpAddress address) => new(address, address.Bits);

    public bool IsV6 => Address.IsV6;

    /// <summary>The same prefix with its host bits zero.</summary>
    public Prefix Network => new(Address.First(Length), Length);

    public bool Contains(IpAddress address) => address.IsV6 == IsV6 && address.First(Length) == Address.First(Length);

    /// <summary>The fewest prefixes that together are the range, in order.</summary>
    public static IEnumerable<Prefix> FromRange(IpAddress first, IpAddress last)
    {
        while (first.CompareTo(last) <= 0)
        {
            var length = first.Bits;
            while (length > 0 && first.First(length - 1) == first && first.Last(length - 1).CompareTo(last) <= 0)
                length--;
            yield return new(first, length);
            var end = first.Last(length);
            if (end == first.Last(0))
                yield break;
            first = first.WithValue(end.Value + 1);
        }
    }

    public static Prefix Parse(string text) => TryParse(text, out var prefix) ? prefix : throw new FormatException($"'{text}' is not a prefix");

    /// <summary><c>10.1.0.0/16</c>; without a length it is one address.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Prefix prefix)
    {
        prefix = default;
        var slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (!IpAddress.TryParse(slash < 0 ? text : text![..slash], out var address))
            return false;
        var length = address.Bits;
        if (slash >= 0 && !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length))
            return false;
        prefix = new(address, length);
        return length <= address.Bits;
    }

    public override string ToString() => $"{Address}/{Length}";
}
