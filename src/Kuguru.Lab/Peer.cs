// A host that runs Kuguru's own Node and packet path, as the daemon does, with the simulated network in the place of sockets and TUN:
//
//   UDP 500, 4500 IKE --> Node.Receive --.
//   deadline          --> Node.Tick    ---+--> effects, obeyed in order: Transmit --> Net; InstallSa ... --> PacketPath; Report --> Events
//   Up, Down          --> Node.Command --'
//   ESP, in UDP or plain, AH --> PacketPath.Open --> inner packet: for us, or forwarded     (reports --> Node.Command)
//   inner packets whose destination a child covers --> PacketPath.Seal --> Net

using System.Collections.Immutable;
using System.Security.Cryptography;
using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Esp;
using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>A simulated host with IPsec: the real <see cref="Engine.Node"/> and packet path on virtual time. Client and gateway alike.</summary>
public sealed class Peer : Host, IDisposable
{
    readonly Outbox _outbox = new();
    readonly PathWorker _path;
    readonly Dictionary<Spi, InstalledSa> _children = [];
    readonly Dictionary<uint, Effect.InstallTrap> _traps = [];
    readonly HashSet<(uint User, IpAddress Address)> _virtual = [];
    readonly Dictionary<uint, ImmutableArray<IpAddress>> _dns = [];
    readonly Dictionary<ulong, Attempt> _attempts = [];
    readonly List<(Instant At, Event Event)> _events = [];
    ulong _lastToken;
    Instant? _wakeAt;

