using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>What a new child and new keys for a child have in common: the question, and what becomes of the answer.</summary>
abstract class ChildErrand : Errand
{
    /// <summary>A peer that is still busy after so many pauses has refused.</summary>
    protected const int MaxPauses = 5;

    /// <summary>A peer that wants yet another group after so many has refused: it must not keep us busy.</summary>
    const int MaxDetours = 3;

    KeyExchange? _keyExchange;
    KeyExchangeMethod? _wanted;
    ChildOffer _offer;
    Blob _nonce;
    int _pauses, _detours;
    readonly HashSet<Spi> _deleted = [];

    public abstract ChildConfig Config { get; }
    protected abstract Scope ScopeOf(Turn t, Established e);

    /// <summary>Sends the question, with what stands before it in particular.</summary>
    protected bool Ask(Turn t, Established e, params ReadOnlySpan<Payload> before)
    {
        var scope = ScopeOf(t, e);
        if (scope.Proposals.IsEmpty)
        {
            Refused(t, e, NotifyType.NoProposalChosen, PeerFailures.Child(FailureCode.NoProposalChosen, Config.Name, Scope.AhBehindNat(scope.Nat, t.Sa.Path)));
            return false;
        }
        _offer = new ChildOffer(scope, t.Node.NewEspSpi());
        _nonce = t.Node.Dice.Bytes(Nonces.Length);
        _keyExchange?.Dispose();
        _keyExchange = (_wanted ?? First(scope)) is var group and not KeyExchangeMethod.None ? KeyExchange.Start(group, t.Node.Dice) : null;
        List<Payload> payloads = [.. before, ChildNegotiation.Ask(_offer, keyExchange: true), new Payload.Nonce(_nonce)];
        if (_keyExchange is not null)
            payloads.Add(new Payload.KE((ushort)_keyExchange.Method, _keyExchange.PublicValue));
        payloads.AddRange(ChildNegotiation.AskSelectors(_offer));
        e.Ask(t, ExchangeType.CreateChildSa, payloads.ToSequence());
        return true;
    }

    public sealed override void Conclude(Turn t, Established e, IkeMessage response)
    {
        var error = CreateChildSa.Error(response);
        if (CreateChildSa.Wanted(error, Config.Proposals, _keyExchange) is { } group && _detours++ < MaxDetours)
        {
            _wanted = group;
            e.EnqueueFirst(this);
            return;
        }
        if (error is { Kind: NotifyType.TemporaryFailure } && !IsMoot && _pauses++ < MaxPauses)
        {
            Again(e, CreateChildSa.Later(t));
            return;
        }
        if (error is not null)
            Refused(t, e, error.Kind, Failures.ChildRefused(error, _offer.Scope, t.Sa.Path));
        else
            Agree(t, e, response);
        _keyExchange?.Dispose();
    }

    public override void Abandon(Turn t, Failure failure) => _keyExchange?.Dispose();

    /// <summary>The same question, not before then.</summary>
    protected void Again(Established e, Instant at)
    {
        NotBefore = at;
        e.Enqueue(this);
    }

    /// <summary>The peer has deleted a child that we do not know: perhaps the one that this question makes, whose answer was lost.</summary>
    public void DeletedMeanwhile(Spi outbound) => _deleted.Add(outbound);

    protected abstract Child? Replaced { get; }

    /// <summary>The peer has brought about meanwhile what we ask for.</summary>
    protected virtual bool IsMoot => false;
    protected abstract void Refused(Turn t, Established e, NotifyType why, Failure failure);

    /// <summary>What we make is to be sent with. One that is redundant as soon as it is made must not be: its end comes at once.</summary>
    protected virtual bool Stays(Nonces nonces) => true;

    protected abstract void Agreed(Turn t, Established e, Child child, Nonces nonces);

    void Agree(Turn t, Established e, IkeMessage response)
    {
        var judgement = ChildNegotiation.Conclude(_offer.Scope, response, keyExchange: true);
        if (judgement.Agreement is not { } agreement || response.Find<Payload.Nonce>() is not { } nonce
            || !CreateChildSa.TryConclude(_keyExchange, agreement.Choice.KeyExchange, response, out var shared))
        {
            e.Enqueue(new DeleteRefused(ChildNegotiation.ProtocolOf(response), _offer.InboundSpi));
            var why = judgement.Agreement is null ? judgement.Why : "the answer has no nonce, or no good public value";
            Refused(t, e, NotifyType.InvalidSyntax, PeerFailures.Child(FailureCode.InvalidMessage, Config.Name, why));
            return;
        }
        using var _ = shared;
        e.NoteMode(t, agreement, Config.Mode == ChildMode.Transport);
        var nonces = new Nonces(_nonce, nonce.Data);
        var child = e.Add(t, e.PlaceAnyhow(t, agreement, _offer.InboundSpi, Replaced), _offer.InboundSpi, nonces, shared, byUs: true, Replaced,
            isInboundOnly: !Stays(nonces));
        Agreed(t, e, child, nonces);
        if (_deleted.Contains(agreement.OutboundSpi))
            e.Remove(t, child, Config.CloseAction);
    }

