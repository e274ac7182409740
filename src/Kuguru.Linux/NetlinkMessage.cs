using System.Runtime.InteropServices;
using System.Text;

namespace Kuguru.Linux;

/// <summary>The message types and flags of rtnetlink(7) that are used.</summary>
static class Rtnetlink
{
    public const ushort Error = 2, Done = 3;
    public const ushort NewLink = 16, DelLink = 17, GetLink = 18;
    public const ushort NewAddress = 20, DelAddress = 21, GetAddress = 22;
    public const ushort NewRoute = 24, DelRoute = 25, GetRoute = 26;
    public const ushort NewRule = 32, DelRule = 33, GetRule = 34;

    public const ushort Request = 1, Acknowledge = 4, DumpInterrupted = 0x10, Dump = 0x300;
    public const ushort Replace = 0x100, Exclusive = 0x200, Create = 0x400;
    public const ushort AnswerCapped = 0x100, AnswerHasAttributes = 0x200;
}

/// <summary>
/// A message being written: header of 16 octets, the fixed part of its type, attributes {u16 length, u16 type, value} padded to 4;
/// all in host byte order but for addresses.
/// </summary>
ref struct NetlinkMessage
{
    public const int HeaderLength = 16;

    readonly Span<byte> _buffer;
    int _length;

    public NetlinkMessage(Span<byte> buffer, ushort type, int flags, uint sequence)
    {
        _buffer = buffer;
        _length = HeaderLength;
        buffer[..HeaderLength].Clear();
        MemoryMarshal.Write(buffer[4..], type);
        MemoryMarshal.Write(buffer[6..], (ushort)(flags | Rtnetlink.Request));
        MemoryMarshal.Write(buffer[8..], sequence);
    }

    /// <summary>The fixed part.</summary>
    public unsafe void Fixed<T>(T value) where T : unmanaged
    {
        MemoryMarshal.Write(_buffer[_length..], value);
        _length += (sizeof(T) + 3) & ~3;
    }

    public void Attribute(int type, scoped ReadOnlySpan<byte> value)
    {
        var start = Begin(type);
        value.CopyTo(_buffer[_length..]);
        _length += value.Length;
        End(start);
    }

    public void Attribute(int type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, value);
        Attribute(type, bytes);
    }

    public void Attribute(int type, IpAddress value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.Write(bytes);
        Attribute(type, bytes[..value.Length]);
    }

    public void Attribute(int type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + '\0'));

    /// <summary>Opens an attribute that holds attributes.</summary>
    public int Begin(int type)
    {
        var start = _length;
        MemoryMarshal.Write(_buffer[(start + 2)..], (ushort)type);
        _length += 4;
        return start;
    }

    public void End(int start)
    {
        MemoryMarshal.Write(_buffer[start..], (ushort)(_length - start));
        var padded = (_length + 3) & ~3;
        _buffer[_length..padded].Clear();
        _length = padded;
    }

    public readonly ReadOnlySpan<byte> Finish()
    {
        MemoryMarshal.Write(_buffer, _length);
        return _buffer[.._length];
    }
}

/// <summary>Goes through attributes: <c>while (reader.Next()) switch (reader.Type) ...</c>.</summary>
ref struct NetlinkAttributes(ReadOnlySpan<byte> bytes)
{
    ReadOnlySpan<byte> _rest = bytes;

    public int Type { get; private set; }
    public ReadOnlySpan<byte> Value { get; private set; }

    public bool Next()
    {
        if (_rest.Length < 4)
            return false;
        var length = MemoryMarshal.Read<ushort>(_rest);
        if (length < 4 || length > _rest.Length)
            return false;
        // The two top bits say "nested" and "network byte order".
        Type = MemoryMarshal.Read<ushort>(_rest[2..]) & 0x3fff;
        Value = _rest[4..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }

    public readonly uint U32 => MemoryMarshal.Read<uint>(Value);
    public readonly IpAddress Address => IpAddress.Read(Value);
    public readonly string Text => Encoding.UTF8.GetString(Value.TrimEnd((byte)0));
}
