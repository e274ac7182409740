using System.Buffers.Binary;

namespace Kuguru.Wire;

/// <summary>Writes fields in network order into a buffer that grows. Lengths that are known only afterwards are patched in.</summary>
public sealed class WireWriter(int capacity = 512)
{
    byte[] _buffer = new byte[capacity];

    public int Length { get; private set; }

    /// <summary>What was written so far; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public byte[] ToArray() => Written.ToArray();

    public void U8(byte value) => Room(1)[0] = value;
    public void U16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Room(2), value);
    public void U32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Room(4), value);
    public void U64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Room(8), value);
    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Room(bytes.Length));
    public void Zeros(int count) => Room(count).Clear();
    public void Address(IpAddress address) => address.Write(Room(address.Length));

    /// <summary>Overwrites one octet that was already written.</summary>
    public void Patch8(int at, byte value) => _buffer.AsSpan(0, Length)[at] = value;

    /// <summary>Overwrites two octets with the count of octets written since <paramref name="from"/>.</summary>
    public void PatchLength16(int at, int from) =>
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(0, Length)[at..], checked((ushort)(Length - from)));

    /// <summary>Overwrites four octets with the count of octets written since <paramref name="from"/>.</summary>
    public void PatchLength32(int at, int from) =>
        BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(0, Length)[at..], (uint)(Length - from));

    Span<byte> Room(int count)
    {
        if (_buffer.Length - Length < count)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + count));
        Length += count;
        return _buffer.AsSpan(Length - count, count);
    }
}
