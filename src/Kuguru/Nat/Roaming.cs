using System.Collections.Immutable;

namespace Kuguru.Nat;

/// <summary>What the host's network says about the ways to one peer.</summary>
/// <param name="CurrentHolds">A packet from the present local address still leaves by a link that is up.</param>
/// <param name="Candidates">For each address of the peer that there is a route to, the likeliest first: the source that a packet would get. Ports are 0.</param>
public sealed record PathFacts(bool CurrentHolds, ImmutableArray<Path> Candidates);

/// <summary>What an IKE SA does when the host's network has changed.</summary>
public abstract record RoamPlan
{
    RoamPlan() { }

    /// <summary>The present path is as good as any; that it still works is for a liveness check to say.</summary>
    public sealed record Stay : RoamPlan;

    /// <summary>The present path is gone, or not the best: these are to be tried, the first one first.</summary>
    public sealed record Switch(ImmutableArray<Path> To) : RoamPlan;

    /// <summary>There is no way to the peer; nothing is sent until there is.</summary>
    public sealed record Wait : RoamPlan;
}

/// <summary>By which path an IKE SA goes on after the host's addresses, links or routes have changed (RFC 4555 sections 3.5 and 3.10).</summary>
public static class Roaming
{
    /// <summary>Changes come in swarms; this long after the first one is looked.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(100);

    /// <summary>How often it is looked for a way while there is none, should nobody tell.</summary>
    public static readonly TimeSpan Lookout = TimeSpan.FromSeconds(10);

    /// <summary>Tries on new paths until the peer counts as gone: as patient as the usual ones, but quicker at first.</summary>
    const int Tries = 42;

    /// <summary>More addresses of a peer than this are not tried.</summary>
    public const int MaxRemotes = 8;

    /// <param name="current">The path so far.</param>
    /// <param name="facts">What there is.</param>
    /// <param name="prefersBest">Leave a path that works for the one that the host would choose now (strongswan.conf <c>prefer_best_path</c>).</param>
    /// <param name="isTried">The peer has not answered along the present path yet: that the host has it says nothing.</param>
    public static RoamPlan Judge(Path current, PathFacts facts, bool prefersBest, bool isTried = false)
    {
        // The peer's known address before its others.
        ImmutableArray<Path> ways =
            [.. facts.Candidates.Select(way => WithPorts(way, current)).Distinct().OrderByDescending(way => way.Remote == current.Remote).Take(MaxRemotes)];
        if (isTried && facts.CurrentHolds)
            return new RoamPlan.Switch([.. ways.Append(current).Distinct()]);
        if (facts.CurrentHolds && (!prefersBest || ways.IsEmpty || ways[0].Remote != current.Remote || ways[0] == current))
            return new RoamPlan.Stay();
        if (ways.IsEmpty)
            return new RoamPlan.Wait();
        if (facts.CurrentHolds)
            return new RoamPlan.Switch([ways[0]]);
        return ways[0] == current && !isTried ? new RoamPlan.Stay() : new RoamPlan.Switch(ways);
    }

    /// <summary>The wait after a question was sent along new paths; null when nobody answers on any.</summary>
    public static TimeSpan? Wait(int resent) => resent > Tries ? null : TimeSpan.FromSeconds(Math.Min(0.5 * Math.Pow(2, resent), 4));

    /// <summary>Ports stay: those of the host's own sockets, and those of a peer that listens on the same ones at each of its addresses.</summary>
    static Path WithPorts(Path way, Path current) =>
        new(way.Local with { Port = current.Local.Port }, way.Remote with { Port = current.Remote.Port });
}
