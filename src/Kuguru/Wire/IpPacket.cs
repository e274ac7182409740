using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Wire;

/// <summary>
/// The facts about an IPv4 or IPv6 packet that selectors and the packet path ask for, read once and without allocation. IPv6's extension
/// headers are walked through to the transport protocol.
/// </summary>
public readonly record struct IpPacket
{
    /// <summary>More extension headers than this are refused.</summary>
    const int MaxExtensions = 16;

    public bool IsV6 { get; private init; }
    public IpAddress Source { get; private init; }
    public IpAddress Destination { get; private init; }

    /// <summary>The protocol behind the IP header and its extensions.</summary>
    public IpProtocol Protocol { get; private init; }

    /// <summary>The offset of the transport header (in later fragments: of the fragment's data).</summary>
    public int TransportAt { get; private init; }

    /// <summary>Octets of the packet by its own length field; never more than were given.</summary>
    public int Length { get; private init; }

    /// <summary>Type of service or traffic class: DSCP and ECN.</summary>
    public byte TypeOfService { get; private init; }

    /// <summary>Time to live or hop limit.</summary>
    public byte HopLimit { get; private init; }

    public bool IsFragment { get; private init; }

    /// <summary>In octets; above 0 there is no transport header in this packet.</summary>
    public int FragmentOffset { get; private init; }

    /// <summary>The sender forbids fragmenting: always so in IPv6.</summary>
    public bool DontFragment { get; private init; }

    /// <summary>
    /// The transport's ports are known: TCP, UDP, SCTP and the like, and type and code of ICMP, which stand in both ports as RFC 7296
    /// section 3.13.1 counts them (type * 256 + code).
    /// </summary>
    public bool HasPorts { get; private init; }

    public ushort SourcePort { get; private init; }
    public ushort DestinationPort { get; private init; }

    /// <summary>Octets behind the IP header and its extensions.</summary>
    public int TransportLength => Length - TransportAt;

    /// <summary>The same packet with other addresses of its family.</summary>
    public IpPacket WithAddresses(IpAddress source, IpAddress destination) => this with { Source = source, Destination = destination };

    /// <summary>False for what is no IP packet, is cut off, or states impossible lengths. Checksums are not looked at.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = default;
        return bytes switch
        {
            { Length: >= Ipv4.MinSize } when bytes[0] >> 4 == 4 => TryReadV4(bytes, out packet),
            { Length: >= Ipv6.Size } when bytes[0] >> 4 == 6 => TryReadV6(bytes, out packet),
            _ => false,
        };
    }

    // The struct is large, so it is made once, from locals.
    static bool TryReadV4(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        var headerLength = (bytes[0] & 15) * 4;
        int length = ReadUInt16BigEndian(bytes[2..]), fragment = ReadUInt16BigEndian(bytes[6..]), offset = (fragment & 0x1FFF) * 8;
        if (headerLength < Ipv4.MinSize || headerLength > length || length > bytes.Length)
        {
            packet = default;
            return false;
        }
        var protocol = (IpProtocol)bytes[9];
        var hasPorts = TryReadPorts(protocol, offset, bytes[headerLength..length], out var source, out var destination);
        packet = new()
        {
            Source = IpAddress.V4(ReadUInt32BigEndian(bytes[12..])),
            Destination = IpAddress.V4(ReadUInt32BigEndian(bytes[16..])),
            Protocol = protocol,
            TransportAt = headerLength,
            Length = length,
            TypeOfService = bytes[1],
            HopLimit = bytes[8],
            IsFragment = (fragment & 0x3FFF) != 0,
            FragmentOffset = offset,
            DontFragment = (fragment & 0x4000) != 0,
            HasPorts = hasPorts,
            SourcePort = source,
            DestinationPort = destination,
        };
        return true;
    }

    static bool TryReadV6(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        var length = Ipv6.Size + ReadUInt16BigEndian(bytes[4..]);
        if (length > bytes.Length || !TryPassExtensions(bytes[..length], out var protocol, out var at, out var fragment))
        {
            packet = default;
            return false;
        }
        var offset = Math.Max(fragment, 0);
        var hasPorts = TryReadPorts(protocol, offset, bytes[at..length], out var source, out var destination);
        packet = new()
        {
            IsV6 = true,
            Source = IpAddress.V6(ReadUInt128BigEndian(bytes[8..])),
            Destination = IpAddress.V6(ReadUInt128BigEndian(bytes[24..])),
            Protocol = protocol,
            TransportAt = at,
            Length = length,
            TypeOfService = (byte)(ReadUInt16BigEndian(bytes) >> 4),
            HopLimit = bytes[7],
            IsFragment = fragment >= 0,
            FragmentOffset = offset,
            DontFragment = true,
            HasPorts = hasPorts,
            SourcePort = source,
            DestinationPort = destination,
        };
        return true;
    }

    /// <summary>
    /// Walks to the transport header (RFC 8200 section 4). ESP and AH are transports here: nothing is looked for behind them, nor in a
    /// later fragment. The fragment offset is -1 without a fragment header.
    /// </summary>
    static bool TryPassExtensions(ReadOnlySpan<byte> bytes, out IpProtocol protocol, out int at, out int fragment)
    {
        protocol = (IpProtocol)bytes[6];
        at = Ipv6.Size;
        fragment = -1;
        for (var i = 0; i < MaxExtensions; i++)
        {
            if (!IsExtension(protocol) || fragment > 0)
                return true;
            if (bytes.Length < at + 8)
                return false;
            var size = protocol == IpProtocol.Fragment ? 8 : 8 + bytes[at + 1] * 8;
            if (bytes.Length < at + size)
                return false;
            if (protocol == IpProtocol.Fragment)
                fragment = ReadUInt16BigEndian(bytes[(at + 2)..]) & ~7;
            protocol = (IpProtocol)bytes[at];
            at += size;
        }
        return false;
    }

    // Hop-by-hop options have the number 0, that selectors use for any.
    static bool IsExtension(IpProtocol protocol) => protocol is IpProtocol.Any or IpProtocol.Routing or IpProtocol.Fragment
        or IpProtocol.DestinationOptions or IpProtocol.Mobility or IpProtocol.Hip or IpProtocol.Shim6;

    static bool TryReadPorts(IpProtocol protocol, int fragmentOffset, ReadOnlySpan<byte> transport, out ushort source, out ushort destination)
    {
        source = destination = 0;
        if (fragmentOffset > 0)
            return false;
        switch (protocol)
        {
            case IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp or IpProtocol.Dccp or IpProtocol.UdpLite when transport.Length >= 4:
                source = ReadUInt16BigEndian(transport);
                destination = ReadUInt16BigEndian(transport[2..]);
                return true;
            case IpProtocol.Icmp or IpProtocol.IcmpV6 when transport.Length >= 2:
                source = destination = ReadUInt16BigEndian(transport);
                return true;
            default:
                return false;
        }
    }
}
