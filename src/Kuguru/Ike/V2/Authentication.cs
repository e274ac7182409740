using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Ike.Eap;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// Each side authenticates in one or more rounds, as its connection's local and remote sections say (RFC 4739). The first round of each is in the first
// exchange, unless a method (EAP) takes several messages for it:
//
//   HDR, SK {IDi, [CERT,] AUTH(1), N(ANOTHER_AUTH_FOLLOWS), SA, TSi, TSr} -->
//                                    <--  HDR, SK {IDr, [CERT,] AUTH(1)}
//   HDR, SK {IDi, AUTH(2)}           -->
//                                    <--  HDR, SK {SA, TSi, TSr}

/// <summary>
/// Who has proved what so far. A responder begins with all connections that fit the identities, and each proof leaves fewer; an initiator has one.
/// </summary>
sealed class Authentication(Keying keying, InitMessages init, bool isInitiator)
{
    public Keying Keying { get; } = keying;
    public InitMessages Init { get; } = init;
    public bool IsInitiator { get; } = isInitiator;

    /// <summary>The closest first; never empty.</summary>
    public required ImmutableArray<Connection> Possible { get; set; }

    public Connection Connection => Possible[0];

    /// <summary>Of the present round, and so at the end of the last one.</summary>
    public required Identity LocalId { get; set; }

    /// <inheritdoc cref="LocalId"/>
    public required Identity RemoteId { get; set; }

    /// <summary>Of a responder: who the initiator asked for.</summary>
    public Identity? Wanted { get; init; }

    /// <summary>Rounds that we have proved ourselves in, and rounds that we believe the peer.</summary>
    public int Proved { get; set; }

    /// <inheritdoc cref="Proved"/>
    public int Believed { get; set; }

    /// <summary>The round that we are to prove ourselves in now; null when we are through.</summary>
    public AuthenticationRound? Ours => Connection.Local.Length > Proved ? Connection.Local[Proved] : null;

    /// <summary>The round that the peer has to prove itself in now; null when it is through.</summary>
    public AuthenticationRound? Theirs => Connection.Remote.Length > Believed ? Connection.Remote[Believed] : null;

    /// <summary>What the peer has asked for by CERTREQ.</summary>
    public CertificateRequest? PeerAsks { get; set; } = init.PeerAsks;

    /// <summary>The shared key that the peer has proved to have, if it did so by one.</summary>
    public PresharedKey? PeersKey { get; set; }

    /// <summary>Our present round goes by EAP, and its conversation is to begin.</summary>
    public bool IsEapDue { get; set; }

    /// <summary>The peer's name in EAP, which may be another than the one in IKE.</summary>
    public Identity? EapId { get; set; }

    /// <summary>The peer's certificate in EAP, whose status had to be fetched.</summary>
    public UnsettledChain? Unsettled { get; set; }

    /// <summary>The postquantum pre-shared key that AUTH is made with, until it is mixed into the keys themselves.</summary>
    public Secret? Ppk { get; set; }

    public Identity? PpkId { get; set; }

    /// <summary>What may be wrong besides, as the end of a sentence, when a proof that has a PPK in it is: that goes for every kind of proof.</summary>
    public string PpkDoubt => Ppk is null ? "" : $", or the PPK '{PpkId ?? Connection.PpkId}' is another at the two ends";

    /// <summary>The keys have a PPK in them.</summary>
    public bool UsesPpk { get; private set; }

    /// <summary>What our AUTH covers, given the body of our ID payload.</summary>
    public byte[] OurOctets(Blob id) => Keying.SignedOctets(IsInitiator, Init, id, Ppk);

    /// <summary>What the peer's AUTH covers, given the body of its ID payload.</summary>
    public byte[] TheirOctets(Blob id) => Keying.SignedOctets(!IsInitiator, Init, id, Ppk);

    /// <summary>Both ends have proved to have the PPK: it goes into the keys.</summary>
    public void MixPpk()
    {
        Keying.Mix(Ppk!);
        UsesPpk = true;
        DropPpk();
    }

    public void DropPpk()
    {
        Ppk?.Dispose();
        Ppk = null;
    }
}

