namespace Kuguru.Ike;

/// <summary>
/// When an SA gets new keys, and when it ends at the latest (swanctl.conf <c>rekey_time</c>, <c>rand_time</c>, <c>life_time</c>,
/// <c>over_time</c>). Zero is never.
/// </summary>
public static class Lifetime
{
    /// <summary>What lies between rekeying and the end, as a part of the former, where nothing is configured.</summary>
    internal const double DefaultMargin = 0.1;

    /// <summary>The soft limit less a random part, so that both ends, and a thousand SAs, do not all rekey at once; null is never.
    /// Half of it passes in any case: a random part as long as the limit would rekey without end.</summary>
    public static TimeSpan? Soft(TimeSpan time, TimeSpan? random, TimeSpan margin, double chance)
    {
        if (time <= TimeSpan.Zero)
            return null;
        var (soft, earliest) = (time - (random ?? margin) * chance, time / 2);
        return soft > earliest ? soft : earliest;
    }

    /// <summary>The same for bytes or packets: the soft limit less a random part, by default of what lies between it and the hard one; 0 is never.</summary>
    public static ulong Soft(ulong soft, ulong hard, ulong? random, double chance)
    {
        var part = random ?? (hard > soft ? hard - soft : 0);
        var least = soft / 2;
        var cut = (ulong)(Math.Min(part, soft) * chance);
        return soft - Math.Min(cut, soft - least);
    }

    /// <summary>A child's: rekeying after <c>rekey_time</c> less a part, the end at <c>life_time</c>.</summary>
    public static (TimeSpan? Rekey, TimeSpan? End) Of(ChildConfig child, double chance)
    {
        var end = child.LifeTime ?? child.RekeyTime * (1 + DefaultMargin);
        var rekey = Soft(child.RekeyTime, child.RandTime, Max(end - child.RekeyTime), chance);
        return (rekey, end > TimeSpan.Zero ? end : null);
    }

    /// <summary>An IKE SA's: rekeying, reauthentication, and the end <c>over_time</c> after whichever of the two should have come first.</summary>
    public static (TimeSpan? Rekey, TimeSpan? Reauth, TimeSpan? End) Of(Connection connection, double chance)
    {
        var longest = connection.RekeyTime > connection.ReauthTime ? connection.RekeyTime : connection.ReauthTime;
        var over = connection.OverTime ?? longest * DefaultMargin;
        var rekey = Soft(connection.RekeyTime, connection.RandTime, over, chance);
        var reauth = Soft(connection.ReauthTime, connection.RandTime, over, chance);
        var first = rekey is null || reauth < rekey ? reauth : rekey;
        return (rekey, reauth, first + over);
    }

    static TimeSpan Max(TimeSpan span) => span > TimeSpan.Zero ? span : TimeSpan.Zero;
}
