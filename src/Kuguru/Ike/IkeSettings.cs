namespace Kuguru.Ike;

/// <summary>The general settings of a node (the <c>charon</c> section of strongswan.conf) that the protocol needs; defaults are strongSwan 6's.</summary>
public sealed record IkeSettings
{
    /// <summary>Local port without NAT traversal framing.</summary>
    public ushort Port { get; init; } = 500;

    /// <summary>Local port with the non-ESP marker in front of IKE.</summary>
    public ushort NatPort { get; init; } = 4500;

    /// <summary>Silence after which a keepalive goes out from behind a NAT; zero is never.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(20);

    public TimeSpan RetransmitTimeout { get; init; } = TimeSpan.FromSeconds(4);
    public double RetransmitBase { get; init; } = 1.8;
    public int RetransmitTries { get; init; } = 5;

    /// <summary>Percent of each interval that is left to chance.</summary>
    public int RetransmitJitter { get; init; }

    /// <summary>No interval is longer; zero is no limit.</summary>
    public TimeSpan RetransmitLimit { get; init; }

    /// <summary>A peer that has not authenticated by then is forgotten.</summary>
    public TimeSpan HalfOpenTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Half-open IKE SAs from which on a first message is answered with a cookie; 0 is never.</summary>
    public int CookieThreshold { get; init; } = 30;

    /// <summary>The same for one source address.</summary>
    public int CookieThresholdPerAddress { get; init; } = 3;

    /// <summary>Half-open IKE SAs of one source address above which its first messages are dropped; 0 is no limit.</summary>
    public int BlockThreshold { get; init; } = 5;

    /// <summary>Half-open IKE SAs of everybody above which first messages are dropped; 0 is no limit.</summary>
    public int HalfOpenLimit { get; init; }

    /// <summary>Largest IP datagram that carries an IKE fragment.</summary>
    public int FragmentSize { get; init; } = 1280;

    /// <summary>Largest IKE message that is taken.</summary>
    public int MaxPacket { get; init; } = 10_000;

    /// <summary>Ask a peer that we have an IKE SA with for further children on that SA.</summary>
    public bool ReuseIkeSa { get; init; } = true;

    /// <summary>Make <see cref="Effect.RevealKeys"/>.</summary>
    public bool RevealKeys { get; init; }
}
