using Kuguru.Crypto;
using Kuguru.Nat;
using Kuguru.Pki;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>Every failure of IKEv1 in one sentence: what, with whom, and what to do about it.</summary>
static class Failures
{
    public static Failure Unreachable(Path path, int tries) => new(FailureCode.Unreachable,
        $"no answer from {path.Remote} to the first message of IKEv1, sent {tries} times from {path.Local}: check the address, that IKEv1 is spoken there, "
        + $"and that nothing on the way blocks UDP port {path.Remote.Port}");

    public static Failure Unanswered(Path path, string what, int tries) => new(FailureCode.TimedOut,
        $"{path.Remote} left {what} unanswered, sent {tries} times: it may drop long or fragmented messages, or not agree to what is in it; see its log");

    /// <summary>The problem <c>udp-blocked</c>, if the ports have changed in between; else most likely another key.</summary>
    public static Failure IdentityUnanswered(Path first, Path path, Identity local, bool sharedKey, int tries) => first.Remote.Port != path.Remote.Port
        ? new(FailureCode.NatPortBlocked,
            $"{path.Remote.Address} answers on UDP port {first.Remote.Port} but is silent on port {path.Remote.Port} (sent {tries} times from {path.Local}): "
            + $"a firewall on the way or at the peer blocks UDP port {path.Remote.Port} (udp-blocked); open it in both directions")
        : new(sharedKey ? FailureCode.AuthenticationFailed : FailureCode.TimedOut,
            $"{path.Remote} answers everything but the message with our identity '{local}' ({local.TypeName}): "
            + (sharedKey ? "most likely the pre-shared keys differ at the two ends, or it knows none for our address; compare the secrets" : "see its log"));

    public static Failure Refused(Path path, NotifyKind why, Connection connection, Identity local, NatVerdict nat) => why switch
    {
        NotifyKind.NoProposalChosen => new(FailureCode.NoProposalChosen,
            $"received NO_PROPOSAL_CHOSEN notify error from {path.Remote}: it has none of our IKE proposals {string.Join(", ", connection.Proposals)}, "
            + $"no such way to authenticate, or no connection for our address {path.Local.Address}; compare 'proposals', 'auth' and the addresses at both ends"),
        NotifyKind.AuthenticationFailed or NotifyKind.InvalidIdInformation => new(FailureCode.AuthenticationFailed,
            $"received {Notation.Name(why)} notify error from {path.Remote.Address}: it does not accept us as '{local}' ({local.TypeName}); "
            + $"compare the secrets and identities at both ends{PeerFailures.OurPrivateAddress(local, nat)}"),
        NotifyKind.PayloadMalformed or NotifyKind.InvalidPayloadType => new(FailureCode.AuthenticationFailed,
            $"received {Notation.Name(why)} notify error from {path.Remote.Address}: it could not read our message; "
            + "most likely the pre-shared keys differ at the two ends"),
        // The number is the peer's.
        _ => new(FailureCode.Refused, $"received {Notation.Name(why)} notify error from {path.Remote}; see its log"),
    };

    public static Failure NoMethod(Connection connection) => new(FailureCode.Refused,
        $"connection '{connection.Name}' cannot be set up by IKEv1: its 'auth' of local and remote do not go together there "
        + "(psk with psk, pubkey with pubkey, each with an xauth round, or xauth with pubkey); change them, or set version = 2");

    public static Failure NoProposal(Connection connection) => new(FailureCode.NoProposalChosen,
        $"connection '{connection.Name}' has no IKE proposal for IKEv1, which takes AES (or 3DES) in CBC mode with SHA-1 or SHA-2 (or MD5) only: add one such as aes128-sha256-modp2048");

    public static Failure NoCommonProposal(Path path, Payload.SA offer, IReadOnlyCollection<Connection> candidates, bool aggressive) => candidates.Count == 0
        ? new(FailureCode.UnknownConnection, $"no connection for IKEv1 in {(aggressive ? "aggressive" : "main")} mode fits {path}: "
            + $"load one with version = 1 or 0 and aggressive = {(aggressive ? "yes" : "no")} whose local_addrs and remote_addrs have these addresses, or leave them out")
        : new(FailureCode.NoProposalChosen,
            $"no IKE proposal in common with {path.Remote}: it offers {Proposals.Describe(offer)}, we have "
            + PeerFailures.Some(candidates, connection => $"{string.Join(", ", connection.Proposals)} ('{connection.Name}')", " and ")
            + "; add one of its to 'proposals', and compare 'auth'");

