using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>What was agreed in the first two messages.</summary>
/// <param name="Choice">Algorithms and method.</param>
/// <param name="Offer">The body of the initiator's SA payload, which the proofs cover.</param>
/// <param name="Peer">What the peer can do besides.</param>
sealed record Agreed(IkeChoice Choice, Blob Offer, Traits Peer)
{
    public Prf Prf => Prf.Of(Choice.Suite.Prf);
}

/// <summary>Both have proved who they are; what XAUTH has to say of one of them comes next.</summary>
/// <param name="Keying">The keys, which go over to the next phase.</param>
/// <param name="Agreed">How.</param>
/// <param name="Connection">Whose it is.</param>
/// <param name="Local">Who we are.</param>
/// <param name="Remote">Who the peer is.</param>
/// <param name="Plan">What is to come up, for an initiator.</param>
/// <param name="InitialContact">The peer has no other ISAKMP SA with us.</param>
/// <param name="Told">The peer keeps the ISAKMP SA no longer than this, as its last message says (RFC 2407 section 4.6.3.1).</param>
sealed record Proved(
    Keying Keying, Agreed Agreed, Connection Connection, Identity Local, Identity Remote, Plan? Plan, bool InitialContact, TimeSpan? Told = null);

/// <summary>What main and aggressive mode have in common.</summary>
static class PhaseOne
{
    /// <summary>Octets of our nonces.</summary>
    public const int NonceLength = 32;

    public static Identity LocalId(Connection connection, Path path) =>
        Proving(connection.Local).Id is { IsAny: false } id ? id : Identity.Of(path.Local.Address);

    public static Identity RemoteId(Connection connection) => Proving(connection.Remote).Id ?? Identity.Any;

    /// <summary>What the connection wants to do as initiator; null for what IKEv1 has no method for.</summary>
    public static OakleyMethod? Method(INode node, Connection connection, Path path, bool initiator)
    {
        var (local, remote) = (Proving(connection.Local).Kind, Proving(connection.Remote).Kind);
        var (weAreAsked, peerIsAsked) = (HasXauth(connection.Local), HasXauth(connection.Remote));
        return (local, remote, weAreAsked, peerIsAsked) switch
        {
            (AuthenticationKind.Psk, AuthenticationKind.Psk, false, false) => OakleyMethod.PreSharedKey,
            (AuthenticationKind.Psk, AuthenticationKind.Psk, true, false) => initiator ? OakleyMethod.XauthInitPreShared : OakleyMethod.XauthRespPreShared,
            (AuthenticationKind.Psk, AuthenticationKind.Psk, false, true) => initiator ? OakleyMethod.XauthRespPreShared : OakleyMethod.XauthInitPreShared,
            _ => Signatures.Method(node, connection, path, initiator),
        };
    }

    /// <summary>As responder: the method is what this connection wants of the peer and of us.</summary>
    public static bool Allows(INode node, Connection connection, Path path, OakleyMethod method) => Method(node, connection, path, initiator: false) == method;

    /// <summary>The round that phase 1 is about; XAUTH comes afterwards.</summary>
    public static AuthenticationRound Proving(ImmutableArray<AuthenticationRound> rounds) =>
        rounds.FirstOrDefault(round => round.Kind != AuthenticationKind.Xauth) ?? rounds[0];

    public static AuthenticationRound? Xauth(ImmutableArray<AuthenticationRound> rounds) => rounds.FirstOrDefault(round => round.Kind == AuthenticationKind.Xauth);

    public static bool HasXauth(ImmutableArray<AuthenticationRound> rounds) => Xauth(rounds) is not null;

    /// <summary>How long an ISAKMP SA may live, as we propose it.</summary>
    public static TimeSpan Life(Connection connection)
    {
        var time = connection.ReauthTime > TimeSpan.Zero ? connection.ReauthTime : connection.RekeyTime;
        return time > TimeSpan.Zero ? time + (connection.OverTime ?? time * 0.1) : TimeSpan.Zero;
    }

    public static Payload.ID Write(Identity identity) => new((IdKind)identity.Type, 0, 0, identity.Data);

    /// <summary>Null for what names packets, not somebody.</summary>
    public static Identity? Read(Payload.ID id) => id.Kind is IdKind.Ipv4AddrSubnet or IdKind.Ipv6AddrSubnet or IdKind.Ipv4AddrRange or IdKind.Ipv6AddrRange
        ? null : new((IdType)id.Kind, id.Data);

    /// <summary>The message with these payloads encrypted, as the next of phase 1.</summary>
    public static IsakmpMessage Seal(Turn t, Keying keying, ExchangeKind exchange, Sequence<Payload> payloads)
    {
        var sealed_ = keying.Seal(keying.LastBlock, payloads[0].Type, Payload.WriteChain(payloads));
        keying.LastBlock = keying.NextIv(sealed_);
        return t.Sa.Header(exchange, MessageId.Zero) with { Flags = IsakmpFlags.Encryption, Payloads = [sealed_] };
    }

