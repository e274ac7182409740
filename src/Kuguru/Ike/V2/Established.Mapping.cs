using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Ike.V2;

// How often something has to go out, so that what stands before us, a NAT or a stateful firewall, lets the peer's packets in:
//
//   NAT found, or claimed (encap = yes)   keepalives; the trials of MappingProbe say how often
//   no NAT found                          the same trials. If a silence is not survived, there is a firewall: a NAT is claimed by UPDATE_SA_ADDRESSES,
//                                         ESP goes in UDP from then on, and keepalives hold IKE's and ESP's flow, which are one
sealed partial class Established
{
    Instant? _probeAt;

    /// <summary>What we say of a NAT before us: that there is one, whether there is or not; nothing; or the truth.</summary>
    public Encapsulation Claims(IkeV2Session sa) => sa.Mobility.ClaimsNat ? Encapsulation.Always : Connection.Encapsulation;

    /// <summary>How often keepalives go out: by the connection, else as for all.</summary>
    KeepAlivePolicy KeepAlives(IkeV2Session sa) => Connection.KeepAlive ?? sa.Node.Settings.KeepAlive;

    /// <summary>The interval as it is by now.</summary>
    public TimeSpan KeepAliveInterval(IkeV2Session sa)
    {
        var policy = KeepAlives(sa);
        return policy.IsLearned && policy.Interval > TimeSpan.Zero ? Life(sa).Interval(policy.Interval) : policy.Interval;
    }

    /// <summary>What is known of what stands before us. A NAT is the network's; a firewall that changes nothing may stand before one peer and not the next.</summary>
    public MappingLife Life(IkeV2Session sa) => IsTheNetworks(sa) ? sa.Node.Mapping : sa.Mobility.Life;

    bool IsTheNetworks(IkeV2Session sa) => sa.Nat.Local || Connection.ForcesEncapsulation;

    public void Learn(Turn t, MappingLife life)
    {
        if (IsTheNetworks(t.Sa))
            t.Node.Mapping = life;
        else
            t.Sa.Mobility.Life = life;
        if (life.Fails is { } silence && !t.Sa.Nat.Local && Claims(t.Sa) == Encapsulation.WhenNeeded)
            ClaimNat(t, silence);
    }

    void ForgetLife(Turn t)
    {
        Learn(t, default);
        _probeAt = t.Now + MappingProbe.Begin;
    }

    /// <summary>AH passes no NAT, and transport mode gives names to who is behind one: their peers are not to believe in any.</summary>
    void ClaimNat(Turn t, TimeSpan silence)
    {
        if (_children.Exists(child => child.Sa.Protocol != ProtocolId.Esp || child.Sa.Transport is not null))
            return;
        t.Note(Severity.Info, Subject.Network, $"a firewall before us forgets a flow that is silent for {silence.TotalSeconds:0} s: ESP goes in UDP, keepalives hold it open");
        (t.Sa.Mobility.ClaimsNat, t.Sa.Mobility.OwesUpdate) = (true, true);
        EnqueueFirst(new UpdateAddresses());
    }

    /// <summary>The peer has to answer to where the first piece of a question came from, and not to take that for a move.</summary>
    public bool MayProbe(IkeV2Session sa) =>
        sa is { IsOriginalInitiator: true, Nat.Supported: true, Mobility: { IsAgreed: true, TakesProbes: true, IsStranded: false, Tried.IsEmpty: true } }
        && sa.Node.Settings.ProbePort != 0 && sa.Path.Local.Port == sa.Node.Settings.NatPort && KeepAlives(sa) is { IsLearned: true, Interval.Ticks: > 0 };

    /// <summary>No longer silence is tried than liveness checks leave.</summary>
    Instant? ProbeAt(IkeV2Session sa) => _probeAt is { } at && _queue.Count == 0 && MayProbe(sa) && Life(sa).Next is { } silence
        && (Connection.DpdDelay <= TimeSpan.Zero || silence < Connection.DpdDelay) ? at : null;

    void Probe(Turn t)
    {
        _probeAt = null;
        Enqueue(MappingProbe.Of(Life(t.Sa).Next!.Value));
    }

    public void ProbeAgain(Turn t, TimeSpan wait) => _probeAt = t.Now + wait;

    public override bool TakesTime(Turn t) => _current is MappingProbe probe && probe.TakesTime(t);
}
