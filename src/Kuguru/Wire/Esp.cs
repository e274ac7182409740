using System.Buffers.Binary;

namespace Kuguru.Wire;

// |               Security Parameters Index (SPI)                 |  RFC 4303 section 2
// |                      Sequence Number                          |
// |                    IV, then the ciphertext of                 |
// |                    payload, padding 1 2 3 ...                 |
// |                 ... |  Pad Length   | Next Header             |
// |                             ICV                               |

/// <summary>The eight octets in clear before an ESP packet's IV. The sequence number is the low half of an extended one.</summary>
public readonly record struct EspHeader(Spi Spi, uint Sequence)
{
    public const int Size = 8;

    public static bool TryRead(ReadOnlySpan<byte> packet, out EspHeader header)
    {
        header = default;
        if (packet.Length < Size)
            return false;
        header = new(new(BinaryPrimitives.ReadUInt32BigEndian(packet)), BinaryPrimitives.ReadUInt32BigEndian(packet[4..]));
        return true;
    }

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, Spi.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Sequence);
    }
}

/// <summary>What stands behind the payload inside the encryption: padding, its length, and what the payload is (RFC 4303 section 2.4 to 2.6).</summary>
public static class EspTrailer
{
    /// <summary>The two octets that are always there.</summary>
    public const int FixedSize = 2;

    public const int MaxPadding = 255;

    /// <summary>How many octets of padding make payload and trailer a multiple of this alignment (4, or the cipher's block).</summary>
    public static int Padding(int payloadLength, int alignment) => (alignment - (payloadLength + FixedSize) % alignment) % alignment;

    /// <summary>Writes the trailer right behind the payload; gives its length, padding included.</summary>
    public static int Write(Span<byte> destination, int padding, IpProtocol next)
    {
        for (var i = 0; i < padding; i++)
            destination[i] = (byte)(i + 1);
        destination[padding] = (byte)padding;
        destination[padding + 1] = (byte)next;
        return padding + FixedSize;
    }

    /// <summary>Finds the payload's end in decrypted octets. False if the pad length reaches beyond them.</summary>
    public static bool TryRead(ReadOnlySpan<byte> decrypted, out int payloadLength, out IpProtocol next)
    {
        payloadLength = 0;
        next = IpProtocol.Any;
        if (decrypted is not [.., var padding, var protocol] || padding > decrypted.Length - FixedSize)
            return false;
        payloadLength = decrypted.Length - FixedSize - padding;
        next = (IpProtocol)protocol;
        return true;
    }
}
