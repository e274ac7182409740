using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Nat;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Engine;

// One host's whole IPsec control plane, pure:
//
//   datagram -> Receive -> marker off -> whose IKE SA? (our SPI; a first message: the peer's SPI and endpoint) -> IkeSession.Receive
//   order    -> Command -> which connection, which IKE SAs? -> IkeSession                                  (Node.Orders.cs)
//   time     -> Tick    -> every session whose deadline has come
//
//   a session asks for keys, addresses, numbers through INode                                              (Node.House.cs)
//   effects of the sessions -> Settle (tables, orders, counters) -> the caller's Outbox
//
// A first message meets, in this order: the session that it repeats, the limits, the cookie, a connection for its addresses, a new session.

/// <summary>
/// One host's IPsec: connections, keys, pools and IKE SAs. One thread calls it; one input, a list of effects, one deadline.
/// It knows no socket, clock or file.
/// </summary>
public sealed partial class Node(IkeSettings settings, Dice dice, WallClock clock) : INode
{
    readonly Sessions _sessions = new();
    readonly ReqIds _reqIds = new(settings.FirstReqId);
    readonly CookieJar _cookies = new(dice);
    readonly ReportLimit _strangers = new(burst: 10, TimeSpan.FromSeconds(1));
    readonly Outbox _turn = new();
    uint _lastIkeId, _lastChildId;

    public IkeSettings Settings { get; } = settings;
    public Dice Dice { get; } = dice;
    public Connections Connections { get; } = new();
    public Credentials Credentials { get; } = new();
    public CertificateStore Certificates { get; } = new() { Revocation = new() { UsesOcsp = settings.UsesOcsp, UsesCrls = settings.UsesCrls, KeepsLists = settings.KeepsCrls } };
    public Pools Pools { get; } = new();

    /// <summary>Addresses for peers whose own are somebody else's too.</summary>
    public StandIns StandIns { get; } = new(settings.StandInRanges);
    public Counters Counters { get; } = new();

    /// <summary>When to call <see cref="Tick"/> if nothing else happens.</summary>
    public Instant? Deadline => Instant.Earliest(_sessions.Deadline, Instant.Earliest(NextSearch, _lookAt));

    public int IkeSaCount => _sessions.Count;
    public int HalfOpenCount => _sessions.HalfOpen;

    /// <summary>What is held at all, for who looks for leaks: all of it goes back to nothing when the last IKE SA and trap have gone.</summary>
    public NodeCensus Census => new(_sessions.Count, _sessions.EspSpis, _reqIds.Count, _traps.All.Count(), _searches.Count + _waiting.Count, _orders.Count);

    /// <summary>Every IKE SA as it is now, oldest first.</summary>
    public IEnumerable<IkeSaStatus> Status(Instant now) => _sessions.All.Select(session => session.Status(now));

    /// <summary>One UDP payload that <see cref="Demux"/> took for IKE, marker included.</summary>
    public void Receive(Instant now, in Datagram d, Outbox outbox)
    {
        _turn.Clear();
        _now = now;
        var message = NonEspMarker.Unframe(d.Bytes, d.Path, Settings.MarkedPort(d.Path));
        if (message.Length > Settings.MaxPacket || !IkeHeader.TryRead(message, out var header))
        {
            Counters.Count(Drop.Malformed);
            return;
        }
        var session = Whose(header, d.Path);
        Counters.CountMessage(header, inbound: true, session?.Connection?.Name);
        if (header.MajorVersion is not (IkeMessage.MajorVersion or Wire.V1.IsakmpMessage.MajorVersion))
            RefuseVersion(new Datagram(d.Path, message), header, outbox);
        else if (session is not null)
        {
            session.Receive(now, new Datagram(d.Path, message), _turn);
            Settle(session, outbox);
        }
        else if (header.MajorVersion == Wire.V1.IsakmpMessage.MajorVersion)
            MeetV1(now, header, new Datagram(d.Path, message), outbox);
        else if (header.ResponderSpi.IsZero && header.Exchange == ExchangeType.IkeSaInit && !header.IsResponse)
            Meet(now, new Datagram(d.Path, message), outbox);
        else
            Unknown(now, new Datagram(d.Path, message), header, outbox);
    }

    public void Tick(Instant now, Outbox outbox)
    {
        _turn.Clear();
        _now = now;
        if (_lookAt <= now)
            LookAround(now, outbox);
        while (_sessions.TryTakeDue(now, out var session))
        {
            session.Tick(now, _turn);
            Settle(session, outbox);
        }
        SearchAgain(now, outbox);
    }

    IkeSession? Whose(in IkeHeader header, Path path)
    {
        if (header.MajorVersion == Wire.V1.IsakmpMessage.MajorVersion)
            return WhoseV1(header, path);
        var ours = header.IsFromInitiator ? header.ResponderSpi : header.InitiatorSpi;
        if (_sessions.TryFind(ours, out var session))
            return session.Version == header.MajorVersion ? session : null;
        return ours.IsZero && _sessions.TryFindFirst(header.InitiatorSpi, path.Remote, out session) && session.Version == header.MajorVersion ? session : null;
    }

