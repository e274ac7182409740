using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// How long does the NAT in front of us let a silent mapping live? The tunnel's own mapping is not put at risk: a second one, from a port of its own,
// stands in for it. A peer that takes INFORMATIONAL requests in fragments (RFC 7383) can be asked to speak to it after a silence:
//
//   port P     HDR, SKF(1/2) {...   -->         the mapping is made, or refreshed; the peer waits for the rest
//              ... silence ...
//   port 4500  HDR, SKF(2/2) {...}  -->         by the tunnel's own mapping, which keepalives hold as always
//   port P                     <--  HDR, SK {...}    answered to where the first piece came from: the mapping lives
//
// No answer there: all of it goes out again from 4500, and is answered there. A NAT gives a mapping a long life only after it has seen both
// directions for a while: so before a trial the same is done twice without a silence, unless the trial before has shown that the mapping lives. Whoever
// wants to ask something else completes the question.
//
// A question that a peer does not understand would end the IKE SA (charon, for one, may drop INFORMATIONAL requests in fragments, and answers others to
// where the last piece came from). So nobody is asked who has not said in IKE_AUTH, along with MOBIKE_SUPPORTED, that it takes such: by a vendor ID
// (RFC 7296 section 3.12), which others ignore.

/// <summary>One trial, or one of the openings before it.</summary>
/// <param name="silence">To be tried.</param>
/// <param name="openings">Exchanges without silence that come before.</param>
/// <param name="notBefore">When.</param>
/// <param name="misses">Openings that were not answered to the other port.</param>
sealed class MappingProbe(TimeSpan silence, int openings, Instant? notBefore, int misses = 0) : Errand
{
    static readonly Blob s_vendorId = "Kuguru answers to where a question began"u8.ToArray();

    /// <summary>Openings before a trial, and the time between: Linux, for one, counts a flow as settled when it goes on after two seconds.</summary>
    const int Openings = 2;
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(3);

    /// <summary>One opening that is answered to 4500 may be one lost packet.</summary>
    const int MaxMisses = 2;

    /// <summary>How long the answer may take; the tunnel has shown by now that answers are quicker.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>After the tunnel is up; between trials; after one that was called off.</summary>
    public static readonly TimeSpan Begin = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromSeconds(5), Retreat = TimeSpan.FromMinutes(1);

    Instant _askedAt, _completedAt;
    bool _isComplete, _isLost, _isCalledOff;

    public override string Task => "IKE_DPD";
    public override Instant? NotBefore { get; protected set; } = notBefore;

    /// <summary>The silence lasts: the peer has only the first piece.</summary>
    public bool IsOpen => !_isComplete;

    /// <summary>What goes into IKE_AUTH: from who takes part in fragmentation, and as responder only to who has said it.</summary>
    public static IEnumerable<Payload> Offer(Turn t) =>
        t.Sa.Fragments is not null && (t.Sa.IsInitiator || t.Sa.Mobility.TakesProbes) ? [new Payload.VendorId(s_vendorId)] : [];

    public static bool IsOffered(Turn t, IkeMessage message) =>
        t.Sa.Fragments is not null && message.All<Payload.VendorId>().Any(vendor => vendor.Data == s_vendorId);

    /// <param name="silence">To be tried.</param>
    /// <param name="isOpened">The mapping is known to live, and to have seen both directions.</param>
    public static MappingProbe Of(TimeSpan silence, bool isOpened) => new(silence, isOpened ? 0 : Openings, notBefore: null);

    public override bool Ask(Turn t, Established e)
    {
        if (!e.MayProbe(t.Sa) || !e.TakeProbeLine(t))
            return false;
        t.Sa.AskInTwo(t, e.Keying, ExchangeType.Informational, Mobike.NatDetection(t, t.Sa.Path).ToSequence(), ProbePath(t),
            t.Now + (openings > 0 ? TimeSpan.Zero : silence));
        _askedAt = t.Now;
        if (openings > 0)
            Complete(t);
        return true;
    }

    /// <summary>The time of the question is up. False: it is like any other by now.</summary>
    public bool TakesTime(Turn t)
    {
        if (IsOpen)
        {
            Complete(t);
            return true;
        }
        if (_isLost)
            return false;
        _isLost = true;
        t.Sa.ResendNow(t);
        return true;
    }

    /// <summary>Somebody wants to ask something else: the answer comes at once, and says only that as much silence as there was is survived.</summary>
    public void CallOff(Turn t)
    {
        if (!IsOpen)
            return;
        _isCalledOff = true;
        Complete(t);
    }

    /// <summary>All of it goes out otherwise: the answer says nothing.</summary>
    public void Void() => (_isComplete, _isLost, _isCalledOff, _completedAt) = (true, true, true, _askedAt);

    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        var came = t.Arrived.Local.Port == t.Settings.ProbePort;
        if (_isCalledOff)
        {
            if (came && openings == 0)
                e.Learn(t, e.Life(t.Sa).AtLeast(_completedAt - _askedAt));
            e.ProbeAgain(t, Retreat);
        }
        else if (openings > 0 && (came || misses + 1 < MaxMisses))
            e.Enqueue(new MappingProbe(silence, came ? openings - 1 : Openings, t.Now + Between, came ? misses : misses + 1));
        else if (openings > 0)
        {
            t.Note(Severity.Info, Subject.Network, "answers to another port do not get here: keepalives stay as they are");
            e.Learn(t, e.Life(t.Sa) with { IsBlocked = true });
        }
        else
            ConcludeTrial(t, e, came);
    }

    void ConcludeTrial(Turn t, Established e, bool came)
    {
        e.Learn(t, came ? e.Life(t.Sa).Held(silence) : e.Life(t.Sa).Lost(silence));
        var then = KeepAlive.IsNeeded(t.Sa.Nat, t.Sa.Path, t.Settings.NatPort) ? $"keepalives every {e.KeepAliveInterval(t.Sa).TotalSeconds:0.#} s" : "no keepalives";
        t.Note(Severity.Info, Subject.Network, $"the mapping {(came ? "lives" : "does not live")} through a silence of {silence.TotalSeconds:0} s: "
            + $"{then}{(e.Life(t.Sa).Next is null ? "" : ", trying more")}");
        e.ProbeAgain(t, Pause, isOpened: came);
        e.CheckMapping(t);
    }

    void Complete(Turn t)
    {
        (_isComplete, _completedAt) = (true, t.Now);
        t.Sa.Window.AskAnew(t.Now + Patience);
        t.Transmit(t.Sa.Path, t.Sa.Window.Asked!.Messages[1]);
    }

    public static Path ProbePath(Turn t) => t.Sa.Path with { Local = t.Sa.Path.Local with { Port = t.Settings.ProbePort } };
}
