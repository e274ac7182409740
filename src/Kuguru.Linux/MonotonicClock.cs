namespace Kuguru.Linux;

/// <summary>The daemon's clock: nanoseconds since the machine started, suspended time included (CLOCK_BOOTTIME).</summary>
public static class MonotonicClock
{
    public static Instant Now => new(Read(Libc.CLOCK_BOOTTIME));

    /// <summary>How long the machine has been suspended since it started; a little more or less each time, as two clocks are read one after the other.</summary>
    public static TimeSpan Suspended => TimeSpan.FromTicks((Read(Libc.CLOCK_BOOTTIME) - Read(Libc.CLOCK_MONOTONIC)) / TimeSpan.NanosecondsPerTick);

    static unsafe long Read(int clock)
    {
        TimeValue time;
        if (Libc.clock_gettime(clock, &time) != 0)
            throw new LinuxException("clock_gettime", Libc.Errno, "read the clock");
        return time.Seconds * 1_000_000_000 + time.Nanoseconds;
    }
}
