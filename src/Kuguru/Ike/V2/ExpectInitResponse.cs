using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>What an initiator is to bring up, and the how-manieth time it is tried.</summary>
sealed record Plan(Connection Connection, ImmutableArray<ChildRequest> Children, int Attempt)
{
    public IEnumerable<ulong> Tokens => Children.Select(child => child.Token);

    /// <summary>Starts over with a new IKE SA, as often as <c>keyingtries</c> allows; those who wait go on waiting.</summary>
    public bool TryAgain(Turn t, Path path, Failure failure)
    {
        if (Connection.KeyingTries != 0 && Attempt >= Connection.KeyingTries)
            return false;
        t.Note(Severity.Warning, Subject.Ike, $"{failure.Sentence}; trying again");
        t.Node.Adopt(IkeSaInit.Start(t.Now, t.Node, this with { Attempt = Attempt + 1 }, path, t.Outbox));
        return true;
    }
}

/// <summary>Our half of IKE_SA_INIT, as it stands after so many cookies and changes of group.</summary>
sealed record Invitation(KeyExchange KeyExchange, Blob Nonce, Blob Cookie, int Detours);

/// <summary>Both IKE_SA_INIT messages as they crossed the wire, which AUTH covers.</summary>
sealed record InitMessages(Blob Request, Blob Response, Nonces Nonces);

/// <summary>An initiator whose IKE_SA_INIT is out.</summary>
/// <param name="plan">What for.</param>
/// <param name="start">The path as it was asked for, to start over with.</param>
/// <param name="invitation">What we said.</param>
sealed class ExpectInitResponse(Plan plan, Path start, Invitation invitation) : Phase
{
    NotifyType? _refusal;
    int _resentAtRefusal;

    public Plan Plan { get; private set; } = plan;
    public Path Start { get; } = start;
    public Invitation Invitation { get; set; } = invitation;
    public override IkeState State => IkeState.Connecting;
    public override Connection? Connection => Plan.Connection;
    public override bool HasChild(string name) => Plan.Children.Any(child => child.Child.Name == name);
    public override Instant? Deadline(IkeV2Session sa) => null;
    public override void OnRequest(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.Unexpected);
    public override void OnResponse(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes) => IkeSaInit.Conclude(t, this, response, bytes);
    public override void Tick(Turn t) { }
    public override void RequestChild(Turn t, ChildRequest request) => Plan = Plan with { Children = Plan.Children.Add(request) };

    public override void Terminate(Turn t, ulong token, bool force)
    {
        Fail(t, new Failure(FailureCode.Aborted, $"connecting to {t.Sa.Path.Remote} was called off"));
        t.Done(token);
    }

    /// <summary>A refusal that anybody may have sent: remembered, and believed when it stands for a while (RFC 7296 section 2.21.1).</summary>
    public void Refused(Turn t, NotifyType why)
    {
        if (_refusal is null)
        {
            _resentAtRefusal = t.Sa.Window.Asked!.Resent;
            t.Note(Severity.Warning, Subject.Ike,
                $"received {Notation.Name(why)} notify error from {t.Arrived.Remote}; it is not authenticated, "
                + $"so we ask {Retransmission.TriesAfterRefusal} times more");
        }
        _refusal = why;
    }

    public override bool MayResend(int resent) => _refusal is null || resent < _resentAtRefusal + Retransmission.TriesAfterRefusal;

    public override void OnSilence(Turn t, Question asked)
    {
        var failure = _refusal is { } why
            ? Failures.InitRefused(t.Sa.Path, why, Plan.Connection) : Failures.Unreachable(t.Sa.Path, asked.Resent + 1);
        if (_refusal is not null || !Plan.TryAgain(t, Start, failure))
            Fail(t, failure);
        else
            End(t);
    }

    public void Fail(Turn t, Failure failure)
    {
        t.Fail(failure, Plan.Tokens);
        End(t);
    }

    void End(Turn t)
    {
        Invitation.KeyExchange.Dispose();
        t.Sa.Window.Conclude();
        t.Sa.Enter(new Gone(Plan.Connection));
    }
}
