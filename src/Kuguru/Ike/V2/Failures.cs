using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Nat;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>Every failure in one sentence: what, with whom, and what to do about it. Words that charon's log has for the same thing are kept.</summary>
static class Failures
{
    public static Failure Unreachable(Path path, int tries) => new(FailureCode.Unreachable,
        $"no answer from {path.Remote} to IKE_SA_INIT, sent {tries} times from {path.Local}: check the address, that IKE runs there, "
        + $"and that nothing on the way blocks UDP port {path.Remote.Port}");

    /// <summary>The problem <c>udp-blocked</c>, if the ports have changed in between.</summary>
    public static Failure AuthUnanswered(Path init, Path auth, int tries) => init.Remote.Port != auth.Remote.Port
        ? new(FailureCode.NatPortBlocked,
            $"{auth.Remote.Address} answers on UDP port {init.Remote.Port} but is silent on port {auth.Remote.Port} "
            + $"(IKE_AUTH sent {tries} times from {auth.Local}): "
            + $"a firewall on the way or at the peer blocks UDP port {auth.Remote.Port} (udp-blocked); open it in both directions")
        : new(FailureCode.TimedOut,
            $"{auth.Remote} answered IKE_SA_INIT but not IKE_AUTH, sent {tries} times: "
            + "it may drop long or fragmented messages, or have no key for us; see its log");

    public static Failure InitRefused(Path path, NotifyType why, Connection connection) => why == NotifyType.NoProposalChosen
        ? new(FailureCode.NoProposalChosen,
            $"received NO_PROPOSAL_CHOSEN notify error from {path.Remote}: it has none of our IKE proposals {Proposals.Describe(connection.Proposals)}, "
            + $"or no connection for our address {path.Local.Address}; compare 'proposals' and the addresses at both ends")
        : new(FailureCode.Refused, $"received {Notation.Name(why)} notify error from {path.Remote} in answer to IKE_SA_INIT; see its log");

    public static Failure CouldNotRead(Path path, bool asksForChild) => new(FailureCode.Refused,
        $"received INVALID_SYNTAX notify error from {path.Remote.Address} in answer to IKE_AUTH: it cannot read our request"
        + (asksForChild ? ", or takes IKE SAs without a child only: try 'childless = prefer'" : "; see its log"));

    public static Failure NoCommonIkeProposal(Path path, Payload.SA offer, ImmutableArray<Connection> candidates) => candidates.IsEmpty
        ? new(FailureCode.UnknownConnection,
            $"no connection fits {path}: load one whose local_addrs and remote_addrs have these addresses, or leave them out")
        : new(FailureCode.NoProposalChosen,
            $"no IKE proposal in common with {path.Remote}: it offers {Proposals.Describe(offer)}, we have "
            + PeerFailures.Some(candidates, connection => $"{Proposals.Describe(connection.Proposals)} ('{connection.Name}')", " and ")
            + $"; {Proposals.Remedy(offer, "proposals")}");

    public static Failure NoSharedKey(Identity local, Identity remote, NatVerdict nat) => new(FailureCode.NoSharedKey,
        $"no shared key found for '{local}' ({local.TypeName}) - '{remote}' ({remote.TypeName}): add a section to 'secrets' whose id is one of the two{PrivateAddress(local, remote, nat)}");

    /// <summary>The peer proved nothing that we can check: a wrong key, or another one.</summary>
    public static Failure WrongKey(int tried, Identity local, Identity remote, NatVerdict nat, string doubt = "") => new(FailureCode.AuthenticationFailed,
        $"tried {tried} shared {(tried == 1 ? "key" : "keys")} for '{local}' - '{remote}', but MAC mismatched: the secrets differ at the two ends{doubt}{PrivateAddress(local, remote, nat)}");

    static string PrivateAddress(Identity local, Identity remote, NatVerdict nat) => PeerFailures.ItsPrivateAddress(remote, nat) + PeerFailures.OurPrivateAddress(local, nat);

    /// <summary>We cannot sign for who we are to be.</summary>
    public static Failure NoPrivateKey(AuthenticationRound round, Identity local) => new(FailureCode.NoPrivateKey,
        round.Certificates.IsEmpty && round.PublicKeys.IsEmpty
            ? $"no private key found for '{local}' ({local.TypeName}): no loaded certificate that names it has its private key loaded too; give 'certs' in the local section and put the key into private"
            : $"no private key found for '{local}': none of the private keys loaded belongs to the 'certs' or 'pubkeys' of the local section; put it into private");

