namespace Kuguru.Nat;

/// <summary>
/// What has been learned of how long the NAT (or stateful firewall) of the present network lets a silent mapping live. Immutable; shared by all
/// tunnels through it.
/// </summary>
/// <param name="Holds">The longest silence after which a packet still came in; zero: none has been tried.</param>
/// <param name="Fails">The shortest one after which none came, twice; null: none has failed.</param>
/// <param name="Doubts">A silence that has failed once: a packet may have been lost.</param>
/// <param name="IsBlocked">Questions from another port are not answered here: nothing can be learned.</param>
public readonly record struct MappingLife(TimeSpan Holds, TimeSpan? Fails = null, TimeSpan? Doubts = null, bool IsBlocked = false)
{
    /// <summary>No shorter interval, whatever the NAT: those that forget faster break everything.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(15);

    /// <summary>No longer silence is tried.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(330);

    /// <summary>Each a silence to try; the interval is nine tenths of the longest that held.</summary>
    static readonly double[] Steps = [17, 25, 35, 50, 75, 110, 160, 230, 330];

    /// <summary>The first silence to try: a little more than the interval that everybody starts with.</summary>
    const int First = 1;

    /// <summary>The interval of keepalives that holds such a mapping; <paramref name="start"/> until something is known.</summary>
    public TimeSpan Interval(TimeSpan start)
    {
        if (Holds > TimeSpan.Zero)
            return Later(Shortest, Holds * 0.9);
        return Fails is not null && start > Shortest ? Shortest : start;
    }

    /// <summary>The silence to try next; null when there is nothing left to learn.</summary>
    public TimeSpan? Next
    {
        get
        {
            if (IsBlocked)
                return null;
            if (Doubts is { } doubtful)
                return doubtful;
            var (holds, fails) = (Holds.TotalSeconds, Fails?.TotalSeconds ?? double.PositiveInfinity);
            if (holds == 0)
                return Fails is null ? TimeSpan.FromSeconds(Steps[First]) : fails > Steps[0] ? TimeSpan.FromSeconds(Steps[0]) : null;
            foreach (var step in Steps)
            {
                if (step > holds && step < fails)
                    return TimeSpan.FromSeconds(step);
            }
            return null;
        }
    }

    /// <summary>A packet came in after this silence.</summary>
    public MappingLife Held(TimeSpan silence) => this with { Holds = Later(Holds, silence), Doubts = Doubts > silence ? Doubts : null };

    /// <summary>None did; the second time that is believed.</summary>
    public MappingLife Lost(TimeSpan silence) => Doubts == silence ? this with { Fails = silence, Doubts = null } : this with { Doubts = silence };

    static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;
}

/// <summary>How often keepalives go out: as learned from the NAT, beginning with this interval, or always so. Zero is never.</summary>
public readonly record struct KeepAlivePolicy(bool IsLearned, TimeSpan Interval)
{
    /// <summary>Begins with what RFC 3948 section 4 recommends.</summary>
    public static readonly KeepAlivePolicy Auto = new(IsLearned: true, TimeSpan.FromSeconds(20));

    public static KeepAlivePolicy Every(TimeSpan interval) => new(IsLearned: false, interval);
}
