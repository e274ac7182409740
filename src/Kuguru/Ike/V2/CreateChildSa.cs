using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SK {SA, Ni, [KEi,] TSi, TSr}               -->      RFC 7296 section 1.3.1: one more child      (CreateChildSa.Child.cs)
// HDR, SK {N(REKEY_SA), SA, Ni, [KEi,] TSi, TSr}  -->      section 1.3.3: new keys for a child
// HDR, SK {SA, Ni, KEi}                           -->      section 1.3.2: new keys for the IKE SA      (CreateChildSa.Ike.cs)
//                       <--  HDR, SK {SA, Nr, [KEr,] [TSi, TSr]}
//
// or <-- HDR, SK {N(INVALID_KE_PAYLOAD)}: the same again with the wanted group; HDR, SK {N(TEMPORARY_FAILURE)}: again in a while (section 2.25)
static partial class CreateChildSa
{
    /// <summary>The longest pause is the shortest doubled so often: about ten minutes.</summary>
    const int MaxDoublings = 6;

    static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(5);

    /// <summary>After TEMPORARY_FAILURE: not both ends at the same time again.</summary>
    public static Instant Later(Turn t) => t.Now + Pause(t, 0);

    /// <summary>Before a peer that has refused so often in a row is asked again.</summary>
    public static TimeSpan Pause(Turn t, int refusals) => ShortestPause * (1 << Math.Min(refusals, MaxDoublings)) * (1 + t.Node.Dice.Fraction());

    public static (Sequence<Payload> Answer, Phase Next) Answer(Turn t, Established e, IkeMessage request)
    {
        if (request.Find<Payload.SA>() is not { Proposals.IsEmpty: false } offer || request.Find<Payload.Nonce>() is not { } nonce)
            return (Refuse(NotifyType.InvalidSyntax), e);
        return offer.Proposals[0].Protocol == ProtocolId.Ike
            ? AnswerRekeyIke(t, e, request, offer, nonce.Data) : (AnswerChild(t, e, request, nonce.Data), e);
    }

    /// <summary>The responder's half of a key exchange: nothing to do, its public value and the secret, or a refusal.</summary>
    readonly record struct KeyAnswer(Payload.KE? KE, Secret? Shared, Sequence<Payload> Refusal)
    {
        public bool Refuses => !Refusal.IsEmpty;
    }

    static KeyAnswer AnswerKeyExchange(Turn t, KeyExchangeMethod group, IkeMessage request)
    {
        if (group == KeyExchangeMethod.None)
            return default;
        if (request.Find<Payload.KE>() is not { } ke || ke.Group != (ushort)group)
            return new(null, null, [new Payload.Notify(NotifyType.InvalidKePayload, new[] { (byte)((ushort)group >> 8), (byte)group })]);
        return KeyExchange.TryAnswer(group, t.Node.Dice, ke.Data, out var publicValue, out var shared, out _)
            ? new(new Payload.KE((ushort)group, publicValue), shared, [])
            : new(null, null, Refuse(NotifyType.InvalidSyntax));
    }

    /// <summary>The asker's half: the secret, null where there is no key exchange; false when the answer's does not fit ours.</summary>
    public static bool TryConclude(KeyExchange? own, KeyExchangeMethod chosen, IkeMessage response, out Secret? shared)
    {
        shared = null;
        if (chosen == KeyExchangeMethod.None)
            return true;
        return own is not null && own.Method == chosen && response.Find<Payload.KE>() is { } ke && ke.Group == (ushort)chosen
            && own.TryDerive(ke.Data, out shared, out _);
    }

    public static Payload.Notify? Error(IkeMessage response) => response.All<Payload.Notify>().FirstOrDefault(notify => notify.IsError);

    /// <summary>The group of INVALID_KE_PAYLOAD, if it is one of ours that we have not just tried.</summary>
    public static KeyExchangeMethod? Wanted(Payload.Notify? error, IEnumerable<AlgorithmSet> proposals, KeyExchange? tried)
    {
        if (error is not { Kind: NotifyType.InvalidKePayload, Data.Length: 2 })
            return null;
        var group = (KeyExchangeMethod)(error.Data.Span[0] << 8 | error.Data.Span[1]);
        return group != tried?.Method && proposals.Any(set => set.KeyExchange.Contains(group)) ? group : null;
    }

    static Sequence<Payload> Refuse(NotifyType why) => [new Payload.Notify(why)];
}
