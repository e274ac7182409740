using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>An initiator that has proved its identity and waits for the peer to do the same.</summary>
/// <param name="keying">The keys of the IKE SA.</param>
/// <param name="plan">What for.</param>
/// <param name="initPath">The one that IKE_SA_INIT took.</param>
/// <param name="init">Both its messages.</param>
/// <param name="local">Who we said we are.</param>
/// <param name="offer">The first child; null when there is none to set up.</param>
sealed class ExpectAuthResponse(Keying keying, Plan plan, Path initPath, InitMessages init, Identity local, ChildOffer? offer)
    : KeyedPhase(keying)
{
    public Plan Plan { get; private set; } = plan;
    public InitMessages Init { get; } = init;
    public ChildOffer? Offer { get; } = offer;
    public override IkeState State => IkeState.Connecting;
    public override Connection? Connection => Plan.Connection;
    public override Identity? LocalId => local;
    public override bool HasChild(string name) => Plan.Children.Any(child => child.Child.Name == name);
    public override Instant? Deadline(IkeV2Session sa) => null;
    public override void Tick(Turn t) { }
    public override void RequestChild(Turn t, ChildRequest request) => Plan = Plan with { Children = Plan.Children.Add(request) };

    /// <summary>Nothing of a peer that has not authenticated is answered.</summary>
    protected override bool TakesRequests => false;

    public override void Terminate(Turn t, ulong token, bool force)
    {
        Fail(t, new Failure(FailureCode.Aborted, $"connecting to {t.Sa.Path.Remote} was called off"));
        t.Done(token);
    }

    public override void OnSilence(Turn t, Question asked)
    {
        var failure = Failures.AuthUnanswered(initPath, t.Sa.Path, asked.Resent + 1);
        if (Plan.TryAgain(t, failure))
            t.Sa.Enter(new Gone(Connection));
        else
            Fail(t, failure);
    }

    public void Fail(Turn t, Failure failure)
    {
        Plan.Fail(t, failure);
        t.Sa.Window.Conclude();
        t.Sa.Enter(new Gone(Connection));
    }

    public override IkeSaStatus Describe(IkeV2Session sa, IkeSaStatus status) => status with { Suite = Keying.Suite, TasksActive = ["IKE_AUTH"] };

    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request) =>
        throw new InvalidOperationException("takes no requests");

    protected override void Conclude(Turn t, IkeMessage response) => IkeAuth.Conclude(t, this, response);

    protected override Phase OnInvalidSyntax(Turn t, string why)
    {
        Plan.Fail(t, new Failure(FailureCode.InvalidMessage, why));
        return new Gone(Connection);
    }
}

/// <summary>A responder that has keys with somebody, and waits to learn with whom.</summary>
sealed class ExpectAuthRequest(Keying keying, InitMessages init, Instant until) : KeyedPhase(keying)
{
    public InitMessages Init { get; } = init;
    public override IkeState State => IkeState.Connecting;
    public override bool IsHalfOpen => true;
    public override Connection? Connection => null;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV2Session sa) => until;
    public override void OnSilence(Turn t, Question asked) => throw new InvalidOperationException("asks nothing");

    public override void Tick(Turn t)
    {
        if (until > t.Now)
            return;
        t.Note(Severity.Info, Subject.Ike,
            $"{t.Sa.Path.Remote} sent no IKE_AUTH within {t.Settings.HalfOpenTimeout.TotalSeconds} s: half-open IKE SA dropped");
        t.Sa.Enter(new Gone(null));
    }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Refused, $"IKE SA [{t.Sa.UniqueId}] is not established"));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        t.Sa.Enter(new Gone(null));
        t.Done(token);
    }

    public override IkeSaStatus Describe(IkeV2Session sa, IkeSaStatus status) => status with { Suite = Keying.Suite };

    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request) => IkeAuth.Answer(t, this, request);
    protected override void Conclude(Turn t, IkeMessage response) => throw new InvalidOperationException("asks nothing");

    protected override Phase OnInvalidSyntax(Turn t, string why)
    {
        t.Report(new Event.Failed(new Failure(FailureCode.InvalidMessage, why)));
        return new Gone(null);
    }

    protected override Phase OnUnsupportedCritical(Turn t, PayloadType type) =>
        OnInvalidSyntax(t, $"{t.Sa.Path.Remote} asks by a critical payload {(byte)type} for what is unknown here");
}
