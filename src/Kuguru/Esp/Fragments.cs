using Kuguru.Wire;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Esp;

/// <summary>
/// Cuts an IPv4 packet that may be fragmented, and may be a fragment already, into fragments (RFC 791 section 3.2) in the way of
/// <see cref="Segments"/>: headers go in front of data that stays where it is.
/// </summary>
unsafe struct Fragments
{
    const int MoreFragments = 0x2000, OffsetMask = 0x1FFF, OffsetUnit = 8;

    readonly byte* _data, _template;
    readonly int _dataLength, _headerLength, _fragmentSize, _flagsAndOffset;
    int _at;

    /// <param name="packet">The packet, whose header is sound.</param>
    /// <param name="length">Its length.</param>
    /// <param name="mtu">The longest fragment, 68 or more.</param>
    /// <param name="template">Memory for <see cref="HeaderTemplate.MaxLength"/> octets, the cutter's until it is through.</param>
    public Fragments(byte* packet, int length, int mtu, byte* template)
    {
        var header = new Span<byte>(packet, Ipv4.MinSize);
        _headerLength = new Ipv4(header).HeaderLength;
        _flagsAndOffset = ReadUInt16BigEndian(header[6..]);
        _data = packet + _headerLength;
        _dataLength = length - _headerLength;
        _fragmentSize = (mtu - _headerLength) / OffsetUnit * OffsetUnit;
        _template = template;
        new Span<byte>(packet, _headerLength).CopyTo(new(template, _headerLength));
    }

    /// <summary>The next fragment in place; good until the next call.</summary>
    public bool TryNext(out byte* fragment, out int length)
    {
        fragment = _data + _at - _headerLength;
        length = _headerLength + Math.Min(_fragmentSize, _dataLength - _at);
        if (_at >= _dataLength)
            return false;
        var header = new Span<byte>(fragment, _headerLength);
        new Span<byte>(_template, _headerLength).CopyTo(header);
        var isLast = _at + _fragmentSize >= _dataLength;
        var flags = _flagsAndOffset & ~OffsetMask | (isLast ? 0 : MoreFragments);
        WriteUInt16BigEndian(header[6..], (ushort)(flags | (_flagsAndOffset + _at / OffsetUnit) & OffsetMask));
        var ip = new Ipv4(header) { TotalLength = (ushort)length };
        ip.UpdateChecksum();
        if (_at == 0)
            BlankOptions(new(_template + Ipv4.MinSize, _headerLength - Ipv4.MinSize));
        _at += _fragmentSize;
        return true;
    }

    /// <summary>Only options with the copied bit stand in later fragments (RFC 791 section 3.1); the others become "no operation".</summary>
    static void BlankOptions(Span<byte> options)
    {
        const byte end = 0, noOperation = 1, copied = 0x80;
        while (options.Length > 0 && options[0] != end)
        {
            var length = options[0] == noOperation ? 1 : options.Length > 1 ? options[1] : 0;
            if (length == 0 || length > options.Length)
                return;
            if ((options[0] & copied) == 0)
                options[..length].Fill(noOperation);
            options = options[length..];
        }
    }
}
