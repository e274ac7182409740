using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SK {}            -->                        RFC 7296 sections 1.4 and 2.4: are you there?
//                       <--  HDR, SK {}
//
// HDR, SK {D(ESP)}      -->                        section 1.4.1: by the inbound SPIs of who sends it; AH likewise
//                       <--  HDR, SK {D(ESP)}      and so back; without those that the answerer is deleting himself
//
// HDR, SK {D(IKE)}      -->                        the IKE SA that carries it, with all its children
//                       <--  HDR, SK {}
//
// HDR, SK {N(AUTHENTICATION_FAILED)} -->           section 2.21.2: an initiator does not believe the responder
//                       <--  HDR, SK {}
static class Informational
{
    public static void AskRejection(Turn t, KeyedPhase phase)
    {
        phase.Ask(t, ExchangeType.Informational, [new Payload.Notify(NotifyType.AuthenticationFailed)]);
        t.Sa.Enter(new Closing(phase.Keying, phase.Connection, null, _ => { }));
    }

    /// <summary>Says goodbye; what has to be done when the peer has answered, or will not, comes with it.</summary>
    public static void AskDelete(Turn t, Established e, Action<Turn> afterwards)
    {
        e.Ask(t, ExchangeType.Informational, [Payload.Delete.Ike]);
        t.Sa.Enter(new Closing(e.Keying, e.Connection, e, afterwards));
    }

    /// <summary>The same for an IKE SA that another one has replaced: what it had is the other's now.</summary>
    public static void AskDeleteReplaced(Turn t, KeyedPhase phase)
    {
        phase.Ask(t, ExchangeType.Informational, [Payload.Delete.Ike]);
        t.Sa.Enter(new Closing(phase.Keying, phase.Connection, null, _ => { }));
    }

    public static (Sequence<Payload> Answer, Phase Next) Answer(Turn t, Established e, IkeMessage request)
    {
        if (IsEnd(request) && e.Current is RekeyIke rekeying && rekeying.Yield(t, e))
            return ([], new Gone(e.Connection));
        if (IsEnd(request))
            return ([], e.End(t, "deleted by the peer", child => child.CloseAction, new Failure(FailureCode.Aborted, "the peer has deleted the IKE SA")));
        if (request.Has(NotifyType.AuthenticationFailed))
        {
            var failure = Failures.Refused(t.Sa.Path, e.LocalId, e.RemoteId, t.Sa.Verdict);
            t.Report(new Event.Failed(failure));
            return ([], e.End(t, "the peer does not believe who we are", _ => CloseAction.Clear, failure));
        }
        AuthLifetime.Hear(t, e, request);
        foreach (var notify in request.All<Payload.Notify>().Where(notify => notify.IsError))
            t.Note(Severity.Warning, Subject.Ike,
                $"received {Notation.Name(notify)} notify error from {t.Sa.Path.Remote}{(notify.Spi.IsEmpty ? "" : $" for SPI {notify.Spi}")}");
        List<Payload> answer = [];
        foreach (var delete in request.All<Payload.Delete>().Where(delete => delete.Protocol is ProtocolId.Esp or ProtocolId.Ah))
        {
            if (AnswerDelete(t, e, delete) is { IsEmpty: false } ours)
                answer.Add(new Payload.Delete(delete.Protocol, ours));
        }
        answer.AddRange(Mobike.Answer(t, e, request));
        e.HearWish(t, request);
        return (answer.ToSequence(), e);
    }

    /// <summary>Deletes the IKE SA that carries it.</summary>
    public static bool IsEnd(IkeMessage request) =>
        request.Exchange == ExchangeType.Informational && request.All<Payload.Delete>().Any(delete => delete.Protocol == ProtocolId.Ike);

    static Sequence<Spi> AnswerDelete(Turn t, Established e, Payload.Delete delete)
    {
        var deleted = new List<Spi>();
        foreach (var spi in delete.Spis)
        {
            if (e.Children.FirstOrDefault(child => child.Sa.OutboundSpi == spi && child.Sa.Protocol == delete.Protocol) is not { } child)
            {
                (e.Current as ChildErrand)?.DeletedMeanwhile(spi);
                continue;
            }
            // Both ends delete it at once: nobody answers with a Delete payload.
            if (child.State != ChildState.Deleting)
                deleted.Add(child.Sa.InboundSpi);
            if (e.Current is RekeyChild rekeying && rekeying.IsAbout(child))
                rekeying.Yield(t, e);
            e.Remove(t, child, child.State == ChildState.Deleting ? CloseAction.Clear : child.Sa.Config.CloseAction);
        }
        return deleted.ToSequence();
    }
}

