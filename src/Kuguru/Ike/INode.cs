using System.Collections.Immutable;
using Kuguru.Pki;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>
/// What an IKE SA asks of the node it lives in: configuration, keys, addresses, numbers. Every call is synchronous and pure of the world.
/// Implemented by <c>Engine.Node</c>, and by a small one in tests.
/// </summary>
public interface INode
{
    IkeSettings Settings { get; }
    Dice Dice { get; }

    /// <summary>What IKE SAs have learned of the NAT of the network that this host is in now.</summary>
    Nat.MappingLife Mapping { get; set; }

    /// <summary>Who of them examines it at present.</summary>
    ProbeLine ProbeLine { get; }

    /// <summary>What they have learned of the ways to single peers.</summary>
    Nat.PathMemory Paths { get; }

    /// <summary>
    /// Every address of this host that a packet to the peer may leave from, the likeliest first: what NAT_DETECTION_SOURCE_IP is computed over.
    /// </summary>
    ImmutableArray<IpAddress> LocalAddresses { get; }

    /// <summary>Connections that fit a first message by address and version, the closest first; by identity the session chooses among them later.</summary>
    ImmutableArray<Connection> CandidatesFor(Path path, int version = 2);

    /// <summary>Keys that fit both identities, the closest first; <paramref name="local"/> may be null while it is not known.</summary>
    ImmutableArray<PresharedKey> SharedKeysFor(Identity? local, Identity remote);

    /// <summary>Certificates, authorities and private keys of this host.</summary>
    CertificateStore Certificates { get; }

    /// <summary>Has this fetched, unless it is being already; <see cref="IkeSession.Fetched"/> is called when it has come or cannot be had.</summary>
    void Fetch(IkeSession session, FetchRequest request, Outbox outbox);

    /// <summary>The time of day, by which certificates are valid or not.</summary>
    DateTimeOffset TimeOfDay(Instant now);

    /// <summary>Keys of everybody whom this pattern fits, and of anybody: what IKEv1's main mode has to try, which needs the key to read the identity.</summary>
    ImmutableArray<PresharedKey> SharedKeysAmong(Identity pattern);

    /// <summary>How many of those may be tried yet.</summary>
    KeyTrials KeyTrials { get; }

    /// <summary>The IKE SAs between two identities.</summary>
    IEnumerable<IkeSession> SessionsBetween(Identity local, Identity remote);

    /// <summary>
    /// Secrets of a user or of a PPK_ID: those that name the owner, the closest first; else, for a client, those that name only the
    /// <paramref name="server"/> that asks for it; else those for anybody.
    /// </summary>
    ImmutableArray<PresharedKey> SecretsOf(SharedKeyKind kind, Identity owner, Identity? server = null);

    /// <summary>There is a secret of this kind, whoever's.</summary>
    bool HasSecrets(SharedKeyKind kind);

    /// <summary>
    /// Leases a virtual address to a session's peer from the first of the pools that has one of that family; the one asked for, or that this identity had, where
    /// it is free. Null when there is none.
    /// </summary>
    VirtualAddress? Lease(ImmutableArray<string> pools, IkeSession session, uint ikeUniqueId, IpAddress requested);

    void Release(uint ikeUniqueId, VirtualAddress address);

    /// <summary>An IKE SPI of ours that is not in use; the node routes by it as soon as the session is registered.</summary>
    IkeSpi NewIkeSpi();

    /// <summary>An inbound ESP SPI that is not in use (256 or more).</summary>
    Spi NewEspSpi();
    uint NewIkeUniqueId();
    uint NewChildUniqueId();

    /// <summary>
    /// The reqid of a child: <see cref="ChildConfig.ReqId"/>, else the one already given to the same selectors of the same connection, else a new one;
    /// counted, so that <see cref="ReleaseReqId"/> ends it.
    /// </summary>
    uint ReqIdFor(Connection connection, ChildConfig child, ImmutableArray<Selector> local, ImmutableArray<Selector> remote);
    void ReleaseReqId(uint reqId);

    /// <summary>
    /// Under which addresses this host is to see the peer's end of a new child, from now until <see cref="ReleaseStandIns"/>. Every child is
    /// told of, so that the next one's peer is not taken for this one's.
    /// </summary>
    StandInAnswer StandInsFor(StandInRequest request);

    void ReleaseStandIns(Spi child);

    /// <summary>
    /// A session has authenticated its peer: the node applies <see cref="Connection.Unique"/> and, when <paramref name="initialContact"/> came,
    /// removes older IKE SAs between the same two identities (never others behind the same address). False: this new one has to go.
    /// </summary>
    bool Authenticated(Instant now, IkeSession session, bool initialContact, Outbox outbox);

    /// <summary>No other IKE SA with these identities: say INITIAL_CONTACT.</summary>
    bool IsFirstContact(Identity local, Identity remote);

    /// <summary>
    /// A session has begun a successor (IKE rekey, reauthentication) that must be routed from now on; or has changed another session, whose
    /// deadline is to be looked at again.
    /// </summary>
    void Adopt(IkeSession session);

    /// <summary>
    /// Bring this up when so much time has passed: the way to the peer is looked for anew, and what is up by then is left out. The node's answer
    /// is a new session.
    /// </summary>
    void Undertake(Instant now, Plan plan, TimeSpan after, Outbox outbox);

    /// <summary>This weak algorithm has not been used before.</summary>
    bool IsFirstUse(string algorithm);

    /// <summary>A session has dropped a datagram.</summary>
    void Count(IkeDrop drop);
}

/// <summary>An address out of a pool, with what is told along with it.</summary>
public sealed record VirtualAddress(string Pool, IpAddress Address, ImmutableArray<IpAddress> Dns, ImmutableArray<IpAddress> Nbns)
{
    /// <inheritdoc cref="Pool.Domains"/>
    public ImmutableArray<string> Domains { get; init; } = [];
}
