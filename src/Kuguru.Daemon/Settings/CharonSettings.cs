namespace Kuguru.Daemon.Settings;

/// <summary>
/// The general settings of strongswan.conf (sections <c>charon</c> and, above it, <c>charon-systemd</c>; <c>libtls</c>) that Kuguru obeys, with
/// strongSwan 6's defaults. How each key is read, refused or left aside is in <see cref="CharonKeys"/>.
/// </summary>
public sealed record CharonSettings
{
    public static CharonSettings Default { get; } = new();

    // Sockets

    /// <summary>UDP ports of this host; 0 lets the system choose.</summary>
    public ushort Port { get; init; } = 500;
    public ushort PortNatT { get; init; } = 4500;

    /// <summary>Longest IKE message accepted, in octets.</summary>
    public int MaxPacket { get; init; } = 10000;

    /// <summary>Largest IP datagram of a fragmented IKE message per address family, in octets; 0 takes the family's own default.</summary>
    public int FragmentSizeV4 { get; init; } = 1280;
    public int FragmentSizeV6 { get; init; } = 1280;
    public string ViciSocket { get; init; } = Vici.ViciServer.DefaultPath;

    // NAT

    /// <summary>Between NAT keepalives; zero sends none.</summary>
    public Nat.KeepAlivePolicy KeepAlive { get; init; } = Nat.KeepAlivePolicy.Auto;

    /// <summary>A path that works is left for a better one.</summary>
    public bool PreferBestPath { get; init; }

    // Signatures

    /// <summary>Sign with RSASSA-PSS instead of PKCS#1 v1.5 where the peer can both.</summary>
    public bool RsaPss { get; init; }

    /// <summary>plugins.revocation.enable_ocsp and enable_crl.</summary>
    public bool UsesOcsp { get; init; } = true;
    public bool UsesCrls { get; init; } = true;

    /// <summary>cache_crls.</summary>
    public bool KeepsCrls { get; init; }

    // TLS inside EAP

    /// <summary>libtls.version_min, version_max and suites. strongSwan's default is TLS 1.2 at most, ours 1.3.</summary>
    public Crypto.TlsLimits Tls { get; init; } = Crypto.TlsLimits.None;

    // Retransmission: timeout * base^n, plus or minus jitter percent, at most limit

    public TimeSpan RetransmitTimeout { get; init; } = TimeSpan.FromSeconds(4);
    public double RetransmitBase { get; init; } = 1.8;
    public int RetransmitTries { get; init; } = 5;

    /// <summary>Percent, 0 to 20.</summary>
    public int RetransmitJitter { get; init; }

    /// <summary>Zero: no limit.</summary>
    public TimeSpan RetransmitLimit { get; init; }

    // Defence against strangers

    public TimeSpan HalfOpenTimeout { get; init; } = TimeSpan.FromSeconds(30);
    public bool DosProtection { get; init; } = true;

    /// <summary>Half-open IKE SAs from which cookies are asked for: in all, and of one address; and at which an address is blocked. 0: never.</summary>
    public int CookieThreshold { get; init; } = 30;
    public int CookieThresholdIp { get; init; } = 3;

    /// <summary>strongSwan's default of 5 would block a school or a carrier behind one NAT.</summary>
    public int BlockThreshold { get; init; } = 1000;

    /// <summary>Half-open and established IKE SAs from which new ones are refused; 0: no limit.</summary>
    public int InitLimitHalfOpen { get; init; }
    public int IkeSaLimit { get; init; }
    public bool InitiatorOnly { get; init; }

    /// <summary>i_dont_care_about_security_and_use_aggressive_mode_psk.</summary>
    public bool AggressiveSharedKey { get; init; }

    /// <summary>cisco_unity.</summary>
    public bool CiscoUnity { get; init; }

    // The life of IKE SAs and children

    public bool MakeBeforeBreak { get; init; } = true;
    public bool CloseIkeOnChildFailure { get; init; }
    public bool InactivityCloseIke { get; init; }
    public bool MultipleAuthentication { get; init; } = true;
    public bool ForceEapOnlyAuthentication { get; init; }
    public TimeSpan DeleteRekeyedDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Between attempts to find a peer's address; zero lets the pauses grow from a second to a minute.</summary>
    public TimeSpan RetryInitiateInterval { get; init; }

    // IKE SAs

    public bool ReuseIkeSa { get; init; } = true;

    // Child SAs

    /// <summary>Packets; 0 switches replay protection off.</summary>
    public int ReplayWindow { get; init; } = 32;
    public uint SpiMin { get; init; } = 0xc0000000;
    public uint SpiMax { get; init; } = 0xcfffffff;
    public uint ReqIdBase { get; init; } = 1;

    // Routes, addresses and name servers

    public bool InstallRoutes { get; init; } = true;
    public bool InstallVirtualIp { get; init; } = true;

    /// <summary>Prefixes that stand-ins are taken from; none switches them off.</summary>
    public IReadOnlyList<AddressRange> StandInRanges { get; init; } = new Ike.IkeSettings().StandInRanges;

    public uint RoutingTable { get; init; } = 220;
    public uint RoutingTablePriority { get; init; } = 220;

    /// <summary>Name servers (dns1, dns2) and WINS servers (nbns1, nbns2) that every client is given.</summary>
    public IReadOnlyList<IpAddress> DnsServers { get; init; } = [];
    public IReadOnlyList<IpAddress> WinsServers { get; init; } = [];

    /// <summary>Reads a file; null, with the reasons in <paramref name="complaints"/>, when something in it is wrong.</summary>
    public static CharonSettings? Load(string path, Complaints complaints)
    {
        var root = SettingsFile.Load(path, complaints);
        return root is null ? null : CharonKeys.Read(root, complaints);
    }
}
