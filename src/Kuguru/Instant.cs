namespace Kuguru;

/// <summary>A point in time, in nanoseconds since an origin that only the shell knows (monotonic clock or virtual time).</summary>
public readonly record struct Instant(long Nanoseconds) : IComparable<Instant>
{
    public static Instant operator +(Instant at, TimeSpan span) => new(at.Nanoseconds + span.Ticks * 100);
    public static Instant operator -(Instant at, TimeSpan span) => new(at.Nanoseconds - span.Ticks * 100);
    public static TimeSpan operator -(Instant later, Instant earlier) => new((later.Nanoseconds - earlier.Nanoseconds) / 100);
    public static bool operator <(Instant a, Instant b) => a.Nanoseconds < b.Nanoseconds;
    public static bool operator >(Instant a, Instant b) => a.Nanoseconds > b.Nanoseconds;
    public static bool operator <=(Instant a, Instant b) => a.Nanoseconds <= b.Nanoseconds;
    public static bool operator >=(Instant a, Instant b) => a.Nanoseconds >= b.Nanoseconds;

    /// <summary>The earlier of two deadlines, where null is "never".</summary>
    public static Instant? Earliest(Instant? a, Instant? b) => a is null ? b : b is null || a <= b ? a : b;

    public int CompareTo(Instant other) => Nanoseconds.CompareTo(other.Nanoseconds);
    public override string ToString() => FormattableString.Invariant($"{Nanoseconds / 1e9:0.000}");
}
