namespace Kuguru.Nat;

/// <summary>When a NAT's mapping needs a packet (RFC 3948 section 4).</summary>
public static class KeepAlive
{
    /// <summary>How often the side behind a NAT asks whether its peer hears it, where <c>dpd_delay</c> does not say otherwise.</summary>
    public static readonly TimeSpan OwnLiveness = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The silence of the peer after which it is asked whether it is there, as nobody else asks; zero is never. A NAT may have forgotten us while
    /// we were idle, and keepalives prove nothing: the peer is found again, and finds us, by an authentic message.
    /// </summary>
    public static TimeSpan LivenessEvery(NatVerdict verdict, TimeSpan interval) =>
        !(verdict.Local || verdict.Forced) || interval <= TimeSpan.Zero ? TimeSpan.Zero : interval > OwnLiveness ? interval : OwnLiveness;

    /// <summary>
    /// Only from behind the NAT, only on the port that ESP uses. Who claims a NAT that is not there (<c>encap = yes</c>) has a firewall in mind, which
    /// forgets flows like a NAT.
    /// </summary>
    public static bool IsNeeded(NatVerdict verdict, Path path, ushort natPort) => (verdict.Local || verdict.Forced) && path.Local.Port == natPort;

    /// <summary>The time of the next keepalive if nothing else is sent before. Null is never.</summary>
    public static Instant? Due(NatVerdict verdict, Path path, ushort natPort, Instant lastSent, TimeSpan interval) =>
        IsNeeded(verdict, path, natPort) && interval > TimeSpan.Zero ? lastSent + interval : null;
}