    /// <summary>What is inside the next message of phase 1; null when it cannot be read with these keys. <see cref="Accept"/> follows when it is believed.</summary>
    public static IsakmpMessage? Open(Keying keying, IsakmpMessage message) => message.Encrypted is { } encrypted
        && keying.Open(keying.LastBlock, encrypted) is { } plaintext && Payload.TryReadChain(encrypted.FirstInner, plaintext, out var payloads, out _, out _)
        ? message with { Payloads = payloads } : null;

    public static void Accept(Keying keying, IsakmpMessage message)
    {
        if (message.Encrypted is { } encrypted)
            keying.LastBlock = keying.NextIv(encrypted);
    }

    /// <summary>The connections for a peer's identity, the closest first; those equally close in the order of the candidates.</summary>
    public static IEnumerable<Connection> Fitting(INode node, Path path, Agreed agreed, Identity peer, bool aggressive) =>
        Candidates(node, path, aggressive)
            .Where(connection => connection.Proposals.Any(set => Proposals.Allows(set, agreed.Choice.Suite)) && Allows(node, connection, path, agreed.Choice.Method))
            .Select(connection => (Connection: connection, Fit: RemoteId(connection).Fits(peer)))
            .Where(fit => fit.Fit > 0).OrderByDescending(fit => fit.Fit).Select(fit => fit.Connection);

    public static IEnumerable<Connection> Candidates(INode node, Path path, bool aggressive) =>
        node.CandidatesFor(path, IkeV1Version)
            .Where(connection => connection.Aggressive == aggressive && !connection.Local.IsEmpty && !connection.Remote.IsEmpty);

    const int IkeV1Version = 1;

    /// <summary>INITIAL-CONTACT (RFC 2407 section 4.6.3.3), where there is no other ISAKMP SA between the two identities.</summary>
    public static IEnumerable<Payload> SayInitialContact(Turn t, Connection connection, Identity local, Identity remote)
    {
        if (remote.IsExact && connection.Unique != UniquePolicy.Never && t.Node.IsFirstContact(local, remote))
            yield return new Payload.Notification(IsakmpProtocol.Isakmp, (byte[])[.. t.Sa.InitiatorSpi.ToBlob().Span, .. t.Sa.ResponderSpi.ToBlob().Span],
                NotifyKind.InitialContact, Blob.Empty);
    }

    /// <summary>Phase 1 is through: XAUTH, where one side is a user, else the ISAKMP SA is up.</summary>
    public static void Complete(Turn t, Proved proved)
    {
        t.Sa.Unanswered.Conclude(MessageId.Zero);
        t.NoteWeak(Weakness.Of(proved.Agreed.Choice.Suite));
        if (t.Settings.RevealKeys)
            t.Add(new Effect.RevealKeys(new KeyTable.IkeV1(proved.Keying.Reveal(t.Sa.InitiatorSpi))));
        var method = proved.Agreed.Choice.Method;
        if (Methods.IsAsked(method, t.Sa.IsInitiator))
            t.Sa.Enter(new XauthClient(t, proved));
        else if (Methods.IsAsked(method, !t.Sa.IsInitiator))
            XauthServer.Begin(t, proved);
        else
            Established.Begin(t, proved, xauthId: null);
    }

    /// <summary>A refusal in clear, after which nothing is kept.</summary>
    public static void Refuse(Turn t, NotifyKind kind)
    {
        var notification = new Payload.Notification(IsakmpProtocol.Isakmp, Blob.Empty, kind, Blob.Empty);
        t.Sa.Send(t, t.Arrived, t.Sa.Header(ExchangeKind.Informational, NewId(t)) with { Payloads = [notification] }, awaits: false);
    }

    /// <summary>A refusal that the peer can check: of what it said under these keys.</summary>
    public static void Refuse(Turn t, Keying keying, NotifyKind kind) =>
        Tell(t, t.Arrived, keying, new Payload.Notification(IsakmpProtocol.Isakmp, Blob.Empty, kind, Blob.Empty));

    /// <summary>One authentic Informational message.</summary>
    public static void Tell(Turn t, Keying keying, params Payload[] payloads) => Tell(t, t.Sa.Path, keying, payloads);

    /// <summary>The same along a path of its own: an answer.</summary>
    public static void Tell(Turn t, Path path, Keying keying, params Payload[] payloads)
    {
        var id = NewId(t);
        var rest = Payload.WriteChain(payloads.ToSequence());
        var hash = new Payload.Hash(keying.Hash1(id, rest));
        var inner = keying.Seal(keying.FirstIv(id), PayloadKind.Hash, Payload.WriteChain([hash, .. payloads]));
        t.Sa.Send(t, path, t.Sa.Header(ExchangeKind.Informational, id) with { Flags = IsakmpFlags.Encryption, Payloads = [inner] }, awaits: false);
    }

    public static MessageId NewId(Turn t)
    {
        MessageId id;
        do
            id = new(t.Node.Dice.UInt32());
        while (id == MessageId.Zero);
        return id;
    }
}
