using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Wire.V1;

// A message in and out:
//
//   datagram -> IkeHeader.TryRead (whose SA?) -> IsakmpMessage.TryParse -> { Encrypted } -> the session decrypts it with the IV of its
//   exchange -> Payload.TryReadChain -> message with { Payloads = inner }
//
//   payloads -> Payload.WriteChain -> the session encrypts -> message with { Payloads = [Encrypted] } -> Write -> datagram

/// <summary>
/// One ISAKMP message (RFC 2408 section 3). Parsing never throws and never reads beyond the message; reserved fields and the minor version
/// are ignored. What is hashed, signed or resent is the bytes that crossed the wire, never a message written anew.
/// </summary>
public sealed record IsakmpMessage(
    IkeSpi InitiatorCookie, IkeSpi ResponderCookie, ExchangeKind Exchange, IsakmpFlags Flags, MessageId Id, Sequence<Payload> Payloads)
{
    public const int MajorVersion = 1;

    /// <summary>The longest message that is read or written, in octets.</summary>
    public const int MaxLength = 65535;

    public bool IsEncrypted => Flags.HasFlag(IsakmpFlags.Encryption);

    /// <summary>What is inside a message that is not decrypted yet.</summary>
    public Payload.Encrypted? Encrypted => Payloads is [Payload.Encrypted encrypted] ? encrypted : null;

    /// <summary>The first payload of a kind.</summary>
    public T? Find<T>() where T : Payload
    {
        foreach (var payload in Payloads)
            if (payload is T found)
                return found;
        return null;
    }

    /// <summary>The first notification of a kind.</summary>
    public Payload.Notification? Find(NotifyKind kind)
    {
        foreach (var payload in Payloads)
            if (payload is Payload.Notification notification && notification.Kind == kind)
                return notification;
        return null;
    }

    public bool Has(NotifyKind kind) => Find(kind) is not null;

    /// <summary>All payloads of a kind, in the order of the message.</summary>
    public IEnumerable<T> All<T>() where T : Payload => Payloads.OfType<T>();

    /// <summary>Reads a whole ISAKMP message, without the non-ESP marker. Everything is copied out of the given bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out IsakmpMessage? message, out ParseError error)
    {
        message = null;
        var r = new WireReader(bytes);
        var header = IkeHeader.Read(ref r);
        if (r.Failed)
            return Refuse(ParseErrorKind.Truncated, bytes.Length, out error);
        if (header.MajorVersion != MajorVersion)
            return Refuse(ParseErrorKind.MajorVersion, IkeHeader.VersionAt, out error);
        if (header.Length != (uint)bytes.Length || bytes.Length > MaxLength)
            return Refuse(ParseErrorKind.LengthMismatch, IkeHeader.LengthAt, out error);
        var (first, flags) = ((PayloadKind)header.FirstPayload, (IsakmpFlags)header.Flags & KnownFlags);
        Sequence<Payload> payloads;
        // A piece of an encrypted message may have its bit, but is in clear itself.
        if (flags.HasFlag(IsakmpFlags.Encryption) && first != PayloadKind.Fragment)
        {
            payloads = [new Payload.Encrypted(first, r.Rest())];
            error = default;
        }
        else if (!Payload.TryReadChain(first, ref r, out payloads, out _, out error))
            return false;
        message = new(header.InitiatorSpi, header.ResponderSpi, (ExchangeKind)header.Exchange, flags, header.MessageId, payloads);
        return true;
    }

    public byte[] Write()
    {
        var w = new WireWriter();
        var first = Payloads.IsEmpty ? PayloadKind.None : Payloads[0].Type;
        new IkeHeader(InitiatorCookie, ResponderCookie, (PayloadType)first, MajorVersion, 0, (ExchangeType)Exchange, (IkeFlags)Flags, Id, 0).Write(w);
        if (Encrypted is { } encrypted)
            w.Bytes(encrypted.Ciphertext);
        else
            Payload.WriteChain(Payloads, w);
        if (w.Length > MaxLength)
            throw new InvalidOperationException($"a message of {w.Length} octets is longer than {MaxLength}");
        w.PatchLength32(IkeHeader.LengthAt, 0);
        return w.ToArray();
    }

    /// <summary>In the RFCs' notation, for logs and transcripts: <c>ID_PROT { SA, V, V }</c>, <c>QUICK_MODE 1a2b3c4d { HASH, SA, No }</c>.</summary>
    public override string ToString() => Notation.Of(this);

    const IsakmpFlags KnownFlags = IsakmpFlags.Encryption | IsakmpFlags.Commit | IsakmpFlags.AuthenticationOnly;

    static bool Refuse(ParseErrorKind kind, int at, out ParseError error)
    {
        error = new(kind, at, PayloadType.None);
        return false;
    }
}