    static KeyExchangeMethod First(Scope scope) =>
        scope.Proposals.Select(set => set.KeyExchange.IsEmpty ? KeyExchangeMethod.None : set.KeyExchange[0]).FirstOrDefault();
}

/// <summary>One more child on an IKE SA that is up.</summary>
sealed class NewChild : ChildErrand
{
    readonly ChildRequest _request;
    int _refusals;

    public NewChild(ChildRequest request, Instant? notBefore = null) => (_request, NotBefore) = (request, notBefore);

    public override string Task => "CHILD_CREATE";
    public override ChildConfig Config => _request.Child;
    public bool IsUnattended => _request.Token == 0;
    protected override Child? Replaced => null;
    protected override Scope ScopeOf(Turn t, Established e) => Scope.Of(_request.Child, e.Ends(t.Sa));

    /// <summary>What nobody waits for, and the peer has made meanwhile for the same reason, is not made twice.</summary>
    public override bool Ask(Turn t, Established e) => !(IsUnattended && e.IsUp(Config.Name)) && Ask(t, e, []);

    protected override void Agreed(Turn t, Established e, Child child, Nonces nonces)
    {
        t.Report(new Event.ChildUp(t.Sa.Status(t.Now), child.Status));
        t.Done(_request.Token);
    }

    /// <summary>Who waits for it is told; what nobody waits for is asked for again, as often as <c>keyingtries</c> says, and told of once.</summary>
    protected override void Refused(Turn t, Established e, NotifyType why, Failure failure)
    {
        if (_refusals++ == 0)
            t.Fail(failure, _request.Token);
        if (IsUnattended && !e.IsLeaving && (e.Connection.KeyingTries == 0 || _refusals < e.Connection.KeyingTries))
            Again(e, t.Now + CreateChildSa.Pause(t, _refusals - 1));
    }

    public override void Abandon(Turn t, Failure failure)
    {
        base.Abandon(t, failure);
        t.Done(_request.Token, failure);
    }
}

/// <summary>New keys for a child. The peer may have had the same thought (RFC 7296 section 2.8.1).</summary>
sealed class RekeyChild(Child old, ulong token) : ChildErrand
{
    (Child Child, Blob Lowest)? _theirs;
    int _unknown;

    public override string Task => "CHILD_REKEY";
    public override ChildConfig Config => old.Sa.Config;
    protected override Child? Replaced => old;
    protected override Scope ScopeOf(Turn t, Established e) => Scope.Of(old.Sa, t.Sa.Verdict);

    public bool IsAbout(Child child) => child == old;
    protected override bool IsMoot => _theirs is not null;

    /// <summary>While our question is out, the peer has asked the same, and we have agreed.</summary>
    public void Collides(Child theirs, Nonces nonces) => _theirs = (theirs, nonces.Lowest);

    /// <summary>The peer deletes the old one without knowing of our question: its own new one stays.</summary>
    public void Yield(Turn t, Established e)
    {
        if (_theirs is { } theirs)
            e.Replace(t, old, theirs.Child);
    }

    public override bool Ask(Turn t, Established e)
    {
        if (e.Children.Contains(old) && !old.IsWaning)
            return Ask(t, e, new Payload.Notify(old.Sa.Protocol, old.Sa.InboundSpi.ToBlob(), NotifyType.RekeySa, Blob.Empty));
        t.Done(token);
        e.Renew(old);
        return false;
    }

    protected override bool Stays(Nonces nonces) => _theirs is not { } theirs || Collision.OursStands(nonces, theirs.Lowest);

    protected override void Agreed(Turn t, Established e, Child ours, Nonces nonces)
    {
        var wins = Stays(nonces);
        var redundant = wins ? old : ours;
        var stays = wins ? ours : _theirs!.Value.Child;
        if (e.Children.Contains(old))
            e.Replace(t, old, stays);
        else if (old.Successor is null)
            t.Report(new Event.ChildUp(t.Sa.Status(t.Now), stays.Status));
        if (!wins)
            ours.Successor = stays;
        else if (_theirs is { } lost)
            lost.Child.Successor = ours;
        // Each deletes what it made too much of; the old one goes by who made the one that stays.
        e.EnqueueFirst(new DeleteChild(redundant, 0, CloseAction.Clear));
        t.Done(token);
    }