/// <summary>
/// An empty question, to see whether the peer is alive; with MOBIKE also what a NAT makes of us (RFC 4555 section 3.8). As long as that is not known
/// it may have changed already, unnoticed: then the question is an address update, for peers that follow by nothing else.
/// </summary>
/// <param name="isOwn">Not what <c>dpd_delay</c> asks for: that nobody answers has no consequence.</param>
sealed class Liveness(bool isOwn = false) : Errand
{
    public bool IsOwn { get; } = isOwn;
    public override string Task => "IKE_DPD";

    public override bool Ask(Turn t, Established e)
    {
        var (sa, m) = (t.Sa, t.Sa.Mobility);
        List<Payload> payloads = [];
        if ((m.IsAgreed || m.SpeaksAgain) && sa is { IsOriginalInitiator: true, Verdict.Supported: true })
        {
            if (m.IsAgreed && sa.Verdict.Local && !m.OwesUpdate && m.Tried.IsEmpty && !m.KnowsMapping(sa.InitiatorSpi, sa.Path))
                payloads.Add(new Payload.Notify(NotifyType.UpdateSaAddresses));
            payloads.AddRange(Mobike.NatDetection(t, sa.Path));
        }
        e.Ask(t, ExchangeType.Informational, payloads.ToSequence());
        return true;
    }

    /// <summary>That there is an answer says it all, but for what it says of NATs.</summary>
    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        e.LearnMapping(t, response);
        e.JudgeSight(t);
    }
}

/// <summary>The end of one child, by order, by its lifetime, or since it has been rekeyed.</summary>
sealed class DeleteChild(Child child, ulong token, CloseAction next) : Errand
{
    public override string Task => "CHILD_DELETE";

    public override bool Ask(Turn t, Established e)
    {
        if (!e.Children.Contains(child))
        {
            t.Done(token);
            return false;
        }
        child.State = ChildState.Deleting;
        e.Ask(t, ExchangeType.Informational, [new Payload.Delete(child.Sa.Protocol, [child.Sa.InboundSpi])]);
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        // A peer that is still without our answer which made it will have it later, unless it is told once more.
        if (child.IsUnconfirmed && !response.All<Payload.Delete>().Any(delete => delete.Spis.Contains(child.Sa.OutboundSpi)))
            e.Enqueue(new DeleteRefused(child.Sa.Protocol, child.Sa.InboundSpi, CreateChildSa.Later(t)));
        e.Remove(t, child, next);
        t.Done(token);
    }

    /// <summary>However it ends, it is what was wanted.</summary>
    public override void Abandon(Turn t, Failure failure) => t.Done(token);
}

/// <summary>The peer has set up a child that we could not accept: it is told to take it down.</summary>
sealed class DeleteRefused : Errand
{
    /// <summary>A peer that does not know it by then never will.</summary>
    const int MaxAgain = 5;

    readonly ProtocolId _protocol;
    readonly Spi _inbound;
    int _again;

    /// <param name="protocol">ESP or AH.</param>
    /// <param name="inbound">Our SPI.</param>
    /// <param name="notBefore">The peer may come to know it only by then: it is told until it does.</param>
    public DeleteRefused(ProtocolId protocol, Spi inbound, Instant? notBefore = null) =>
        (_protocol, _inbound, NotBefore, _again) = (protocol, inbound, notBefore, notBefore is null ? MaxAgain : 0);

    public override string Task => "CHILD_DELETE";

    public override bool Ask(Turn t, Established e)
    {
        e.Ask(t, ExchangeType.Informational, [new Payload.Delete(_protocol, [_inbound])]);
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        if (_again++ >= MaxAgain || response.All<Payload.Delete>().Any())
            return;
        NotBefore = t.Now + CreateChildSa.Pause(t, _again - 1);
        e.Enqueue(this);
    }
}

/// <summary>The end of the IKE SA, when the window is free for it.</summary>
sealed class DeleteIke(ulong token, string why, Func<ChildConfig, CloseAction> next) : Errand
{
    public override string Task => "IKE_DELETE";

    public override bool Ask(Turn t, Established e)
    {
        Informational.AskDelete(t, e, turn => e.End(turn, why, next, new Failure(FailureCode.Aborted, why)));
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response) => throw new InvalidOperationException("Closing takes the answer");

    /// <summary>However it ends, it is what was wanted.</summary>
    public override void Abandon(Turn t, Failure failure) => t.Done(token);
}

/// <summary>All children of the IKE SA that has taken another one's place are up: the other one goes (make before break).</summary>
sealed class CloseReplaced(IkeSession old) : Errand
{
    public override string Task => "IKE_REAUTH_COMPLETE";

    /// <summary>The question is the other IKE SA's.</summary>
    public override bool Ask(Turn t, Established e)
    {
        // It may have got new keys meanwhile: then those who have them have taken its place.
        var last = old;
        while ((last as IkeV2Session)?.Heir is { } heir)
            last = heir;
        if (!last.IsGone)
        {
            last.TerminateIke(t.Now, 0, force: false, t.Outbox);
            t.Node.Adopt(last);
        }
        return false;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response) => throw new InvalidOperationException("asks nothing itself");
}
