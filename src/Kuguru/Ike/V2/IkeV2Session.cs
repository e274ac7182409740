using System.Collections.Immutable;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// A message in, a phase on, effects out:
//
//   Receive -> ours? -> Window: new, repeated (the remembered answer goes out again) or dropped
//           -> Phase: opens it (KeyedPhase), hands it to its exchange, which answers or concludes
//           -> the next question, if the window is free and somebody wants one
//   Tick    -> the question once more, or silence -> the phase's own timers -> the next question
//
//   initiator   ExpectInitResponse -> ExpectAuthResponse -+-> Established -> Closing  -> Gone
//   responder                         ExpectAuthRequest  -+               -> Rekeyed  -> Gone
//   rekeying at both ends at once     Contender ------------------+       (the other IKE SA, until it is clear which of the two stays)
//
// One file per exchange, its methods in message order (Ask, Answer, Conclude): IkeSaInit, IkeAuth, CreateChildSa, Informational.

/// <summary>One IKEv2 IKE SA (RFC 7296), as initiator or responder.</summary>
sealed class IkeV2Session : PhasedSession<IkeV2Session, Phase, Turn>
{
    internal IkeV2Session(INode node, Instant now, Path path, IkeSpi localSpi, IkeSpi remoteSpi, bool isInitiator, Phase phase)
        : base(node, now, path, localSpi, remoteSpi, isInitiator, phase)
    {
        (IsOriginalInitiator, IsKnownToPeer) = (isInitiator, isInitiator);
    }

    /// <summary>Begin as initiator: IKE_SA_INIT goes out along this path. The first child comes with IKE_AUTH, the others follow.</summary>
    public static IkeV2Session Start(Instant now, INode node, Plan plan, Path path, Outbox outbox) => IkeSaInit.Start(now, node, plan, path, outbox);

    /// <summary>
    /// Answer a first IKE_SA_INIT request (without marker), for which the node has already settled limits and cookies.
    /// Null when nothing is to be remembered: the refusal, if any, is in the outbox.
    /// </summary>
    public static IkeV2Session? Answer(Instant now, INode node, in Datagram d, IkeMessage request, Outbox outbox) =>
        IkeSaInit.Answer(now, node, d, request, outbox);

    /// <summary>
    /// Refuses a first message without keeping anything of it. False, and nothing is said, when the refusal would be longer than the message,
    /// which then is none: a stranger's octets are never multiplied.
    /// </summary>
    public static bool Refuse(INode node, in Datagram d, IkeMessage request, Payload.Notify notify, Outbox outbox)
    {
        var refusal = new IkeMessage(request.InitiatorSpi, request.ResponderSpi, request.Exchange, IkeFlags.Response, request.Id, [notify]).Write();
        if (refusal.Length > d.Bytes.Length)
            return false;
        outbox.Add(new Effect.Transmit(d.Path, NonEspMarker.Frame(refusal, d.Path, node.Settings.NatPort)));
        return true;
    }

    /// <summary>A message in pieces that was sent so often without an answer is sent in smaller ones.</summary>
    const int PatienceWithPieces = 2;

    internal Window Window { get; } = new();
    internal Reassembly Reassembly { get; } = new();

    /// <summary>Who opened the first IKE SA of this line; rekeying changes who is the initiator, but not this (see <see cref="Following"/>).</summary>
    internal bool IsOriginalInitiator { get; init; }

    /// <summary>Largest IP datagram for fragments; null when not both sides can (RFC 7383).</summary>
    internal int? Fragments { get; set; }

    internal Mobility Mobility { get; init; } = new();

    /// <summary>The IKE SA that new keys have made of this one; null as long as there is none.</summary>
    internal IkeV2Session? Heir { get; set; }

    /// <summary>
    /// The peer has to have this IKE SA: it has answered our question for it, or spoken on it. One that it has asked for itself it has only when our answer
    /// arrives, and that may take a few repetitions.
    /// </summary>
    internal bool IsKnownToPeer { get; private set; }

    internal void KnowsPeerHasIt() => IsKnownToPeer = true;

    public override int Version => 2;

    public override Instant? Deadline =>
        IsGone ? null : Instant.Earliest(Trail.Claim?.At, Instant.Earliest(Window.Asked?.Next, Phase.Deadline(this)));

