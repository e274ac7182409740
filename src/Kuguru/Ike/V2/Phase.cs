using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>Where an IKE SA stands.</summary>
abstract class Phase : SessionPhase<IkeV2Session, Turn>
{
    /// <summary>A response to no question that is out, still sealed.</summary>
    public virtual void OnUnasked(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.NotAsked);

    /// <summary>A request that is next in order, still sealed.</summary>
    public abstract void OnRequest(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes);

    /// <summary>A response to the question that is out, still sealed.</summary>
    public abstract void OnResponse(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes);

    /// <summary>The first piece of the last request, in other pieces than before, still sealed.</summary>
    public virtual void OnRefragmented(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.OutOfWindow);

    /// <summary>May the question go out again, which it has so many times?</summary>
    public virtual bool MayResend(int resent) => true;

    /// <summary>The question was sent as often as may be, and nobody answers.</summary>
    public abstract void OnSilence(Turn t, Question asked);

    /// <summary>Ask whether the peer is there as soon as nothing else is asked.</summary>
    public virtual void CheckSoon(Turn t) { }

    /// <summary>Nobody depends on the answer to what is asked: silence ends nothing.</summary>
    public virtual bool GoesOnAsking => false;

    /// <summary>An authentic message came along one of the paths that are tried.</summary>
    public virtual void Reached(Turn t) { }

    /// <summary>Something that somebody waits for has been fetched, or cannot be.</summary>
    public virtual void Fetched(Turn t) { }
}

/// <summary>It is over: there are no keys, and nothing is answered any more.</summary>
sealed class Gone(Connection? connection) : Phase
{
    public override IkeState State => IkeState.Deleting;
    public override bool IsGone => true;
    public override Connection? Connection => connection;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV2Session sa) => null;
    public override void OnRequest(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.Gone);
    public override void OnResponse(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes) => t.Node.Count(IkeDrop.Gone);
    public override void OnSilence(Turn t, Question asked) { }
    public override void Tick(Turn t) { }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is gone"));

    public override void Terminate(Turn t, ulong token, bool force) => t.Done(token);
}
