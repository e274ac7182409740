using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Pki;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike;

/// <summary>
/// One <c>connections.NAME</c> of swanctl.conf as a value: whom we talk to, as whom, and about what.
/// Keys, units and defaults are strongSwan 6's; durations of zero mean "never".
/// </summary>
public sealed record Connection
{
    public required string Name { get; init; }

    /// <summary>1 or 2; 0 is both: IKEv2 where we begin, whichever the peer speaks where we answer.</summary>
    public int Version { get; init; }

    /// <summary>IKEv1 in aggressive mode: identities in clear, and one round trip less.</summary>
    public bool Aggressive { get; init; }

    /// <summary>Virtual addresses of IKEv1 are given without being asked for (swanctl.conf <c>pull = no</c>).</summary>
    public bool Push { get; init; }

    /// <summary>Addresses we may use; empty is any.</summary>
    public ImmutableArray<AddressPattern> LocalAddresses { get; init; } = [];

    /// <summary>Where the peer is, for us as initiator, and whom we accept, as responder; empty is anybody.</summary>
    public ImmutableArray<AddressPattern> RemoteAddresses { get; init; } = [];

    /// <summary>The local UDP port to start from; 500 becomes 4500 when a NAT is found.</summary>
    public ushort LocalPort { get; init; } = 500;

    /// <summary>The peer's UDP port for the first message; anything but 500 means NAT traversal framing from the first octet.</summary>
    public ushort RemotePort { get; init; } = 500;

    public required ImmutableArray<AlgorithmSet> Proposals { get; init; }
    public required ImmutableArray<AuthenticationRound> Local { get; init; }
    public required ImmutableArray<AuthenticationRound> Remote { get; init; }
    public required ImmutableArray<ChildConfig> Children { get; init; }

    /// <summary>Virtual addresses to ask for; an any-address asks for whatever the peer gives of that family.</summary>
    public ImmutableArray<IpAddress> VirtualAddresses { get; init; } = [];

    /// <summary>Pools that virtual addresses are given from.</summary>
    public ImmutableArray<string> Pools { get; init; } = [];

    /// <summary>Whether ESP goes in UDP (swanctl.conf <c>encap</c>).</summary>
    public Encapsulation Encapsulation { get; init; }

    /// <inheritdoc cref="Encapsulation.Always"/>
    public bool ForcesEncapsulation => Encapsulation == Encapsulation.Always;

    /// <summary>A NAT that is not there may be claimed: where neither AH, which passes none, nor transport mode, which names who is behind one, is asked for.</summary>
    public bool MayClaimNat => Encapsulation == Encapsulation.WhenNeeded
        && Children.All(child => child.Mode != ChildMode.Transport && child.Proposals.All(set => set.Kind == ProposalKind.Esp));

    /// <inheritdoc cref="Encapsulation.Never"/>
    public bool ForbidsEncapsulation => Encapsulation == Encapsulation.Never;

    /// <summary>
    /// Take part in MOBIKE (RFC 4555) with a peer that does, and, as its initiators do, move to the NAT port even without a NAT.
    /// </summary>
    public bool Mobike { get; init; } = true;

    /// <summary>How often keepalives hold the mapping of a NAT in front of us; null is as for all.</summary>
    public Nat.KeepAlivePolicy? KeepAlive { get; init; }

    public bool Fragmentation { get; init; } = true;

    public SendCertificates SendCertificates { get; init; }

    /// <summary>Ask the peer for its certificates.</summary>
    public bool AskForCertificates { get; init; } = true;

    /// <summary>OCSP responses inside IKE (RFC 4806).</summary>
    public OcspPolicy Ocsp { get; init; }

    /// <summary>Ask the peer for OCSP responses about its certificates, and heed them.</summary>
    public bool AsksForStatus => Ocsp is OcspPolicy.Request or OcspPolicy.Both;

    /// <summary>Send OCSP responses about our certificates to a peer that asks for them.</summary>
    public bool GivesStatus => Ocsp is OcspPolicy.Reply or OcspPolicy.Both;

    /// <summary>The postquantum pre-shared key to use (RFC 8784); of a responder, those that it takes, with wildcards: null is all.</summary>
    public Identity? PpkId { get; init; }

    /// <summary>There is no IKE SA without one.</summary>
    public bool PpkRequired { get; init; }

    public TimeSpan DpdDelay { get; init; }

    /// <summary>Of IKEv1: a peer that leaves dead peer detection unanswered for so long is gone; zero goes by retransmission.</summary>
    public TimeSpan DpdTimeout { get; init; }
    public UniquePolicy Unique { get; init; } = UniquePolicy.No;
    public ChildlessPolicy Childless { get; init; }

    /// <summary>Attempts to establish before giving up; 0 is for ever.</summary>
    public int KeyingTries { get; init; } = 1;

    public TimeSpan RekeyTime { get; init; } = TimeSpan.FromHours(4);
    public TimeSpan ReauthTime { get; init; }
    public TimeSpan? OverTime { get; init; }
    public TimeSpan? RandTime { get; init; }
}

