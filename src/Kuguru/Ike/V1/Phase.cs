using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>Where an ISAKMP SA stands.</summary>
abstract class Phase : SessionPhase<IkeV1Session, Turn>
{
    /// <summary>A message that has not come before, still encrypted if it is.</summary>
    public abstract void OnMessage(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes);

    /// <summary>May this go out again, which it has so many times?</summary>
    public virtual bool MayResend(Question question) => true;

    /// <summary>It was sent as often as may be, and nobody answers.</summary>
    public abstract void OnSilence(Turn t, Question question);

    /// <summary>There is no other way in IKEv1: new keys are a new ISAKMP SA.</summary>
    public sealed override void Reauthenticate(Turn t, ulong token) => RekeyIke(t, token);

    /// <summary>It is over: what it has of secrets goes.</summary>
    public virtual void Wipe() { }
}

/// <summary>It is over: there are no keys, and nothing is answered any more.</summary>
sealed class Gone(Connection? connection) : Phase
{
    public override IkeState State => IkeState.Deleting;
    public override bool IsGone => true;
    public override Connection? Connection => connection;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV1Session sa) => null;
    public override void OnMessage(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.Gone);
    public override void OnSilence(Turn t, Question question) { }
    public override void Tick(Turn t) { }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is gone"));

    public override void Terminate(Turn t, ulong token, bool force) => t.Done(token);
}
