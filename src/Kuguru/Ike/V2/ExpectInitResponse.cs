using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>Our half of IKE_SA_INIT, as it stands after so many cookies and changes of group.</summary>
sealed record Invitation(KeyExchange KeyExchange, Blob Nonce, Blob Cookie, int Detours);

/// <summary>Both IKE_SA_INIT messages as they crossed the wire, which AUTH covers, and what the peer said in its own about signatures.</summary>
sealed record InitMessages(Blob Request, Blob Response, Nonces Nonces)
{
    /// <summary>Hashes that the peer can verify (RFC 7427 section 4); empty when it knows nothing of AUTH method 14.</summary>
    public ImmutableArray<SignatureHash> PeerHashes { get; init; } = [];

    /// <summary>A responder's CERTREQ; an initiator's comes with IKE_AUTH.</summary>
    public CertificateRequest? PeerAsks { get; init; }

    /// <summary>Both ends have said USE_PPK (RFC 8784 section 3).</summary>
    public bool UsesPpk { get; init; }

    /// <summary>A responder takes several rounds (RFC 4739 section 3.1).</summary>
    public bool PeerTakesRounds { get; init; }
}

/// <summary>An initiator whose IKE_SA_INIT is out.</summary>
/// <param name="plan">What for.</param>
/// <param name="invitation">What we said.</param>
sealed class ExpectInitResponse(Plan plan, Invitation invitation) : Phase
{
    NotifyType? _refusal;
    int _resentAtRefusal;

    public Plan Plan { get; private set; } = plan;
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
        if (_refusal is not null || !Plan.TryAgain(t, failure))
            Fail(t, failure);
        else
            End(t);
    }

    public void Fail(Turn t, Failure failure)
    {
        Plan.Fail(t, failure);
        End(t);
    }

    void End(Turn t)
    {
        Invitation.KeyExchange.Dispose();
        t.Sa.Window.Conclude();
        t.Sa.Enter(new Gone(Plan.Connection));
    }
}
