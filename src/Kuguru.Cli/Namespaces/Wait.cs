using System.Diagnostics;

namespace Kuguru.Cli.Namespaces;

/// <summary>Waiting for the world: the one place that looks, rests and looks again.</summary>
public static class Wait
{
    static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(20);

    /// <exception cref="TimeoutException">It did not come true within the limit; the message says what.</exception>
    public static void Until(string what, TimeSpan limit, Func<bool> holds)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (Stopwatch.GetElapsedTime(begin) > limit)
                throw new TimeoutException($"waited {limit.TotalSeconds:0.#} s in vain: {what}");
            Thread.Sleep(Rest);
        }
    }
}
