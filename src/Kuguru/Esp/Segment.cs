using System.Runtime.CompilerServices;
using Kuguru.Wire;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Esp;

/// <summary>One inner TCP or UDP packet as the <see cref="Coalescer"/> sees it.</summary>
readonly unsafe struct Segment
{
    const int TcpSequenceAt = 4, TcpFlagsAt = 13, TcpUrgentAt = 18;

    Segment(byte* packet, in IpPacket ip, int headerLength, bool isTcp)
    {
        (IsV6, IsTcp, Length, TransportAt, HeaderLength) = (ip.IsV6, isTcp, ip.Length, ip.TransportAt, headerLength);
        Packet = packet;
        Flow = HashOf(ip);
    }

    public byte* Packet { get; }
    public int Length { get; }
    public bool IsV6 { get; }
    public bool IsTcp { get; }
    public int TransportAt { get; }

    /// <summary>IP and transport header.</summary>
    public int HeaderLength { get; }
    public int PayloadLength => Length - HeaderLength;

    /// <summary>Nearly always different for different conversations; <see cref="HasHeadersOf"/> is exact.</summary>
    public ulong Flow { get; }

    /// <summary>It may stand in a super-packet.</summary>
    public bool MayJoin { get; private init; }

    /// <summary>It may be the first of one.</summary>
    public bool MayBegin => MayJoin && !IsPush;

    public bool IsPush => IsTcp && (Flags & TcpFlags.Psh) != 0;
    public uint Sequence => ReadUInt32BigEndian(Transport[TcpSequenceAt..]);
    public ushort Identification => IsV6 ? (ushort)0 : ReadUInt16BigEndian(Bytes[4..]);

    TcpFlags Flags => (TcpFlags)Packet[TransportAt + TcpFlagsAt];
    ReadOnlySpan<byte> Bytes => new(Packet, Length);
    ReadOnlySpan<byte> Transport => new(Packet + TransportAt, Length - TransportAt);

    /// <summary>False when it belongs to no conversation whose order matters here.</summary>
    public static bool TryRead(byte* packet, in IpPacket ip, Coalescing coalescing, out Segment segment)
    {
        segment = default;
        if (ip.IsFragment)
            return false;
        var transport = new Span<byte>(packet + ip.TransportAt, ip.TransportLength);
        var plain = ip.TransportAt == (ip.IsV6 ? Ipv6.Size : Ipv4.MinSize);
        switch (ip.Protocol)
        {
            case IpProtocol.Tcp when coalescing != Coalescing.None && Tcp.TryRead(transport, out var tcp):
                var justData = (tcp.Flags & ~TcpFlags.Psh) == TcpFlags.Ack && tcp.HeaderLength < transport.Length;
                segment = new(packet, ip, ip.TransportAt + tcp.HeaderLength, isTcp: true) { MayJoin = plain && justData };
                return true;
            case IpProtocol.Udp when coalescing == Coalescing.TcpAndUdp && UdpHeader.TryRead(transport, out var udp):
                var whole = udp.Length == transport.Length && udp.Length > UdpHeader.Size && udp.Checksum != 0;
                segment = new(packet, ip, ip.TransportAt + UdpHeader.Size, isTcp: false) { MayJoin = plain && whole };
                return true;
            default:
                return false;
        }
    }

    /// <summary>All that a receiver would see of the headers is the same, but for what counts up from segment to segment, and PSH.</summary>
    public bool HasHeadersOf(in Segment first)
    {
        if (IsV6 != first.IsV6 || IsTcp != first.IsTcp || HeaderLength != first.HeaderLength)
            return false;
        ReadOnlySpan<byte> mine = Bytes, its = first.Bytes;
        // IPv4 skips length and identification, then the checksum; IPv6 skips the length.
        var sameNetwork = IsV6
            ? mine[..4].SequenceEqual(its[..4]) && mine[6..40].SequenceEqual(its[6..40])
            : mine[..2].SequenceEqual(its[..2]) && mine[6..10].SequenceEqual(its[6..10]) && mine[12..20].SequenceEqual(its[12..20]);
        if (!sameNetwork)
            return false;
        ReadOnlySpan<byte> segment = Transport[..(HeaderLength - TransportAt)], other = first.Transport;
        if (!IsTcp)
            return segment[..4].SequenceEqual(other[..4]);
        return segment[..TcpSequenceAt].SequenceEqual(other[..TcpSequenceAt])
            && segment[(TcpSequenceAt + 4)..TcpFlagsAt].SequenceEqual(other[(TcpSequenceAt + 4)..TcpFlagsAt])
            && segment[(TcpFlagsAt + 1)..Tcp.ChecksumAt].SequenceEqual(other[(TcpFlagsAt + 1)..Tcp.ChecksumAt])
            && segment[TcpUrgentAt..].SequenceEqual(other[TcpUrgentAt..segment.Length]);
    }

    /// <summary>Without DF the identification has a meaning, and counts up when the super-packet is cut again.</summary>
    public bool HasIdentification(int expected)
    {
        const byte dontFragment = 0x40;
        return IsV6 || (Packet[6] & dontFragment) != 0 || Identification == (ushort)expected;
    }

    /// <summary>Of the transport and, in IPv4, of the header: who coalesces answers for them.</summary>
    public bool HasRightChecksums()
    {
        if (!IsV6 && Checksum.Of(Bytes[..TransportAt]) != 0)
            return false;
        return (ushort)~Checksum.Add(PseudoSum(Transport.Length), Checksum.Sum(Transport)) == 0;
    }

    /// <summary>The pseudo header's sum for a transport packet of this length.</summary>
    public ushort PseudoSum(int transportLength)
    {
        var addresses = Checksum.Sum(IsV6 ? Bytes[8..40] : Bytes[12..20]);
        return Checksum.Add(Checksum.Add(addresses, (ushort)(IsTcp ? IpProtocol.Tcp : IpProtocol.Udp)), (ushort)transportLength);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong HashOf(in IpPacket ip)
    {
        const ulong odd = 0x9E3779B97F4A7C15;
        var hash = (ulong)ip.Source.Value;
        hash = (hash ^ (ulong)ip.Destination.Value) * odd + (ulong)ip.Source.Value;
        return (hash ^ (uint)(ip.SourcePort << 16 | ip.DestinationPort)) * odd + (ulong)ip.Protocol;
    }
}
