namespace Kuguru.Nat;

/// <summary>What a datagram on the NAT-T port is, by its first octets (RFC 3948 section 2.2 to 2.4).</summary>
public enum Port4500
{
    /// <summary>No octets at all: dropped.</summary>
    Empty,

    /// <summary>Too short for anything: dropped.</summary>
    TooShort,

    /// <summary>One octet 0xFF: only for the NAT's sake, never answered.</summary>
    Keepalive,

    /// <summary>The non-ESP marker, then an IKE message: see <see cref="NonEspMarker"/>.</summary>
    Ike,

    /// <summary>An ESP packet.</summary>
    Esp,

    /// <summary>Would be ESP, but the SPI is one of 1 to 255, which name no SA (RFC 4303 section 2.1): dropped.</summary>
    ReservedSpi,
}

/// <summary>Tells apart what arrives on UDP port 4500. On port 500 everything is IKE, without marker.</summary>
public static class Demux
{
    public static Port4500 Classify(ReadOnlySpan<byte> datagram) => datagram switch
    {
        [] => Port4500.Empty,
        [0xFF] => Port4500.Keepalive,
        [0, 0, 0, 0, ..] => Port4500.Ike,
        { Length: < 8 } => Port4500.TooShort,
        [0, 0, 0, ..] => Port4500.ReservedSpi,
        _ => Port4500.Esp,
    };

    /// <summary>The datagram that keeps a NAT's mapping alive (RFC 3948 section 2.3).</summary>
    public static ReadOnlySpan<byte> Keepalive => [0xFF];
}

/// <summary>The four zero octets before an IKE message on port 4500, where ESP has its SPI (RFC 3948 section 2.2).</summary>
public static class NonEspMarker
{
    public const int Size = 4;

    /// <summary>The IKE message behind the marker; for what <see cref="Demux"/> called Ike.</summary>
    public static ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> datagram) => datagram[Size..];

    /// <summary>The datagram for an IKE message.</summary>
    public static byte[] Add(ReadOnlySpan<byte> message)
    {
        var datagram = new byte[Size + message.Length];
        message.CopyTo(datagram.AsSpan(Size));
        return datagram;
    }

    /// <summary>The IKE message of a datagram: what arrives on the NAT-T port has the marker, all else has none.</summary>
    public static ReadOnlySpan<byte> Unframe(ReadOnlySpan<byte> datagram, Path path, ushort natPort) =>
        path.Local.Port == natPort && datagram.Length >= Size ? Strip(datagram) : datagram;

    /// <summary>The datagram for an IKE message that leaves from this path's local port.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message, Path path, ushort natPort) =>
        path.Local.Port == natPort ? Add(message) : message.ToArray();
}