/// <summary>A CERTREQ: SHA-1 of the public keys of the authorities that are wished for; none is any (RFC 7296 section 3.7).</summary>
sealed record CertificateRequest(ImmutableArray<Blob> Authorities)
{
    /// <summary>OCSP responses are wished for as well (RFC 4806).</summary>
    public bool WantsStatus { get; init; }
}

/// <summary>What we prove ourselves with: CERT payloads and AUTH; or why we cannot.</summary>
/// <param name="Certificates">CERT payloads, the end entity's first.</param>
/// <param name="Auth">Null where the method needs more messages first.</param>
/// <param name="By">As the log names it.</param>
/// <param name="Failure">Why not.</param>
readonly record struct Proof(ImmutableArray<Payload> Certificates, Payload.Auth? Auth, string By, Failure? Failure)
{
    public static Proof None(Failure why) => new([], null, "", why);
}

/// <summary>What we make of a peer's proof in one round of one connection.</summary>
/// <param name="By">How it authenticated, as the log names it.</param>
/// <param name="Failure">Why we do not believe it; null when we do.</param>
readonly record struct Verdict(string By, Failure? Failure)
{
    /// <summary>The shared key that it was, if it was one.</summary>
    public PresharedKey? Key { get; init; }

    /// <summary>What has to be fetched before it can be said; while there is any, the rest says nothing.</summary>
    public ImmutableArray<FetchRequest> Missing { get; init; } = [];

    public static Verdict Refused(Failure why) => new("", why);

    public bool IsPending => !Missing.IsDefaultOrEmpty;
}

/// <summary>
/// One way to authenticate, of a closed list (<see cref="AuthenticationKind"/>): how we prove ourselves by it, and how we judge a peer's proof.
/// None of them has state: that is in <see cref="Authentication"/> and in the phases.
/// </summary>
abstract class Authenticator
{
    public static Authenticator Of(AuthenticationKind kind) => kind switch
    {
        AuthenticationKind.Psk => SharedKeyAuthenticator.Instance,
        AuthenticationKind.PublicKey => SignatureAuthenticator.Instance,
        AuthenticationKind.Eap => EapAuthenticator.Instance,
        AuthenticationKind.Xauth => throw new ArgumentOutOfRangeException(nameof(kind), kind, "is IKEv1's"),
    };

    /// <summary>The kind that an AUTH payload is of; null for methods that are not supported.</summary>
    public static AuthenticationKind? KindOf(AuthMethod method) => method switch
    {
        AuthMethod.SharedKey => AuthenticationKind.Psk,
        AuthMethod.RsaSignature or AuthMethod.EcdsaP256 or AuthMethod.EcdsaP384 or AuthMethod.EcdsaP521 or AuthMethod.DigitalSignature => AuthenticationKind.PublicKey,
        // The number is the peer's: also what the registry has no name for.
        _ => null,
    };

    /// <summary>Why we cannot authenticate in this way at all, asked before anything is sent; null when we can.</summary>
    public abstract Failure? WhyNot(INode node, AuthenticationRound round, Identity local, Identity remote);

    /// <summary>Our proof for the present round.</summary>
    /// <param name="t">The turn.</param>
    /// <param name="a">Where we stand: <see cref="Authentication.Ours"/> is the round.</param>
    /// <param name="id">The body of our ID payload.</param>
    public abstract Proof Prove(Turn t, Authentication a, Blob id);

    /// <summary>Judges a peer's AUTH.</summary>
    /// <param name="t">The turn.</param>
    /// <param name="a">Where we stand.</param>
    /// <param name="round">What the peer has to fulfil.</param>
    /// <param name="local">Who we are in this.</param>
    /// <param name="id">The body of the peer's ID payload, whose identity is <see cref="Authentication.RemoteId"/>.</param>
    /// <param name="message">With its CERT payloads.</param>
    /// <param name="auth">Of this kind.</param>
    public abstract Verdict Judge(Turn t, Authentication a, AuthenticationRound round, Identity local, Blob id, IkeMessage message, Payload.Auth auth);

    /// <summary>Who we are in a round: as configured, else as the peer calls us, else our address (behind a NAT the private one, as strongSwan has it).</summary>
    public static Identity LocalId(AuthenticationRound round, Path path, Identity? wanted = null) =>
        round.Id is { IsAny: false } id ? id : wanted ?? Identity.Of(path.Local.Address);
}
