using System.Collections.Immutable;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// A message in, a phase on, effects out:
//
//   Receive -> ours? -> put together, if it is a piece -> seen before? (its answer goes out again)
//           -> Phase: decrypts it, hands it to its exchange, which answers or concludes
//           -> the next exchange, if somebody wants one
//   Tick    -> what waits for an answer once more, or silence -> the phase's own timers -> the next exchange
//
//   main mode        initiator  ExpectSa -> ExpectKeyExchange -> ExpectIdentity -+
//                    responder  OfferedSa -> OfferedKeyExchange -----------------+-> [XauthServer or XauthClient ->] Established -> Gone
//   aggressive mode  initiator  ExpectAggressive --------------------------------+
//                    responder  OfferedAggressive -------------------------------+
//
// One file per exchange, its methods in message order: MainMode, AggressiveMode, QuickMode, Informational, Xauth and ModeConfig (Transaction).

/// <summary>One ISAKMP SA (RFC 2409), as initiator or responder.</summary>
sealed class IkeV1Session : PhasedSession<IkeV1Session, Phase, Turn>
{
    internal IkeV1Session(INode node, Instant now, Path path, IkeSpi localSpi, IkeSpi remoteSpi, bool isInitiator, Phase phase)
        : base(node, now, path, localSpi, remoteSpi, isInitiator, phase)
    {
    }

    /// <summary>Begin as initiator, in main or aggressive mode, as the connection says. The children follow in quick mode.</summary>
    public static IkeV1Session Start(Instant now, INode node, Plan plan, Path path, Outbox outbox) => plan.Connection.Aggressive
        ? AggressiveMode.Start(now, node, plan, path, outbox) : MainMode.Start(now, node, plan, path, outbox);

    /// <summary>
    /// Answer a first message (without marker), for which the node has already settled the limits. Null when nothing is to be remembered: the refusal, if any,
    /// is in the outbox.
    /// </summary>
    public static IkeV1Session? Answer(Instant now, INode node, in Datagram d, IsakmpMessage first, Outbox outbox) => first.Exchange == ExchangeKind.Aggressive
        ? AggressiveMode.Answer(now, node, d, first, outbox) : MainMode.Answer(now, node, d, first, outbox);

    /// <summary>A responder that has not computed anything yet.</summary>
    public static bool HasHeardOnlyOne(IkeSession session) => session is IkeV1Session { Phase: OfferedSa };

    internal Unanswered Unanswered { get; } = new();
    internal Heard Heard { get; } = new();
    internal Reassembly Reassembly { get; } = new();

    /// <summary>Largest IP datagram for fragments; null when not both sides can.</summary>
    internal int? FragmentSize { get; set; }

    ushort _lastFragmented;

    public override int Version => 1;

    public override Instant? Deadline => IsGone ? null : Instant.Earliest(Unanswered.Deadline, Phase.Deadline(this));

    public override void Receive(Instant now, in Datagram d, Outbox outbox)
    {
        var turn = Turn(now, outbox, d.Path);
        if (TryRead(d.Bytes, out var message))
            Take(turn, message, d.Bytes);
        Phase.Advance(turn);
    }

    public override void Tick(Instant now, Outbox outbox)
    {
        var turn = Turn(now, outbox, CurrentPath);
        while (Unanswered.Due(now) is { } question)
            ResendOrGiveUp(turn, question);
        Phase.Tick(turn);
        Phase.Advance(turn);
    }

    protected override Turn Turn(Instant now, Outbox outbox, Path arrived) => new(this, now, outbox, arrived);

    /// <summary>The phase that follows; what the last one leaves behind of secrets goes when all is over.</summary>
    internal void Enter(Phase next)
    {
        if (next is Gone)
        {
            Phase.Wipe();
            Unanswered.Clear();
        }
        Phase = next;
    }

    /// <summary>What was to replace this one has failed.</summary>
    internal void StaysForNow(Turn t)
    {
        if (Phase is Established e)
            e.StaysForNow(t);
        Node.Adopt(this);
    }

    internal IsakmpMessage Header(ExchangeKind exchange, MessageId id) => new(InitiatorSpi, ResponderSpi, exchange, IsakmpFlags.None, id, []);

    /// <summary>Sends a message; with <paramref name="awaits"/> again and again, until the exchange goes on.</summary>
    internal ImmutableArray<Blob> Send(Turn t, Path path, IsakmpMessage message, bool awaits)
    {
        var datagrams = Datagrams(t, path, message);
        if (awaits)
            Unanswered.Add(new Question(message.Id, message.Exchange, datagrams, 0, t.Now + (Retransmission.Wait(t.Settings, 0, Node.Dice.Fraction()) ?? TimeSpan.Zero)));
        Heard.Sent(datagrams);
        t.Transmit(path, datagrams);
        return datagrams;
    }

