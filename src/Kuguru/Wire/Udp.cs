using System.Buffers.Binary;

namespace Kuguru.Wire;

/// <summary>A UDP header (RFC 768). The length counts the header too. A checksum of 0 means that there is none (IPv4 only).</summary>
public readonly record struct UdpHeader(ushort SourcePort, ushort DestinationPort, ushort Length, ushort Checksum)
{
    public const int Size = 8;

    /// <summary>Where the checksum stands.</summary>
    public const int ChecksumAt = 6;

    /// <summary>False if there are fewer than eight octets or the length is not between eight and what is there.</summary>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out UdpHeader header)
    {
        header = default;
        if (datagram.Length < Size)
            return false;
        header = new(
            BinaryPrimitives.ReadUInt16BigEndian(datagram), BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]),
            BinaryPrimitives.ReadUInt16BigEndian(datagram[4..]), BinaryPrimitives.ReadUInt16BigEndian(datagram[ChecksumAt..]));
        return header.Length >= Size && header.Length <= datagram.Length;
    }

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], DestinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], Length);
        BinaryPrimitives.WriteUInt16BigEndian(destination[ChecksumAt..], Checksum);
    }
}
