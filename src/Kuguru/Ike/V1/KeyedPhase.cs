using System.Collections.Immutable;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>A message of phase 2 after decryption; it is authentic as soon as its hash has been compared.</summary>
/// <param name="Id">Of the exchange.</param>
/// <param name="Payloads">Those behind HASH.</param>
/// <param name="Hash">What HASH says.</param>
/// <param name="Rest">The octets that HASH(1) and HASH(2) cover: all payloads behind it, without padding.</param>
/// <param name="NextIv">What the next message under this ID begins with.</param>
sealed record Opened(MessageId Id, Sequence<Payload> Payloads, Blob Hash, Blob Rest, Blob NextIv)
{
    public T? Find<T>() where T : Payload => Payloads.Span.ToArray().OfType<T>().FirstOrDefault();
    public IEnumerable<T> All<T>() where T : Payload => Payloads.OfType<T>();

    public static Opened? Read(Keying keying, Blob iv, IsakmpMessage message)
    {
        if (message.Encrypted is not { } encrypted || keying.Open(iv, encrypted) is not { } plaintext
            || !Payload.TryReadChain(encrypted.FirstInner, plaintext, out var payloads, out var used, out _) || payloads is not [Payload.Hash hash, ..])
            return null;
        var rest = Blob.Copy(plaintext.AsSpan(Payload.GenericHeaderSize + hash.Data.Length, used - Payload.GenericHeaderSize - hash.Data.Length));
        return new(message.Id, Sequence.Of(payloads.Span[1..]), hash.Data, rest, keying.NextIv(encrypted));
    }
}

/// <summary>A phase with keys: what comes in is decrypted and its HASH compared, before anything looks at it; what goes out is made likewise.</summary>
abstract class KeyedPhase(Keying keying) : Phase
{
    /// <summary>Exchanges that may be open at once; the oldest is forgotten.</summary>
    const int MaxOpen = 64;

    readonly OrderedDictionary<MessageId, Blob> _ivs = [];

    public Keying Keying { get; } = keying;

    /// <summary>Takes an authentic Attributes payload; gives what was answered, or null when it is not its time: it may come again.</summary>
    protected abstract ImmutableArray<Blob>? OnTransaction(Turn t, MessageId id, Payload.Attributes attributes);

    /// <summary>Takes a message of quick mode, whose hash it has to compare itself; gives what was answered, or null when the message is not authentic.</summary>
    protected abstract ImmutableArray<Blob>? OnQuickMode(Turn t, Opened opened);

    /// <summary>Takes authentic notifications and deletes.</summary>
    protected abstract void OnInformational(Turn t, Opened opened);

    public sealed override void OnMessage(Turn t, IsakmpMessage message, ReadOnlySpan<byte> bytes)
    {
        if (message.Exchange is not (ExchangeKind.Informational or ExchangeKind.Transaction or ExchangeKind.QuickMode) || message.Id == MessageId.Zero)
            t.Node.Count(IkeDrop.Unexpected);
        else if (message.Encrypted is null)
            t.Node.Count(IkeDrop.NotProtected);
        else if (Opened.Read(Keying, IvOf(message.Id), message) is not { } opened
            || Dispatch(t, message.Exchange, opened) is not { } answer)
            t.Node.Count(IkeDrop.NotAuthentic);
        else
            t.Sa.Heard.Take(bytes, answer);
    }

    ImmutableArray<Blob>? Dispatch(Turn t, ExchangeKind exchange, Opened opened)
    {
        if (exchange == ExchangeKind.QuickMode)
            return OnQuickMode(t, opened);
        if (!Keying.IsSame(Keying.Hash1(opened.Id, opened.Rest), opened.Hash))
            return null;
        t.Sa.PeerSpoke(t);
        if (exchange == ExchangeKind.Informational)
        {
            OnInformational(t, opened);
            return [];
        }
        Continue(opened);
        return opened.Find<Payload.Attributes>() is { } attributes ? OnTransaction(t, opened.Id, attributes) : [];
    }

    /// <summary>The message is authentic, and the exchange goes on.</summary>
    protected void Continue(Opened opened) => SetIv(opened.Id, opened.NextIv);

    /// <summary>Nothing more comes under this ID.</summary>
    public void Close(Turn t, MessageId id)
    {
        _ivs.Remove(id);
        t.Sa.Unanswered.Conclude(id);
    }

    /// <summary>Sends a message of phase 2; <paramref name="hash"/> is computed over the payloads as they are written.</summary>
    public ImmutableArray<Blob> Send(Turn t, MessageId id, ExchangeKind exchange, Sequence<Payload> payloads, Func<byte[], byte[]> hash, bool awaits)
    {
        // An answer goes to where the question came from; what nobody asked for, to where the peer was last.
        var path = _ivs.ContainsKey(id) ? t.Arrived : t.Sa.Path;
        var proof = new Payload.Hash(hash(Payload.WriteChain(payloads)));
        var inner = Keying.Seal(IvOf(id), PayloadKind.Hash, Payload.WriteChain([proof, .. payloads]));
        SetIv(id, Keying.NextIv(inner));
        var message = t.Sa.Header(exchange, id) with { Flags = IsakmpFlags.Encryption, Payloads = [inner] };
        return t.Sa.Send(t, path, message, awaits);
    }

    /// <summary>Sends a message of a Transaction exchange.</summary>
    public ImmutableArray<Blob> Send(Turn t, MessageId id, Payload.Attributes attributes, bool awaits) =>
        Send(t, id, ExchangeKind.Transaction, [attributes], rest => Keying.Hash1(id, rest), awaits);

    /// <summary>What the next message under this ID begins with.</summary>
    internal Blob IvOf(MessageId id) => _ivs.TryGetValue(id, out var iv) ? iv : Keying.FirstIv(id);

    void SetIv(MessageId id, Blob iv)
    {
        if (!_ivs.ContainsKey(id) && _ivs.Count == MaxOpen)
            _ivs.RemoveAt(0);
        _ivs[id] = iv;
    }

    public override void Wipe() => Keying.Dispose();
}
