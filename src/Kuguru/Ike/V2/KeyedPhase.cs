using System.Collections.Immutable;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>A phase with keys: what comes in is opened first, what goes out is sealed.</summary>
abstract class KeyedPhase(Keying keying) : Phase
{
    public Keying Keying { get; } = keying;

    /// <summary>The IKE SA is gone: what this phase holds of secrets is wiped.</summary>
    public virtual void Wipe() => Keying.Dispose();

    /// <summary>Takes an authentic request; gives the payloads to answer it with, and the phase that follows.</summary>
    public abstract (Sequence<Payload> Answer, Phase Next) Answer(Turn t, IkeMessage request);

    /// <summary>Takes the authentic answer to the question, which is no longer out.</summary>
    protected abstract void Conclude(Turn t, IkeMessage response);

    /// <summary>
    /// An authentic message that cannot be read ends the IKE SA at both ends (RFC 7296 section 2.21.3): what is left to do, and the phase after.
    /// </summary>
    protected abstract Phase OnInvalidSyntax(Turn t, string why);

    /// <summary>What follows a request with a payload that we would have had to understand: nothing, but for IKE_AUTH.</summary>
    protected virtual Phase OnUnsupportedCritical(Turn t, PayloadType type) => this;

    protected virtual bool TakesRequests => true;

    public sealed override void OnRequest(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes)
    {
        if (!TakesRequests)
        {
            t.Node.Count(IkeDrop.Unexpected);
            return;
        }
        if (!TryOpen(t, request, bytes, out var opened))
            return;
        var error = Read(t, request, opened, out var inner);
        t.Sa.PeerSpoke(t, inner);
        var (answer, next) = error is not null ? ([new Payload.Notify(NotifyType.InvalidSyntax)], OnInvalidSyntax(t, error))
            : inner.UnsupportedCritical is { } type ? (Refuse(type), OnUnsupportedCritical(t, type))
            : Answer(t, inner);
        Finish(t, request, inner, opened.Bytes, answer, next);
    }

    /// <summary>Answers; or waits, and takes the request again as if it came only then.</summary>
    void Finish(Turn t, IkeMessage request, IkeMessage inner, Blob bytes, Sequence<Payload> answer, Phase next)
    {
        if (next is Deliberation deliberation)
        {
            deliberation.Begin(t, turn =>
            {
                var (later, nextThen) = Answer(turn, inner);
                Finish(turn, request, inner, bytes, later, nextThen);
            });
            return;
        }
        t.Sa.Reply(t, request, bytes, outer => Seal(t, outer, answer));
        t.Sa.Enter(next);
    }

    /// <summary>Between a denial in clear and the next time that the question goes out.</summary>
    static readonly TimeSpan AskAgainAfterDenial = TimeSpan.FromSeconds(1);

    public sealed override void OnResponse(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes)
    {
        // A peer that has asked for this IKE SA may be without our answer, and asks again: it is given the time for that.
        if (response.Encrypted is null && response.Has(NotifyType.InvalidIkeSpi) && t.Sa.Window.Asked is { } asked)
            t.Sa.Window.Denied(t.Sa.IsKnownToPeer || asked.Denials > 1 ? t.Now + AskAgainAfterDenial : asked.Next);
        if (!TryOpen(t, response, bytes, out var opened))
            return;
        t.Sa.Window.Conclude();
        var error = Read(t, response, opened, out var inner);
        t.Sa.PeerSpoke(t, inner);
        if (error is null && inner.UnsupportedCritical is { } type)
            error = $"{t.Sa.Path.Remote} answers with a critical payload {(byte)type} that is unknown here";
        if (error is not null)
            t.Sa.Enter(OnInvalidSyntax(t, error));
        else
            Conclude(t, inner);
    }

    /// <summary>A question that has been answered, of which the peer may say something more.</summary>
    protected virtual MessageId? SaysMoreOf => null;

