namespace Kuguru.Ike;

/// <summary>How long a request waits for its answer (RFC 7296 section 2.1, strongswan.conf <c>retransmit_*</c>).</summary>
public static class Retransmission
{
    /// <summary>A refusal that is not authenticated ends the attempt after this many more requests, all refused (RFC 7296 section 2.21.1).</summary>
    public const int TriesAfterRefusal = 2;

    static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>
    /// The wait after a request was sent for the first time (0) or resent (1, 2, ...); null when it is not sent again, and its silence is final.
    /// timeout * base^resent, at most the limit, less a random part of it up to the jitter.
    /// </summary>
    /// <param name="settings">Timeout, base, tries, limit and jitter.</param>
    /// <param name="resent">How often it has been resent.</param>
    /// <param name="chance">From 0 to 1.</param>
    public static TimeSpan? Wait(IkeSettings settings, int resent, double chance)
    {
        if (resent > settings.RetransmitTries)
            return null;
        var seconds = settings.RetransmitTimeout.TotalSeconds * Math.Pow(settings.RetransmitBase, resent);
        if (settings.RetransmitLimit > TimeSpan.Zero)
            seconds = Math.Min(seconds, settings.RetransmitLimit.TotalSeconds);
        seconds = Math.Min(seconds, Longest.TotalSeconds);
        return TimeSpan.FromSeconds(seconds * (1 - chance * settings.RetransmitJitter / 100));
    }

    /// <summary>From the first sending to the end of the last wait, at most a day: as long as a peer with these settings may go on asking.</summary>
    public static TimeSpan Whole(IkeSettings settings)
    {
        var whole = TimeSpan.Zero;
        for (var resent = 0; whole < Longest && Wait(settings, resent, 0) is { } wait; resent++)
            whole += wait;
        return whole < Longest ? whole : Longest;
    }
}
