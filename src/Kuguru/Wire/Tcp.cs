using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Wire;

/// <summary>The control bits of a TCP header (RFC 9293 section 3.1).</summary>
[Flags]
public enum TcpFlags : byte
{
    None = 0,
    Fin = 0x01,
    Syn = 0x02,
    Rst = 0x04,
    Psh = 0x08,
    Ack = 0x10,
    Urg = 0x20,
    Ece = 0x40,
    Cwr = 0x80,
}

/// <summary>A TCP header in place (RFC 9293), over writable octets that hold the whole header: see <see cref="TryRead"/>.</summary>
public readonly ref struct Tcp
{
    public const int MinSize = 20;

    /// <summary>Where the checksum stands.</summary>
    public const int ChecksumAt = 16;

    const byte EndOfOptions = 0, NoOperation = 1, MaximumSegmentSize = 2;

    readonly Span<byte> _bytes;

    Tcp(Span<byte> bytes) => _bytes = bytes;

    public ushort SourcePort { get => ReadUInt16BigEndian(_bytes); set => WriteUInt16BigEndian(_bytes, value); }
    public ushort DestinationPort { get => ReadUInt16BigEndian(_bytes[2..]); set => WriteUInt16BigEndian(_bytes[2..], value); }
    public uint Sequence { get => ReadUInt32BigEndian(_bytes[4..]); set => WriteUInt32BigEndian(_bytes[4..], value); }
    public uint Acknowledgment { get => ReadUInt32BigEndian(_bytes[8..]); set => WriteUInt32BigEndian(_bytes[8..], value); }

    /// <summary>Octets of the header, options included.</summary>
    public int HeaderLength => (_bytes[12] >> 4) * 4;

    public TcpFlags Flags { get => (TcpFlags)_bytes[13]; set => _bytes[13] = (byte)value; }
    public ushort Window => ReadUInt16BigEndian(_bytes[14..]);
    public ushort SegmentChecksum { get => ReadUInt16BigEndian(_bytes[ChecksumAt..]); set => WriteUInt16BigEndian(_bytes[ChecksumAt..], value); }

    /// <summary>The options, as long as the header says.</summary>
    public Span<byte> Options => _bytes[MinSize..HeaderLength];

    /// <summary>False if the header, options included, does not fit into the segment.</summary>
    public static bool TryRead(Span<byte> segment, out Tcp tcp)
    {
        tcp = default;
        if (segment.Length < MinSize || (segment[12] >> 4) * 4 is var length && (length < MinSize || length > segment.Length))
            return false;
        tcp = new(segment);
        return true;
    }

    /// <summary>Looks for the maximum segment size option; gives where its value stands in the segment, or -1.</summary>
    public int FindMaximumSegmentSize()
    {
        var options = Options;
        for (var i = 0; i < options.Length;)
        {
            switch (options[i])
            {
                case EndOfOptions:
                    return -1;
                case NoOperation:
                    i++;
                    continue;
            }
            if (options.Length - i < 2 || options[i + 1] < 2 || options[i + 1] > options.Length - i)
                return -1;
            if (options[i] == MaximumSegmentSize)
                return options[i + 1] == 4 ? MinSize + i + 2 : -1;
            i += options[i + 1];
        }
        return -1;
    }

    /// <summary>
    /// Lowers the maximum segment size that a SYN announces, and mends the checksum. Packets that are no SYN, announce less or nothing,
    /// or are malformed stay as they are. True if the packet was changed.
    /// </summary>
    /// <param name="packet">The IP packet.</param>
    /// <param name="ip">What <see cref="IpPacket.TryRead"/> said about it.</param>
    /// <param name="maximum">The inner MTU less 40 (IPv4) or 60 (IPv6).</param>
    public static bool ClampMss(Span<byte> packet, in IpPacket ip, ushort maximum)
    {
        if (ip.Protocol != IpProtocol.Tcp || ip.FragmentOffset > 0 || !TryRead(packet[ip.TransportAt..ip.Length], out var tcp))
            return false;
        if ((tcp.Flags & TcpFlags.Syn) == 0 || tcp.FindMaximumSegmentSize() is not (> 0 and var at))
            return false;
        var value = tcp._bytes[at..];
        var announced = ReadUInt16BigEndian(value);
        if (announced <= maximum)
            return false;
        WriteUInt16BigEndian(value, maximum);
        tcp.SegmentChecksum = (at & 1) == 0
            ? Checksum.Update(tcp.SegmentChecksum, announced, maximum)
            : Checksum.Update(tcp.SegmentChecksum, ReverseEndianness(announced), ReverseEndianness(maximum));
        return true;
    }
}
