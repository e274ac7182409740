using System.Collections.Immutable;
using Kuguru.Ike;
using Kuguru.Ike.V1;
using Kuguru.Ike.V2;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike;

/// <summary>A small node: IKE SAs, keys and connections of one address.</summary>
sealed class Host(World world, IpAddress address, int seed) : INode
{
    public Outbox Outbox { get; } = new();
    readonly Dictionary<(IpAddress Address, uint Owner), VirtualAddress> _leases = [];
    uint _lastIkeId, _lastChildId, _lastReqId;
    Path _way;

    public IpAddress Address { get; set; } = address;
    public Napt? Nat { get; set; }
    public List<IkeSession> Sessions { get; } = [];
    public List<IkeSession> Past { get; } = [];
    public List<Connection> Connections { get; } = [];
    public List<PresharedKey> Keys { get; } = [];
    public CertificateStore Certificates { get; } = new();
    public Dictionary<string, Pool> Pools { get; } = [];

    /// <summary>All effects but transmissions and reports, and all events.</summary>
    public List<Effect> Effects { get; } = [];
    public List<Event> Events { get; } = [];
    public Dictionary<IkeDrop, int> Drops { get; } = [];

    /// <summary>What the packet path has: by inbound SPI.</summary>
    public Dictionary<Spi, ChildSa> Installed { get; } = [];

    /// <summary>What it only receives with.</summary>
    public HashSet<Spi> Receiving { get; } = [];

    public IkeSettings Settings { get; set; } = new() { DeleteRekeyedDelay = TimeSpan.Zero };
    public Dice Dice { get; } = new SeededDice(seed);
    public ImmutableArray<IpAddress> LocalAddresses { get; set; } = [address];
    public Kuguru.Nat.MappingLife Mapping { get; set; }
    public Kuguru.Nat.PathMemory Paths { get; } = new();
    public ProbeLine ProbeLine { get; } = new();
    public IkeV2Session Session => (IkeV2Session)Sessions.Single();
    public IkeV1Session V1 => (IkeV1Session)Sessions.Single();
    public IEnumerable<string> Failures => Events.OfType<Event.Failed>().Select(failed => failed.Failure.Sentence);

    public Instant? Deadline => Sessions.Aggregate((Instant?)null, (at, session) => Instant.Earliest(at, session.Deadline));

    public Failure? Outcome(ulong token) => Events.OfType<Event.OrderDone>().Single(done => done.Token == token).Failure;
    public bool IsDone(ulong token) => Events.OfType<Event.OrderDone>().Any(done => done.Token == token);

    public void Up(Host peer, ulong token = 1, string connection = "gw", string? child = null, ushort localPort = 500)
    {
        var found = Connections.Single(one => one.Name == connection);
        var config = child is null ? found.Children[0] : found.Children.Single(one => one.Name == child);
        _way = new Path(new(Address, localPort), new(peer.Nat?.Public ?? peer.Address, found.RemotePort));
        Add(Begin(world.Now, new Plan(found, [new ChildRequest(config, token)]), Outbox));
        Obey();
    }

    /// <summary>It knows how to reach a peer that it has not asked for anything yet.</summary>
    public void Way(Host peer) => _way = new Path(new(Address, 500), new(peer.Nat?.Public ?? peer.Address, 500));

    /// <summary>An IKE SA without a child.</summary>
    public void Start(Host peer)
    {
        _way = new Path(new(Address, 500), new(peer.Nat?.Public ?? peer.Address, Connections[0].RemotePort));
        Add(IkeV2Session.Start(world.Now, this, new Plan(Connections[0], []), _way, Outbox));
        Obey();
    }

    public void Order(Action<IkeSession, Outbox> order) => Order(Sessions[^1], order);

    public void Order(IkeSession session, Action<IkeSession, Outbox> order)
    {
        order(session, Outbox);
        Obey();
    }

    IkeSession Begin(Instant now, Plan plan, Outbox outbox) => plan.Connection.Version == 1
        ? IkeV1Session.Start(now, this, plan, _way, outbox) : IkeV2Session.Start(now, this, plan, _way, outbox);

