using System.Buffers.Binary;

namespace Kuguru.Wire;

/// <summary>
/// Reads fields in network order. It is sticky: the first thing that goes wrong empties the reader and is remembered, every later
/// read gives 0 or nothing. So parsers are straight lines, their loops end, and one look at <see cref="Failed"/> at the end is enough.
/// A reader is passed by ref; what <see cref="Take"/> cuts off is a reader of its own, whose failure its taker hands back with <see cref="Adopt"/>.
/// </summary>
public ref struct WireReader
{
    ReadOnlySpan<byte> _rest;
    readonly int _end;

    /// <param name="bytes">What is read.</param>
    /// <param name="at">Where these bytes begin in the whole message, for the offsets in errors.</param>
    public WireReader(ReadOnlySpan<byte> bytes, int at = 0)
    {
        _rest = bytes;
        _end = at + bytes.Length;
    }

    public ParseErrorKind Error { get; private set; }

    /// <summary>Offset in the whole message where the first failure was seen.</summary>
    public int ErrorAt { get; private set; }

    public readonly bool Failed => Error != ParseErrorKind.None;
    public readonly int Left => _rest.Length;
    public readonly bool AtEnd => _rest.IsEmpty;

    /// <summary>Offset of the next field in the whole message.</summary>
    public readonly int Position => _end - _rest.Length;

    public byte U8() => Bytes(1) is [var value] ? value : (byte)0;
    public ushort U16() => Bytes(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0;
    public uint U32() => Bytes(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;
    public ulong U64() => Bytes(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : 0;

    /// <summary>Exactly this many octets, or none after a failure.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        if ((uint)count > (uint)_rest.Length)
        {
            Fail(ParseErrorKind.Truncated);
            return default;
        }
        var bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }

    /// <summary>A copy of exactly this many octets.</summary>
    public Blob Blob(int count) => Kuguru.Blob.Copy(Bytes(count));

    /// <summary>A copy of all that is left.</summary>
    public Blob Rest() => Blob(Left);

    public void Skip(int count) => Bytes(count);

    public IpAddress V4() => Bytes(4) is { Length: 4 } bytes ? IpAddress.Read(bytes) : default;
    public IpAddress V6() => Bytes(16) is { Length: 16 } bytes ? IpAddress.Read(bytes) : default;

    /// <summary>A reader of the next octets only.</summary>
    public WireReader Take(int count)
    {
        var at = Position;
        return new(Bytes(count), at);
    }

    /// <summary>Takes over the failure of a part, or fails when the part was not read to its end.</summary>
    public void Adopt(in WireReader part)
    {
        if (part.Failed)
            Fail(part.Error, part.ErrorAt);
        else if (!part.AtEnd)
            Fail(ParseErrorKind.Trailing, part.Position);
    }

    /// <summary>Says what is wrong at this place. Only the first failure is kept.</summary>
    public void Fail(ParseErrorKind kind) => Fail(kind, Position);

    void Fail(ParseErrorKind kind, int at)
    {
        if (!Failed)
            (Error, ErrorAt) = (kind, at);
        _rest = default;
    }
}
