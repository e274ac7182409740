namespace Kuguru.Ike;

/// <summary>
/// The port that a NAT is examined from is one for all IKE SAs, and a NAT may have one mapping for it wherever its packets go: so only one of them uses
/// it at a time, else what it takes for a silence is none.
/// </summary>
public sealed class ProbeLine
{
    (uint User, Instant Until)? _taken;

    /// <summary>False when another IKE SA has it.</summary>
    public bool TryTake(uint user, Instant now, TimeSpan time)
    {
        if (_taken is { } taken && taken.User != user && taken.Until > now)
            return false;
        _taken = (user, now + time);
        return true;
    }
}
