using System.Buffers.Binary;
using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>ICMP and ICMPv6 echo (RFC 792, RFC 4443 section 4), with checksums that others may verify.</summary>
public static class Echo
{
    const int Header = 8;

    public static Packet Request(IpAddress from, IpAddress to, ushort id, ushort sequence, int size)
    {
        var bytes = new byte[Header + size];
        bytes[0] = RequestType(to.IsV6);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), id);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), sequence);
        for (var i = Header; i < bytes.Length; i++)
            bytes[i] = (byte)i;
        return Sealed(from, to, bytes);
    }

    /// <summary>The answer to an echo request.</summary>
    public static Packet Reply(Packet request)
    {
        var bytes = request.Payload.ToArray();
        bytes[0] = ReplyType(request.To.Address.IsV6);
        return Sealed(request.To.Address, request.From.Address, bytes);
    }

    /// <summary>False for anything but an echo request or reply with a good checksum.</summary>
    public static bool TryRead(Packet packet, out bool isRequest, out ushort id, out ushort sequence)
    {
        (isRequest, id, sequence) = (false, 0, 0);
        var isV6 = packet.From.Address.IsV6;
        var bytes = packet.Payload.Span;
        if (packet.Protocol != (isV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp) || bytes.Length < Header)
            return false;
        if ((bytes[0] != RequestType(isV6) && bytes[0] != ReplyType(isV6)) || ChecksumOf(packet.From.Address, packet.To.Address, bytes) != 0)
            return false;
        isRequest = bytes[0] == RequestType(isV6);
        id = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        sequence = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]);
        return true;
    }

    static byte RequestType(bool isV6) => isV6 ? (byte)128 : (byte)8;
    static byte ReplyType(bool isV6) => isV6 ? (byte)129 : (byte)0;

    static Packet Sealed(IpAddress from, IpAddress to, byte[] bytes)
    {
        bytes.AsSpan(2, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), ChecksumOf(from, to, bytes));
        return new(to.IsV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp, new(from, 0), new(to, 0), bytes);
    }

    /// <summary>ICMPv6's covers a pseudo header (RFC 4443 section 2.3), ICMP's does not. Zero over what holds its own checksum.</summary>
    static ushort ChecksumOf(IpAddress from, IpAddress to, ReadOnlySpan<byte> bytes) =>
        to.IsV6 ? Checksum.OfSegment(from, to, IpProtocol.IcmpV6, bytes) : Checksum.Of(bytes);
}