    public Peer(World world, string name, Net net, IkeSettings? settings = null, IpAddress? address = null)
        : base(world, name, net, address)
    {
        var dice = world.Dice.Fork(world.Life(name));
        Node = new(settings ?? new(), dice, WallClock.From(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)));
        _path = new(dice.Fork("packet path"));
        Command(new Order.LocalAddresses([.. Addresses]));
    }

    public Node Node { get; }
    public SaTable SaTable => _path.Table;

    /// <summary>How many of the newest events are kept.</summary>
    public int EventLimit { get; set; } = int.MaxValue;

    /// <summary>What was reported, oldest first.</summary>
    public IReadOnlyList<(Instant At, Event Event)> Events => _events;

    /// <summary>Addresses that peers gave us.</summary>
    public IReadOnlyCollection<IpAddress> VirtualAddresses => [.. _virtual.Select(held => held.Address).Distinct()];

    /// <summary>DNS servers that peers told us.</summary>
    public IEnumerable<IpAddress> DnsServers => _dns.Values.SelectMany(servers => servers);

    /// <summary>What a daemon finds again after a restart.</summary>
    public Nat.NetworkMemory Kept { get; } = new();

    /// <summary>The pairs of ESP and AH SAs that are installed now.</summary>
    public IReadOnlyCollection<InstalledSa> Children => _children.Values;

    /// <summary>Keepalives that came in; nothing else happens to them.</summary>
    public long KeepalivesReceived { get; private set; }
    public DropCounters InboundDrops => _path.InboundDrops;
    public DropCounters OutboundDrops => _path.OutboundDrops;

    public IEnumerable<IkeSaStatus> Status() => Node.Status(World.Now);

    /// <summary>The only IKE SA; a story that has another number of them is told so.</summary>
    public IkeSaStatus Sa => Status().Single();

    public void Load(Connection connection) => Turn(() => Node.Load(World.Now, connection, _outbox));

    /// <summary>Asks for a child to come up; look at the result when some time has passed.</summary>
    public Attempt Up(string child, string? connection = null) => Order(token => new Order.Initiate(token, connection, child));

    public Attempt Down(SaFilter? filter = null, bool force = false) => Order(token => new Order.Terminate(token, filter ?? new(), force));

    public Attempt Rekey(SaFilter? filter = null, bool reauthenticate = false) => Order(token => new Order.Rekey(token, filter ?? new(), reauthenticate));

    public void Command(Order order) => Turn(() => Node.Command(World.Now, order, _outbox));

    public override void Roam(Net net)
    {
        base.Roam(net);
        TellNetworkChanged();
    }

    /// <summary>Loses its place on the first net, or gets it back, or one on another net.</summary>
    public void TellNetworkChanged(bool resumed = false)
    {
        Command(new Order.LocalAddresses([.. Addresses]));
        Command(new Order.NetworkChanged(resumed));
    }

    /// <summary>The power goes: whatever arrives is lost on it, no goodbye is said, nothing is remembered by anybody here.</summary>
    public void PowerOff()
    {
        IsOff = true;
        _path.Dispose();
        World.Invariants.Forget(this);
    }

    public bool IsOff { get; private set; }

    /// <summary>The lid is closed: nothing is heard, said or remembered of what happens meanwhile.</summary>
    public bool IsAsleep { get; private set; }

    public void Sleep() => IsAsleep = true;

    /// <summary>The clock has gone on; the host looks around, and does what is overdue.</summary>
    public void WakeUp()
    {
        IsAsleep = false;
        _wakeAt = null;
        TellNetworkChanged(resumed: true);
    }
    public void Dispose() => _path.Dispose();

    public override void Receive(Net from, Packet packet)
    {
        if (IsOff || IsAsleep)
            World.Meets(packet, Fate.NoRoute, Name);
        else
            base.Receive(from, packet);
    }

    protected override bool IsLocal(IpAddress address) => _virtual.Any(held => held.Address == address) || base.IsLocal(address);

    /// <summary>Into a tunnel goes what a child's or a trap's remote end covers; its source is then the address that the child's local end covers.</summary>
    protected override IpAddress SourceFor(IpAddress to)
    {
        if (!Passes(null, to) && _children.Values.FirstOrDefault(c => Covers(c.Sa.SeenSelectors, to)) is { } child)
        {
            foreach (var address in VirtualAddresses.Concat(Addresses))
            {
                if (address.IsV6 == to.IsV6 && Covers(child.Sa.LocalSelectors, address))
                    return address;
            }
        }
        return base.SourceFor(to);
    }

    protected override void Output(Packet packet)
    {
        var to = packet.To.Address;
        if (Passes(packet.From.Address, to))
            base.Output(packet);
        else if (!IsLocal(to) && (_children.Values.Any(c => Covers(c.Sa.SeenSelectors, to)) || _traps.Values.Any(t => Covers(t.Remote, to))))
            Tunnel(packet);
        else
            base.Output(packet);
    }

    protected override void Input(Packet packet)
    {
        if (packet.Protocol == IpProtocol.Esp)
            Open(packet, udpEncapsulated: false);
        else if (packet.Protocol == IpProtocol.Ah)
            Deliver(_path.OpenAh(packet.ToBytes(), new(new(packet.To, packet.From), false, 0, World.Now)));
        else if (packet.Protocol == IpProtocol.Udp && packet.To.Port == Node.Settings.Port && packet.To.Port != 0)
            ReceiveIke(packet);
        else if (packet.Protocol == IpProtocol.Udp && packet.To.Port != 0 && (packet.To.Port == Node.Settings.NatPort || packet.To.Port == Node.Settings.ProbePort))
            ReceiveNatPort(packet);
        else
            base.Input(packet);
    }

    void ReceiveNatPort(Packet packet)
    {
        switch (Demux.Classify(packet.Payload))
        {
            case Port4500.Ike:
                ReceiveIke(packet);
                break;
            case Port4500.Esp:
                Open(packet, udpEncapsulated: true);
                break;
            case Port4500.Keepalive:
                KeepalivesReceived++;
                break;
            case Port4500.Empty or Port4500.TooShort or Port4500.ReservedSpi:
                World.Meets(packet, Fate.PortClosed, Name);
                break;
        }
    }

    void ReceiveIke(Packet packet)
    {
        World.Invariants.Received(this, packet);
        Turn(() => Node.Receive(World.Now, new(new(packet.To, packet.From), packet.Payload), _outbox));
        World.Invariants.Answered(this);
    }

    void Open(Packet packet, bool udpEncapsulated) =>
        Deliver(_path.Open(packet.Payload, new(new(packet.To, packet.From), udpEncapsulated, 0, World.Now)));

    void Deliver(IReadOnlyList<Packet> opened)
    {
        Tell();
        foreach (var inner in opened)
            base.Receive(Net, inner);
    }

    void Tunnel(Packet packet)
    {
        var (packets, answers) = _path.Seal(World.Now, packet);
        foreach (var (route, bytes) in packets)
        {
            var (local, remote) = (route.Path.Local, route.Path.Remote);
            Emit(route.Protocol == IpProtocol.Ah ? Whole(bytes) : route.UdpEncapsulated ? Packet.Udp(local, remote, bytes) : Packet.Esp(local.Address, remote.Address, bytes));
        }
        Tell();
        foreach (var answer in answers)
            base.Receive(Net, answer);
    }

    static Packet Whole(Blob bytes) => Packet.TryRead(bytes, out var packet)
        ? packet : throw new InvalidOperationException($"the packet path made what is no IP packet: {bytes}");

    /// <summary>Outer packets go past the policies.</summary>
    void Emit(Packet packet)
    {
        World.Invariants.Sent(this, packet);
        if (base.IsLocal(packet.From.Address))
            base.Output(packet);
        else
            World.Meets(packet, Fate.NoRoute, Name);
    }

    /// <summary>The packet path's reports go to the node.</summary>
    void Tell()
    {
        foreach (var report in _path.Reports())
            Command(report.ToOrder());
    }

    Attempt Order(Func<ulong, Order> make)
    {
        var attempt = _attempts[++_lastToken] = new();
        Command(make(_lastToken));
        return attempt;
    }

    /// <summary>One input, its effects, the next deadline.</summary>
    void Turn(Action input)
    {
        if (IsOff || IsAsleep)
            return;
        input();
        List<Effect> effects = [.. _outbox.Effects];
        _outbox.Clear();
        foreach (var effect in effects)
            Obey(effect);
        Schedule();
    }

    void Schedule()
    {
        if (Node.Deadline is not { } deadline || _wakeAt <= deadline)
            return;
        _wakeAt = deadline;
        World.At(deadline, () => Wake(deadline));
    }

    void Wake(Instant scheduled)
    {
        if (_wakeAt != scheduled)
            return;
        _wakeAt = null;
        Turn(() => Node.Tick(World.Now, _outbox));
    }

    void Obey(Effect effect)
    {
        Remember(effect);
        if (_path.Table.Obey(effect, Net.Link.Mtu))
            return;
        switch (effect)
        {
            case Effect.Transmit transmit:
                Emit(Packet.Udp(transmit.Path.Local, transmit.Path.Remote, transmit.Bytes));
                break;
            case Effect.FindPath find:
                World.After(TimeSpan.Zero, () => Command(FindPath(find)));
                break;
            case Effect.FindPaths find:
                World.After(TimeSpan.Zero, () => Command(FindPaths(find)));
                break;
            case Effect.AssignAddress assign:
                _virtual.Add((assign.IkeUniqueId, assign.Address));
                break;
            case Effect.ReleaseAddress release:
                _virtual.Remove((release.IkeUniqueId, release.Address));
                break;
            case Effect.AssignDns assign:
                _dns[assign.IkeUniqueId] = assign.Servers;
                break;
            case Effect.ReleaseDns release:
                _dns.Remove(release.IkeUniqueId);
                break;
            case Effect.Remember remember:
                Kept.Learn(remember.Known.Name, remember.Known.Life);
                break;
            case Effect.RevealKeys reveal:
                World.Transcript.Describer.Learn(reveal.Keys, Status());
                break;
            case Effect.Report report:
                Note(report.Event);
                break;
            default:
                throw new InvalidOperationException($"the lab does not know how to obey {effect}");
        }
    }

    /// <summary>What is installed, for routing and for who looks on. The keys are the packet path's: what is kept is their fingerprint.</summary>
    void Remember(Effect effect)
    {
        if (effect is Effect.InstallSa { Sa: var sa })
        {
            _children[sa.InboundSpi] = new(sa, FingerprintOf(sa.InboundKeys), FingerprintOf(sa.OutboundKeys));
            World.Invariants.Installed(this, sa.OutboundSpi);
        }
        else if (effect is Effect.MoveSa { Selectors: { } selectors } move && _children.TryGetValue(move.InboundSpi, out var moved))
            _children[move.InboundSpi] = moved with { Sa = moved.Sa with { LocalSelectors = selectors.Local, RemoteSelectors = selectors.Remote } };
        else if (effect is Effect.RemoveSa { InboundSpi: var removed } && _children.Remove(removed, out var gone))
            World.Invariants.Removed(this, gone.Sa.OutboundSpi);
        else if (effect is Effect.ReceiveOnly { InboundSpi: var replaced } && _children.Remove(replaced, out var old))
            World.Invariants.Removed(this, old.Sa.OutboundSpi);
        else if (effect is Effect.InstallTrap trap)
            _traps[trap.ReqId] = trap;
        else if (effect is Effect.RemoveTrap removeTrap)
            _traps.Remove(removeTrap.ReqId);
    }

    static Blob FingerprintOf(EspKeys keys) => SHA256.HashData([.. keys.Encryption.Span, .. keys.Integrity.Span]);

    Order.PathFound FindPath(Effect.FindPath find)
    {
        var remote = find.Connection.RemoteAddresses.Select(a => a.Single).FirstOrDefault(a => a is not null);
        if (remote is not { } to)
            return new(find.Request, null, $"connection '{find.Connection.Name}' names no single address to reach");
        var local = find.Connection.LocalAddresses.Select(a => a.Single).FirstOrDefault(a => a is not null) ?? base.SourceFor(to);
        return new(find.Request, new(new(local, 0), new(to, 0)), "");
    }

    Order.PathsFound FindPaths(Effect.FindPaths find)
    {
        var families = Addresses.Select(address => address.IsV6).ToHashSet();
        var ways = find.Remotes.Where(remote => families.Contains(remote.IsV6)).Select(remote => new Path(new(base.SourceFor(remote), 0), new(remote, 0)));
        return new(find.IkeUniqueId, new(Addresses.Contains(find.Current.Local.Address), [.. ways]));
    }

    void Note(Event @event)
    {
        _events.Add((World.Now, @event));
        if (_events.Count > EventLimit)
            _events.RemoveRange(0, EventLimit / 2);
        if (@event is Event.OrderDone done && _attempts.Remove(done.Token, out var attempt))
            (attempt.DoneAt, attempt.Failure) = (World.Now, done.Failure);
        World.Invariants.Noted(this, @event);
    }

    /// <summary>A shunt keeps it out of every tunnel.</summary>
    bool Passes(IpAddress? from, IpAddress to) => _traps.Values.Any(t => t.Child.Mode == ChildMode.Pass && Covers(t.Remote, to)
        && (from is { } source ? Covers(t.Local, source) : Addresses.Any(own => Covers(t.Local, own))));

    static bool Covers(ImmutableArray<Selector> selectors, IpAddress address) => selectors.Any(s => s.Range.Contains(address));
}

/// <summary>A pair of ESP SAs that is installed: its keys are with the packet path, here are only their SHA-256 fingerprints.</summary>
public sealed record InstalledSa(ChildSa Sa, Blob InboundKey, Blob OutboundKey);

/// <summary>An order and what became of it.</summary>
public sealed class Attempt
{
    public Instant? DoneAt { get; internal set; }
    public Failure? Failure { get; internal set; }
    public bool IsDone => DoneAt is not null;
    public bool Succeeded => IsDone && Failure is null;
    public override string ToString() => !IsDone ? "under way" : Failure?.Sentence ?? "done";
}
