namespace Kuguru.Ike;

/// <summary>
/// The port that a NAT is examined from is one for all IKE SAs, and a NAT may have one mapping for it wherever its packets go: so only one of them uses
/// it at a time, else what it takes for a silence is none.
/// </summary>
public sealed class ProbeLine
{
    (object User, Instant Until)? _taken;

    /// <summary>False when another IKE SA has it, none of those that one was rekeyed from.</summary>
    /// <param name="user">What they have in common.</param>
    /// <param name="now">The time.</param>
    /// <param name="time">For how long it is taken.</param>
    public bool TryTake(object user, Instant now, TimeSpan time)
    {
        if (_taken is { } taken && !ReferenceEquals(taken.User, user) && taken.Until > now)
            return false;
        _taken = (user, now + time);
        return true;
    }
}