    /// <summary>A first message from somebody new (RFC 7296 sections 1.2 and 2.6).</summary>
    void Meet(Instant now, in Datagram d, Outbox outbox)
    {
        if (!IkeMessage.TryParse(d.Bytes, out var request, out _) || request.Find<Payload.Nonce>() is null)
            Counters.Count(Drop.Malformed);
        else if (IsClosedTo(d.Path.Remote.Address))
            Counters.Count(Drop.Closed);
        else if (WantsCookie(d.Path.Remote.Address) && !_cookies.Accepts(now, request, d.Path.Remote))
            Answer(d, request, new Payload.Notify(NotifyType.Cookie, _cookies.For(now, request, d.Path.Remote)), outbox);
        else if (CandidatesFor(d.Path).IsEmpty)
        {
            Counters.Count(Drop.NoConnection);
            _turn.Report(new Event.Note(Severity.Warning, Subject.Config,
                $"no connection fits {d.Path}: load one whose local_addrs and remote_addrs have these addresses (or leave them out)"));
            FlushOfStranger(now, outbox);
            Answer(d, request, new Payload.Notify(NotifyType.NoProposalChosen, Blob.Empty), outbox);
        }
        else if (IkeV2Session.Answer(now, this, d, request, _turn) is { } session)
        {
            _sessions.AddHalfOpen(session, request.InitiatorSpi, d.Path.Remote);
            Settle(session, outbox);
        }
        else
            FlushOfStranger(now, outbox);
    }

    bool IsClosedTo(IpAddress remote) =>
        Settings.InitiatorOnly || _closing
        || (Settings.IkeSaLimit > 0 && _sessions.Count >= Settings.IkeSaLimit)
        || (Settings.HalfOpenLimit > 0 && _sessions.HalfOpen >= Settings.HalfOpenLimit)
        || (Settings.BlockThreshold > 0 && _sessions.HalfOpenFrom(remote) >= Settings.BlockThreshold);

    bool WantsCookie(IpAddress remote) =>
        (Settings.CookieThreshold > 0 && _sessions.HalfOpen >= Settings.CookieThreshold)
        || (Settings.CookieThresholdPerAddress > 0 && _sessions.HalfOpenFrom(remote) >= Settings.CookieThresholdPerAddress);

    /// <summary>An answer that leaves nothing behind: no SPI of ours, no state.</summary>
    void Answer(in Datagram d, IkeMessage request, Payload.Notify notify, Outbox outbox)
    {
        if (!IkeV2Session.Refuse(this, d, request, notify, _turn))
            Counters.Count(Drop.Malformed);
        Flush(null, outbox);
    }

    /// <summary>RFC 7296 section 2.5: a higher major version is answered with ours; IKEv1 has no such answer.</summary>
    void RefuseVersion(in Datagram d, in IkeHeader header, Outbox outbox)
    {
        Counters.Count(Drop.Version);
        if (header.MajorVersion > IkeMessage.MajorVersion && !header.IsResponse)
        {
            var request = new IkeMessage(header.InitiatorSpi, header.ResponderSpi, header.Exchange, header.Flags, header.MessageId, []);
            Answer(d, request, new Payload.Notify(NotifyType.InvalidMajorVersion, Blob.Empty), outbox);
        }
    }

    /// <summary>What nobody has authenticated is told now and then, not once a packet.</summary>
    void FlushOfStranger(Instant now, Outbox outbox)
    {
        if (!_strangers.Allows(now))
            _turn.RemoveReports();
        Flush(null, outbox);
    }

    /// <summary>After a session's turn: tables first, then what it wants goes out.</summary>
    void Settle(IkeSession session, Outbox outbox)
    {
        _sessions.Settle(session);
        Flush(session, outbox);
    }

    void Flush(IkeSession? session, Outbox outbox)
    {
        List<Event.ChildDown> lost = [];
        foreach (var effect in _turn.Effects)
        {
            if (effect is Effect.InstallSa install && session is not null)
                _sessions.Route(install.Sa.InboundSpi, session);
            else if (effect is Effect.RemoveSa remove)
                _sessions.Unroute(remove.InboundSpi);
            else if (effect is Effect.Transmit transmit)
                CountOutbound(transmit, session);
            else if (effect is Effect.Report { Event: Event.OrderDone part })
            {
                if (_orders.PartDone(part) is { } done)
                    outbox.Report(done);
                continue;
            }
            else if (effect is Effect.Report report)
            {
                Counters.CountEvent(report.Event);
                if (report.Event is Event.ChildDown { Next: not CloseAction.Clear } down)
                    lost.Add(down);
            }
            outbox.Add(effect);
        }
        _turn.Clear();
        foreach (var proved in Certificates.Revocation.TakeProved())
            outbox.Add(new Effect.KeepCrl(proved.Name, proved.List.Der));
        foreach (var child in lost)
            Revive(child, outbox);
    }

    void CountOutbound(Effect.Transmit transmit, IkeSession? session)
    {
        if (IkeHeader.TryRead(NonEspMarker.Unframe(transmit.Bytes.Span, transmit.Path, Settings.MarkedPort(transmit.Path)), out var header))
            Counters.CountMessage(header, inbound: false, session?.Connection?.Name);
    }
}

/// <summary>Numbers of things that a <see cref="Node"/> holds: IKE SAs, ESP SPIs, reqids, traps and shunts, searches for a way, orders under way.</summary>
public readonly record struct NodeCensus(int IkeSas, int EspSpis, int ReqIds, int Traps, int Searches, int Orders);
