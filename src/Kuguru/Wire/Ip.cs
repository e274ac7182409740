using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Wire;

/// <summary>
/// An IPv4 header in place (RFC 791), over writable octets of which at least <see cref="MinSize"/> are there: what <see cref="IpPacket"/>
/// accepted, or what <see cref="Write"/> made. Setters leave the checksum alone until <see cref="UpdateChecksum"/>.
/// </summary>
public readonly ref struct Ipv4(Span<byte> bytes)
{
    public const int MinSize = 20;
    const ushort DontFragmentBit = 0x4000, MoreFragmentsBit = 0x2000, OffsetMask = 0x1FFF;

    readonly Span<byte> _bytes = bytes;

    /// <summary>Octets of the header, options included.</summary>
    public int HeaderLength => (_bytes[0] & 15) * 4;

    public byte TypeOfService { get => _bytes[1]; set => _bytes[1] = value; }
    public ushort TotalLength { get => ReadUInt16BigEndian(_bytes[2..]); set => WriteUInt16BigEndian(_bytes[2..], value); }
    public ushort Identification { get => ReadUInt16BigEndian(_bytes[4..]); set => WriteUInt16BigEndian(_bytes[4..], value); }
    public bool DontFragment => (FlagsAndOffset & DontFragmentBit) != 0;
    public bool MoreFragments => (FlagsAndOffset & MoreFragmentsBit) != 0;

    /// <summary>In octets.</summary>
    public int FragmentOffset => (FlagsAndOffset & OffsetMask) * 8;

    public byte TimeToLive { get => _bytes[8]; set => _bytes[8] = value; }
    public IpProtocol Protocol { get => (IpProtocol)_bytes[9]; set => _bytes[9] = (byte)value; }
    public ushort HeaderChecksum { get => ReadUInt16BigEndian(_bytes[10..]); set => WriteUInt16BigEndian(_bytes[10..], value); }
    public IpAddress Source { get => IpAddress.Read(_bytes[12..16]); set => value.Write(_bytes[12..16]); }
    public IpAddress Destination { get => IpAddress.Read(_bytes[16..20]); set => value.Write(_bytes[16..20]); }

    ushort FlagsAndOffset => ReadUInt16BigEndian(_bytes[6..]);

    public void UpdateChecksum()
    {
        HeaderChecksum = 0;
        HeaderChecksum = Checksum.Of(_bytes[..HeaderLength]);
    }

    /// <summary>Writes a header of 20 octets, checksum included.</summary>
    public static void Write(
        Span<byte> destination, IpAddress source, IpAddress target, IpProtocol protocol, int totalLength,
        byte typeOfService = 0, ushort identification = 0, bool dontFragment = true, byte timeToLive = 64)
    {
        destination[0] = 0x45;
        WriteUInt16BigEndian(destination[6..], dontFragment ? DontFragmentBit : (ushort)0);
        var header = new Ipv4(destination)
        {
            TypeOfService = typeOfService,
            TotalLength = checked((ushort)totalLength),
            Identification = identification,
            TimeToLive = timeToLive,
            Protocol = protocol,
            Source = source,
            Destination = target,
        };
        header.UpdateChecksum();
    }
}

/// <summary>An IPv6 header in place (RFC 8200), over writable octets of which at least <see cref="Size"/> are there.</summary>
public readonly ref struct Ipv6(Span<byte> bytes)
{
    public const int Size = 40;

    readonly Span<byte> _bytes = bytes;

    public byte TrafficClass
    {
        get => (byte)(ReadUInt16BigEndian(_bytes) >> 4);
        set => WriteUInt16BigEndian(_bytes, (ushort)(ReadUInt16BigEndian(_bytes) & 0xF00F | value << 4));
    }

    public uint FlowLabel => ReadUInt32BigEndian(_bytes) & 0xFFFFF;

    /// <summary>Octets behind these 40, extension headers included.</summary>
    public ushort PayloadLength { get => ReadUInt16BigEndian(_bytes[4..]); set => WriteUInt16BigEndian(_bytes[4..], value); }

    public IpProtocol NextHeader { get => (IpProtocol)_bytes[6]; set => _bytes[6] = (byte)value; }
    public byte HopLimit { get => _bytes[7]; set => _bytes[7] = value; }
    public IpAddress Source { get => IpAddress.Read(_bytes[8..24]); set => value.Write(_bytes[8..24]); }
    public IpAddress Destination { get => IpAddress.Read(_bytes[24..40]); set => value.Write(_bytes[24..40]); }

    /// <summary>Writes a header of 40 octets.</summary>
    public static void Write(
        Span<byte> destination, IpAddress source, IpAddress target, IpProtocol next, int payloadLength,
        byte trafficClass = 0, uint flowLabel = 0, byte hopLimit = 64)
    {
        WriteUInt32BigEndian(destination, 6u << 28 | flowLabel & 0xFFFFF);
        _ = new Ipv6(destination)
        {
            TrafficClass = trafficClass,
            PayloadLength = checked((ushort)payloadLength),
            NextHeader = next,
            HopLimit = hopLimit,
            Source = source,
            Destination = target,
        };
    }
}
