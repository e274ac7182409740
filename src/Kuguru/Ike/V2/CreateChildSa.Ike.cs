using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>New keys for the IKE SA: another IKE SA, to which everything moves. The peer may have had the same thought (RFC 7296 section 2.8.2).</summary>
sealed class RekeyIke(ulong token) : Errand
{
    /// <summary>A peer that wants yet another group after so many has refused.</summary>
    const int MaxDetours = 3;

    KeyExchange? _keyExchange;
    KeyExchangeMethod? _wanted;
    int _detours;
    IkeSpi _spi;
    Blob _nonce;
    (IkeV2Session Session, Blob Lowest, Path Path)? _theirs;

    public override string Task => "IKE_REKEY";

    /// <summary>What the peer has made of the same thought while our question is out, as long as it is undecided.</summary>
    (IkeV2Session Session, Contender Phase, Blob Lowest)? Theirs =>
        _theirs is { Session.Phase: Contender contender } theirs ? (theirs.Session, contender, theirs.Lowest) : null;

    /// <summary>The peer has asked the same, and we have agreed. Its IKE SA waits until it is clear which of the two stays.</summary>
    public void Collides(Turn t, Established e, IkeV2Session theirs, Nonces nonces)
    {
        _theirs = (theirs, nonces.Lowest, t.Sa.Path);
        theirs.Enter(new Contender((Established)theirs.Phase, turn => Yield(new Turn(t.Sa, turn.Now, turn.Outbox, t.Sa.Path), e)));
        t.Node.Adopt(theirs);
    }

    /// <summary>
    /// The peer knows nothing of our question: it uses its own new IKE SA, or has deleted the old one. So the former stays. False: there is none.
    /// </summary>
    public bool Yield(Turn t, Established e)
    {
        if (Theirs is not { } theirs)
            return false;
        _keyExchange?.Dispose();
        t.Sa.Window.Conclude();
        Lose(t, e, theirs.Session, theirs.Phase, ours: null);
        t.Node.Adopt(t.Sa);
        return true;
    }

    public override bool Ask(Turn t, Established e)
    {
        if (e.IsLeaving)
        {
            t.Done(token, new Failure(FailureCode.Aborted, "the IKE SA is about to end"));
            return false;
        }
        var proposals = e.Connection.Proposals;
        var current = e.Keying.Suite.KeyExchange;
        var group = _wanted ?? (proposals.Any(set => set.KeyExchange.Contains(current)) ? current : proposals[0].KeyExchange[0]);
        _keyExchange?.Dispose();
        (_keyExchange, _spi, _nonce) = (KeyExchange.Start(group, t.Node.Dice), t.Node.NewIkeSpi(), t.Node.Dice.Bytes(Nonces.Length));
        e.Ask(t, ExchangeType.CreateChildSa,
        [
            Proposals.Offer(proposals, _spi.ToBlob()), new Payload.Nonce(_nonce), new Payload.KE((ushort)group, _keyExchange.PublicValue),
        ]);
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        var error = CreateChildSa.Error(response);
        if (CreateChildSa.Wanted(error, e.Connection.Proposals, _keyExchange) is { } group && _detours++ < MaxDetours)
        {
            _wanted = group;
            e.EnqueueFirst(this);
            return;
        }
        var ours = error is null ? Agree(t, e, response) : null;
        _keyExchange?.Dispose();
        if (ours is { } made && (Theirs is not { } theirs || Collision.OursStands(made.Nonces, theirs.Lowest)))
            Win(t, e, made.Session);
        else if (Theirs is { } other)
            Lose(t, e, other.Session, other.Phase, ours?.Session);
        else
            Fail(t, e, error);
    }

    public override void Abandon(Turn t, Failure failure)
    {
        _keyExchange?.Dispose();
        if (Theirs is { } theirs)
        {
            Informational.AskDeleteReplaced(new Turn(theirs.Session, t.Now, t.Outbox, theirs.Session.Path), theirs.Phase);
            t.Node.Adopt(theirs.Session);
        }
        t.Done(token, failure);
    }

    (IkeV2Session Session, Nonces Nonces)? Agree(Turn t, Established e, IkeMessage response)
    {
        if (response.Find<Payload.SA>() is not { } sa || response.Find<Payload.Nonce>() is not { } nonce
            || Proposals.Accept(e.Connection.Proposals, sa) is not { } choice || IkeSpi.From(choice.Spi) is not { IsZero: false } spi
            || !CreateChildSa.TryConclude(_keyExchange, choice.KeyExchange, response, out var shared) || shared is null)
            return null;
        using var _ = shared;
        var nonces = new Nonces(_nonce, nonce.Data);
        return (CreateChildSa.Successor(t, e, choice.IkeSuite, shared, nonces, _spi, spi, isInitiator: true), nonces);
    }

    /// <summary>Ours is the one that stays: the old one is ours to delete.</summary>
    void Win(Turn t, Established e, IkeV2Session session)
    {
        CreateChildSa.Move(t, e, session);
        if (Theirs is { } lost)
        {
            lost.Session.Enter(new Rekeyed(t, lost.Phase.Keying, e.Connection));
            t.Node.Adopt(lost.Session);
        }
        Informational.AskDeleteReplaced(t, e);
        t.Done(token);
    }

