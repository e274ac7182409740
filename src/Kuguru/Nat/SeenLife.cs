namespace Kuguru.Nat;

/// <summary>
/// What follows from the port that a peer sees before and after silences. Another one says that the NAT has forgotten; the same that it has not, or that
/// it gives the same one to new mappings too: so that is believed only when another one has been seen as well.
/// </summary>
/// <param name="Life">If the NAT gives other ports to new mappings.</param>
/// <param name="IsTold">It does.</param>
public readonly record struct SeenLife(MappingLife Life, bool IsTold = false)
{
    /// <summary>Longer silences than keepalives are learned for, in seconds: a NAT that gives the same port after these is told nothing by.</summary>
    static readonly double[] Longer = [660, 1320];

    /// <summary>The silence to see the port after; null when there is nothing left to learn, or no way.</summary>
    public TimeSpan? Next
    {
        get
        {
            if (Life.Next is { } next)
                return next;
            var holds = Life.Holds.TotalSeconds;
            return IsTold || Life.IsBlocked || Life.Fails is not null || holds >= Longer[^1] ? null : TimeSpan.FromSeconds(Longer.First(longer => longer > holds));
        }
    }

    /// <summary>What keepalives go by.</summary>
    public MappingLife Known => Life with { Holds = Life.Holds < MappingLife.Longest ? Life.Holds : MappingLife.Longest };

    public SeenLife Same(TimeSpan silence) => this with { Life = Life.Held(silence) };

    public SeenLife Other(TimeSpan silence) => new(Life with { Fails = silence, Doubts = null }, IsTold: true);
}