    /// <summary>An authentic message that is not a repetition has come (RFC 3947 section 7: the peer may have got another mapping).</summary>
    internal void PeerSpoke(Turn t)
    {
        LastReceived = t.Now;
        if (IsHalfOpen)
            CurrentPath = t.Arrived;
        else
            Move(t, t.Arrived with { Local = CurrentPath.Local }, MoveCause.Ike);
    }

    bool TryRead(ReadOnlySpan<byte> bytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IsakmpMessage? message)
    {
        if (!IsakmpMessage.TryParse(bytes, out message, out _))
            Node.Count(IkeDrop.Malformed);
        else if (message.InitiatorCookie != InitiatorSpi || !IsOurResponder(message))
            Node.Count(IkeDrop.NotOurs);
        else
            return true;
        return false;
    }

    /// <summary>Before the first answer, whatever the responder chose; the first message, come again, has none yet.</summary>
    bool IsOurResponder(IsakmpMessage message) => IsInitiator && RemoteSpi.IsZero ? !message.ResponderCookie.IsZero
        : message.ResponderCookie == ResponderSpi || (!IsInitiator && message.ResponderCookie.IsZero);

    void Take(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        if (Heard.IsEcho(bytes) || IsOfBefore(t, message))
            Node.Count(IkeDrop.NotOurs);
        else if (Heard.AnswerTo(bytes) is { } answer)
            // The initiator's last message of phase 1 has moved to 4500, from wherever the one before is asked for again.
            t.Transmit(IsInitiator && message.Id == MessageId.Zero ? CurrentPath : t.Arrived, answer);
        else if (message.Find<Payload.Fragment>() is not { } fragment)
            Phase.OnMessage(t, message, bytes);
        else if (Reassembly.Add(fragment, t.Settings.MaxPacket, out var isBad) is not { } whole)
        {
            if (isBad)
                Node.Count(IkeDrop.BadFragment);
        }
        else if (TryRead(whole, out var inner))
        {
            if (inner.Find<Payload.Fragment>() is not null)
                Node.Count(IkeDrop.BadFragment);
            else
                Take(t, inner, whole);
        }
    }

    /// <summary>Once the ports have changed, what comes to the first one is old, and says nothing of where the peer is (RFC 3947 section 4).</summary>
    bool IsOfBefore(Turn t, IsakmpMessage message) => message.Id != MessageId.Zero && !IsHalfOpen
        && CurrentPath.Local.Port == t.Settings.NatPort && t.Arrived.Local.Port == t.Settings.Port && t.Settings.Port != t.Settings.NatPort;

    ImmutableArray<Blob> Datagrams(Turn t, Path path, IsakmpMessage message)
    {
        Blob bytes = message.Write();
        return FragmentSize is { } size ? Fragments.Split(message, bytes, size, path, t.Settings.NatPort, ++_lastFragmented) : [bytes];
    }

    void ResendOrGiveUp(Turn t, Question question)
    {
        if (Phase.MayResend(question) && Retransmission.Wait(t.Settings, question.Resent + 1, Node.Dice.Fraction()) is { } wait)
        {
            t.Note(Severity.Info, Subject.Ike,
                $"retransmit {question.Resent + 1} of {Notation.Name(question.Exchange)} message {question.Id.Value:x8} to {CurrentPath.Remote}");
            Unanswered.Resent(question, t.Now + wait);
            t.Transmit(CurrentPath, question.Messages);
            return;
        }
        Unanswered.Conclude(question.Id);
        Phase.OnSilence(t, question);
    }

    protected override void Move(Turn t, Path path, MoveCause cause)
    {
        if (path.Remote == CurrentPath.Remote || !Following.MayMove(Verdict, IsInitiator) || !IsReachable(path.Remote))
            return;
        // Not every peer can be asked whether it is still there, so only the number of its places is limited.
        switch (Trail.Judge(t.Now, path.Remote))
        {
            case FollowVerdict.Stay:
                break;
            case FollowVerdict.Move or FollowVerdict.ProbeFirst:
                t.Report(new Event.Moved(CurrentPath, path, cause));
                Trail.Moved(t.Now, CurrentPath.Remote);
                CurrentPath = path;
                Phase.MoveChildren(t);
                break;
            case FollowVerdict.TooMany:
                RefuseMove(t, path);
                break;
        }
    }
}