    /// <summary>The peer's is the one that stays, and the old one is the peer's to delete; what we made, if anything, is ours.</summary>
    void Lose(Turn t, Established e, IkeV2Session theirs, Contender contender, IkeV2Session? ours)
    {
        theirs.Enter(contender.Established);
        // The old one may have gone to another path since.
        if (_theirs?.Path != t.Sa.Path)
            theirs.CurrentPath = t.Sa.Path;
        theirs.Verdict = t.Sa.Verdict;
        CreateChildSa.Move(t, e, theirs);
        if (ours is not null)
        {
            Informational.AskDeleteReplaced(new Turn(ours, t.Now, t.Outbox, ours.Path), (Established)ours.Phase);
            t.Node.Adopt(ours);
        }
        t.Sa.Enter(new Rekeyed(t, e.Keying, e.Connection));
        t.Done(token);
    }

    void Fail(Turn t, Established e, Payload.Notify? error)
    {
        var why = error is null ? "its answer is not among what we offered" : $"received {Notation.Name(error)} notify error";
        var failure = new Failure(error is { Kind: NotifyType.NoProposalChosen } ? FailureCode.NoProposalChosen : FailureCode.Refused,
            $"{t.Sa.Path.Remote.Address} does not rekey the IKE SA: {why}; trying again soon");
        if (!e.RekeyIkeLater(t))
            t.Done(token, failure);
        else if (error is { Kind: NotifyType.TemporaryFailure })
        {
            // It is busy, which is nobody's fault (section 2.25).
            t.Note(Severity.Info, Subject.Ike, failure.Sentence);
            t.Done(token, failure);
        }
        else
            t.Fail(failure, token);
    }
}

static partial class CreateChildSa
{
    static (Sequence<Payload> Answer, Phase Next) AnswerRekeyIke(Turn t, Established e, IkeMessage request, Payload.SA offer, Blob nonce)
    {
        // Section 2.25.2: while children are made, rekeyed or deleted at our wish, or the IKE SA is about to end, this has to wait.
        if (e.IsLeaving || e.Current is ChildErrand or DeleteChild or DeleteRefused)
            return (Refuse(NotifyType.TemporaryFailure), e);
        if (Proposals.Choose(e.Connection.Proposals, offer) is not { } choice || IkeSpi.From(choice.Spi) is not { IsZero: false } spi)
            return (Refuse(NotifyType.NoProposalChosen), e);
        var key = AnswerKeyExchange(t, choice.KeyExchange, request);
        if (key.Refuses || key.Shared is null)
            return (key.Refuses ? key.Refusal : Refuse(NotifyType.NoProposalChosen), e);
        using var _ = key.Shared;
        var nonces = new Nonces(nonce, t.Node.Dice.Bytes(Nonces.Length));
        var next = Successor(t, e, choice.IkeSuite, key.Shared, nonces, t.Node.NewIkeSpi(), spi, isInitiator: false);
        Sequence<Payload> answer = [Proposals.Answer(choice, next.LocalSpi.ToBlob()), new Payload.Nonce(nonces.Responder), key.KE!];
        if (e.Current is RekeyIke ours)
        {
            ours.Collides(t, e, next, nonces);
            return (answer, e);
        }
        Move(t, e, next);
        return (answer, new Rekeyed(t, e.Keying, e.Connection));
    }

    /// <summary>The IKE SA that is to replace this one: same peer, same path, new SPIs and keys, message IDs from 0.</summary>
    public static IkeV2Session Successor(
        Turn t, Established e, IkeSuite suite, Secret shared, Nonces nonces, IkeSpi local, IkeSpi remote, bool isInitiator)
    {
        var (initiator, responder) = isInitiator ? (local, remote) : (remote, local);
        var keying = e.Keying.DeriveNext(suite, isInitiator, shared, nonces, initiator, responder);
        if (t.Settings.RevealKeys && keying.Reveal(initiator, responder) is { } line)
            t.Add(new Effect.RevealKeys(new KeyTable.Ike(line)));
        return new IkeV2Session(t.Node, t.Now, t.Sa.Path, local, remote, isInitiator, e.Next(t, keying))
        {
            IsOriginalInitiator = t.Sa.IsOriginalInitiator,
            Verdict = t.Sa.Verdict,
            Mobility = t.Sa.Mobility,
            Trail = t.Sa.Trail,
            Fragments = t.Sa.Fragments,
        };
    }

    /// <summary>From now on the successor is the IKE SA; what waited in the old one goes on there.</summary>
    public static void Move(Turn t, Established e, IkeV2Session next)
    {
        var old = e.Describe(t.Sa, t.Sa.Status(t.Now));
        // A peer answers only deletes there any more.
        if (e.Current is not (null or RekeyIke))
            t.Sa.Window.Conclude();
        t.Sa.Heir = next;
        e.MoveTo(t, next, (Established)next.Phase);
        t.Node.Adopt(next);
        t.Report(new Event.IkeRekeyed(old, next.Status(t.Now)));
    }
}