    public override void Receive(Instant now, in Datagram d, Outbox outbox)
    {
        if (!IkeMessage.TryParse(d.Bytes, out var message, out _))
        {
            Node.Count(IkeDrop.Malformed);
            return;
        }
        var turn = Turn(now, outbox, d.Path);
        if (message.IsFromInitiator == IsInitiator || message.InitiatorSpi != InitiatorSpi || !IsOurResponder(message))
            Node.Count(IkeDrop.NotOurs);
        else if (message.IsResponse)
            TakeResponse(turn, message, d.Bytes);
        else
            TakeRequest(turn, message, d.Bytes);
        Phase.Advance(turn);
    }

    public override void Tick(Instant now, Outbox outbox)
    {
        var turn = Turn(now, outbox, CurrentPath);
        BelieveClaim(turn);
        if (Window.Asked is { } asked && asked.Next <= now)
            ResendOrGiveUp(turn, asked);
        Phase.Tick(turn);
        Phase.Advance(turn);
    }

    public override void Fetched(Instant now, Outbox outbox) => Order(now, outbox, turn => Phase.Fetched(turn));

    protected override Turn Turn(Instant now, Outbox outbox, Path arrived) => new(this, now, outbox, arrived);

    /// <summary>The phase that follows; the keys of the last IKE SA go when it is over.</summary>
    internal void Enter(Phase next)
    {
        if (next is Gone && Phase is KeyedPhase keyed)
            keyed.Wipe();
        Phase = next;
    }

    /// <summary>Puts a question in the window and sends it, the first time perhaps along another path than the IKE SA's.</summary>
    internal void Ask(Turn t, ExchangeType exchange, Func<IkeMessage, ImmutableArray<Blob>> write, Path? first = null)
    {
        var header = Header(exchange, Window.NextOut, response: false);
        var messages = write(header);
        Window.Ask(exchange, messages, t.Now + (WaitAfter(t, resent: 0) ?? TimeSpan.Zero), () => write(header));
        if (first is { } other)
            Transmit(t, other, messages);
        else
            TransmitQuestion(t, messages, again: false);
    }

    /// <summary>Says something more to what has been answered before, without being asked and only once.</summary>
    internal void SayMore(Turn t, ExchangeType exchange, MessageId id, Path path, Func<IkeMessage, Blob> write) =>
        t.Transmit(path, write(Header(exchange, id, response: true)));

    /// <summary>The question that is out goes out once more, at once and with all its patience: the way is another now.</summary>
    internal void ResendNow(Turn t)
    {
        if (Window.Asked is not { } asked)
            return;
        Window.AskAnew(t.Now + (WaitAfter(t, resent: 0) ?? TimeSpan.Zero));
        TransmitQuestion(t, asked.Messages, again: false);
    }

    /// <summary>The IKE SA has another path or another verdict; its children do not go along by that.</summary>
    internal void Relocate(Turn t, Path path, NatVerdict verdict, MoveCause cause)
    {
        var before = Mobility.Left ?? CurrentPath;
        (CurrentPath, Mobility.Left) = (path, null);
        if (verdict != Verdict)
        {
            Verdict = verdict;
            t.Report(new Event.NatDetected(verdict, path));
        }
        if (before != path)
            t.Report(new Event.Moved(before, path, cause));
        if (before.Remote != path.Remote)
            Trail.Moved(t.Now, before.Remote);
        // Who says where he is may have been away before, even if it is where he was.
        if (cause == MoveCause.Update || (before != path && cause != MoveCause.Us))
            ResendNow(t);
    }

    /// <summary>Answers a request to where it came from, and remembers the answer.</summary>
    internal void Reply(Turn t, IkeMessage request, Blob bytes, Func<IkeMessage, ImmutableArray<Blob>> write)
    {
        var header = Header(request.Exchange, request.Id, response: true);
        var messages = write(header);
        Window.Remember(bytes, messages, () => write(header));
        Transmit(t, t.Arrived, messages);
    }

