using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>struct iovec: one piece of a gathered write. The memory must be native or pinned.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct IoVector(byte* data, int length)
{
    public byte* Data = data;
    public nuint Length = (nuint)length;
}

/// <summary>struct msghdr, 56 octets.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct MessageHeader
{
    public byte* Name;
    public uint NameLength;
    readonly uint _pad1;
    public IoVector* Vectors;
    public nuint VectorCount;
    public byte* Control;
    public nuint ControlLength;
    public int Flags;
    readonly uint _pad2;
}

/// <summary>struct mmsghdr, 64 octets.</summary>
[StructLayout(LayoutKind.Sequential)]
struct MultiMessageHeader
{
    public MessageHeader Header;
    public uint Length;
    readonly uint _pad;
}

/// <summary>struct pollfd.</summary>
[StructLayout(LayoutKind.Sequential)]
struct PollDescriptor
{
    public int Descriptor;
    public short Events;
    public short Returned;
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
struct TimeValue
{
    public long Seconds;
    public long Nanoseconds;
}

/// <summary>struct itimerspec.</summary>
[StructLayout(LayoutKind.Sequential)]
struct TimerSetting
{
    public TimeValue Interval;
    public TimeValue Value;
}

/// <summary>struct sock_extended_err of linux/errqueue.h.</summary>
[StructLayout(LayoutKind.Sequential)]
struct ExtendedError
{
    public const byte OriginLocal = 1, OriginIcmp = 2, OriginIcmp6 = 3;

    public uint Errno;
    public byte Origin;
    public byte Type;
    public byte Code;
    readonly byte _pad;
    public uint Info;
    public uint Data;
}
