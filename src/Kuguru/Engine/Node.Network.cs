using Kuguru.Ike;
using Kuguru.Nat;

namespace Kuguru.Engine;

// The host's network has changed: a swarm of changes is one, and every IKE SA then looks for its path.
public sealed partial class Node
{
    Instant? _lookAt;
    bool _hasSlept;

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
