using Kuguru.Wire;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Esp;

/// <summary>Room for the headers that are repeated in front of pieces of a packet.</summary>
static class HeaderTemplate
{
    public const int MaxLength = 256;
}

/// <summary>
/// Cuts a TCP or UDP super-packet into the packets that it stands for, without moving payload: one after the other the headers are written
/// in front of each segment's payload, over the end of the segment before, which has been sealed by then.
/// </summary>
unsafe struct Segments
{
    readonly byte* _payload, _template;
    readonly int _payloadLength, _headerLength, _transportAt, _segmentSize;
    readonly bool _isV6, _isTcp;

    /// <summary>Of the pseudo header, still without the length.</summary>
    readonly ushort _pseudo;
    readonly ushort _identification;
    readonly uint _sequence;
    readonly TcpFlags _flags;
    int _at, _index;

    /// <param name="packet">The super-packet.</param>
    /// <param name="ip">What is known about it.</param>
    /// <param name="offload">How it is to be cut.</param>
    /// <param name="template">Memory for <see cref="HeaderTemplate.MaxLength"/> octets, the cutter's until it is through.</param>
    public Segments(byte* packet, in IpPacket ip, in Offload offload, byte* template)
    {
        (_headerLength, _transportAt, _segmentSize) = (offload.HeaderLength, ip.TransportAt, offload.SegmentSize);
        _payload = packet + _headerLength;
        _payloadLength = ip.Length - _headerLength;
        (_isV6, _isTcp) = (ip.IsV6, ip.Protocol == IpProtocol.Tcp);
        _pseudo = Checksum.Pseudo(ip.Source, ip.Destination, ip.Protocol, 0);
        _template = template;
        var headers = new Span<byte>(packet, _headerLength);
        headers.CopyTo(new(template, _headerLength));
        if (!_isV6)
            _identification = new Ipv4(headers).Identification;
        if (_isTcp && Tcp.TryRead(headers[_transportAt..], out var tcp))
            (_sequence, _flags) = (tcp.Sequence, tcp.Flags);
    }

    /// <summary>The next packet, checksums and all, in place; good until the next call.</summary>
    public bool TryNext(out byte* segment, out int length)
    {
        segment = _payload + _at - _headerLength;
        length = _headerLength + Math.Min(_segmentSize, _payloadLength - _at);
        if (_at >= _payloadLength)
            return false;
        new Span<byte>(_template, _headerLength).CopyTo(new(segment, _headerLength));
        WriteNetworkHeader(new(segment, length));
        var transport = new Span<byte>(segment + _transportAt, length - _transportAt);
        if (_isTcp)
            WriteTcpHeader(transport);
        else
            WriteUdpHeader(transport);
        _at += _segmentSize;
        _index++;
        return true;
    }

    readonly void WriteNetworkHeader(Span<byte> segment)
    {
        if (_isV6)
        {
            _ = new Ipv6(segment) { PayloadLength = (ushort)(segment.Length - Ipv6.Size) };
            return;
        }
        var header = new Ipv4(segment) { TotalLength = (ushort)segment.Length, Identification = (ushort)(_identification + _index) };
        header.UpdateChecksum();
    }

    /// <summary>FIN and PSH belong to the last segment, CWR to the first.</summary>
    readonly void WriteTcpHeader(Span<byte> transport)
    {
        if (!Tcp.TryRead(transport, out var tcp))
            return;
        tcp.Sequence = _sequence + (uint)_at;
        var isLast = _at + _segmentSize >= _payloadLength;
        tcp.Flags = _flags & ~((isLast ? TcpFlags.None : TcpFlags.Fin | TcpFlags.Psh) | (_index == 0 ? TcpFlags.None : TcpFlags.Cwr));
        tcp.SegmentChecksum = 0;
        tcp.SegmentChecksum = ChecksumOf(transport);
    }

    readonly void WriteUdpHeader(Span<byte> transport)
    {
        WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        WriteUInt16BigEndian(transport[UdpHeader.ChecksumAt..], 0);
        var checksum = ChecksumOf(transport);
        WriteUInt16BigEndian(transport[UdpHeader.ChecksumAt..], checksum == 0 ? ushort.MaxValue : checksum);
    }

    readonly ushort ChecksumOf(ReadOnlySpan<byte> transport) =>
        (ushort)~Checksum.Add(Checksum.Add(_pseudo, (ushort)transport.Length), Checksum.Sum(transport));
}
