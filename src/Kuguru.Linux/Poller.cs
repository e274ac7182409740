using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>What a descriptor is watched for, and what came. Error and hang-up come unasked.</summary>
[Flags]
public enum PollEvents
{
    None = 0,
    Readable = Libc.POLLIN,
    Writable = Libc.POLLOUT,
    Error = Libc.POLLERR,
    HangUp = Libc.POLLHUP,
}

/// <summary>
/// Waits for a handful of descriptors and a deadline on <see cref="MonotonicClock"/>: a deadline that passed while the machine
/// slept is due at once when it wakes. Belongs to one thread.
/// </summary>
public sealed unsafe class Poller : IDisposable
{
    readonly Descriptor _timer = Descriptor.Own(
        Libc.timerfd_create(Libc.CLOCK_BOOTTIME, Libc.O_CLOEXEC | Libc.O_NONBLOCK), "timerfd_create", "make a timer");
    readonly List<PollDescriptor> _watched = [];
    Instant? _armed;

    public Poller() => Watch(_timer.Number);

    /// <summary>The slot by which <see cref="this[int]"/> answers.</summary>
    public int Watch(int descriptor, PollEvents events = PollEvents.Readable)
    {
        _watched.Add(new() { Descriptor = descriptor, Events = (short)events });
        return _watched.Count - 1;
    }

    /// <summary>Changes what a slot is watched for.</summary>
    public void Change(int slot, PollEvents events) => CollectionsMarshal.AsSpan(_watched)[slot].Events = (short)events;

    /// <summary>What the last <see cref="Wait"/> found there.</summary>
    public PollEvents this[int slot] => (PollEvents)_watched[slot].Returned;

    /// <summary>Sleeps until a descriptor is ready (true) or the deadline has come (false); null is "never".</summary>
    public bool Wait(Instant? deadline)
    {
        Arm(deadline);
        var watched = CollectionsMarshal.AsSpan(_watched);
        fixed (PollDescriptor* first = watched)
        {
            int ready;
            while ((ready = Libc.poll(first, (nuint)watched.Length, -1)) < 0)
            {
                if (Libc.Errno is var errno && errno != Errno.EINTR)
                    throw new LinuxException("poll", errno, "wait for packets");
            }
            foreach (var slot in watched)
            {
                if ((slot.Returned & Libc.POLLNVAL) != 0)
                    throw new InvalidOperationException($"descriptor {slot.Descriptor} was closed while it was being watched");
            }
            return ready > (watched[0].Returned != 0 ? 1 : 0);
        }
    }

    /// <summary>Only a changed deadline costs a system call. A due timer stays readable until it is armed anew.</summary>
    void Arm(Instant? deadline)
    {
        if (deadline == _armed)
            return;
        // All zero would disarm; a deadline at or before the origin is simply due.
        var at = deadline is { } d ? Math.Max(d.Nanoseconds, 1) : 0;
        TimerSetting setting = new() { Value = new() { Seconds = at / 1_000_000_000, Nanoseconds = at % 1_000_000_000 } };
        if (Libc.timerfd_settime(_timer.Number, Libc.TFD_TIMER_ABSTIME, &setting, null) != 0)
            throw new LinuxException("timerfd_settime", Libc.Errno, "set a timer");
        _armed = deadline;
    }

    public void Dispose() => _timer.Dispose();
}