/// <summary>
/// IKE SAs that come up without a child (RFC 6023, swanctl.conf <c>childless</c>): taken from peers; asked for where the peer can; asked for
/// and demanded in any case; not taken.
/// </summary>
public enum ChildlessPolicy { Allow, Prefer, Force, Never }

/// <summary>What happens to an older IKE SA of the same identity (swanctl.conf <c>unique</c>).</summary>
public enum UniquePolicy { No, Never, Keep, Replace }

/// <summary>One way in which one side proves who it is.</summary>
public sealed record AuthenticationRound
{
    public AuthenticationKind Kind { get; init; } = AuthenticationKind.Psk;

    /// <summary>Who; null is: our address (local), anybody (remote).</summary>
    public Identity? Id { get; init; }

    /// <summary>A peer may call itself as it likes, since its certificate has to be for this identity (<c>id = %NAME</c>); null is no such demand.</summary>
    public Identity? CertifiedAs { get; init; }

    /// <summary>Ours, of which the first that we have the key for is used; of a peer, the only ones that are taken. Empty: any that fits the identity.</summary>
    public ImmutableArray<Certificate> Certificates { get; init; } = [];

    /// <summary>The same for keys without certificate.</summary>
    public ImmutableArray<PublicKey> PublicKeys { get; init; } = [];

    /// <summary>One of these has to be in a peer's chain; empty is any that is trusted.</summary>
    public ImmutableArray<Certificate> Authorities { get; init; } = [];

    /// <summary>The one EAP method; null is any that both have.</summary>
    public EapType? EapMethod { get; init; }

    /// <summary>
    /// Our name in EAP, else the one in IKE; of a peer, the names that are welcome, for which it is then asked (%any: all). Null: it is not asked.
    /// </summary>
    public Identity? EapId { get; init; }

    /// <summary>Who the other end of EAP is, if it is not the responder itself: what its certificate has to name. %any: whoever is trusted.</summary>
    public Identity? AaaId { get; init; }

    /// <summary>An authority in a peer's chain has to have this identity (<c>ca_id</c>); null is any.</summary>
    public Identity? AuthorityId { get; init; }

    /// <summary>OIDs that a peer's certificate has to have as its policies.</summary>
    public ImmutableArray<string> Policies { get; init; } = [];

    /// <summary>How signatures have to be made.</summary>
    public SignatureRules Rules { get; init; } = SignatureRules.None;

    /// <summary>How much has to be known about whether a peer's certificates are revoked.</summary>
    public RevocationPolicy Revocation { get; init; }

    /// <summary>The user's name in XAUTH, where it is not the identity; of a peer, null is any.</summary>
    public Identity? XauthId { get; init; }
}

/// <summary>Kinds of authentication that this version knows.</summary>
public enum AuthenticationKind
{
    /// <summary>A pre-shared key.</summary>
    Psk,

    /// <summary>A signature by the key of a certificate, or by one that is known.</summary>
    PublicKey,

    /// <summary>A conversation of EAP, and a proof of the key that comes out of it.</summary>
    Eap,

    /// <summary>Name and password after phase 1 of IKEv1 (XAUTH); in a local section alone, with a peer that signs, that is hybrid authentication.</summary>
    Xauth,
}

/// <summary>Whether ESP goes in UDP (swanctl.conf <c>encap</c>).</summary>
public enum Encapsulation
{
    /// <summary>Where a NAT is found.</summary>
    WhenNeeded,

    /// <summary>In any case: we claim a NAT that is not there.</summary>
    Always,

    /// <summary>
    /// In no case: we take no part in NAT detection, so that the peer does not encapsulate either. A NAT in the way has to pass plain ESP (problem
    /// <c>esp-no-ports</c>).
    /// </summary>
    Never,
}

/// <summary>When our certificates are sent (swanctl.conf <c>send_cert</c>).</summary>
public enum SendCertificates { IfAsked, Always, Never }

/// <summary>Whether OCSP responses are sent to whoever asks, asked for, or both (swanctl.conf <c>ocsp</c>).</summary>
public enum OcspPolicy { Reply, Request, Both, Never }

/// <summary>One <c>children.NAME</c>: which packets go into a tunnel, and how it is keyed.</summary>
public sealed record ChildConfig
{
    public required string Name { get; init; }

    /// <summary>Of ESP and of AH, in order of preference.</summary>
    public required ImmutableArray<AlgorithmSet> Proposals { get; init; }

    /// <summary>There is nothing else to agree on than AH, which passes no NAT.</summary>
    public bool HasOnlyAh => !Mode.IsShunt && Proposals.All(set => set.Kind == ProposalKind.Ah);
    public required ImmutableArray<SelectorTemplate> LocalSelectors { get; init; }
    public required ImmutableArray<SelectorTemplate> RemoteSelectors { get; init; }
    public TimeSpan RekeyTime { get; init; } = TimeSpan.FromHours(1);
    public TimeSpan? LifeTime { get; init; }
    public TimeSpan? RandTime { get; init; }
    public ulong RekeyBytes { get; init; }
    public ulong LifeBytes { get; init; }
    public ulong RekeyPackets { get; init; }
    public ulong LifePackets { get; init; }