    /// <summary>An authentic message that is not a repetition has come (RFC 7296 section 2.23).</summary>
    internal void PeerSpoke(Turn t, IkeMessage message)
    {
        (LastReceived, IsKnownToPeer) = (t.Now, true);
        // It says itself where it wants to be found; that is another rule.
        if (Mobility.IsAgreed && message.Has(NotifyType.UpdateSaAddresses) && !IsOriginalInitiator)
            return;
        // Where the peer is, those say who have the new keys.
        if (Heir is not null)
            return;
        if (IsHalfOpen)
            CurrentPath = t.Arrived;
        // It is somewhere else only to ask.
        else if (Mobility.SpeaksAgain && message.Has(NotifyType.SpeakAgain))
            return;
        else if (Mobility.Tried.Contains(t.Arrived))
            Phase.Reached(t);
        else if (Mobility.Tried.IsEmpty)
            Move(t, t.Arrived with { Local = CurrentPath.Local }, MoveCause.Ike);
    }

    /// <summary>IKE_SA_INIT once more, with what the peer asked for, under the same message ID (section 2.6).</summary>
    internal void AskAgain(Turn t, Func<IkeMessage, ImmutableArray<Blob>> write)
    {
        var messages = write(Header(ExchangeType.IkeSaInit, MessageId.Zero, response: false));
        Window.AskAgain(messages, t.Now + FirstWait(t));
        Transmit(t, CurrentPath, messages);
    }

    internal static TimeSpan FirstWait(Turn t) => Retransmission.Wait(t.Settings, 0, t.Node.Dice.Fraction()) ?? TimeSpan.Zero;

    internal static void Transmit(Turn t, Path path, ImmutableArray<Blob> messages)
    {
        foreach (var message in messages)
            t.Transmit(path, message);
    }

    IkeMessage Header(ExchangeType exchange, MessageId id, bool response) => new(InitiatorSpi, ResponderSpi, exchange,
        (IsInitiator ? IkeFlags.Initiator : IkeFlags.None) | (response ? IkeFlags.Response : IkeFlags.None), id, []);

    /// <summary>Ours in every message but the first request and, before its answer, whatever the responder chose.</summary>
    bool IsOurResponder(IkeMessage message) => message.ResponderSpi == ResponderSpi
        || (message.Exchange == ExchangeType.IkeSaInit && (IsInitiator ? ResponderSpi.IsZero : message.ResponderSpi.IsZero));

    void TakeRequest(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes)
    {
        switch (Window.Recognise(request.Id, bytes))
        {
            case Arrival.New:
                Phase.OnRequest(t, request, bytes);
                break;
            case Arrival.Repeated:
                if (Window.Repeated() >= PatienceWithPieces && Window.Answered!.Messages.Length > 1 && TakeSmallerPieces(t))
                    Window.RewriteAnswer();
                Transmit(t, t.Arrived, Window.Answered!.Messages);
                break;
            case Arrival.OutOfWindow when request.Encrypted is Payload.SKF { Number: 1 } && Window.Answered?.Id == request.Id:
                Phase.OnRefragmented(t, request, bytes);
                break;
            case Arrival.OutOfWindow:
                Node.Count(IkeDrop.OutOfWindow);
                break;
        }
    }

    void TakeResponse(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes)
    {
        if (Window.IsAwaited(response))
            Phase.OnResponse(t, response, bytes);
        else
            Phase.OnUnasked(t, response, bytes);
    }

    /// <summary>As usual on a path that is known; on paths that are tried it is hurried more.</summary>
    TimeSpan? WaitAfter(Turn t, int resent) =>
        Mobility.Tried.IsEmpty ? Retransmission.Wait(t.Settings, resent, Node.Dice.Fraction()) : Roaming.Wait(resent);

    /// <summary>Along the IKE SA's path, or all that are tried: other addresses of the peer's only when the known one has not answered.</summary>
    void TransmitQuestion(Turn t, ImmutableArray<Blob> messages, bool again)
    {
        if (Mobility.IsStranded)
            return;
        if (Mobility.Tried.IsEmpty)
            Transmit(t, CurrentPath, messages);
        foreach (var path in Mobility.Tried.Where(path => again || path.Remote == Mobility.Tried[0].Remote))
            Transmit(t, path, messages);
    }

