using System.Collections.Immutable;

namespace Kuguru.Ike;

/// <summary>The general settings of a node (the <c>charon</c> section of strongswan.conf) that the protocol needs; defaults are strongSwan 6's.</summary>
public sealed record IkeSettings
{
    const int DefaultFragmentSize = 1280;

    /// <summary>Local port without NAT traversal framing.</summary>
    public ushort Port { get; init; } = 500;

    /// <summary>Local port with the non-ESP marker in front of IKE.</summary>
    public ushort NatPort { get; init; } = 4500;

    /// <summary>The silence after which a keepalive goes out from behind a NAT.</summary>
    public Nat.KeepAlivePolicy KeepAlive { get; init; } = Nat.KeepAlivePolicy.Auto;

    /// <summary>A third local port, with the non-ESP marker, from which a NAT is examined; 0 is none.</summary>
    public ushort ProbePort { get; init; }

    /// <summary>The port with marker that this path's datagrams are to be compared with.</summary>
    public ushort MarkedPort(Path path) => ProbePort != 0 && path.Local.Port == ProbePort ? ProbePort : NatPort;

    /// <summary>Leave a path that works for the one that the host would choose now; otherwise the present one is kept while it holds.</summary>
    public bool PreferBestPath { get; init; }

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

    /// <summary>Half-open IKE SAs of one source address, which may be a NAT's, above which its first messages are dropped; 0 is no limit.</summary>
    public int BlockThreshold { get; init; } = 1000;

    /// <summary>Half-open IKE SAs of everybody above which first messages are dropped; 0 is no limit.</summary>
    public int HalfOpenLimit { get; init; }

    /// <summary>Largest IP datagram that carries an IKE fragment, by family; 0 is 1280.</summary>
    public int FragmentSizeV4 { get; init; } = DefaultFragmentSize;

    /// <inheritdoc cref="FragmentSizeV4"/>
    public int FragmentSizeV6 { get; init; } = DefaultFragmentSize;

    public int FragmentSizeTo(IpAddress remote) => (remote.IsV6 ? FragmentSizeV6 : FragmentSizeV4) is > 0 and var size ? size : DefaultFragmentSize;

    /// <summary>Largest IKE message that is taken.</summary>
    public int MaxPacket { get; init; } = 10_000;

    /// <summary>Ask a peer that we have an IKE SA with for further children on that SA.</summary>
    public bool ReuseIkeSa { get; init; } = true;

    /// <summary>IKE SAs from which on first messages are dropped; 0 is no limit.</summary>
    public int IkeSaLimit { get; init; }

    /// <summary>First messages are dropped: this host only initiates.</summary>
    public bool InitiatorOnly { get; init; }

    /// <summary>Our ESP SPIs are taken from these, both included.</summary>
    public uint FirstEspSpi { get; init; } = 0xc0000000;

    /// <inheritdoc cref="FirstEspSpi"/>
    public uint LastEspSpi { get; init; } = 0xcfffffff;

    /// <summary>The lowest reqid that is given.</summary>
    public uint FirstReqId { get; init; } = 1;

    /// <summary>Told to every peer that gets a virtual address, after those of its pool.</summary>
    public ImmutableArray<IpAddress> DnsServers { get; init; } = [];

    /// <inheritdoc cref="DnsServers"/>
    public ImmutableArray<IpAddress> WinsServers { get; init; } = [];

    /// <summary>Reauthenticate by a second IKE SA, and close the first when that one is up; else the other way round.</summary>
    public bool MakeBeforeBreak { get; init; } = true;

    /// <summary>How long a rekeyed child still receives when its peer has agreed to its end: packets may be on their way.</summary>
    public TimeSpan DeleteRekeyedDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The pause before a peer whose address could not be found is looked for again; zero is one that grows.</summary>
    public TimeSpan RetryInitiateInterval { get; init; }

    /// <summary>An IKE SA whose first child is refused is closed.</summary>
    public bool CloseIkeOnChildFailure { get; init; }

    /// <summary>With the last child that is closed for inactivity goes its IKE SA.</summary>
    public bool InactivityCloseIke { get; init; }

    /// <summary>Say that we take several rounds of authentication (RFC 4739 section 3.1).</summary>
    public bool MultipleAuthentication { get; init; } = true;

    /// <summary>As responder, take EAP alone as a proof of ours also from a client that has not said that this is enough for it (RFC 5998).</summary>
    public bool ForceEapOnlyAuthentication { get; init; }

    /// <summary>
    /// Prefixes that stand-ins are taken from. The defaults are nobody's on the internet: RFC 2544's for benchmarks, and a part of fd00::/8.
    /// </summary>
    public ImmutableArray<AddressRange> StandInRanges { get; init; } =
    [
        AddressRange.Prefix(IpAddress.Parse("198.18.0.0"), 15), AddressRange.Prefix(IpAddress.Parse("fd6b:7567:7572:7500::"), 64),
    ];

    /// <summary>Sign with RSASSA-PSS rather than with PKCS#1 v1.5, where the peer negotiates signatures (RFC 7427).</summary>
    public bool RsaPss { get; init; }

    /// <summary>Versions and cipher suites of TLS inside EAP.</summary>
    public Crypto.TlsLimits Tls { get; init; } = Crypto.TlsLimits.None;

    /// <summary>Ask OCSP responders, and look at CRLs.</summary>
    public bool UsesOcsp { get; init; } = true;

    /// <inheritdoc cref="UsesOcsp"/>
    public bool UsesCrls { get; init; } = true;

    /// <summary>Make <see cref="Effect.KeepCrl"/>.</summary>
    public bool KeepsCrls { get; init; }

    /// <summary>How long a message waits for CRLs and OCSP responses before they count as not to be had.</summary>
    public TimeSpan FetchPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Answer aggressive mode with pre-shared keys (strongswan.conf <c>i_dont_care_about_security_and_use_aggressive_mode_psk</c>).</summary>
    public bool AggressiveSharedKey { get; init; }

    /// <summary>As initiator of IKEv1, say that we take Cisco's Unity attributes: a gateway then tells which networks go into the tunnel.</summary>
    public bool CiscoUnity { get; init; }

    /// <summary>Make <see cref="Effect.RevealKeys"/>.</summary>
    public bool RevealKeys { get; init; }
}
