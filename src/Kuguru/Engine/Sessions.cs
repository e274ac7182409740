using System.Diagnostics.CodeAnalysis;
using Kuguru.Ike;
using Kuguru.Wire;

namespace Kuguru.Engine;

/// <summary>
/// The IKE SAs of a node: found by our SPI, by the peer's SPI and endpoint for a repeated first message, by ESP SPI for what the packet
/// path reports, and by deadline.
/// </summary>
sealed class Sessions
{
    readonly Dictionary<IkeSpi, IkeSession> _bySpi = [];
    readonly SortedDictionary<uint, IkeSession> _byId = [];
    readonly Dictionary<(IkeSpi, Endpoint), IkeSession> _byFirstMessage = [];
    readonly Dictionary<IkeSession, (IkeSpi, Endpoint)> _firstMessageOf = [];
    readonly HashSet<IkeSession> _halfOpen = [];
    readonly Dictionary<IpAddress, int> _halfOpenByAddress = [];
    readonly Dictionary<Spi, IkeSession> _byEspSpi = [];
    readonly Dictionary<Identity, HashSet<IkeSession>> _byPeer = [];
    readonly Dictionary<IkeSession, Identity> _peerOf = [];
    readonly SortedSet<(Instant At, uint UniqueId)> _deadlines = [];
    readonly Dictionary<uint, Instant> _deadlineOf = [];

    public int Count => _bySpi.Count;
    public int HalfOpen => _halfOpen.Count;
    public int EspSpis => _byEspSpi.Count;

    /// <summary>The oldest first.</summary>
    public IEnumerable<IkeSession> All => _byId.Values;

    public Instant? Deadline => _deadlines.Count > 0 ? _deadlines.Min.At : null;

    /// <summary>The IKE SAs between two identities.</summary>
    public IEnumerable<IkeSession> Between(Identity local, Identity remote) =>
        _byPeer.TryGetValue(remote, out var sessions) ? sessions.Where(session => session.LocalId == local) : [];

    public int HalfOpenFrom(IpAddress address) => _halfOpenByAddress.GetValueOrDefault(address);
    public bool Has(IkeSpi spi) => _bySpi.ContainsKey(spi);
    public bool Has(Spi spi) => _byEspSpi.ContainsKey(spi);
    public bool TryFind(IkeSpi local, [NotNullWhen(true)] out IkeSession? session) => _bySpi.TryGetValue(local, out session);
    public bool TryFind(Spi inbound, [NotNullWhen(true)] out IkeSession? session) => _byEspSpi.TryGetValue(inbound, out session);

    public bool TryFind(uint uniqueId, [NotNullWhen(true)] out IkeSession? session) => _byId.TryGetValue(uniqueId, out session);

    public bool TryFindFirst(IkeSpi initiator, Endpoint remote, [NotNullWhen(true)] out IkeSession? session) =>
        _byFirstMessage.TryGetValue((initiator, remote), out session);

    public void Add(IkeSession session)
    {
        _bySpi[session.LocalSpi] = session;
        _byId[session.UniqueId] = session;
        Settle(session);
    }

    /// <summary>A responder's session that began with this first message.</summary>
    public void AddHalfOpen(IkeSession session, IkeSpi initiator, Endpoint remote)
    {
        var key = (initiator, remote);
        _byFirstMessage[key] = session;
        _firstMessageOf[session] = key;
        _halfOpen.Add(session);
        _halfOpenByAddress[remote.Address] = HalfOpenFrom(remote.Address) + 1;
        Add(session);
    }

    public void Route(Spi inbound, IkeSession session) => _byEspSpi[inbound] = session;
    public void Unroute(Spi inbound) => _byEspSpi.Remove(inbound);

    /// <summary>After a turn: brings the tables in line with what the session has become. True when it is gone.</summary>
    public bool Settle(IkeSession session)
    {
        if ((!session.IsHalfOpen || session.IsGone) && _halfOpen.Remove(session))
            CountOut(_firstMessageOf[session].Item2.Address);
        if (session.IsGone)
        {
            // Until then: a late copy of the first message must not begin a second session.
            if (_firstMessageOf.Remove(session, out var key))
                _byFirstMessage.Remove(key);
            SetDeadline(session.UniqueId, null);
            ForgetPeer(session);
            _byId.Remove(session.UniqueId);
            return _bySpi.Remove(session.LocalSpi);
        }
        LearnPeer(session);
        SetDeadline(session.UniqueId, session.Deadline);
        return false;
    }

    /// <summary>One session whose deadline has come; it is queued anew by <see cref="Settle"/>.</summary>
    public bool TryTakeDue(Instant now, [NotNullWhen(true)] out IkeSession? session)
    {
        session = null;
        if (Deadline is not { } at || at > now)
            return false;
        var due = _deadlines.Min.UniqueId;
        SetDeadline(due, null);
        return _byId.TryGetValue(due, out session);
    }

    void SetDeadline(uint uniqueId, Instant? deadline)
    {
        if (_deadlineOf.TryGetValue(uniqueId, out var before))
        {
            if (before == deadline)
                return;
            _deadlines.Remove((before, uniqueId));
            _deadlineOf.Remove(uniqueId);
        }
        if (deadline is { } at)
        {
            _deadlines.Add((at, uniqueId));
            _deadlineOf[uniqueId] = at;
        }
    }

    void LearnPeer(IkeSession session)
    {
        if (session.PeerName is not { } peer || (_peerOf.TryGetValue(session, out var known) && known == peer))
            return;
        ForgetPeer(session);
        _peerOf[session] = peer;
        if (!_byPeer.TryGetValue(peer, out var sessions))
            _byPeer[peer] = sessions = [];
        sessions.Add(session);
    }

    void ForgetPeer(IkeSession session)
    {
        if (_peerOf.Remove(session, out var peer) && _byPeer[peer].Remove(session) && _byPeer[peer].Count == 0)
            _byPeer.Remove(peer);
    }

    void CountOut(IpAddress address)
    {
        var left = HalfOpenFrom(address) - 1;
        if (left > 0)
            _halfOpenByAddress[address] = left;
        else
            _halfOpenByAddress.Remove(address);
    }
}
