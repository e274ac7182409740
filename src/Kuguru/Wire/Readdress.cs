using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Wire;

/// <summary>
/// Gives packets other addresses and mends their checksums for it (RFC 1624, RFC 3948 section 3.1.2), without looking whether they were
/// right: a wrong checksum stays wrong. UDP's zero, "none", stays zero. Later fragments have no checksum to mend.
/// </summary>
public static class Readdress
{
    const int IcmpChecksumAt = 2, IcmpHeaderSize = 8, DccpChecksumAt = 6;

    /// <summary>Writes both addresses, of the packet's family, into a whole packet of which <see cref="IpPacket.TryRead"/> said this.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="ip">What is known about it.</param>
    /// <param name="source">Its new source.</param>
    /// <param name="destination">Its new destination.</param>
    /// <param name="transport">Mend the transport's checksum too; false where that is still to be computed.</param>
    public static void Packet(Span<byte> packet, in IpPacket ip, IpAddress source, IpAddress destination, bool transport = true)
    {
        WriteAddresses(packet, ip.IsV6, source, destination);
        if (transport && ip.FragmentOffset == 0)
            Mend(packet[ip.TransportAt..ip.Length], ip.Protocol, new(ip.Source, ip.Destination), new(source, destination));
    }

    /// <summary>The addresses of the packet that an ICMP error quotes, whole or cut off. False if this is no such error.</summary>
    public static bool TryQuoted(ReadOnlySpan<byte> packet, in IpPacket ip, out IpAddress source, out IpAddress destination)
    {
        (source, destination) = (default, default);
        if (!IsError(packet, ip))
            return false;
        var quoted = packet[(ip.TransportAt + IcmpHeaderSize)..ip.Length];
        if (quoted.Length < (ip.IsV6 ? Ipv6.Size : Ipv4.MinSize) || quoted[0] >> 4 != (ip.IsV6 ? 6 : 4) || (!ip.IsV6 && (quoted[0] & 15) * 4 < Ipv4.MinSize))
            return false;
        var at = ip.IsV6 ? 8 : 12;
        var length = ip.IsV6 ? 16 : 4;
        source = IpAddress.Read(quoted.Slice(at, length));
        destination = IpAddress.Read(quoted.Slice(at + length, length));
        return true;
    }

    /// <summary>Gives the packet that an ICMP error quotes (<see cref="TryQuoted"/> said so) other addresses, and mends the error's checksum.</summary>
    public static void Quoted(Span<byte> packet, in IpPacket ip, IpAddress source, IpAddress destination)
    {
        var message = packet[ip.TransportAt..ip.Length];
        var quoted = message[IcmpHeaderSize..];
        var before = Checksum.Sum(quoted);
        var headerLength = ip.IsV6 ? Ipv6.Size : (quoted[0] & 15) * 4;
        var isFirst = ip.IsV6 || (ReadUInt16BigEndian(quoted[6..]) & 0x1FFF) == 0;
        var at = ip.IsV6 ? 8 : 12;
        var length = ip.IsV6 ? 16 : 4;
        var was = new Pair(IpAddress.Read(quoted.Slice(at, length)), IpAddress.Read(quoted.Slice(at + length, length)));
        WriteAddresses(quoted, ip.IsV6, source, destination);
        if (isFirst && headerLength <= quoted.Length)
            Mend(quoted[headerLength..], (IpProtocol)quoted[ip.IsV6 ? 6 : 9], was, new(source, destination));
        Replace(message, IcmpChecksumAt, Checksum.Update(ReadUInt16BigEndian(message[IcmpChecksumAt..]), before, Checksum.Sum(quoted)), isUdp: false);
    }

    readonly record struct Pair(IpAddress Source, IpAddress Destination);

    static bool IsError(ReadOnlySpan<byte> packet, in IpPacket ip) => !ip.IsFragment && ip.TransportLength >= IcmpHeaderSize && (ip.Protocol, ip.IsV6) switch
    {
        (IpProtocol.Icmp, false) => packet[ip.TransportAt] is 3 or 4 or 5 or 11 or 12,
        (IpProtocol.IcmpV6, true) => packet[ip.TransportAt] is >= 1 and < 128,
        _ => false,
    };

    static void WriteAddresses(Span<byte> packet, bool isV6, IpAddress source, IpAddress destination)
    {
        if (isV6)
        {
            _ = new Ipv6(packet) { Source = source, Destination = destination };
            return;
        }
        var header = new Ipv4(packet);
        header.HeaderChecksum = Checksum.Update(Checksum.Update(header.HeaderChecksum, header.Source, source), header.Destination, destination);
        header.Source = source;
        header.Destination = destination;
    }

    /// <summary>The checksums that cover the addresses, as far as they are there: TCP's, UDP's, ICMPv6's, DCCP's.</summary>
    static void Mend(Span<byte> transport, IpProtocol protocol, Pair was, Pair now)
    {
        var (at, isUdp) = protocol switch
        {
            IpProtocol.Tcp => (Tcp.ChecksumAt, false),
            IpProtocol.Udp or IpProtocol.UdpLite => (UdpHeader.ChecksumAt, true),
            IpProtocol.Dccp => (DccpChecksumAt, false),
            IpProtocol.IcmpV6 => (IcmpChecksumAt, false),
            // ICMP, SCTP, GRE and what else there is have no pseudo header.
            _ => (int.MaxValue, false),
        };
        if (at > transport.Length - 2 || ReadUInt16BigEndian(transport[at..]) is var checksum && isUdp && checksum == 0)
            return;
        checksum = Checksum.Update(Checksum.Update(ReadUInt16BigEndian(transport[at..]), was.Source, now.Source), was.Destination, now.Destination);
        Replace(transport, at, checksum, isUdp);
    }

    /// <summary>In UDP a sum of zero is written in its other form.</summary>
    static void Replace(Span<byte> bytes, int at, ushort checksum, bool isUdp) =>
        WriteUInt16BigEndian(bytes[at..], isUdp && checksum == 0 ? ushort.MaxValue : checksum);
}
