using Kuguru.Ike;
using Kuguru.Nat;

namespace Kuguru.Engine;

// The host's network has changed: a swarm of changes is one, and every IKE SA then looks for its path.
public sealed partial class Node
{
    readonly NetworkMemory _networks = new();
    Instant? _lookAt;
    bool _hasSlept;
    string? _network;
    MappingLife _mapping;

    public PathMemory Paths { get; } = new();

    public ProbeLine ProbeLine { get; } = new();

    /// <summary>What was learned of a network is known again when the host is back in it, also after a restart of the daemon.</summary>
    public MappingLife Mapping
    {
        get => _mapping;
        set
        {
            _mapping = value;
            if (_network is null)
                return;
            _networks.Learn(_network, value);
            // That nothing can be learned may have been an accident: it is not kept for longer than the daemon.
            _turn.Add(new Effect.Remember(new(_network, value with { IsBlocked = false, Doubts = null })));
        }
    }

    void Enter(string? network)
    {
        if (network == _network)
            return;
        (_network, Paths.Network) = (network, network);
        _mapping = network is null ? default : _networks.Of(network);
    }

    void ExpectChanges(Instant now, bool resumed)
    {
        _hasSlept |= resumed;
        _lookAt = Instant.Earliest(_lookAt, resumed ? now : now + Roaming.Settling);
    }

    void LookAround(Instant now, Outbox outbox)
    {
        var resumed = _hasSlept;
        (_lookAt, _hasSlept) = (null, false);
        foreach (var session in _sessions.All.ToList())
        {
            session.NetworkChanged(now, resumed, _turn);
            Settle(session, outbox);
        }
    }
}
