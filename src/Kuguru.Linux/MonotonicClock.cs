namespace Kuguru.Linux;

/// <summary>The daemon's clock: nanoseconds since the machine started, suspended time included (CLOCK_BOOTTIME).</summary>
public static class MonotonicClock
{
    public static unsafe Instant Now
    {
        get
        {
            TimeValue time;
            if (Libc.clock_gettime(Libc.CLOCK_BOOTTIME, &time) != 0)
                throw new LinuxException("clock_gettime", Libc.Errno, "read the clock");
            return new(time.Seconds * 1_000_000_000 + time.Nanoseconds);
        }
    }
}
