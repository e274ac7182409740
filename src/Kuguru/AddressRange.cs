namespace Kuguru;

/// <summary>Inclusive range of addresses of one family.</summary>
public readonly record struct AddressRange(IpAddress First, IpAddress Last)
{
    public static AddressRange Prefix(IpAddress address, int bits) => new(address.First(bits), address.Last(bits));
    public static AddressRange Single(IpAddress address) => new(address, address);
    public bool Contains(IpAddress address) => First.IsV6 == address.IsV6 && First <= address && address <= Last;

    /// <summary>The prefix length, where the range is exactly one prefix; else null.</summary>
    public int? PrefixLength()
    {
        for (var bits = 0; bits <= First.Bits; bits++)
        {
            if (First.First(bits) == First && First.Last(bits) == Last)
                return bits;
        }
        return null;
    }

    public override string ToString() => PrefixLength() is { } bits ? $"{First}/{bits}" : $"{First}..{Last}";
}