    public static Failure NoSharedKey(Identity local, Identity remote, Path path) => new(FailureCode.NoSharedKey,
        $"no shared key found for '{local}' - '{remote}' at {path.Remote.Address}: add a section to 'secrets' whose id is one of these, or that address");

    /// <summary>What cannot be read was encrypted under another key: who sent it, it does not say.</summary>
    public static Failure WrongKey(int tried, Path path, IReadOnlyCollection<Connection> candidates) => new(FailureCode.AuthenticationFailed,
        $"wrong PSK: the identity of the peer at {path.Remote} cannot be decrypted with any of {tried} shared {(tried == 1 ? "key" : "keys")} for "
        + $"{PeerFailures.Some(candidates, connection => $"'{PhaseOne.RemoteId(connection)}' ('{connection.Name}')", " or ")}: the secrets differ at the two ends, "
        + "or ours has another id");

    /// <summary>Who it says it is, but it proves nothing.</summary>
    public static Failure WrongProof(Identity peer, Path path, bool sharedKey) => new(FailureCode.AuthenticationFailed, sharedKey
        ? $"wrong PSK: '{peer}' ({peer.TypeName}) at {path.Remote} has another shared key than we: the secrets differ at the two ends"
        : $"the signature of '{peer}' ({peer.TypeName}) at {path.Remote} is wrong");

    public static Failure NoPrivateKey(Identity local) => new(FailureCode.NoPrivateKey,
        $"no private key found for '{local}' ({local.TypeName}): no loaded certificate that names it has its private key loaded too; give 'certs' in the local section "
        + "and put the key into private");

    public static Failure OtherKey(Identity local, PublicKey key, OakleyMethod method) => new(FailureCode.NoPrivateKey,
        $"the private key of '{local}' is {key}, which cannot make a {Methods.Name(method)}");

    public static Failure BadCertificate(Identity peer, string why) => new(FailureCode.BadCertificate, $"the certificate of '{peer}' ({peer.TypeName}) is refused: {why}");

    public static Failure OtherName(Identity peer, Certificate certificate) => BadCertificate(peer, $"'{certificate.SubjectText}' does not name it: it is for "
        + $"{string.Join(", ", PeerNames.Of(certificate).Take(8).Select(name => $"'{name}'"))}; set 'id' at the peer to one of these");

    public static Failure OthersKey(Identity peer, Identity local, Path path) => new(FailureCode.AuthenticationFailed,
        $"'{peer}' ({peer.TypeName}) at {path.Remote} proves itself by a shared key that is not the one for '{local}' - '{peer}'");

    public static Failure UnknownPeer(Path path, Identity peer, IEnumerable<Connection> candidates, NatVerdict nat) => new(FailureCode.UnknownIdentity,
        $"no connection fits '{peer}' ({peer.TypeName}) from {path.Remote}: we have "
        + PeerFailures.Some(candidates, connection => $"'{connection.Name}' for '{PhaseOne.RemoteId(connection)}'")
        + PeerFailures.ItsPrivateAddress(peer, nat));

    public static Failure ChildRefused(NotifyKind kind, Scope scope, Path path) => kind switch
    {
        NotifyKind.NoProposalChosen => PeerFailures.Child(FailureCode.NoProposalChosen, scope.Config.Name,
            $"received NO_PROPOSAL_CHOSEN notify error, {path.Remote.Address} has none of {string.Join(", ", scope.Proposals)}; "
            + $"compare '{(scope.Proposals.Any(set => set.Kind == ProposalKind.Ah) ? "ah_proposals" : "esp_proposals")}', perfect forward secrecy included"),
        NotifyKind.InvalidIdInformation => PeerFailures.Child(FailureCode.TrafficSelectorsUnacceptable, scope.Config.Name,
            $"received INVALID_ID_INFORMATION notify error, {path.Remote.Address} does not agree to {string.Join(' ', scope.Local)} === "
            + $"{string.Join(' ', scope.Remote)}; IKEv1 has one selector a side and does not narrow: compare local_ts and remote_ts"),
        // The number is the peer's.
        _ => PeerFailures.Child(FailureCode.Refused, scope.Config.Name, $"received {Notation.Name(kind)} notify error from {path.Remote.Address}"),
    };
}