    public void Receive(Path path, Blob bytes)
    {
        var message = (path.Local.Port == Settings.NatPort || path.Local.Port == Settings.ProbePort) && bytes.Length > 4 ? bytes.Span[4..] : bytes.Span;
        if (!IkeHeader.TryRead(message, out var header))
            return;
        if (header.MajorVersion == 1)
        {
            ReceiveV1(header, new Datagram(path, message));
            return;
        }
        var ours = header.IsFromInitiator ? header.ResponderSpi : header.InitiatorSpi;
        var session = Sessions.Find(one => one.LocalSpi == ours)
            ?? (ours.IsZero ? Sessions.OfType<IkeV2Session>().FirstOrDefault(one => one.RemoteSpi == header.InitiatorSpi && one.IsHalfOpen && one.Path.Remote == path.Remote) : null);
        if (session is not null)
            session.Receive(world.Now, new Datagram(path, message), Outbox);
        else if (ours.IsZero && IkeMessage.TryParse(message, out var request, out _)
            && IkeV2Session.Answer(world.Now, this, new Datagram(path, message), request, Outbox) is { } answering)
            Add(answering);
        Obey();
    }

    void ReceiveV1(in IkeHeader header, in Datagram d)
    {
        var (i, r, remote) = (header.InitiatorSpi, header.ResponderSpi, d.Path.Remote);
        var session = Sessions.OfType<IkeV1Session>().FirstOrDefault(one => one.LocalSpi == r || one.LocalSpi == i)
            ?? (r.IsZero ? Sessions.OfType<IkeV1Session>().FirstOrDefault(one => one.RemoteSpi == i && one.IsHalfOpen && one.Path.Remote == remote) : null);
        if (session is not null)
            session.Receive(world.Now, d, Outbox);
        else if (r.IsZero && Kuguru.Wire.V1.IsakmpMessage.TryParse(d.Bytes, out var first, out _) && !first.IsEncrypted
            && IkeV1Session.Answer(world.Now, this, d, first, Outbox) is { } answering)
            Add(answering);
        Obey();
    }

    public void Tick()
    {
        foreach (var session in Sessions.Where(session => session.Deadline <= world.Now).ToList())
            session.Tick(world.Now, Outbox);
        Obey();
    }

    void Add(IkeSession session)
    {
        if (!Sessions.Contains(session))
            Sessions.Add(session);
    }

    public void Obey()
    {
        foreach (var effect in Outbox.Effects)
            Obey(effect);
        Outbox.Clear();
        foreach (var gone in Sessions.Where(session => session.IsGone).ToList())
        {
            Sessions.Remove(gone);
            Past.Add(gone);
        }
    }

    void Obey(Effect effect)
    {
        if (effect is Effect.Transmit transmit)
        {
            world.Send(this, transmit.Path, transmit.Bytes);
            return;
        }
        if (effect is Effect.Report report)
        {
            Events.Add(report.Event);
            return;
        }
        Effects.Add(effect);
        if (effect is Effect.InstallSa install)
            Installed.Add(install.Sa.InboundSpi, install.Sa);
        else if (effect is Effect.ReceiveOnly old)
            Receiving.Add(old.InboundSpi);
        else if (effect is Effect.RemoveSa remove)
            Installed.Remove(remove.InboundSpi);
        else if (effect is Effect.MoveSa move)
            Installed[move.InboundSpi] = Installed[move.InboundSpi] with { Path = move.Path, UdpEncapsulated = move.UdpEncapsulated };
    }

    public ImmutableArray<Connection> CandidatesFor(Path path, int version = 2) => [.. Connections.Where(one => one.Version == 0 || one.Version == version)];
    public ImmutableArray<PresharedKey> SharedKeysAmong(Identity pattern) => [.. Keys.Where(key => key.Kind == SharedKeyKind.Ike
        && (key.Owners.IsEmpty || key.Owners.Any(owner => pattern.Fits(owner) > 0)))];
    public IEnumerable<IkeSession> SessionsBetween(Identity local, Identity remote) => Sessions.Where(one => one.LocalId == local && one.PeerName == remote);

    public bool HasSecrets(SharedKeyKind kind) => Keys.Exists(key => key.Kind == kind);

    public ImmutableArray<PresharedKey> SecretsOf(SharedKeyKind kind, Identity owner, Identity? server = null) =>
        [.. Keys.Where(key => key.Kind == kind && (key.Owners.IsEmpty || key.Owners.Any(one => one.Fits(owner) > 0)))];

