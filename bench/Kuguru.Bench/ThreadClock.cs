using System.Runtime.InteropServices;

namespace Kuguru.Bench;

/// <summary>The processor time of the calling thread: what work costs, however many others want the processor.</summary>
static unsafe partial class ThreadClock
{
    const int CLOCK_THREAD_CPUTIME_ID = 3;

    public static TimeSpan Now
    {
        get
        {
            var time = stackalloc nint[2];
            return clock_gettime(CLOCK_THREAD_CPUTIME_ID, time) == 0
                ? TimeSpan.FromSeconds(time[0]) + TimeSpan.FromTicks(time[1] / 100)
                : throw new InvalidOperationException("the kernel has no clock for threads");
        }
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, nint* time);
}
