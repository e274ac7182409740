using Kuguru.Ike.V2;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Tests.Ike.V2;

/// <summary>A peer that has the keys and says something else than a Kuguru would.</summary>
static class Resealing
{
    /// <summary>The same message with another inside, sealed by its sender's key; null for what is not sealed, or when the keys are gone.</summary>
    public static Blob? Resealed(Host from, Host to, Blob bytes, Func<byte[], byte[]> change, Payload? first = null)
    {
        var marker = bytes.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? 4 : 0;
        if (!IkeMessage.TryParse(bytes.Span[marker..], out var message, out _) || message.Encrypted is not Payload.SK sk
            || Keys(from, message) is not { } theirs || Keys(to, message) is not { } ours || !ours.TryOpen(bytes.Span[marker..], sk, out var plain))
            return null;
        var type = first is null ? sk.FirstInner : first.Type;
        var inside = change(plain);
        if (first is not null)
            inside = [(byte)PayloadType.None, 0x80, 0, 4];
        var whole = theirs.SealFragment(message with { Payloads = [] }, type, 1, 1, inside, from.Dice);
        return (byte[])[.. new byte[marker], .. whole.ToArray()];
    }

    /// <summary>The same with other payloads; what is not sealed stays as it is.</summary>
    public static Blob WithPayloads(Host from, Host to, Blob bytes, Func<Sequence<Payload>, Sequence<Payload>> change)
    {
        var marker = bytes.Span.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 0]) ? 4 : 0;
        return IkeMessage.TryParse(bytes.Span[marker..], out var message, out _) && message.Encrypted is Payload.SK sk
            ? Resealed(from, to, bytes, plain => Payload.TryReadChain(sk.FirstInner, plain, out var payloads, out _) ? Written(change(payloads), sk.FirstInner) : plain) ?? bytes : bytes;
    }

    /// <summary>An answer to a sealed request, made with the responder's keys by somebody who has a mind of his own.</summary>
    public static Blob Answer(Host responder, Host initiator, Blob request, Func<Sequence<Payload>, Payload> answer)
    {
        if (!IkeMessage.TryParse(request, out var message, out _) || message.Encrypted is not Payload.SK sk || Keys(responder, message) is not { } ours
            || !ours.TryOpen(request, sk, out var plain) || !Payload.TryReadChain(sk.FirstInner, plain, out var payloads, out _))
            throw new InvalidOperationException("no sealed request");
        var said = answer(payloads);
        return ours.SealFragment(message with { Payloads = [], Flags = IkeFlags.Response }, said.Type, 1, 1, Written([said], said.Type), initiator.Dice);
    }

    static byte[] Written(Sequence<Payload> payloads, PayloadType first)
    {
        var written = Payload.WriteChain(payloads, out var type);
        return type == first ? written.ToArray() : throw new InvalidOperationException($"{type} where {first} was first");
    }

    static Keying? Keys(Host host, IkeMessage message) => host.Sessions.OfType<IkeV2Session>()
        .Where(session => session.LocalSpi == message.InitiatorSpi || session.LocalSpi == message.ResponderSpi)
        .Select(session => (session.Phase as KeyedPhase)?.Keying).FirstOrDefault();
}
