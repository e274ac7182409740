using System.Runtime.InteropServices;
using Kuguru.Wire;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Esp;

/// <summary>A super-packet in the making: the first packet whole, of the others the payload.</summary>
sealed unsafe class OpenFlow : IDisposable
{
    /// <summary>As many as go into one, so that the pieces of one write are few.</summary>
    const int MaxSegments = 64;
    const int MaxLength = ushort.MaxValue;

    readonly Piece* _pieces = (Piece*)NativeMemory.Alloc(MaxSegments, (nuint)sizeof(Piece));
    Segment _first;
    int _count, _length;
    bool _isVerified, _isPush, _isShort;

    ~OpenFlow() => NativeMemory.Free(_pieces);

    public bool IsOpen => _count > 0;
    public ulong Key => _first.Flow;

    /// <summary>Nothing can follow.</summary>
    public bool IsFull => _isPush || _isShort || _count == MaxSegments;

    public void Begin(in Segment segment)
    {
        _first = segment;
        (_count, _length) = (1, segment.Length);
        (_isVerified, _isPush, _isShort) = (false, false, false);
        _pieces[0] = new(segment.Packet - VirtioNetHeader.Size, VirtioNetHeader.Size + segment.Length);
    }

    /// <summary>False when the packet does not continue this one; then it is not full, so the same packet may begin the next.</summary>
    public bool TryAppend(in Segment segment)
    {
        if (!Continues(segment) || !segment.HasRightChecksums() || !IsVerified())
            return false;
        _pieces[_count++] = new(segment.Packet + segment.HeaderLength, segment.PayloadLength);
        _length += segment.PayloadLength;
        _isPush = segment.IsPush;
        _isShort = segment.PayloadLength < _first.PayloadLength;
        return true;
    }

    /// <summary>
    /// The super-packet, or the one packet as it came. The flow is open no more; what is given is good until the next <see cref="Begin"/>.
    /// </summary>
    public ReadOnlySpan<Piece> Close()
    {
        var pieces = new ReadOnlySpan<Piece>(_pieces, _count);
        var header = new VirtioNetHeader();
        if (_count > 1)
            header = MakeSuperPacket();
        MemoryMarshal.Write(new(_first.Packet - VirtioNetHeader.Size, VirtioNetHeader.Size), header);
        _count = 0;
        return pieces;
    }

    public void Dispose()
    {
        NativeMemory.Free(_pieces);
        GC.SuppressFinalize(this);
    }

    bool Continues(in Segment segment) =>
        segment.MayJoin
        && segment.PayloadLength <= _first.PayloadLength
        && _length + segment.PayloadLength <= MaxLength
        && segment.HasHeadersOf(_first)
        && (!segment.IsTcp || segment.Sequence == _first.Sequence + (uint)(_length - _first.HeaderLength))
        && segment.HasIdentification(_first.Identification + _count);

    /// <summary>The first packet's own checksums are only looked at when there is a second one.</summary>
    bool IsVerified() => _isVerified = _isVerified || _first.HasRightChecksums();

    /// <summary>The first packet's headers become those of the whole, its checksum the pseudo header's sum; the kernel does the rest.</summary>
    VirtioNetHeader MakeSuperPacket()
    {
        var packet = new Span<byte>(_first.Packet, _first.Length);
        if (_first.IsV6)
            _ = new Ipv6(packet) { PayloadLength = (ushort)(_length - Ipv6.Size) };
        else
        {
            var ip = new Ipv4(packet) { TotalLength = (ushort)_length };
            ip.UpdateChecksum();
        }
        var transport = packet[_first.TransportAt..];
        var pseudo = _first.PseudoSum(_length - _first.TransportAt);
        if (_first.IsTcp && Tcp.TryRead(transport, out var tcp))
        {
            tcp.Flags |= _isPush ? TcpFlags.Psh : TcpFlags.None;
            tcp.SegmentChecksum = pseudo;
        }
        else
        {
            WriteUInt16BigEndian(transport[4..], (ushort)(_length - _first.TransportAt));
            WriteUInt16BigEndian(transport[UdpHeader.ChecksumAt..], pseudo);
        }
        return new()
        {
            Flags = VirtioNetHeader.NeedsChecksum,
            GsoBits = (byte)(!_first.IsTcp ? GsoType.UdpSegments : _first.IsV6 ? GsoType.TcpV6 : GsoType.TcpV4),
            HeaderLength = (ushort)_first.HeaderLength,
            SegmentSize = (ushort)_first.PayloadLength,
            ChecksumStart = (ushort)_first.TransportAt,
            ChecksumOffset = (ushort)(_first.IsTcp ? Tcp.ChecksumAt : UdpHeader.ChecksumAt),
        };
    }
}
