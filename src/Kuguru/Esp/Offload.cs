using System.Runtime.InteropServices;
using Kuguru.Wire;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Esp;

/// <summary>
/// The work that the kernel left to whoever reads the TUN device, from the <see cref="VirtioNetHeader"/>, checked against the packet: cutting
/// a super-packet, or completing a checksum.
/// </summary>
readonly struct Offload
{
    /// <summary>Where the checksum to be completed begins, and where its field is; no field, no checksum.</summary>
    readonly int _checksumFrom, _checksumAt;
    readonly int _length;

    Offload(in IpPacket ip, in VirtioNetHeader header)
    {
        _length = LargestPacket = ip.Length;
        if ((header.Flags & VirtioNetHeader.NeedsChecksum) != 0)
            (_checksumFrom, _checksumAt) = (header.ChecksumStart, header.ChecksumStart + header.ChecksumOffset);
    }

    Offload(in IpPacket ip, int headerLength, int segmentSize)
    {
        (_length, HeaderLength, SegmentSize) = (ip.Length, headerLength, segmentSize);
        LargestPacket = Math.Min(_length, headerLength + segmentSize);
    }

    /// <summary>Octets of payload of each segment but the last; 0 where nothing is to be cut.</summary>
    public int SegmentSize { get; }
    public bool IsSuperPacket => SegmentSize > 0;

    /// <summary>All that is repeated in front of each segment: IP and transport header.</summary>
    public int HeaderLength { get; }

    /// <summary>Of the packets that are to be sent.</summary>
    public int LargestPacket { get; }

    /// <summary>False when it is no sound IP packet or the header does not fit it.</summary>
    public static bool TryRead(Span<byte> buffer, out Offload offload, out IpPacket ip)
    {
        (offload, ip) = (default, default);
        if (!MemoryMarshal.TryRead<VirtioNetHeader>(buffer, out var header) || !IpPacket.TryRead(buffer[VirtioNetHeader.Size..], out ip))
            return false;
        var packet = buffer.Slice(VirtioNetHeader.Size, ip.Length);
        if (header.Gso != GsoType.None)
            return TryReadSuperPacket(packet, ip, header, out offload);
        offload = new(ip, header);
        return offload._checksumAt == 0 || (offload._checksumFrom >= ip.TransportAt && offload._checksumAt + 2 <= ip.Length);
    }

    /// <summary>The header length that the kernel states is a hint: what counts is what the transport header says.</summary>
    static bool TryReadSuperPacket(Span<byte> packet, in IpPacket ip, in VirtioNetHeader header, out Offload offload)
    {
        offload = default;
        if (ip.IsFragment || header.SegmentSize == 0)
            return false;
        var transport = packet[ip.TransportAt..];
        var transportHeader = header.Gso switch
        {
            GsoType.TcpV4 when !ip.IsV6 => TcpHeaderLength(transport, ip),
            GsoType.TcpV6 when ip.IsV6 => TcpHeaderLength(transport, ip),
            GsoType.UdpSegments when ip.Protocol == IpProtocol.Udp && transport.Length > UdpHeader.Size => UdpHeader.Size,
            _ => 0,
        };
        var headerLength = ip.TransportAt + transportHeader;
        if (transportHeader == 0 || headerLength > HeaderTemplate.MaxLength)
            return false;
        offload = new(ip, headerLength, header.SegmentSize);
        return true;
    }

    static int TcpHeaderLength(Span<byte> transport, in IpPacket ip) =>
        ip.Protocol == IpProtocol.Tcp && Tcp.TryRead(transport, out var tcp) && tcp.HeaderLength < transport.Length ? tcp.HeaderLength : 0;

    /// <summary>The field holds the pseudo header's sum; the rest is added here.</summary>
    public unsafe void CompleteChecksum(byte* packet)
    {
        if (_checksumAt == 0)
            return;
        var checksum = Checksum.Of(new(packet + _checksumFrom, _length - _checksumFrom));
        // 0 would mean "none" in UDP, and is as good as its other form everywhere else.
        WriteUInt16BigEndian(new(packet + _checksumAt, 2), checksum == 0 ? ushort.MaxValue : checksum);
    }
}
