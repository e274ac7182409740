using System.Buffers.Binary;

namespace Kuguru.Wire;

// | Next Header   |  Payload Len  |          RESERVED             |  RFC 4302 section 2
// |                 Security Parameters Index (SPI)               |
// |                    Sequence Number Field                      |
// |            ICV, then padding to 4 octets (IPv6: 8)            |

/// <summary>
/// The Authentication Header in front of what it protects. Its length is in octets, ICV and padding included; the sequence number is the low
/// half of an extended one.
/// </summary>
public readonly record struct AhHeader(IpProtocol Next, int Length, Spi Spi, uint Sequence)
{
    /// <summary>Octets in front of the ICV.</summary>
    public const int FixedSize = 12;

    /// <summary>What the length field can say.</summary>
    public const int MaxSize = (byte.MaxValue + 2) * 4;

    /// <summary>False when it is cut off, or states a length that cannot be. The reserved octets are whatever they are (section 2.3).</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out AhHeader header)
    {
        header = default;
        if (bytes.Length < FixedSize)
            return false;
        var length = (bytes[1] + 2) * 4;
        if (length < FixedSize || length > bytes.Length)
            return false;
        header = new((IpProtocol)bytes[0], length, new(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..])), BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]));
        return true;
    }

    /// <summary>Writes the first 12 octets.</summary>
    public void Write(Span<byte> destination)
    {
        destination[0] = (byte)Next;
        destination[1] = checked((byte)(Length / 4 - 2));
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Spi.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Sequence);
    }
}
