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

    static bool TryReadV4(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        var headerLength = (bytes[0] & 15) * 4;
        int length = ReadUInt16BigEndian(bytes[2..]), fragment = ReadUInt16BigEndian(bytes[6..]);
        var facts = new IpPacket
        {
            Source = IpAddress.Read(bytes[12..16]),
            Destination = IpAddress.Read(bytes[16..20]),
            Protocol = (IpProtocol)bytes[9],
            TransportAt = headerLength,
            Length = length,
            TypeOfService = bytes[1],
            HopLimit = bytes[8],
            IsFragment = (fragment & 0x3FFF) != 0,
            FragmentOffset = (fragment & 0x1FFF) * 8,
            DontFragment = (fragment & 0x4000) != 0,
        };
        packet = facts;
        if (headerLength < Ipv4.MinSize || headerLength > length || length > bytes.Length)
            return false;
        packet = facts.WithPorts(bytes);
        return true;
    }

    static bool TryReadV6(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        var facts = new IpPacket
        {
            IsV6 = true,
            Source = IpAddress.Read(bytes[8..24]),
            Destination = IpAddress.Read(bytes[24..40]),
            Protocol = (IpProtocol)bytes[6],
            TransportAt = Ipv6.Size,
            Length = Ipv6.Size + ReadUInt16BigEndian(bytes[4..]),
            TypeOfService = (byte)(ReadUInt16BigEndian(bytes) >> 4),
            HopLimit = bytes[7],
            DontFragment = true,
        };
        packet = facts;
        if (facts.Length > bytes.Length || !facts.TryPassExtensions(bytes[..facts.Length], out facts))
            return false;
        packet = facts.WithPorts(bytes);
        return true;
    }

    /// <summary>Walks to the transport header (RFC 8200 section 4). ESP and AH are transports here: nothing is looked for behind them.</summary>
    bool TryPassExtensions(ReadOnlySpan<byte> bytes, out IpPacket packet)
    {
        packet = this;
        for (var i = 0; i < MaxExtensions; i++)
        {
            if (!IsExtension(packet.Protocol) || packet.FragmentOffset > 0)
                return true;
            var at = packet.TransportAt;
            if (bytes.Length < at + 8)
                return false;
            var next = (IpProtocol)bytes[at];
            if (packet.Protocol == IpProtocol.Fragment)
            {
                int fragment = ReadUInt16BigEndian(bytes[(at + 2)..]), offset = fragment & ~7;
                packet = packet with { IsFragment = true, FragmentOffset = offset, Protocol = next, TransportAt = at + 8 };
            }
            else
            {
                var end = at + 8 + bytes[at + 1] * 8;
                if (bytes.Length < end)
                    return false;
                packet = packet with { Protocol = next, TransportAt = end };
            }
        }
        return false;
    }

    // Hop-by-hop options have the number 0, that selectors use for any.
    static bool IsExtension(IpProtocol protocol) => protocol is IpProtocol.Any or IpProtocol.Routing or IpProtocol.Fragment
        or IpProtocol.DestinationOptions or IpProtocol.Mobility or IpProtocol.Hip or IpProtocol.Shim6;

    IpPacket WithPorts(ReadOnlySpan<byte> bytes)
    {
        if (FragmentOffset > 0)
            return this;
        var transport = bytes[TransportAt..Length];
        return Protocol switch
        {
            IpProtocol.Tcp or IpProtocol.Udp or IpProtocol.Sctp or IpProtocol.Dccp or IpProtocol.UdpLite when transport.Length >= 4 =>
                this with { HasPorts = true, SourcePort = ReadUInt16BigEndian(transport), DestinationPort = ReadUInt16BigEndian(transport[2..]) },
            IpProtocol.Icmp or IpProtocol.IcmpV6 when transport.Length >= 2 =>
                this with { HasPorts = true, SourcePort = ReadUInt16BigEndian(transport), DestinationPort = ReadUInt16BigEndian(transport) },
            _ => this,
        };
    }
}
