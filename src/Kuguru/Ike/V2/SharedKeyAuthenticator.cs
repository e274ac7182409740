using System.Security.Cryptography;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>Pre-shared keys (RFC 7296 section 2.15), chosen by the two identities.</summary>
sealed class SharedKeyAuthenticator : Authenticator
{
    const string Name = "pre-shared key";

    public static SharedKeyAuthenticator Instance { get; } = new();

    /// <summary>As initiator we may not know who the peer will be.</summary>
    public override Failure? WhyNot(INode node, AuthenticationRound round, Identity local, Identity remote) =>
        node.SharedKeysFor(local, remote).IsEmpty ? Failures.NoSharedKey(local, remote, default) : null;

    /// <summary>A responder proves itself by the key that the peer has, where that is one of several.</summary>
    public override Proof Prove(Turn t, Authentication a, Blob id)
    {
        var keys = t.Node.SharedKeysFor(a.LocalId, a.RemoteId);
        if (keys.IsEmpty)
            return Proof.None(Failures.NoSharedKey(a.LocalId, a.RemoteId, t.Sa.Verdict));
        var key = keys.FirstOrDefault(key => key == a.PeersKey) ?? keys[0];
        return new([], new Payload.Auth(AuthMethod.SharedKey, a.Keying.Prove(key.Secret, a.OurOctets(id))), Name, null);
    }

    /// <summary>Every key that fits is tried.</summary>
    public override Verdict Judge(Turn t, Authentication a, AuthenticationRound round, Identity local, Blob id, IkeMessage message, Payload.Auth auth)
    {
        var keys = t.Node.SharedKeysFor(local, a.RemoteId);
        var octets = a.TheirOctets(id);
        foreach (var key in keys)
        {
            if (CryptographicOperations.FixedTimeEquals(a.Keying.Prove(key.Secret, octets), auth.Data))
                return new(Name, null) { Key = key };
        }
        return Verdict.Refused(keys.IsEmpty ? Failures.NoSharedKey(local, a.RemoteId, t.Sa.Verdict) : Failures.WrongKey(keys.Length, local, a.RemoteId, t.Sa.Verdict, a.PpkDoubt));
    }
}
