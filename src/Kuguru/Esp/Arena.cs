using System.Runtime.InteropServices;

namespace Kuguru.Esp;

/// <summary>
/// Native memory that packets lie in, so that the kernel can be handed addresses which no garbage collector moves. Behind the last octet
/// there is slack, which may be read and overwritten but holds nothing. One thread's; it goes with its owner's Dispose.
/// </summary>
sealed unsafe class Arena : IDisposable
{
    /// <summary>Octets behind the end that belong to the arena.</summary>
    public const int Slack = 64;

    byte* _start;
    int _used;

    public Arena(int capacity)
    {
        Capacity = capacity;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)(capacity + Slack), 64);
        new Span<byte>(_start, capacity + Slack).Clear();
    }

    ~Arena() => NativeMemory.AlignedFree(_start);

    public int Capacity { get; }
    public int Free => Capacity - _used;
    public bool IsEmpty => _used == 0;

    /// <summary>Address of the first octet; 64-byte aligned and fixed for the life of the arena.</summary>
    public byte* Start => _start;

    /// <summary>The first octet that is not in use.</summary>
    public byte* End => _start + _used;

    /// <summary>Takes the next octets into use. More than <see cref="Free"/> is a bug of the caller.</summary>
    public void Take(int count)
    {
        if ((uint)count > (uint)Free)
            throw new InvalidOperationException($"{count} octets asked of an arena with {Free} left");
        _used += count;
    }

    public void Clear() => _used = 0;

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
        GC.SuppressFinalize(this);
    }
}
