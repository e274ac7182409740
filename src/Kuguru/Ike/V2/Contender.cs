using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>
/// The peer's new IKE SA while ours is still being asked for (RFC 7296 section 2.8.2). Of the two the nonces will tell which one stays; but a
/// peer that uses this one knows nothing of ours, and a peer that deletes it has decided already.
/// </summary>
/// <param name="established">What it becomes when it stays.</param>
/// <param name="stays">Has everything brought here from the old IKE SA.</param>
sealed class Contender(Established established, Action<Turn> stays) : KeyedPhase(established.Keying)
{
    public Established Established { get; } = established;
    public override IkeState State => IkeState.Created;
    public override Connection? Connection => Established.Connection;
    public override Identity? LocalId => Established.LocalId;
    public override Identity? RemoteId => Established.RemoteId;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV2Session sa) => null;
    public override void OnSilence(Turn t, Question asked) => throw new InvalidOperationException("asks nothing");
    public override void Tick(Turn t) { }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Refused, $"IKE SA [{t.Sa.UniqueId}] is not in use yet"));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        t.Sa.Enter(new Gone(Connection));
        t.Done(token);
    }

    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request)
    {
        if (Informational.IsEnd(request))
            return ([], new Gone(Connection));
        stays(t);
        return Established.Answer(t, request);
    }

    protected override void Conclude(Turn t, IkeMessage response) => throw new InvalidOperationException("asks nothing");
    protected override Phase OnInvalidSyntax(Turn t, string why) => new Gone(Connection);
}
