namespace Kuguru.Linux;

/// <summary>An eventfd: any thread calls <see cref="Set"/>, the one that polls <see cref="Number"/> wakes up and calls <see cref="Clear"/>.</summary>
public sealed class WakeUp : IDisposable
{
    readonly Descriptor _descriptor = Descriptor.Own(
        Libc.eventfd(0, Libc.O_CLOEXEC | Libc.O_NONBLOCK), "eventfd", "make a wake-up event");

    public int Number => _descriptor.Number;

    public unsafe void Set()
    {
        ulong one = 1;
        if (Libc.write(_descriptor.Number, &one, sizeof(ulong)) < 0 && Libc.Errno is var errno && errno != Errno.EAGAIN)
            throw new LinuxException("write", errno, "set a wake-up event");
    }

    /// <summary>True when it was set.</summary>
    public unsafe bool Clear()
    {
        ulong count;
        if (Libc.read(_descriptor.Number, &count, sizeof(ulong)) > 0)
            return true;
        var errno = Libc.Errno;
        return errno == Errno.EAGAIN ? false : throw new LinuxException("read", errno, "clear a wake-up event");
    }

    public void Dispose() => _descriptor.Dispose();
}
