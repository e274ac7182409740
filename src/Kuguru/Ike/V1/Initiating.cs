using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>An initiator whose peer has not proved who it is.</summary>
/// <param name="plan">What for.</param>
/// <param name="local">Who we are.</param>
abstract class Initiating(Plan plan, Identity local) : Phase
{
    NotifyKind? _refusal;
    int _resentAtRefusal;

    public Plan Plan { get; private set; } = plan;
    public override IkeState State => IkeState.Connecting;
    public override Connection Connection => Plan.Connection;
    public override Identity LocalId { get; } = local;
    public override bool HasChild(string name) => Plan.Children.Any(child => child.Child.Name == name);
    public override Instant? Deadline(IkeV1Session sa) => null;
    public override void Tick(Turn t) { }
    public override void RequestChild(Turn t, ChildRequest request) => Plan = Plan with { Children = Plan.Children.Add(request) };

    public override void Terminate(Turn t, ulong token, bool force)
    {
        Fail(t, new Failure(FailureCode.Aborted, $"connecting to {t.Sa.Path.Remote} was called off"));
        t.Done(token);
    }

    /// <summary>Nobody has answered; nor refused.</summary>
    protected abstract Failure Silence(Turn t, Question question);

    /// <summary>The next message of the exchange.</summary>
    protected abstract void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes);

    /// <summary>What comes aside: in clear it is nobody's word, so that it only shortens the waiting (as RFC 7296 section 2.21.1 has it).</summary>
    protected virtual void OnAside(Turn t, IsakmpMessage message)
    {
        if (message.All<Payload.Notification>().FirstOrDefault(notification => notification.IsError) is not { } refusal)
        {
            t.Node.Count(IkeDrop.Unexpected);
            return;
        }
        if (_refusal is null)
        {
            _resentAtRefusal = t.Sa.Unanswered.Find(Wire.MessageId.Zero)?.Resent ?? 0;
            t.Note(Severity.Warning, Subject.Ike, $"received {Notation.Name(refusal.Kind)} notify error from {t.Arrived.Remote}; it is not authenticated, "
                + $"so we ask {Retransmission.TriesAfterRefusal} times more");
        }
        _refusal = refusal.Kind;
    }

    public sealed override void OnMessage(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        if (message.Exchange == ExchangeKind.Informational)
            OnAside(t, message);
        else if (message.Exchange == (Plan.Connection.Aggressive ? ExchangeKind.Aggressive : ExchangeKind.IdentityProtection))
            OnNext(t, message, bytes);
        else
            t.Node.Count(IkeDrop.Unexpected);
    }

    public override bool MayResend(Question question) => _refusal is null || question.Resent < _resentAtRefusal + Retransmission.TriesAfterRefusal;

    public override void OnSilence(Turn t, Question question)
    {
        var failure = _refusal is { } why ? Failures.Refused(t.Sa.Path, why, Plan.Connection, LocalId, t.Sa.Verdict) : Silence(t, question);
        if (_refusal is not null || !Plan.TryAgain(t, failure))
            Fail(t, failure);
        else
            t.Sa.Enter(new Gone(Connection));
    }

    public void Fail(Turn t, Failure failure)
    {
        Plan.Fail(t, failure);
        if (Plan.Replaces is IkeV1Session old)
            old.StaysForNow(t);
        t.Sa.Enter(new Gone(Connection));
    }
}

/// <summary>A responder that does not know yet with whom it speaks.</summary>
abstract class Answering(Instant until) : Phase
{
    public override IkeState State => IkeState.Connecting;
    public override bool IsHalfOpen => true;
    public override Connection? Connection => null;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV1Session sa) => until;

    public Instant Until => until;

    public override void Tick(Turn t)
    {
        if (until <= t.Now)
            t.Sa.Enter(new Gone(null));
    }

    /// <summary>Its answer may have been lost, but the peer asks again by itself.</summary>
    public override void OnSilence(Turn t, Question question) { }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is not established"));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        t.Sa.Enter(new Gone(null));
        t.Done(token);
    }

    protected abstract void OnNext(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes);

    protected abstract ExchangeKind Exchange { get; }

    public sealed override void OnMessage(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        if (message.Exchange == Exchange && !message.ResponderCookie.IsZero)
            OnNext(t, message, bytes);
        else
            t.Node.Count(IkeDrop.Unexpected);
    }
}
