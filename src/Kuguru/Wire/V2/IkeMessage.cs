using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Wire.V2;

// A message in and out:
//
//   datagram -> Nat/Demux -> IkeHeader.TryRead (whose SA?) -> IkeMessage.TryParse -> { SK } -> the session opens SK.Body with the octets
//   before it as associated data -> Payload.TryReadChain -> message with { Payloads = inner }
//
//   inner payloads -> Payload.WriteChain -> EncryptedFrame.ForMessage, or one ForFragment per piece -> the session seals into frame.Body
//   -> frame.Bytes -> datagram

/// <summary>
/// One IKEv2 message (RFC 7296 section 3). Parsing never throws and never reads beyond the message; reserved bits and the minor version
/// are ignored. What is signed or resent is the bytes that crossed the wire, never a message written anew.
/// </summary>
public sealed record IkeMessage(
    IkeSpi InitiatorSpi, IkeSpi ResponderSpi, ExchangeType Exchange, IkeFlags Flags, MessageId Id, Sequence<Payload> Payloads)
{
    public const int MajorVersion = 2;

    /// <summary>The longest message that is read or written, in octets.</summary>
    public const int MaxLength = 65535;

    public bool IsResponse => Flags.HasFlag(IkeFlags.Response);
    public bool IsRequest => !IsResponse;
    public bool IsFromInitiator => Flags.HasFlag(IkeFlags.Initiator);

    /// <summary>
    /// The first payload that is not understood and marked critical, if any: the request that holds it is answered by
    /// UNSUPPORTED_CRITICAL_PAYLOAD (RFC 7296 section 2.5).
    /// </summary>
    public PayloadType? UnsupportedCritical => Payload.UnsupportedCritical(Payloads);

    /// <summary>The SK or SKF payload, if the message is protected.</summary>
    public Payload.Encrypted? Encrypted => Find<Payload.Encrypted>();

    /// <summary>The first payload of a kind.</summary>
    public T? Find<T>() where T : Payload
    {
        foreach (var payload in Payloads)
            if (payload is T found)
                return found;
        return null;
    }

    /// <summary>The first notify of a kind.</summary>
    public Payload.Notify? Find(NotifyType kind)
    {
        foreach (var payload in Payloads)
            if (payload is Payload.Notify notify && notify.Kind == kind)
                return notify;
        return null;
    }

    public bool Has(NotifyType kind) => Find(kind) is not null;

    /// <summary>All payloads of a kind, in the order of the message.</summary>
    public IEnumerable<T> All<T>() where T : Payload => Payloads.OfType<T>();

    /// <summary>All notifies of a kind, in the order of the message.</summary>
    public IEnumerable<Payload.Notify> All(NotifyType kind) => All<Payload.Notify>().Where(notify => notify.Kind == kind);

    /// <summary>Reads a whole IKEv2 message, without the non-ESP marker. Everything is copied out of the given bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out IkeMessage? message, out ParseError error)
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
        if (!Payload.TryReadChain(header.FirstPayload, ref r, mayBeEncrypted: true, out var payloads, out error))
            return false;
        message = new(header.InitiatorSpi, header.ResponderSpi, header.Exchange, header.Flags & KnownFlags, header.MessageId, payloads);
        return true;
    }

    public byte[] Write()
    {
        var w = new WireWriter();
        WriteTo(w, Payloads);
        return w.ToArray();
    }

    /// <summary>Writes this message's header and these payloads behind it.</summary>
    internal void WriteTo(WireWriter w, Sequence<Payload> payloads)
    {
        var first = payloads.IsEmpty ? PayloadType.None : payloads[0].Type;
        new IkeHeader(InitiatorSpi, ResponderSpi, first, MajorVersion, 0, Exchange, Flags, Id, 0).Write(w);
        Payload.WriteChain(payloads, w);
        if (w.Length > MaxLength)
            throw new InvalidOperationException($"a message of {w.Length} octets is longer than {MaxLength}");
        w.PatchLength32(IkeHeader.LengthAt, 0);
    }

    /// <summary>In the RFC's notation, for logs and transcripts: <c>IKE_SA_INIT request 0 { SA, KEi, Ni, N(COOKIE) }</c>.</summary>
    public override string ToString() => Notation.Of(this);

    const IkeFlags KnownFlags = IkeFlags.Initiator | IkeFlags.HigherVersion | IkeFlags.Response;

    static bool Refuse(ParseErrorKind kind, int at, out ParseError error)
    {
        error = new(kind, at, PayloadType.None);
        return false;
    }
}