    public ImmutableArray<PresharedKey> SharedKeysFor(Identity? local, Identity remote) => [.. Keys.Where(key => key.Kind == SharedKeyKind.Ike).Where(key => key.Owners.IsEmpty
        || key.Owners.Any(owner => owner.Fits(remote) > 0 || (local is not null && owner.Fits(local) > 0)))];

    /// <summary>What waits to be fetched, and by whom.</summary>
    public List<(IkeSession Session, FetchRequest Request)> Fetching { get; } = [];

    public void Fetch(IkeSession session, FetchRequest request, Outbox outbox) => Fetching.Add((session, request));

    /// <summary>The world has fetched the first of these, or could not.</summary>
    public void Deliver(byte[]? bytes)
    {
        var (session, request) = Fetching[0];
        Fetching.RemoveAll(one => one.Request == request);
        Certificates.Revocation.Answer(request, bytes is null ? default(Blob?) : new Blob(bytes), "HTTP status 404", TimeOfDay(world.Now));
        session.Fetched(world.Now, Outbox);
        Obey();
    }

    public DateTimeOffset TimeOfDay(Instant now) => World.Clock.At(now);

    public VirtualAddress? Lease(ImmutableArray<string> pools, IkeSession session, uint ikeUniqueId, IpAddress requested)
    {
        foreach (var pool in pools.Select(name => Pools[name]).Where(pool => pool.Addresses.First.IsV6 == requested.IsV6))
        {
            for (var at = pool.Addresses.First; at <= pool.Addresses.Last; at = at.WithValue(at.Value + 1))
            {
                if (_leases.Keys.Any(lease => lease.Address == at))
                    continue;
                return _leases[(at, ikeUniqueId)] = new VirtualAddress(pool.Name, at, pool.Dns, pool.Nbns);
            }
        }
        return null;
    }

    public void Release(uint ikeUniqueId, VirtualAddress address) => Assert.True(_leases.Remove((address.Address, ikeUniqueId)));

    public int Leases => _leases.Count;

    public IkeSpi NewIkeSpi() => new(Dice.UInt64());
    public Spi NewEspSpi() => new(Dice.UInt32() | 0x100);
    public uint NewIkeUniqueId() => ++_lastIkeId;
    public uint NewChildUniqueId() => ++_lastChildId;

    public HashSet<uint> ReqIds { get; } = [];

    public uint ReqIdFor(Connection connection, ChildConfig child, ImmutableArray<Selector> local, ImmutableArray<Selector> remote)
    {
        ReqIds.Add(++_lastReqId);
        return _lastReqId;
    }

    /// <summary>What is to be answered to who needs a stand-in; nobody does, if it is not said.</summary>
    public Func<StandInRequest, StandInAnswer> StandIns { get; set; } = _ => new([], null);
    public HashSet<Spi> Seen { get; } = [];

    public StandInAnswer StandInsFor(StandInRequest request)
    {
        Assert.True(Seen.Add(request.InboundSpi));
        return StandIns(request);
    }

    public void ReleaseStandIns(Spi child) => Assert.True(Seen.Remove(child));

    public void ReleaseReqId(uint reqId) => Assert.True(ReqIds.Remove(reqId));

    public bool AcceptsNew { get; set; } = true;
    public bool HeardInitialContact { get; private set; }

    public bool Authenticated(Instant now, IkeSession session, bool initialContact, Outbox outbox)
    {
        HeardInitialContact |= initialContact;
        return AcceptsNew;
    }

    public bool IsFirstContact(Identity local, Identity remote) => !Sessions.Any(session => session.RemoteId == remote && session.State is IkeState.Established or IkeState.Rekeying);
    public void Adopt(IkeSession session) => Add(session);
    /// <summary>What is to be brought up in a while.</summary>
    public List<(Plan Plan, Instant At)> Undertakings { get; } = [];

    public void Undertake(Instant now, Plan plan, TimeSpan after, Outbox outbox)
    {
        if (after > TimeSpan.Zero)
            Undertakings.Add((plan, now + after));
        else
            Add(Begin(now, plan, outbox));
    }

    readonly HashSet<string> _weakUsed = [];

    public KeyTrials KeyTrials { get; } = new();

    public bool IsFirstUse(string algorithm) => _weakUsed.Add(algorithm);

    public void Count(IkeDrop drop) => Drops[drop] = Drops.GetValueOrDefault(drop) + 1;
}
