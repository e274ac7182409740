using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>The last question is out; whatever its answer, this is the end.</summary>
/// <param name="keying">The keys, to the end.</param>
/// <param name="connection">Whose it was.</param>
/// <param name="last">What it was until now; null when it never was anything, or another IKE SA is that now.</param>
/// <param name="afterwards">What the end means for others: children, addresses, who waits.</param>
sealed class Closing(Keying keying, Connection? connection, Established? last, Action<Turn> afterwards) : KeyedPhase(keying)
{
    readonly List<ulong> _tokens = [];

    public override IkeState State => IkeState.Deleting;
    public override Connection? Connection => connection;
    public override Identity? LocalId => last?.LocalId;
    public override Identity? RemoteId => last?.RemoteId;
    public override IEnumerable<Spi> InboundSpis => last?.InboundSpis ?? [];
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV2Session sa) => null;
    public override void OnSilence(Turn t, Question asked) => End(t);
    public override IkeSaStatus Describe(IkeV2Session sa, IkeSaStatus status) => last?.Describe(sa, status) ?? status;
    public override void Tick(Turn t) { }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': its IKE SA is being deleted"));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        _tokens.Add(token);
        if (force)
            End(t);
    }

    /// <summary>Sections 2.25.1 and 2.25.2: nothing new begins, but the peer may end it as well.</summary>
    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request)
    {
        if (request.Exchange != ExchangeType.Informational)
            return ([new Payload.Notify(NotifyType.TemporaryFailure)], this);
        if (!Informational.IsEnd(request))
            return ([], this);
        Finish(t);
        return ([], new Gone(connection));
    }

    protected override void Conclude(Turn t, IkeMessage response) => End(t);

    protected override Phase OnInvalidSyntax(Turn t, string why)
    {
        Finish(t);
        return new Gone(connection);
    }

    void End(Turn t)
    {
        Finish(t);
        t.Sa.Enter(new Gone(connection));
    }

    void Finish(Turn t)
    {
        t.Sa.Window.Conclude();
        afterwards(t);
        foreach (var token in _tokens)
            t.Done(token);
    }
}

/// <summary>An IKE SA that another one has replaced, and that the peer, who asked for that, is to delete (RFC 7296 section 2.8).</summary>
sealed class Rekeyed(Turn began, Keying keying, Connection? connection) : KeyedPhase(keying)
{
    /// <summary>A peer that has not deleted it by then never will; until then it may still ask for the answer that told it so.</summary>
    readonly Instant _until = began.Now + Retransmission.Whole(began.Settings);

    public override IkeState State => IkeState.Rekeyed;
    public override Connection? Connection => connection;
    public override bool HasChild(string name) => false;
    public override Instant? Deadline(IkeV2Session sa) => _until;
    public override void OnSilence(Turn t, Question asked) => t.Sa.Enter(new Gone(connection));

    public override void Tick(Turn t)
    {
        if (_until <= t.Now)
            t.Sa.Enter(new Gone(connection));
    }

    public override void RequestChild(Turn t, ChildRequest request) =>
        t.Done(request.Token, new Failure(FailureCode.Aborted, $"child '{request.Child.Name}': IKE SA [{t.Sa.UniqueId}] has been rekeyed"));

    public override void Terminate(Turn t, ulong token, bool force)
    {
        t.Sa.Enter(new Gone(connection));
        t.Done(token);
    }

    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request)
    {
        if (request.Exchange != ExchangeType.Informational)
            return ([new Payload.Notify(NotifyType.TemporaryFailure)], this);
        if (!Informational.IsEnd(request))
            return ([], this);
        // Who takes down the old one has the new one.
        t.Sa.Heir?.KnowsPeerHasIt();
        return ([], new Gone(connection));
    }

    protected override void Conclude(Turn t, IkeMessage response) { }
    protected override Phase OnInvalidSyntax(Turn t, string why) => new Gone(connection);
}