    /// <summary>Takes it, if it is that; what says nothing of it counts as not asked.</summary>
    protected virtual bool Hears(Turn t, IkeMessage response) => false;

    public sealed override void OnUnasked(Turn t, IkeMessage response, ReadOnlySpan<byte> bytes)
    {
        if (response.Id != SaysMoreOf || response.Encrypted is not Payload.SK || !TryOpen(t, response, bytes, out var opened)
            || Read(t, response, opened, out var inner) is not null || !Hears(t, inner))
            t.Node.Count(IkeDrop.NotAsked);
    }

    /// <summary>More pieces than before are smaller ones (RFC 7383 section 2.6.1); anything else under an old message ID is none.</summary>
    public sealed override void OnRefragmented(Turn t, IkeMessage request, ReadOnlySpan<byte> bytes)
    {
        if (request.Encrypted is not Payload.SKF piece || !IkeMessage.TryParse(t.Sa.Window.Answered!.Request.Span, out var before, out _)
            || before.Encrypted is not { } whole || piece.Total <= (whole is Payload.SKF { Total: var total } ? total : 1))
            t.Node.Count(IkeDrop.OutOfWindow);
        else if (!Keying.TryOpen(bytes, piece, out _))
            t.Node.Count(IkeDrop.NotAuthentic);
        else
            t.Sa.AnswerRefragmented(t, bytes);
    }

    /// <summary>Sends a question with these payloads inside SK.</summary>
    public void Ask(Turn t, ExchangeType exchange, Sequence<Payload> payloads, Path? first = null) =>
        t.Sa.Ask(t, exchange, outer => Seal(t, outer, payloads), first);

    /// <summary>Says these payloads to a question that was answered before, inside SK.</summary>
    protected void SayMore(Turn t, ExchangeType exchange, MessageId id, Path path, Sequence<Payload> payloads) =>
        t.Sa.SayMore(t, exchange, id, path, outer => Keying.Seal(outer, payloads, t.Node.Dice));

    /// <summary>The datagrams of one message: one, or fragments when both sides can and it is too long (RFC 7383).</summary>
    ImmutableArray<Blob> Seal(Turn t, IkeMessage outer, Sequence<Payload> inner) => t.Sa.Fragments is { } size
        ? Fragments.Seal(Keying, outer, inner, size, t.Sa.Path, t.Settings.NatPort, t.Node.Dice)
        : [Keying.Seal(outer, inner, t.Node.Dice)];

    bool TryOpen(Turn t, IkeMessage message, ReadOnlySpan<byte> bytes, out Opened opened)
    {
        opened = default;
        if (message.Encrypted is not { } encrypted)
        {
            t.Node.Count(IkeDrop.NotProtected);
            return false;
        }
        if (!Keying.TryOpen(bytes, encrypted, out var plaintext))
        {
            t.Node.Count(IkeDrop.NotAuthentic);
            return false;
        }
        opened = new(encrypted.FirstInner, plaintext, Blob.Copy(bytes));
        return encrypted is not Payload.SKF fragment || t.Sa.Reassembly.TryAdd(t, message, fragment, ref opened);
    }

    /// <summary>The message with its inner payloads only, or what is wrong with them.</summary>
    static string? Read(Turn t, IkeMessage message, Opened opened, out IkeMessage inner)
    {
        inner = message;
        if (!Payload.TryReadChain(opened.FirstInner, opened.Plaintext, out var payloads, out var error))
            return $"{Notation.Name(message.Exchange)} message {message.Id} from {t.Sa.Path.Remote} is authentic but malformed: {error}";
        inner = message with { Payloads = payloads };
        return null;
    }

    static Sequence<Payload> Refuse(PayloadType type) => [new Payload.Notify(NotifyType.UnsupportedCriticalPayload, new[] { (byte)type })];
}

/// <summary>The inside of a protected message, and the octets by which a repetition of it is recognised.</summary>
readonly record struct Opened(PayloadType FirstInner, byte[] Plaintext, Blob Bytes);
