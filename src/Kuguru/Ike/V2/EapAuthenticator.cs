using Kuguru.Ike.Eap;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>EAP (RFC 7296 section 2.16): no AUTH at first; what comes instead is in IkeAuth.Eap.cs.</summary>
sealed class EapAuthenticator : Authenticator
{
    public static EapAuthenticator Instance { get; } = new();

    /// <summary>Which method it will be, the server decides; if only one is allowed and that takes a password, there has to be one.</summary>
    public override Failure? WhyNot(INode node, AuthenticationRound round, Identity local, Identity remote)
    {
        var user = round.EapId is { IsAny: false } id ? id : local;
        var needsPassword = round.EapMethod is { } method && method != Wire.Eap.EapType.Tls;
        return needsPassword && !EapUsers.For(node, remote).Has(user) ? new Failure(FailureCode.NoSharedKey, EapPeer.NoPassword(user)) : null;
    }

    public override Proof Prove(Turn t, Authentication a, Blob id) => new([], null, "EAP", null);

    public override Verdict Judge(Turn t, Authentication a, AuthenticationRound round, Identity local, Blob id, IkeMessage message, Payload.Auth auth) =>
        Verdict.Refused(Failures.OtherMethod(a.RemoteId, auth.Method, round));
}
