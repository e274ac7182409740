using System.Collections.Immutable;
using Kuguru.Pki;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>
/// A message of IKE_AUTH cannot be judged before something has been fetched. When it has come, or patience ends, the phase before takes the message again,
/// from the beginning. Repetitions of a request are dropped meanwhile.
/// </summary>
/// <param name="before">The phase that was to take it.</param>
/// <param name="missing">What it takes.</param>
sealed class Deliberation(KeyedPhase before, ImmutableArray<FetchRequest> missing) : KeyedPhase(before.Keying)
{
    Instant _until;
    Action<Turn> _again = _ => { };
    Path _arrived;

    public override IkeState State => before.State;
    public override bool IsHalfOpen => before.IsHalfOpen;
    public override Connection? Connection => before.Connection;
    public override Identity? LocalId => before.LocalId;
    public override Identity? RemoteId => before.RemoteId;
    public override bool HasChild(string name) => before.HasChild(name);
    public override Instant? Deadline(IkeV2Session sa) => _until;
    protected override bool TakesRequests => false;
    public override void OnSilence(Turn t, Question asked) => throw new InvalidOperationException("asks nothing");

    /// <summary>Asks for what is missing, and waits.</summary>
    /// <param name="t">The turn.</param>
    /// <param name="again">How the phase before takes the message again.</param>
    public void Begin(Turn t, Action<Turn> again)
    {
        // What was fetched may show that more is missing: all of it has one deadline.
        _until = t.WaitsUntil ?? t.Now + t.Settings.FetchPatience;
        (_again, _arrived) = (again, t.Arrived);
        t.Sa.Enter(this);
        t.Note(Severity.Info, Subject.Config, $"fetching {string.Join(", ", missing)}, before {t.Sa.Path.Remote} is answered or believed");
        foreach (var request in missing)
            t.Node.Fetch(t.Sa, request, t.Outbox);
    }

    public override void Tick(Turn t)
    {
        if (_until <= t.Now)
            Again(t, isOutOfPatience: true);
    }

    /// <summary>Something has come.</summary>
    public override void Fetched(Turn t) => Again(t, isOutOfPatience: false);

    void Again(Turn t, bool isOutOfPatience)
    {
        t.Sa.Enter(before);
        _again(new Turn(t.Sa, t.Now, t.Outbox, _arrived) { IsOutOfPatience = isOutOfPatience, WaitsUntil = _until });
    }

    public override void RequestChild(Turn t, ChildRequest request) => before.RequestChild(t, request);

    public override void Terminate(Turn t, ulong token, bool force) => before.Terminate(t, token, force);

    public override IkeSaStatus Describe(IkeV2Session sa, IkeSaStatus status) => before.Describe(sa, status);

    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request) =>
        throw new InvalidOperationException("takes no requests");

    protected override void Conclude(Turn t, IkeMessage response) => throw new InvalidOperationException("asks nothing");
    protected override Phase OnInvalidSyntax(Turn t, string why) => throw new InvalidOperationException("reads nothing");
}