    protected override void Refused(Turn t, Established e, NotifyType why, Failure failure)
    {
        if (_theirs is { } theirs)
        {
            if (e.Children.Contains(old))
                e.Replace(t, old, theirs.Child);
            else if (old.Successor is null)
                t.Report(new Event.ChildUp(t.Sa.Status(t.Now), theirs.Child.Status));
            t.Done(token);
            return;
        }
        if (!e.Children.Contains(old))
        {
            t.Fail(failure, token);
            e.Renew(old);
            return;
        }
        if (why != NotifyType.ChildSaNotFound)
        {
            // Told once: until it succeeds, the next refusal is no news.
            if (old.Refusals == 0)
                t.Fail(failure, token);
            else
                t.Done(token, failure);
            old.RekeyLater(t.Now + CreateChildSa.Pause(t, old.Refusals++));
            return;
        }
        // Or not yet: our answer that made it is still on its way.
        if (old.IsUnconfirmed && _unknown++ < MaxPauses)
        {
            Again(e, t.Now + CreateChildSa.Pause(t, _unknown - 1));
            return;
        }
        // The peer has it no longer: it is made anew (section 2.25.1).
        t.Note(Severity.Warning, Subject.Child, failure.Sentence);
        t.Done(token);
        e.Remove(t, old, CloseAction.Clear);
        e.Enqueue(new NewChild(new ChildRequest(Config, 0)));
    }

    public override void Abandon(Turn t, Failure failure)
    {
        base.Abandon(t, failure);
        t.Done(token, failure);
    }
}

static partial class CreateChildSa
{
    static Sequence<Payload> AnswerChild(Turn t, Established e, IkeMessage request, Blob nonce)
    {
        // Section 2.25.2: no child is begun while the IKE SA is rekeyed at our wish, or about to end.
        if (e.IsLeaving || e.Current is RekeyIke)
            return Refuse(NotifyType.TemporaryFailure);
        Child? old = null;
        if (request.Find(NotifyType.RekeySa) is { } rekey)
        {
            old = Spi.From(rekey.Spi) is { } spi ? e.Children.FirstOrDefault(child => child.Sa.OutboundSpi == spi && child.Sa.Protocol == rekey.Protocol) : null;
            // What we do not know may be what our own question is making.
            if (old is null && e.Current is ChildErrand)
                return Refuse(NotifyType.TemporaryFailure);
            if (old is null)
                return [new Payload.Notify(rekey.Protocol, rekey.Spi, NotifyType.ChildSaNotFound, Blob.Empty)];
            if (old.IsWaning)
                return Refuse(NotifyType.TemporaryFailure);
        }
        var judgement = ChildNegotiation.Judge(old is null ? e.Scopes(t.Sa) : e.ScopesOf(t, old.Sa), t.Sa.Path, request, keyExchange: true);
        if (judgement.Agreement is not { } agreement)
            return [e.RefuseChild(t, judgement)];
        // Both ends want the same anew, as after a lifetime that ended at both: what the one asks for who opened the IKE SA is made.
        if (old is null && t.Sa.IsOriginalInitiator && e.Current is NewChild { IsUnattended: true } same && same.Config.Name == agreement.Config.Name)
            return Refuse(NotifyType.TemporaryFailure);
        e.NoteMode(t, agreement, request.Has(NotifyType.UseTransportMode));
        var key = AnswerKeyExchange(t, agreement.Choice.KeyExchange, request);
        if (key.Refuses)
            return key.Refusal;
        using var _ = key.Shared;
        var inbound = t.Node.NewEspSpi();
        var placed = e.Place(t, agreement, inbound, old);
        if (placed.Why.Length > 0)
        {
            t.Node.ReleaseStandIns(inbound);
            return [e.RefuseChild(t, placed)];
        }
        agreement = placed.Agreement!;
        var nonces = new Nonces(nonce, t.Node.Dice.Bytes(Nonces.Length));
        var made = e.Add(t, agreement, inbound, nonces, key.Shared, byUs: false, old, isInboundOnly: old is not null);
        if (old is null)
            t.Report(new Event.ChildUp(t.Sa.Status(t.Now), made.Status));
        else if (e.Current is RekeyChild ours && ours.IsAbout(old))
            ours.Collides(made, nonces);
        else
            e.Replace(t, old, made);
        List<Payload> answer = [ChildNegotiation.Answer(agreement, made.Sa.InboundSpi, keyExchange: true), new Payload.Nonce(nonces.Responder)];
        if (key.KE is not null)
            answer.Add(key.KE);
        answer.AddRange(ChildNegotiation.AnswerSelectors(agreement));
        return answer.ToSequence();
    }
}
