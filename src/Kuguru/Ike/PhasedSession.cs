using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>An IKE SA of either version as its phases: who it is, and every order handed to the phase in which it stands.</summary>
/// <typeparam name="TSession">The IKE SA itself.</typeparam>
/// <typeparam name="TPhase">Its phases.</typeparam>
/// <typeparam name="TTurn">One call of it.</typeparam>
abstract class PhasedSession<TSession, TPhase, TTurn> : IkeSession
    where TSession : PhasedSession<TSession, TPhase, TTurn>
    where TPhase : SessionPhase<TSession, TTurn>
    where TTurn : SessionTurn
{
    protected PhasedSession(INode node, Instant now, Path path, IkeSpi localSpi, IkeSpi remoteSpi, bool isInitiator, TPhase phase)
    {
        (Node, UniqueId, LocalSpi, RemoteSpi, IsInitiator) = (node, node.NewIkeUniqueId(), localSpi, remoteSpi, isInitiator);
        (CurrentPath, LastSent, LastReceived, Phase) = (path, now, now, phase);
    }

    public INode Node { get; }
    public TPhase Phase { get; protected set; }
    public IkeSpi RemoteSpi { get; private set; }
    public Path CurrentPath { get; set; }
    public NatVerdict Verdict { get; set; }
    public Instant LastSent { get; set; }

    /// <summary>The moves of the peer.</summary>
    public Trail Trail { get; init; } = new();

    Instant? _saidRestless;

    /// <summary>When the peer last showed by an authentic message of IKE that it is alive.</summary>
    public Instant LastReceived { get; protected set; }

    public override uint UniqueId { get; }
    public override IkeSpi LocalSpi { get; }
    public override bool IsInitiator { get; }
    public override Path Path => CurrentPath;
    public override NatVerdict Nat => Verdict;
    public override Connection? Connection => Phase.Connection;
    public override IkeState State => Phase.State;
    public override bool IsHalfOpen => Phase.IsHalfOpen;
    public override bool IsGone => Phase.IsGone;
    public override bool IsLeaving => Phase.IsLeaving;
    public override Identity? LocalId => Phase.LocalId;
    public override Identity? RemoteId => Phase.RemoteId;
    public override Identity? PeerName => Phase.PeerName;
    public override IEnumerable<Spi> InboundSpis => Phase.InboundSpis;
    public override bool HasChild(string name) => Phase.HasChild(name);
    public override bool SendsWith(Spi outbound) => Phase.SendsWith(outbound);
    public override bool HasLeased(IpAddress address) => Phase.HasLeased(address);

    public IkeSpi InitiatorSpi => IsInitiator ? LocalSpi : RemoteSpi;
    public IkeSpi ResponderSpi => IsInitiator ? RemoteSpi : LocalSpi;

    /// <summary>The initiator has read the responder's SPI.</summary>
    public void Meet(IkeSpi responder) => RemoteSpi = responder;

    public override void RequestChild(Instant now, ChildConfig child, ulong token, Outbox outbox) =>
        Order(now, outbox, turn => Phase.RequestChild(turn, new ChildRequest(child, token)));

    public override void TerminateIke(Instant now, ulong token, bool force, Outbox outbox) =>
        Order(now, outbox, turn => Phase.Terminate(turn, token, force));

    public override void TerminateChild(Instant now, uint childUniqueId, ulong token, bool force, Outbox outbox) =>
        Order(now, outbox, turn => Phase.TerminateChild(turn, childUniqueId, token, force));

    public override void RekeyIke(Instant now, ulong token, Outbox outbox) => Order(now, outbox, turn => Phase.RekeyIke(turn, token));

    public override void RekeyChild(Instant now, uint childUniqueId, ulong token, Outbox outbox) =>
        Order(now, outbox, turn => Phase.RekeyChild(turn, childUniqueId, token));

    public override void Reauthenticate(Instant now, ulong token, Outbox outbox) => Order(now, outbox, turn => Phase.Reauthenticate(turn, token));

    public override void Supersede(Instant now, Outbox outbox) => Order(now, outbox, Phase.Supersede);

    public override void Forget(Instant now, Outbox outbox) => Order(now, outbox, Phase.Forget);

    public override void Doubt(Instant now, Outbox outbox) => Order(now, outbox, Phase.Doubt);

    public override void EspMoved(Instant now, Spi inbound, Path path, Outbox outbox) =>
        Order(now, outbox, turn => Move(turn, path with { Local = CurrentPath.Local }, MoveCause.Esp));

    public override void EspUsed(Instant now, Spi inbound, Outbox outbox) => Order(now, outbox, turn => Phase.EspUsed(turn, inbound));

    public override void NetworkChanged(Instant now, bool resumed, Outbox outbox) => Order(now, outbox, turn => Phase.NetworkChanged(turn, resumed));

    public override void PathsFound(Instant now, PathFacts facts, Outbox outbox) => Order(now, outbox, turn => Phase.PathsFound(turn, facts));

    public override IkeSaStatus Status(Instant now) => Phase.Describe((TSession)this, new IkeSaStatus
    {
        Name = Name,
        UniqueId = UniqueId,
        Version = Version,
        State = State,
        IsInitiator = IsInitiator,
        Path = CurrentPath,
        InitiatorSpi = InitiatorSpi,
        ResponderSpi = ResponderSpi,
        LocalId = LocalId,
        RemoteId = RemoteId,
        Nat = Verdict,
        Moves = Trail.Moves,
        MovedFrom = Trail.Left,
        MovesRefused = Trail.Refused,
    });

    protected abstract TTurn Turn(Instant now, Outbox outbox, Path arrived);

    /// <summary>The peer was seen elsewhere: where the rule allows it, all that is sent goes there from now on, and the children's packets too.</summary>
    protected abstract void Move(TTurn t, Path path, MoveCause cause);

    /// <summary>May packets be sent there? Plain ESP, of which somebody took the UDP header, has no port; and our address of the other family is not known.</summary>
    protected bool IsReachable(Endpoint remote) => remote.Port != 0 && remote.Address.IsV6 == CurrentPath.Local.Address.IsV6;

    /// <summary>Too many places within a second: counted each time, warned of once.</summary>
    protected void RefuseMove(TTurn t, Path path)
    {
        Node.Count(IkeDrop.TooManyMoves);
        if (_saidRestless is { } said && t.Now - said < Following.Restless)
            return;
        _saidRestless = t.Now;
        t.Note(Severity.Warning, Subject.Network,
            $"packets of {RemoteId} come from more than {Following.MaxClaims} places a second: not followed for now (last {path.Remote})");
    }

    protected void Order(Instant now, Outbox outbox, Action<TTurn> order)
    {
        var turn = Turn(now, outbox, CurrentPath);
        order(turn);
        Phase.Advance(turn);
    }
}
