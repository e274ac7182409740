using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Wire;

/// <summary>The ICMP messages that a tunnel must send: a packet does not fit (RFC 792, RFC 1191; RFC 4443 section 3.2).</summary>
public static class Icmp
{
    /// <summary>The longest message that is written: IPv6's minimum MTU.</summary>
    public const int MaxLength = 1280;

    const int HeaderSize = 8, MaxV4Length = 576;
    const byte DestinationUnreachable = 3, FragmentationNeeded = 4, PacketTooBig = 2;

    /// <summary>
    /// Writes "fragmentation needed" or "packet too big", with its IP header, in answer to a packet. 0 if the packet must not be answered
    /// (RFC 1122 section 3.2.2, RFC 4443 section 2.4): an ICMP error, a later fragment, or one that is not from and to a single host.
    /// </summary>
    /// <param name="packet">The packet that does not fit.</param>
    /// <param name="ip">What <see cref="IpPacket.TryRead"/> said about it.</param>
    /// <param name="mtu">The largest packet that would fit, in octets.</param>
    /// <param name="from">Our address, of the packet's family.</param>
    /// <param name="destination">At least <see cref="MaxLength"/> octets.</param>
    /// <returns>The length of the answer.</returns>
    public static int WriteTooBig(ReadOnlySpan<byte> packet, in IpPacket ip, int mtu, IpAddress from, Span<byte> destination)
    {
        if (!MayBeAnswered(packet, ip))
            return 0;
        return ip.IsV6
            ? WriteV6(packet[..ip.Length], ip.Source, mtu, from, destination)
            : WriteV4(packet[..ip.Length], ip.Source, mtu, from, destination);
    }

    static int WriteV4(ReadOnlySpan<byte> packet, IpAddress to, int mtu, IpAddress from, Span<byte> destination)
    {
        var quoted = packet[..Math.Min(packet.Length, MaxV4Length - Ipv4.MinSize - HeaderSize)];
        var length = Ipv4.MinSize + HeaderSize + quoted.Length;
        var message = destination[Ipv4.MinSize..length];
        WriteMessage(message, DestinationUnreachable, FragmentationNeeded, (uint)Math.Min(mtu, ushort.MaxValue), quoted);
        WriteUInt16BigEndian(message[2..], Checksum.Of(message));
        Ipv4.Write(destination, from, to, IpProtocol.Icmp, length, dontFragment: false);
        return length;
    }

    static int WriteV6(ReadOnlySpan<byte> packet, IpAddress to, int mtu, IpAddress from, Span<byte> destination)
    {
        var quoted = packet[..Math.Min(packet.Length, MaxLength - Ipv6.Size - HeaderSize)];
        var length = Ipv6.Size + HeaderSize + quoted.Length;
        var message = destination[Ipv6.Size..length];
        WriteMessage(message, PacketTooBig, 0, (uint)mtu, quoted);
        WriteUInt16BigEndian(message[2..], Checksum.OfSegment(from, to, IpProtocol.IcmpV6, message));
        Ipv6.Write(destination, from, to, IpProtocol.IcmpV6, message.Length);
        return length;
    }

    static void WriteMessage(Span<byte> message, byte type, byte code, uint rest, ReadOnlySpan<byte> quoted)
    {
        message[0] = type;
        message[1] = code;
        WriteUInt16BigEndian(message[2..], 0);
        WriteUInt32BigEndian(message[4..], rest);
        quoted.CopyTo(message[HeaderSize..]);
    }

    static bool MayBeAnswered(ReadOnlySpan<byte> packet, in IpPacket ip)
    {
        if (ip.FragmentOffset > 0 || !IsHost(ip.Source) || (!ip.IsV6 && !IsHost(ip.Destination)))
            return false;
        return ip.Protocol switch
        {
            IpProtocol.Icmp when !ip.IsV6 => ip.HasPorts && packet[ip.TransportAt] is not (3 or 4 or 5 or 11 or 12),
            IpProtocol.IcmpV6 => ip.HasPorts && packet[ip.TransportAt] is >= 128 and not 137,
            _ => true,
        };
    }

    /// <summary>Neither unspecified, loopback, multicast nor broadcast. IPv6 lets a packet to a multicast group be answered all the same.</summary>
    static bool IsHost(IpAddress address) => address.IsV6
        ? address.Value > 1 && address.Value >> 120 != 0xFF
        : (uint)address.Value >> 24 is > 0 and < 224 and not 127;
}
