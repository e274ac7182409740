namespace Kuguru.Ike.V1;

/// <summary>Something that an established ISAKMP SA has to do with its peer. One is under way at a time; the others queue.</summary>
abstract class Errand
{
    /// <summary>charon's name for it, for <c>tasks-queued</c> and <c>tasks-active</c>.</summary>
    public abstract string Task { get; }

    /// <summary>Begins; false when there is nothing to wait for.</summary>
    public abstract bool Begin(Turn t, Established e);

    /// <summary>The ISAKMP SA ends before the answer.</summary>
    public virtual void Abandon(Turn t, Failure failure) { }
}

/// <summary>The peer falls silent: is it there? (RFC 3706). Each time a message of its own, for a repeated one might not be looked at.</summary>
sealed class Liveness
{
    uint _first, _last;
    int _sent;
    Instant? _next;

    public Instant? Next => _next;
    public bool IsAsking => _next is not null;

    /// <summary>Asks, or asks again; false when that was often enough.</summary>
    public bool Ask(Turn t, Keying keying, Connection connection, Instant heard)
    {
        if (_sent == 0)
            (_first, _last) = (t.Node.Dice.UInt32() & int.MaxValue, 0);
        if (Wait(t, connection, heard) is not { } wait)
            return false;
        _last = _first + (uint)_sent++;
        _next = t.Now + wait;
        PhaseOne.Tell(t, keying, Informational.AreYouThere(t, _last));
        return true;
    }

    /// <summary>As often as a message is resent; or, where <c>dpd_timeout</c> says so, at the pace of <c>dpd_delay</c>, so long after the peer was heard last.</summary>
    TimeSpan? Wait(Turn t, Connection connection, Instant heard)
    {
        if (connection.DpdTimeout <= TimeSpan.Zero)
            return Retransmission.Wait(t.Settings, _sent, t.Node.Dice.Fraction());
        var left = heard + connection.DpdTimeout - t.Now;
        return left <= TimeSpan.Zero ? null : left < connection.DpdDelay ? left : connection.DpdDelay;
    }

    /// <summary>The answer to one of those that are out.</summary>
    public bool IsAnswer(uint sequence) => IsAsking && sequence - _first <= _last - _first;

    public int Sent => _sent;

    public void Stop() => (_sent, _next) = (0, null);
}
