using System.Collections.Immutable;
using Kuguru.Ike;
using Kuguru.Pki;
using Kuguru.Wire;

namespace Kuguru.Engine;

// What an IKE SA asks of the node that it lives in.
public sealed partial class Node
{
    public ImmutableArray<IpAddress> LocalAddresses { get; private set; } = [];

    public ImmutableArray<Connection> CandidatesFor(Path path, int version = 2) =>
        [.. Connections.For(path).Where(connection => connection.Version == 0 || connection.Version == version)];

    public ImmutableArray<PresharedKey> SharedKeysAmong(Identity pattern) => Credentials.Among(pattern);

    public IEnumerable<IkeSession> SessionsBetween(Identity local, Identity remote) => _sessions.Between(local, remote);

    public ImmutableArray<PresharedKey> SharedKeysFor(Identity? local, Identity remote) => Credentials.For(local, remote);

    public ImmutableArray<PresharedKey> SecretsOf(SharedKeyKind kind, Identity owner, Identity? server = null) =>
        Credentials.Of(kind, owner, server);

    public bool HasSecrets(SharedKeyKind kind) => Credentials.Has(kind);

    readonly Dictionary<uint, Fetching> _fetching = [];
    uint _lastFetch;

    public void Fetch(IkeSession session, FetchRequest request, Outbox outbox)
    {
        var fetching = _fetching.Values.FirstOrDefault(one => one.Request == request);
        if (fetching is null)
        {
            _fetching[++_lastFetch] = fetching = new(request, []);
            outbox.Add(new Effect.Fetch(_lastFetch, request));
        }
        fetching.Waiting.Add(session);
    }

    void Fetched(Instant now, Order.Fetched fetched, Outbox outbox)
    {
        if (!_fetching.Remove(fetched.Request, out var fetching))
            return;
        if (fetched.Bytes is null)
            _turn.Report(new Event.Note(Severity.Warning, Subject.Config, $"fetching {fetching.Request} failed: {fetched.Why}"));
        Certificates.Revocation.Answer(fetching.Request, fetched.Bytes, fetched.Why, clock.At(now));
        Flush(null, outbox);
        foreach (var session in fetching.Waiting.Where(session => !session.IsGone))
        {
            session.Fetched(now, _turn);
            Settle(session, outbox);
        }
    }

    readonly HashSet<string> _weakUsed = [];

    public KeyTrials KeyTrials { get; } = new();

    /// <summary>What is on its way, and the IKE SAs that wait for it.</summary>
    sealed record Fetching(FetchRequest Request, HashSet<IkeSession> Waiting);

    public DateTimeOffset TimeOfDay(Instant now) => clock.At(now);

    public VirtualAddress? Lease(ImmutableArray<string> pools, IkeSession session, uint ikeUniqueId, IpAddress requested)
    {
        if (session is not { LocalId: { } local, PeerName: { } remote })
            return null;
        // Another device of the same user may have got meanwhile what this one remembers: only who is at the same place authenticates again.
        var isAgain = _sessions.Between(local, remote).Any(other => other.Path.Remote == session.Path.Remote && other.HasLeased(requested));
        return Pools.Lease(pools, remote, ikeUniqueId, requested, isAgain) is { } leased
            ? leased with { Dns = leased.Dns.AddRange(Settings.DnsServers), Nbns = leased.Nbns.AddRange(Settings.WinsServers) }
            : null;
    }

    public void Release(uint ikeUniqueId, VirtualAddress address) => Pools.Release(ikeUniqueId, address);

    public IkeSpi NewIkeSpi()
    {
        IkeSpi spi;
        do
            spi = new IkeSpi(Dice.UInt64());
        while (spi.IsZero || _sessions.Has(spi));
        return spi;
    }

    public Spi NewEspSpi()
    {
        Spi spi;
        do
            spi = new Spi(Settings.FirstEspSpi + (uint)(Dice.UInt32() % ((ulong)Settings.LastEspSpi - Settings.FirstEspSpi + 1)));
        while (spi.IsReserved || _sessions.Has(spi));
        return spi;
    }

    public uint NewIkeUniqueId() => ++_lastIkeId;
    public uint NewChildUniqueId() => ++_lastChildId;

    public uint ReqIdFor(Connection connection, ChildConfig child, ImmutableArray<Selector> local, ImmutableArray<Selector> remote) =>
        _reqIds.Take(connection, child, local, remote);

    public void ReleaseReqId(uint reqId) => _reqIds.Release(reqId);

    public StandInAnswer StandInsFor(StandInRequest request) => StandIns.Take(request);

    public void ReleaseStandIns(Spi child) => StandIns.Release(child);

    public bool Authenticated(Instant now, IkeSession session, bool initialContact, Outbox outbox)
    {
        if (session is not { Connection: { } connection, LocalId: { } local, PeerName: { } remote } || connection.Unique == UniquePolicy.Never)
            return true;
        var older = _sessions.Between(local, remote).Where(other => other != session && (initialContact || other.State != IkeState.Rekeyed)).ToList();
        // Who is still there, at the same place, authenticates again: both IKE SAs are up for a while (make before break).
        bool Stays(IkeSession other) => !initialContact && other.State == IkeState.Established && other.Path.Remote == session.Path.Remote;
        // A peer that says INITIAL_CONTACT has none of the older ones any more: there is nothing to keep.
        if (connection.Unique == UniquePolicy.Keep && !initialContact && !older.TrueForAll(Stays))
            return false;
        if (connection.Unique == UniquePolicy.Replace || initialContact)
        {
            foreach (var other in older)
            {
                outbox.Report(new Event.Note(Severity.Info, Subject.Ike, $"{remote} is back as [{session.UniqueId}]: IKE SA [{other.UniqueId}] goes") { Sa = new SaName(other.UniqueId, connection.Name) });
                if (Stays(other))
                    other.Supersede(now, outbox);
                else if (initialContact)
                    other.Forget(now, outbox);
                else
                    other.TerminateIke(now, PendingOrders.NoToken, force: true, outbox);
                _sessions.Settle(other);
            }
        }
        return true;
    }

    public bool IsFirstContact(Identity local, Identity remote) => !_sessions.Between(local, remote).Any(other => other.State is IkeState.Established or IkeState.Rekeying);

    public bool IsFirstUse(string algorithm) => _weakUsed.Add(algorithm);

    public void Count(IkeDrop drop) => Counters.Count(drop);

    public void Adopt(IkeSession session)
    {
        _sessions.Add(session);
        foreach (var spi in session.InboundSpis)
            _sessions.Route(spi, session);
    }
}
