using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Kuguru;

/// <summary>An IPv4 or IPv6 address as a value: no allocation, total order (all IPv4 before all IPv6). The default value is 0.0.0.0.</summary>
public readonly record struct IpAddress : IComparable<IpAddress>
{
    readonly UInt128 _value;

    IpAddress(UInt128 value, bool isV6) => (_value, IsV6) = (value, isV6);

    public static IpAddress AnyV4 => default;
    public static IpAddress AnyV6 => new(0, true);

    public bool IsV6 { get; }
    public bool IsAny => _value == 0;

    /// <summary>4 or 16.</summary>
    public int Length => IsV6 ? 16 : 4;

    /// <summary>32 or 128.</summary>
    public int Bits => IsV6 ? 128 : 32;

    /// <summary>The address as a number, for range arithmetic.</summary>
    public UInt128 Value => _value;

    public static IpAddress V4(uint value) => new(value, false);
    public static IpAddress V6(UInt128 value) => new(value, true);

    /// <summary>Same family, other number.</summary>
    public IpAddress WithValue(UInt128 value) => new(IsV6 ? value : (uint)value, IsV6);

    /// <summary>From 4 or 16 octets in network order; any other length is a bug of the caller.</summary>
    public static IpAddress Read(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => V4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => V6(BinaryPrimitives.ReadUInt128BigEndian(bytes)),
        _ => throw new ArgumentException($"an address has 4 or 16 octets, not {bytes.Length}", nameof(bytes)),
    };

    /// <summary>Writes <see cref="Length"/> octets in network order.</summary>
    public void Write(Span<byte> destination)
    {
        if (IsV6)
            BinaryPrimitives.WriteUInt128BigEndian(destination, _value);
        else
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_value);
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Write(bytes);
        return bytes;
    }

    /// <summary>The first or last address of the prefix of this length that this address is in.</summary>
    public IpAddress First(int prefix) => WithValue(_value & ~HostMask(prefix));

    /// <inheritdoc cref="First"/>
    public IpAddress Last(int prefix) => WithValue(_value | HostMask(prefix));

    UInt128 HostMask(int prefix) => Bits - prefix >= 128 ? UInt128.MaxValue : (UInt128.One << (Bits - prefix)) - 1;

    /// <summary>RFC 1918, RFC 6598 (carrier-grade NAT), RFC 4193 or link-local: an address that means nothing outside its site.</summary>
    public bool IsPrivate => IsV6
        ? (_value >> 121) == 0x7e || (_value >> 118) == 0x3fa
        : (uint)_value is var v && (v >> 24 == 10 || v >> 20 == 0xac1 || v >> 16 == 0xc0a8 || v >> 22 == 0x191 || v >> 16 == 0xa9fe);

    public static IpAddress From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var written))
            throw new ArgumentException($"{address} is not an IP address", nameof(address));
        return Read(bytes[..written]);
    }

    public static IpAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{text}' is not an IP address");

    /// <summary>Dotted quads of four numbers, or IPv6 text without zone.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out IpAddress address)
    {
        address = default;
        if (text is null || text.Contains('%') || (!text.Contains(':') && text.AsSpan().Count('.') != 3) || !IPAddress.TryParse(text, out var parsed))
            return false;
        address = From(parsed);
        return true;
    }

    public static bool operator <(IpAddress a, IpAddress b) => a.CompareTo(b) < 0;
    public static bool operator >(IpAddress a, IpAddress b) => a.CompareTo(b) > 0;
    public static bool operator <=(IpAddress a, IpAddress b) => a.CompareTo(b) <= 0;
    public static bool operator >=(IpAddress a, IpAddress b) => a.CompareTo(b) >= 0;

    public int CompareTo(IpAddress other) => IsV6 == other.IsV6 ? _value.CompareTo(other._value) : IsV6.CompareTo(other.IsV6);
    public override string ToString() => new IPAddress(ToBytes()).ToString();
}