    /// <summary>How much of the soft limit is left to chance; null is what lies between soft and hard limit.</summary>
    public ulong? RandBytes { get; init; }

    /// <inheritdoc cref="RandBytes"/>
    public ulong? RandPackets { get; init; }

    /// <summary>A child through which nothing has gone for so long is closed; zero is never.</summary>
    public TimeSpan Inactivity { get; init; }

    /// <summary>Transport mode is asked for as initiator and agreed to as responder where both ends are single hosts; else it is tunnel mode (RFC 7296 section 1.3.1).</summary>
    public ChildMode Mode { get; init; }
    public StartAction StartAction { get; init; }
    public CloseAction CloseAction { get; init; }
    public CloseAction DpdAction { get; init; }

    /// <summary>Anti-replay window in packets; 0 switches the check off.</summary>
    public int ReplayWindow { get; init; } = 32;

    /// <summary>A fixed reqid, or 0 for one of our own.</summary>
    public uint ReqId { get; init; }

    /// <summary>The command that is run when the child goes up or down, as <c>updown</c> in swanctl.conf.</summary>
    public string? UpDown { get; init; }

    public bool HostAccess { get; init; }

    /// <summary>Nothing differs.</summary>
    public bool IsSameAs(ChildConfig other) =>
        this with { Proposals = other.Proposals, LocalSelectors = other.LocalSelectors, RemoteSelectors = other.RemoteSelectors } == other
        && Proposals.Select(set => set.ToString()).SequenceEqual(other.Proposals.Select(set => set.ToString()))
        && LocalSelectors.SequenceEqual(other.LocalSelectors) && RemoteSelectors.SequenceEqual(other.RemoteSelectors);
}

/// <summary>What is done with a child as soon as its connection is loaded.</summary>
[Flags]
public enum StartAction { None = 0, Trap = 1, Start = 2 }

/// <summary>What is done with a child when the peer closes it or falls silent.</summary>
public enum CloseAction { Clear, Trap, Start }

/// <summary>
/// A selector as configured: fixed, or "dynamic" (the end's own or virtual address), in which case <paramref name="Range"/> is null.
/// Protocol and ports are as in <see cref="Selector"/>.
/// </summary>
public sealed record SelectorTemplate(AddressRange? Range, byte Protocol = 0, ushort FirstPort = 0, ushort LastPort = ushort.MaxValue)
{
    public static SelectorTemplate Dynamic { get; } = new((AddressRange?)null);

    /// <summary>The selector that this is for an end with this address.</summary>
    public Selector For(IpAddress address) => new(Range ?? AddressRange.Single(address), Protocol, FirstPort, LastPort);
    public override string ToString() => Range is null ? "dynamic" : For(default).ToString();
}

/// <summary>One entry of <c>local_addrs</c> or <c>remote_addrs</c>: an address, a range or prefix, or a name that the shell resolves.</summary>
public sealed record AddressPattern(AddressRange? Range, string? Name)
{
    public static AddressPattern Of(IpAddress address) => new(AddressRange.Single(address), null);

    /// <summary>The one address that this is, if it is just one.</summary>
    public IpAddress? Single => Range is { } r && r.First == r.Last ? r.First : null;
    public bool Matches(IpAddress address) => Range?.Contains(address) ?? false;
    public override string ToString() => Single?.ToString() ?? Range?.ToString() ?? Name ?? "%any";
}

/// <summary>A <c>pools.NAME</c>: virtual addresses to give, and what is told with them.</summary>
public sealed record Pool
{
    public required string Name { get; init; }
    public required AddressRange Addresses { get; init; }

    /// <summary>DNS servers, both families.</summary>
    public ImmutableArray<IpAddress> Dns { get; init; } = [];
    public ImmutableArray<IpAddress> Nbns { get; init; } = [];

    /// <summary>Names that only these servers know (RFC 8598): who has other servers for the rest asks these for what is below them.</summary>
    public ImmutableArray<string> Domains { get; init; } = [];
}

/// <summary>A secret that is shared with somebody, and whom it is for; no owner means anybody.</summary>
public sealed record PresharedKey(string Name, Secret Secret, ImmutableArray<Identity> Owners)
{
    public SharedKeyKind Kind { get; init; } = SharedKeyKind.Ike;
}

/// <summary>What a shared secret is for.</summary>
public enum SharedKeyKind
{
    /// <summary>The pre-shared key of an IKE SA.</summary>
    Ike,

    /// <summary>A user's password, for EAP methods and XAUTH alike.</summary>
    Eap,

    /// <summary>The NT hash of a user's password, which is all that MSCHAPv2 needs (RFC 2759 section 8.3).</summary>
    NtHash,

    /// <summary>A postquantum pre-shared key, whose owner is its PPK_ID (RFC 8784).</summary>
    Ppk,
}
