using Kuguru.Crypto;
using Kuguru.Ike.Eap;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SAi1, KEi, Ni, N(USE_PPK)                                        -->      RFC 8784 section 3
//                                                                      <--     HDR, SAr1, KEr, Nr, N(USE_PPK)
// HDR, SK {IDi, AUTH, N(PPK_IDENTITY), [N(NO_PPK_AUTH),] SA, TSi, TSr}  -->      AUTH with the PPK, NO_PPK_AUTH the same without
//                                                                      <--     HDR, SK {IDr, AUTH, N(PPK_IDENTITY), SA, TSi, TSr}
// or, without the PPK:                                                  <--     HDR, SK {IDr, AUTH, SA, TSi, TSr}
//
// From there on SK_d, SK_pi and SK_pr are mixed with the PPK. It goes with the first proof that the initiator gives, which with EAP is its last message.

/// <summary>What becomes of a postquantum pre-shared key at one end.</summary>
enum PpkUse
{
    /// <summary>Nobody has asked for one.</summary>
    Without,
    With,

    /// <summary>The peer has one that is not known here, and has proved itself without it as well.</summary>
    Fallback,

    /// <summary>Ours has to be used, and the peer knows nothing of it.</summary>
    NotSupported,

    /// <summary>It has to be used, and the peer, or our configuration, names none.</summary>
    NotNamed,

    /// <summary>The peer names one that this connection does not take.</summary>
    OtherName,

    /// <summary>It has to be used, and there is none of this name.</summary>
    NotKnown,
}

static class Ppk
{
    /// <summary>A PPK_ID that is known beforehand (RFC 8784 section 5.1.1); the other kind, an opaque one, nobody has.</summary>
    const byte FixedId = 2;

    /// <summary>An initiator's choice.</summary>
    /// <param name="connection">Names the PPK, and says whether it has to be used.</param>
    /// <param name="isSupported">The responder has said USE_PPK.</param>
    /// <param name="isKnown">We have it.</param>
    public static PpkUse Choose(Connection connection, bool isSupported, bool isKnown) => connection switch
    {
        { PpkId: null } => connection.PpkRequired ? PpkUse.NotNamed : PpkUse.Without,
        _ when !isSupported => connection.PpkRequired ? PpkUse.NotSupported : PpkUse.Without,
        _ when !isKnown => connection.PpkRequired ? PpkUse.NotKnown : PpkUse.Without,
        _ => PpkUse.With,
    };

    /// <summary>A responder's.</summary>
    /// <param name="connection">Says which PPK_IDs are welcome (<c>ppk_id</c>, with wildcards; none is all), and whether there has to be one.</param>
    /// <param name="isSupported">Both ends have said USE_PPK.</param>
    /// <param name="named">The PPK_ID that came; null when none did.</param>
    /// <param name="isKnown">We have that one.</param>
    /// <param name="canFallBack">The initiator has sent NO_PPK_AUTH.</param>
    public static PpkUse Judge(Connection connection, bool isSupported, Identity? named, bool isKnown, bool canFallBack) => connection switch
    {
        _ when !isSupported => connection.PpkRequired ? PpkUse.NotSupported : PpkUse.Without,
        _ when named is null => connection.PpkRequired ? PpkUse.NotNamed : PpkUse.Without,
        { PpkId: { } wanted } when wanted.Fits(named) == 0 => PpkUse.OtherName,
        _ when isKnown => PpkUse.With,
        _ => connection.PpkRequired || !canFallBack ? PpkUse.NotKnown : PpkUse.Fallback,
    };

    /// <summary>The first of the keys of this name, as a copy that is the caller's; null when there is none.</summary>
    public static Secret? Find(INode node, Identity id) => node.SecretsOf(SharedKeyKind.Ppk, id) is [var first, ..] ? first.Secret.Copy() : null;

    public static Payload.Notify Name(Identity id) => new(NotifyType.PpkIdentity, (byte[])[FixedId, .. id.Data.Span]);

    /// <summary>The PPK_ID in a message; null when there is none that we could have.</summary>
    public static Identity? Named(IkeMessage message) =>
        message.Find(NotifyType.PpkIdentity) is { Data: { Length: > 1 } data } && data.Span[0] == FixedId ? EapIdentity.Read(data.Span[1..]) : null;

    /// <summary>Why there is no IKE SA; null when nothing is in the way.</summary>
    public static Failure? WhyNot(PpkUse use, Connection connection, Identity? named) => use switch
    {
        PpkUse.Without or PpkUse.With or PpkUse.Fallback => null,
        PpkUse.NotSupported => Refused("the peer does not use PPKs: it has none, or does not know RFC 8784; load one there or set 'ppk_required = no'", connection),
        PpkUse.NotNamed => Refused("the initiator names none: set 'ppk_id' there, or 'ppk_required = no' here", connection),
        PpkUse.OtherName => new(FailureCode.AuthenticationFailed, $"received PPK_ID '{named}', but connection '{connection.Name}' requires '{connection.PpkId}'"),
        PpkUse.NotKnown => new(FailureCode.AuthenticationFailed,
            $"no PPK found for '{named}', and connection '{connection.Name}' or the peer does not go without: add a section ppk-... with this id to 'secrets'"),
    };

    static Failure Refused(string why, Connection connection) =>
        new(FailureCode.AuthenticationFailed, $"connection '{connection.Name}' requires a PPK, but {why}");
}
