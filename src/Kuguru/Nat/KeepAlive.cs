namespace Kuguru.Nat;

/// <summary>When a NAT's mapping needs a packet (RFC 3948 section 4).</summary>
public static class KeepAlive
{
    /// <summary>
    /// The time of the next keepalive if nothing else is sent before: only from behind the NAT, only on the port that ESP uses. A claimed NAT
    /// (<c>encap = yes</c>) has no mapping to hold. Null is never.
    /// </summary>
    public static Instant? Due(NatVerdict verdict, Path path, ushort natPort, Instant lastSent, TimeSpan interval) =>
        verdict.Local && path.Local.Port == natPort && interval > TimeSpan.Zero ? lastSent + interval : null;
}
