using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>Identities of phase 2 (RFC 2407 section 4.6.2): which packets, as addresses, protocol and port.</summary>
static class QuickIds
{
    public static Payload.ID Write(Selector selector)
    {
        var (first, last, isV6) = (selector.Range.First, selector.Range.Last, selector.Range.First.IsV6);
        var port = selector.FirstPort == selector.LastPort ? selector.FirstPort : (ushort)0;
        if (first == last)
            return new(isV6 ? IdKind.Ipv6Addr : IdKind.Ipv4Addr, selector.Protocol, port, first.ToBytes());
        return selector.Range.PrefixLength() is { } bits
            ? new(isV6 ? IdKind.Ipv6AddrSubnet : IdKind.Ipv4AddrSubnet, selector.Protocol, port, (byte[])[.. first.ToBytes(), .. Mask(bits, first.Bits / 8)])
            : new(isV6 ? IdKind.Ipv6AddrRange : IdKind.Ipv4AddrRange, selector.Protocol, port, (byte[])[.. first.ToBytes(), .. last.ToBytes()]);
    }

    /// <summary>Null for what names no packets: names, masks with holes, ranges that run backwards.</summary>
    public static Selector? Read(Payload.ID id)
    {
        var data = id.Data.Span;
        AddressRange? range = (id.Kind, data.Length) switch
        {
            (IdKind.Ipv4Addr, 4) or (IdKind.Ipv6Addr, 16) => AddressRange.Single(IpAddress.Read(data)),
            (IdKind.Ipv4AddrSubnet, 8) or (IdKind.Ipv6AddrSubnet, 32) => Subnet(data[..(data.Length / 2)], data[(data.Length / 2)..]),
            (IdKind.Ipv4AddrRange, 8) or (IdKind.Ipv6AddrRange, 32) => Range(IpAddress.Read(data[..(data.Length / 2)]), IpAddress.Read(data[(data.Length / 2)..])),
            _ => null,
        };
        return range is not { } addresses ? null
            : id.Port == 0 ? new Selector(addresses, id.Protocol) : new Selector(addresses, id.Protocol, id.Port, id.Port);
    }

    static AddressRange? Range(IpAddress first, IpAddress last) => first <= last ? new(first, last) : null;

    static AddressRange? Subnet(ReadOnlySpan<byte> address, ReadOnlySpan<byte> mask)
    {
        for (var bits = 0; bits <= mask.Length * 8; bits++)
        {
            if (mask.SequenceEqual(Mask(bits, mask.Length)))
                return AddressRange.Prefix(IpAddress.Read(address), bits);
        }
        return null;
    }

    static byte[] Mask(int bits, int length)
    {
        var mask = new byte[length];
        for (var i = 0; i < bits; i++)
            mask[i / 8] |= (byte)(0x80 >> i % 8);
        return mask;
    }
}
