using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>An initiator that has proved its identity and waits for the peer to do the same.</summary>
/// <param name="authentication">How far it has come: our proof of the present round is out.</param>
/// <param name="plan">What for.</param>
/// <param name="initPath">The one that IKE_SA_INIT took.</param>
/// <param name="offer">The first child; null when there is none to set up.</param>
class ExpectAuthResponse(Authentication authentication, Plan plan, Path initPath, ChildOffer? offer) : KeyedPhase(authentication.Keying)
{
    readonly Path _initPath = initPath;

    /// <summary>Goes on from here, one message later.</summary>
    public ExpectAuthResponse(ExpectAuthResponse before) : this(before.Authentication, before.Plan, before._initPath, before.Offer) { }

    public Authentication Authentication { get; } = authentication;
    public Plan Plan { get; private set; } = plan;
    public ChildOffer? Offer { get; } = offer;
    public override IkeState State => IkeState.Connecting;
    public override Connection? Connection => Plan.Connection;
    public override Identity? LocalId => Authentication.LocalId;
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
        var failure = Failures.AuthUnanswered(_initPath, t.Sa.Path, asked.Resent + 1);
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

    public override void Wipe()
    {
        base.Wipe();
        Authentication.DropPpk();
    }

    protected override Phase OnInvalidSyntax(Turn t, string why)
    {
        Plan.Fail(t, new Failure(FailureCode.InvalidMessage, why));
        return new Gone(Connection);
    }
}

/// <summary>A responder that has keys with somebody, and waits to learn with whom.</summary>
sealed class ExpectAuthRequest(Keying keying, InitMessages init, Instant until) : AwaitAuth(keying, until)
{
    public InitMessages Init { get; } = init;
    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request) => IkeAuth.Answer(t, this, request);
}

/// <summary>A responder in the middle of IKE_AUTH: the peer has to prove itself in one more round, or we have.</summary>
/// <param name="authentication">How far it has come.</param>
/// <param name="first">The first request of IKE_AUTH, which has asked for the child.</param>
/// <param name="until">The end of patience.</param>
sealed class ExpectNextAuthRequest(Authentication authentication, IkeMessage first, Instant until) : AwaitAuth(authentication.Keying, until)
{
    public Authentication Authentication { get; } = authentication;
    public IkeMessage First { get; } = first;
    public override Identity? LocalId => Authentication.LocalId;
    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request) => IkeAuth.AnswerNext(t, this, request);
}

/// <summary>A responder that waits for a message of IKE_AUTH, but not for ever.</summary>
abstract class AwaitAuth(Keying keying, Instant until) : KeyedPhase(keying)
{
    public Instant Until { get; } = until;
    public override IkeState State => IkeState.Connecting;
    public override bool IsHalfOpen => true;
    public override Connection? Connection => null;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV2Session sa) => Until;
    public override void OnSilence(Turn t, Question asked) => throw new InvalidOperationException("asks nothing");

    public override void Tick(Turn t)
    {
        if (Until > t.Now)
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

    protected override void Conclude(Turn t, IkeMessage response) => throw new InvalidOperationException("asks nothing");

    protected override Phase OnInvalidSyntax(Turn t, string why)
    {
        t.Report(new Event.Failed(new Failure(FailureCode.InvalidMessage, why)));
        return new Gone(null);
    }

    protected override Phase OnUnsupportedCritical(Turn t, PayloadType type) =>
        OnInvalidSyntax(t, $"{t.Sa.Path.Remote} asks by a critical payload {(byte)type} for what is unknown here");
}