    /// <summary>
    /// Pieces that get no answer may be too large for somebody on the way, who drops fragments of IP: from now on they are smaller
    /// (RFC 7383 section 2.5.2). False when they are as small as can be.
    /// </summary>
    bool TakeSmallerPieces(Turn t)
    {
        if (Fragments is not { } size || V2.Fragments.Smaller(size, CurrentPath.Remote.Address.IsV6) is not { } smaller)
            return false;
        t.Note(Severity.Info, Subject.Network, $"{CurrentPath.Remote} does not answer fragments of {size} octets: trying {smaller}");
        Fragments = smaller;
        return true;
    }

    /// <summary>The peer sends the last request again in smaller pieces, so that the answer has to be in such too.</summary>
    internal void AnswerRefragmented(Turn t, ReadOnlySpan<byte> firstPiece)
    {
        if (Fragments is { } size)
            Fragments = V2.Fragments.Answering(size, firstPiece.Length, t.Arrived, t.Settings.NatPort);
        Window.RewriteAnswer(Blob.Copy(firstPiece));
        Transmit(t, t.Arrived, Window.Answered!.Messages);
    }

    void ResendOrGiveUp(Turn t, Question asked)
    {
        if (Mobility.IsStranded)
        {
            // Who has no way to the peer knows nothing of the peer.
            Window.AskAnew(t.Now + Roaming.Lookout);
            Phase.NetworkChanged(t, resumed: false);
            return;
        }
        if (!asked.IsDisowned && Phase.MayResend(asked.Resent) && WaitAfter(t, asked.Resent + 1) is { } wait)
        {
            t.Note(Severity.Info, Subject.Ike,
                $"retransmit {asked.Resent + 1} of {Notation.Name(asked.Exchange)} request {asked.Id} to {CurrentPath.Remote}");
            if (asked is { Messages.Length: > 1, Rewrite: not null } && asked.Resent + 1 >= PatienceWithPieces && TakeSmallerPieces(t))
                Window.RewriteQuestion();
            Window.Resent(t.Now + wait);
            TransmitQuestion(t, Window.Asked!.Messages, again: true);
            return;
        }
        if (Phase.GoesOnAsking)
        {
            Window.Resent(t.Now + KeepAlive.OwnLiveness);
            TransmitQuestion(t, asked.Messages, again: true);
            return;
        }
        Window.Conclude();
        Phase.OnSilence(t, asked);
    }

    protected override void Move(Turn t, Path path, MoveCause cause)
    {
        if (path.Remote == CurrentPath.Remote)
        {
            // It is alive where it is known to be: whoever was seen elsewhere is not believed.
            Trail.Claim = null;
            return;
        }
        if (!Following.MayMove(Verdict, IsOriginalInitiator) || !IsReachable(path.Remote))
            return;
        switch (Trail.Judge(t.Now, path.Remote))
        {
            case FollowVerdict.Stay:
                break;
            case FollowVerdict.Move:
                MoveTo(t, path, cause);
                break;
            case FollowVerdict.ProbeFirst:
                Doubt(t, path);
                break;
            case FollowVerdict.TooMany:
                Doubt(t, path);
                RefuseMove(t, path);
                break;
        }
    }

    void MoveTo(Turn t, Path path, MoveCause cause)
    {
        Relocate(t, path, Verdict, cause);
        Phase.MoveChildren(t);
    }

    /// <summary>The peer says by an address update that it is where this came from. False: it says so of too many places within a second.</summary>
    internal bool AcceptsUpdate(Turn t)
    {
        if (t.Arrived.Remote == CurrentPath.Remote || Trail.Accepts(t.Now))
            return true;
        RefuseMove(t, t.Arrived);
        return false;
    }

    /// <summary>The endpoint that is known is asked; if it is silent, the newest claim is believed.</summary>
    void Doubt(Turn t, Path path)
    {
        if (Trail.Claim is null)
        {
            t.Note(Severity.Info, Subject.Network, $"{RemoteId} moves often: asking {CurrentPath.Remote} before following to {path.Remote}");
            if (Window.Asked is { } asked)
                TransmitQuestion(t, asked.Messages, again: false);
            else
                Phase.CheckSoon(t);
        }
        Trail.Claim = (path, Trail.Claim?.At ?? t.Now + Following.Patience);
    }

    void BelieveClaim(Turn t)
    {
        if (Trail.Claim is not { } claim || claim.At > t.Now)
            return;
        Trail.Claim = null;
        MoveTo(t, claim.Path, MoveCause.Silence);
    }
}