    /// <summary>The peer cannot verify anything that our key can sign with, or the local section forbids it.</summary>
    public static Failure NoCommonHash(PublicKey key, SignatureRules rules, ImmutableArray<SignatureHash> hashes) => new(FailureCode.AuthenticationFailed,
        $"our {key} key cannot sign in a way that is wanted: "
        + (hashes.IsEmpty ? "the peer has no RFC 7427" : $"the peer announces the hashes {string.Join(", ", hashes.Select(hash => hash.ToString().ToUpperInvariant()))}")
        + (rules.Kinds.IsEmpty && rules.ForAuth.IsEmpty ? "" : ", and 'auth' of the local section allows "
            + string.Join(", ", rules.ForAuth.IsEmpty ? rules.Kinds.Select(kind => kind.ToString().ToUpperInvariant()) : rules.ForAuth.Select(scheme => scheme.ToString()))));

    public static Failure UnknownSignature(Identity peer, Payload.Auth auth) => new(FailureCode.AuthenticationFailed,
        $"the signature of '{peer}' (method {(byte)auth.Method}) names an algorithm that is not supported: RSA, ECDSA and Ed25519 with SHA-2 are");

    public static Failure BadCertificate(Identity peer, string why) => new(FailureCode.BadCertificate, $"what '{peer}' sends as certificates is refused: {why}");

    /// <summary>The proof is wrong: the peer does not have the key, or signed something else.</summary>
    public static Failure WrongSignature(Identity peer, string key, string doubt = "") => new(FailureCode.AuthenticationFailed,
        $"signature validation failed: the AUTH of '{peer}' is no signature by {key}; the private key and the certificate at the peer do not belong together{doubt}");

    /// <summary>The proof is right, but of somebody else.</summary>
    public static Failure OtherName(Identity peer, Certificate certificate, NatVerdict nat = default) => new(FailureCode.BadCertificate,
        $"certificate '{certificate.SubjectText}' does not name '{peer}' ({peer.TypeName}), which the peer says it is: "
        + $"it is for {PeerNames.Text(certificate)}; set 'id' at the peer to one of these" + PeerFailures.ItsPrivateAddress(peer, nat));

    /// <summary>The same of a server inside EAP.</summary>
    public static string OtherAaa(Identity aaa, Certificate certificate) =>
        $"certificate '{certificate.SubjectText}' does not name '{aaa}' ({aaa.TypeName}), as 'aaa_id' wants: it is for {PeerNames.Text(certificate)}; set 'aaa_id' to one of these";

    /// <summary>The proof is right, but we do not trust the certificate.</summary>
    public static Failure Untrusted(Identity peer, string why) => new(FailureCode.BadCertificate, $"'{peer}' has proved to have its key, but is not trusted: {why}");

    public static Failure NoCertificate(Identity peer) => new(FailureCode.BadCertificate,
        $"no trusted public key found for '{peer}' ({peer.TypeName}): it sent no certificate, and none is loaded that names it; set 'send_cert = always' there or put the certificate into x509");

    /// <summary>The method is one that the connection does not have.</summary>
    public static Failure OtherMethod(Identity peer, AuthMethod? method, AuthenticationRound expected) => new(FailureCode.AuthenticationFailed,
        $"'{peer}' authenticates by {MethodName(method)}, we expect {KindName(expected.Kind)}: 'auth' in our remote section and in its local one have to be the same");

    /// <summary>EAP's own words for what went wrong between a client and a server.</summary>
    public static Failure Eap(Identity peer, string why) => new(FailureCode.AuthenticationFailed, $"EAP authentication with '{peer}' failed: {why}");

    /// <summary>EAP-only authentication that one side does not want (RFC 5998).</summary>
    public static Failure NotEapOnly(Identity peer, Connection connection) => new(FailureCode.AuthenticationFailed,
        $"connection '{connection.Name}' has EAP in its local section too, but '{peer}' does not take EAP-only authentication: set 'auth = pubkey' there");

    /// <summary>More or fewer rounds (RFC 4739) than the connection has.</summary>
    public static Failure OtherRounds(Identity peer, Connection connection, int done, bool isLast) => new(FailureCode.AuthenticationFailed,
        $"'{peer}' authenticates in {(isLast ? $"{done}" : $"more than {done}")} rounds, connection '{connection.Name}' has {connection.Remote.Length} remote sections");

    public static string KindName(AuthenticationKind kind) => kind switch { AuthenticationKind.Psk => "a pre-shared key", AuthenticationKind.PublicKey => "a public key", AuthenticationKind.Eap => "EAP", AuthenticationKind.Xauth => "XAUTH" };

    static string MethodName(AuthMethod? method) => method switch
    {
        null => "EAP, or not at all",
        { } known when Authenticator.KindOf(known) is { } kind => KindName(kind),
        { } other => $"method {(byte)other}, which is not supported",
    };

