using System.Buffers.Binary;

namespace Kuguru.Tests.Esp;

/// <summary>Inner packets, written octet by octet with a checksum of its own, so that nothing here agrees with the room by being the room.</summary>
static class Packets
{
    public static IpAddress A4 { get; } = IpAddress.Parse("10.1.0.5");
    public static IpAddress B4 { get; } = IpAddress.Parse("10.2.0.9");
    public static IpAddress A6 { get; } = IpAddress.Parse("fd01::5");
    public static IpAddress B6 { get; } = IpAddress.Parse("fd02::9");

    public const byte Fin = 1, Syn = 2, Psh = 8, Ack = 16, Cwr = 128;

    /// <summary>Octets 0, 1, 2 ... from a start, so that order and loss show.</summary>
    public static byte[] Payload(int length, int from = 0) => [.. Enumerable.Range(from, length).Select(i => (byte)(i * 31 + (i >> 8)))];

    public static byte[] Tcp(
        IpAddress source, IpAddress destination, ReadOnlySpan<byte> payload, uint sequence = 1000, byte flags = Ack, ushort sourcePort = 40000,
        ushort destinationPort = 443, ushort identification = 7, byte tos = 0, byte[]? options = null, bool dontFragment = true, ushort window = 500)
    {
        options ??= [];
        var tcp = new byte[20 + options.Length + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), destinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(8), 77);
        tcp[12] = (byte)((20 + options.Length) / 4 << 4);
        tcp[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(14), window);
        options.CopyTo(tcp, 20);
        payload.CopyTo(tcp.AsSpan(20 + options.Length));
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(16), SegmentChecksum(source, destination, 6, tcp));
        return Ip(source, destination, 6, tcp, identification, tos, dontFragment);
    }

    public static byte[] Udp(
        IpAddress source, IpAddress destination, ReadOnlySpan<byte> payload, ushort sourcePort = 5000, ushort destinationPort = 6000,
        ushort identification = 7, byte tos = 0, bool dontFragment = true)
    {
        var udp = new byte[8 + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(udp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(2), destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(4), (ushort)udp.Length);
        payload.CopyTo(udp.AsSpan(8));
        var checksum = SegmentChecksum(source, destination, 17, udp);
        BinaryPrimitives.WriteUInt16BigEndian(udp.AsSpan(6), checksum == 0 ? ushort.MaxValue : checksum);
        return Ip(source, destination, 17, udp, identification, tos, dontFragment);
    }

    public static byte[] Ip(
        IpAddress source, IpAddress destination, byte protocol, ReadOnlySpan<byte> payload, ushort identification = 7, byte tos = 0,
        bool dontFragment = true, byte[]? options = null)
    {
        if (source.IsV6)
        {
            var v6 = new byte[40 + payload.Length];
            BinaryPrimitives.WriteUInt32BigEndian(v6, 6u << 28 | (uint)tos << 20 | 0x12345);
            BinaryPrimitives.WriteUInt16BigEndian(v6.AsSpan(4), (ushort)payload.Length);
            (v6[6], v6[7]) = (protocol, 61);
            source.Write(v6.AsSpan(8));
            destination.Write(v6.AsSpan(24));
            payload.CopyTo(v6.AsSpan(40));
            return v6;
        }
        options ??= [];
        var header = 20 + options.Length;
        var v4 = new byte[header + payload.Length];
        (v4[0], v4[1], v4[8], v4[9]) = ((byte)(0x40 | header / 4), tos, 61, protocol);
        BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(2), (ushort)v4.Length);
        BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(4), identification);
        BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(6), (ushort)(dontFragment ? 0x4000 : 0));
        source.Write(v4.AsSpan(12));
        destination.Write(v4.AsSpan(16));
        options.CopyTo(v4, 20);
        BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(10), Complement(Sum(v4.AsSpan(0, header))));
        payload.CopyTo(v4.AsSpan(header));
        return v4;
    }

    /// <summary>An ICMP message with its checksum written where it belongs.</summary>
    public static byte[] Checked(byte[] icmp)
    {
        BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(2), Complement(Sum(icmp)));
        return icmp;
    }

    /// <summary>The sum over everything that the header's checksum covers, the checksum included, is all ones.</summary>
    public static bool HasRightHeaderChecksum(ReadOnlySpan<byte> v4) => Complement(Sum(v4[..((v4[0] & 15) * 4)])) == 0;

    public static ushort SegmentChecksum(IpAddress source, IpAddress destination, byte protocol, ReadOnlySpan<byte> segment)
    {
        byte[] pseudo = [.. source.ToBytes(), .. destination.ToBytes(), 0, protocol];
        return Complement(Sum(pseudo) + Sum(segment) + (uint)segment.Length);
    }

    public static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0ul;
        for (var i = 0; i < bytes.Length; i++)
            sum += (ulong)bytes[i] << ((i & 1) == 0 ? 8 : 0);
        return sum;
    }

    public static ushort Complement(ulong sum)
    {
        while (sum > 0xFFFF)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
