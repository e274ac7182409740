using Kuguru.Nat;

namespace Kuguru.Ike.V2;

// MappingSight after MappingSight: two openings, then one after each silence, and what is learned by them.
sealed partial class Established
{
    const int SightOpenings = 2;

    /// <summary>One sight that does not come may be one lost packet.</summary>
    const int MaxMisses = 2;

    SeenLife? _seen;
    Blob _seenAs;
    Instant _seenAt;
    int _sightsInRow, _misses;
    TimeSpan? _otherAfter;

    /// <summary>
    /// With MOBIKE the peer does not take the other port for a move. Of a firewall that changes nothing nothing is seen.
    /// </summary>
    public bool MaySee(IkeV2Session sa) => MayExamine(sa) && sa is { Mobility: { IsAgreed: true, SpeaksAgain: false }, Nat.Local: true }
        && !sa.Node.Paths.Of(sa.Path).Life.IsBlocked && (_seen is not null || sa.Node.Mapping.Next is not null);

    SeenLife Seen(IkeV2Session sa) => _seen ?? new(sa.Node.Mapping);

    void See(Turn t)
    {
        if (_sightsInRow == 0)
            CheckFirst(t);
        Enqueue(new MappingSight());
    }

    /// <summary>Something was seen, or not, of what was asked then.</summary>
    public void Saw(Turn t, Instant askedAt, Blob? what)
    {
        CheckMapping(t);
        var (silence, isSame) = (TimeSpan.FromSeconds(Math.Round((askedAt - _seenAt).TotalSeconds)), what == _seenAs);
        if (what is not { } now || (_sightsInRow is > 0 and < SightOpenings && !isSame))
        {
            (_sightsInRow, _misses) = (0, _misses + 1);
            if (_misses < MaxMisses)
                ProbeAgain(t, MappingProbe.Pause);
            else
                GiveUpSeeing(t, "answers to another port do not get here, or see it as ever another one");
            return;
        }
        (_seenAs, _seenAt) = (now, askedAt);
        if (_sightsInRow < SightOpenings)
            _sightsInRow++;
        else if (isSame)
            Judge(t, Seen(t.Sa).Same(silence), $"the same port after a silence of {silence.TotalSeconds:0} s");
        else
            (_sightsInRow, _otherAfter) = (1, silence);
        if (_sightsInRow == SightOpenings)
            _misses = 0;
        if (Seen(t.Sa).Next is not { } next)
            ConcludeSights(t);
        else
        {
            ProbeAgain(t, _sightsInRow == SightOpenings ? next : MappingProbe.Between);
            TakeProbeLine(t);
        }
    }

    /// <summary>A check from 4500 has been answered, and it was not a restart that gave us another port.</summary>
    public void JudgeSight(Turn t)
    {
        if (_otherAfter is not { } silence)
            return;
        _otherAfter = null;
        Judge(t, Seen(t.Sa).Other(silence), $"another port after a silence of {silence.TotalSeconds:0} s");
    }

    void Judge(Turn t, SeenLife seen, string why)
    {
        _seen = seen;
        if (!seen.IsTold)
            return;
        Learn(t, seen.Known);
        t.Note(Severity.Info, Subject.Network, $"{t.Sa.Path.Remote} sees {why}: keepalives every {KeepAliveInterval(t.Sa).TotalSeconds:0.#} s{(seen.Next is null ? "" : ", trying more")}");
    }

    void ConcludeSights(Turn t)
    {
        if (!Seen(t.Sa).IsTold)
            GiveUpSeeing(t, "the NAT gives the same port after any silence");
    }

    /// <summary>Until the daemon ends, or the network is another one.</summary>
    static void GiveUpSeeing(Turn t, string why)
    {
        t.Note(Severity.Info, Subject.Network, $"{why}: keepalives stay as they are");
        var known = t.Node.Paths.Of(t.Sa.Path);
        t.Node.Paths.Learn(t.Sa.Path, known with { Life = known.Life with { IsBlocked = true } });
    }

    /// <summary>The path or the NAT is another, or somebody else has used the port.</summary>
    void ForgetSights() => (_seen, _sightsInRow, _otherAfter) = (null, 0, null);
}