    /// <summary>The peer refuses us: by our key, by our identity, or because it expects another one of itself.</summary>
    public static Failure Refused(Path path, Identity local, Identity? remote, NatVerdict nat, string doubt = "") => new(FailureCode.AuthenticationFailed,
        $"received AUTHENTICATION_FAILED notify error from {path.Remote.Address}: it does not accept us as '{local}' ({local.TypeName})"
        + (remote is null ? "" : $" for its identity '{remote}'") + $"; compare the secrets and identities at both ends{doubt}{PeerFailures.OurPrivateAddress(local, nat)}");

    /// <summary>Nobody of this name is configured; the most frequent failure behind a NAT.</summary>
    public static Failure UnknownPeer(Path path, Identity peer, Identity? wanted, ImmutableArray<Connection> candidates, NatVerdict nat) => new(
        FailureCode.UnknownIdentity, $"no connection fits '{peer}' ({peer.TypeName}) from {path.Remote}"
        + (wanted is null ? "" : $", who asks for '{wanted}' ({wanted.TypeName})") + ": we have "
        + PeerFailures.Some(candidates, connection =>
            $"'{connection.Name}' for {Expected(connection.Remote)}{(wanted is null ? "" : $" as {Expected(connection.Local)}")}")
        + PeerFailures.ItsPrivateAddress(peer, nat));

    /// <summary>A child refused by the peer's notify.</summary>
    public static Failure ChildRefused(Payload.Notify notify, Scope scope, Path path) => notify.Kind switch
    {
        NotifyType.NoProposalChosen => PeerFailures.Child(FailureCode.NoProposalChosen, scope.Config.Name,
            $"received NO_PROPOSAL_CHOSEN notify error, {path.Remote.Address} has none of {Proposals.Describe(scope.Proposals)}; "
            + $"compare '{(scope.Proposals.Any(set => set.Kind == ProposalKind.Ah) ? "ah_proposals" : "esp_proposals")}'"),
        NotifyType.TsUnacceptable or NotifyType.SinglePairRequired => PeerFailures.Child(FailureCode.TrafficSelectorsUnacceptable, scope.Config.Name,
            $"received {Notation.Name(notify)} notify error, {path.Remote.Address} does not agree to {List(scope.Local)} === {List(scope.Remote)}; "
            + "compare local_ts and remote_ts"),
        NotifyType.InternalAddressFailure => PeerFailures.Child(FailureCode.AddressUnavailable, scope.Config.Name,
            $"received INTERNAL_ADDRESS_FAILURE notify error, {path.Remote.Address} has no virtual address for us; look at its pools and our 'vips'"),
        NotifyType.FailedCpRequired => PeerFailures.Child(FailureCode.AddressUnavailable, scope.Config.Name,
            $"received FAILED_CP_REQUIRED notify error, {path.Remote.Address} wants us to ask for a virtual address: set 'vips = 0.0.0.0'"),
        // An error that has no cure of its own; the number is the peer's.
        _ => PeerFailures.Child(FailureCode.Refused, scope.Config.Name, $"received {Notation.Name(notify)} notify error from {path.Remote.Address}"),
    };

    /// <summary>The problem <c>ah-integrity</c>, when that is what is offered; else two lists.</summary>
    public static string NoCommonChildProposal(Payload.SA offer, IEnumerable<Scope> scopes, Path path) =>
        scopes.Any(scope => scope.LosesAh) && offer.Proposals.Any(proposal => proposal.Protocol == ProtocolId.Ah)
            ? Scope.AhBehindNat(scopes.First().Nat, path) : NoCommonChildProposal(offer, scopes);

    static string NoCommonChildProposal(Payload.SA offer, IEnumerable<Scope> scopes) =>
        $"no ESP proposal in common: offered is {Proposals.Describe(offer)}, we have "
        + PeerFailures.Some(scopes, scope => $"{Proposals.Describe(scope.Config.Proposals)} ('{scope.Config.Name}')", " and ")
        + $"; {Proposals.Remedy(offer, "esp_proposals")}";

    public static string NoCommonSelectors(ImmutableArray<Selector> theirs, ImmutableArray<Selector> ours, IEnumerable<Scope> scopes) =>
        $"traffic selectors {List(ours)} === {List(theirs)} unacceptable, we have "
        + PeerFailures.Some(scopes, scope => $"{List(scope.Local)} === {List(scope.Remote)} ('{scope.Config.Name}')", " and ");

    public static string List(ImmutableArray<Selector> selectors) => string.Join(' ', selectors);

    static string Expected(ImmutableArray<AuthenticationRound> rounds) => rounds[0].Id is { IsAny: false } id ? $"'{id}' ({id.TypeName})" : "anybody";
}
