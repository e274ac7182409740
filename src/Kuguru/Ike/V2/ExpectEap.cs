using Kuguru.Ike.Eap;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>A responder in an EAP conversation: the peer's next packet is due.</summary>
/// <param name="authentication">How far it has come.</param>
/// <param name="first">The first request of IKE_AUTH, which has asked for the child.</param>
/// <param name="until">The end of patience.</param>
/// <param name="server">Holds the conversation.</param>
/// <param name="peerId">The body of the peer's ID payload in this round, which its AUTH will cover.</param>
sealed class ExpectEapResponse(Authentication authentication, IkeMessage first, Instant until, EapServer server, Blob peerId)
    : AwaitAuth(authentication.Keying, until)
{
    public Authentication Authentication { get; } = authentication;
    public IkeMessage First { get; } = first;
    public EapServer Server { get; } = server;
    public Blob PeerId { get; } = peerId;
    public override Identity? LocalId => Authentication.LocalId;
    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request) => IkeAuth.AnswerEap(t, this, request);

    public override void Wipe()
    {
        base.Wipe();
        Server.Dispose();
        Authentication.DropPpk();
    }
}

/// <summary>A responder whose peer has succeeded in EAP, and has to prove that it was the same one.</summary>
sealed class ExpectEapProof(ExpectEapResponse before, EapResult result) : AwaitAuth(before.Keying, before.Until)
{
    public Authentication Authentication { get; } = before.Authentication;
    public IkeMessage First { get; } = before.First;
    public Blob PeerId { get; } = before.PeerId;
    public Connection Before { get; } = before.Authentication.Connection;
    public EapServer Server { get; } = before.Server;
    public EapResult Result { get; } = result;
    public override Identity? LocalId => Authentication.LocalId;
    public override (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request) => IkeAuth.AnswerProof(t, this, request);

    public override void Wipe()
    {
        base.Wipe();
        Server.Dispose();
        Result.Dispose();
        Authentication.DropPpk();
    }
}

/// <summary>An initiator in an EAP conversation: the responder's next packet is due.</summary>
/// <param name="before">What has led to it.</param>
/// <param name="peer">Holds the conversation.</param>
/// <param name="peerId">The body of the responder's ID payload, which its AUTH will cover.</param>
/// <param name="until">The end of patience.</param>
sealed class ExpectEapRequest(ExpectAuthResponse before, EapPeer peer, Blob peerId, Instant until) : ExpectAuthResponse(before)
{
    public EapPeer Peer { get; } = peer;
    public Blob PeerId { get; } = peerId;
    public override Instant? Deadline(IkeV2Session sa) => until;

    public override void Tick(Turn t)
    {
        if (until <= t.Now)
            Fail(t, Failures.Eap(Authentication.RemoteId, $"it has not come to an end in {IkeAuth.Patience.TotalMinutes} minutes"));
    }

    protected override void Conclude(Turn t, IkeMessage response) => IkeAuth.ConcludeEap(t, this, response);

    public override void Wipe()
    {
        base.Wipe();
        Peer.Dispose();
    }
}

/// <summary>An initiator that has succeeded in EAP and has proved it; the responder has to do the same.</summary>
sealed class ExpectEapAuth(ExpectEapRequest before, EapResult result) : ExpectAuthResponse(before)
{
    public Blob PeerId { get; } = before.PeerId;
    public EapPeer Peer { get; } = before.Peer;
    public EapResult Result { get; } = result;
    protected override void Conclude(Turn t, IkeMessage response) => IkeAuth.ConcludeProof(t, this, response);

    public override void Wipe()
    {
        base.Wipe();
        Peer.Dispose();
        Result.Dispose();
    }
}
