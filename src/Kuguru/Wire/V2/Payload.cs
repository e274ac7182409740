namespace Kuguru.Wire.V2;

//                      1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// | Next Payload  |C|  RESERVED   |         Payload Length        |  RFC 7296 section 3.2
// |                            the body                           |

/// <summary>
/// One payload of an IKEv2 message. Its kinds are nested here under the names of the RFC's notation; <c>using static Kuguru.Wire.V2.Payload</c>
/// makes them short. Each has its ReadBody and WriteBody side by side, without the generic header, which is written and read here.
/// </summary>
public abstract partial record Payload
{
    /// <summary>A message with more payloads than this is refused.</summary>
    public const int MaxCount = 128;

    const int GenericHeaderSize = 4;
    const byte CriticalBit = 0x80;

    public abstract PayloadType Type { get; }

    /// <summary>Written as 0 for every payload of the RFC (section 2.5); only unknown ones remember theirs.</summary>
    public virtual bool Critical => false;

    protected abstract void WriteBody(WireWriter w);

    /// <summary>
    /// Reads the payloads that were inside an SK payload, from the decrypted octets without padding, which are copied. The type of the
    /// first one comes from the SK payload (or from the first SKF), None if there are none.
    /// </summary>
    public static bool TryReadChain(PayloadType first, ReadOnlySpan<byte> bytes, out Sequence<Payload> payloads, out ParseError error)
    {
        var r = new WireReader(bytes);
        return TryReadChain(first, ref r, mayBeEncrypted: false, out payloads, out error);
    }

    internal static bool TryReadChain(
        PayloadType first, ref WireReader r, bool mayBeEncrypted, out Sequence<Payload> payloads, out ParseError error)
    {
        payloads = default;
        var found = new List<Payload>();
        var type = first;
        var current = PayloadType.None;
        while (type != PayloadType.None && !r.Failed)
        {
            current = type;
            if (found.Count == MaxCount)
                r.Fail(ParseErrorKind.TooMany);
            else if (type is PayloadType.SK or PayloadType.SKF && !mayBeEncrypted)
                r.Fail(ParseErrorKind.Nested);
            else
                found.Add(ReadOne(ref type, ref r));
        }
        if (!r.AtEnd)
            r.Fail(ParseErrorKind.Trailing);
        error = new(r.Error, r.ErrorAt, current);
        if (r.Failed)
            return false;
        payloads = found.ToSequence();
        return true;
    }

    /// <summary>Reads one payload and sets the type of the next. SK and SKF end the chain: their next payload is inside them.</summary>
    static Payload ReadOne(ref PayloadType type, ref WireReader r)
    {
        var next = (PayloadType)r.U8();
        var critical = (r.U8() & CriticalBit) != 0;
        var length = r.U16();
        if (length < GenericHeaderSize)
            r.Fail(ParseErrorKind.BadLength);
        var body = r.Take(length - GenericHeaderSize);
        var payload = ReadBody(type, critical, next, ref body);
        r.Adopt(body);
        type = payload is Encrypted ? PayloadType.None : next;
        return payload;
    }

    static Payload ReadBody(PayloadType type, bool critical, PayloadType next, ref WireReader r) => type switch
    {
        PayloadType.SA => SA.ReadBody(ref r),
        PayloadType.KE => KE.ReadBody(ref r),
        PayloadType.IDi => IDi.ReadBody(ref r),
        PayloadType.IDr => IDr.ReadBody(ref r),
        PayloadType.Cert => Cert.ReadBody(ref r),
        PayloadType.CertReq => CertReq.ReadBody(ref r),
        PayloadType.Auth => Auth.ReadBody(ref r),
        PayloadType.Nonce => Nonce.ReadBody(ref r),
        PayloadType.Notify => Notify.ReadBody(ref r),
        PayloadType.Delete => Delete.ReadBody(ref r),
        PayloadType.VendorId => VendorId.ReadBody(ref r),
        PayloadType.TSi => TSi.ReadBody(ref r),
        PayloadType.TSr => TSr.ReadBody(ref r),
        PayloadType.SK => SK.ReadBody(next, ref r),
        PayloadType.CP => CP.ReadBody(ref r),
        PayloadType.Eap => Eap.ReadBody(ref r),
        PayloadType.SKF => SKF.ReadBody(next, ref r),
        // Not only the named ones that we do not speak: the number is a stranger's.
        _ => new Unknown(type, critical, r.Rest()),
    };

    /// <summary>Writes payloads as they stand behind a header or inside an SK payload; gives the type of the first one.</summary>
    public static PayloadType WriteChain(Sequence<Payload> payloads, WireWriter w)
    {
        for (var i = 0; i < payloads.Count; i++)
        {
            var payload = payloads[i];
            var last = i == payloads.Count - 1;
            if (payload is Encrypted && !last)
                throw new InvalidOperationException($"{payload.Type} is the last payload of a message");
            var next = payload is Encrypted encrypted ? encrypted.FirstInner : last ? PayloadType.None : payloads[i + 1].Type;
            payload.WriteOne(next, w);
        }
        return payloads.IsEmpty ? PayloadType.None : payloads[0].Type;
    }

    /// <inheritdoc cref="WriteChain(Sequence{Payload}, WireWriter)"/>
    public static byte[] WriteChain(Sequence<Payload> payloads, out PayloadType first)
    {
        var w = new WireWriter();
        first = WriteChain(payloads, w);
        return w.ToArray();
    }

    void WriteOne(PayloadType next, WireWriter w)
    {
        var start = w.Length;
        w.U8((byte)next);
        w.U8(Critical ? CriticalBit : (byte)0);
        w.U16(0);
        WriteBody(w);
        w.PatchLength16(start + 2, from: start);
    }

    /// <inheritdoc cref="IkeMessage.UnsupportedCritical"/>
    public static PayloadType? UnsupportedCritical(Sequence<Payload> payloads)
    {
        foreach (var payload in payloads)
            if (payload is Unknown { Critical: true })
                return payload.Type;
        return null;
    }

    /// <summary>A payload that this parser does not know, kept as it came.</summary>
    public sealed record Unknown(PayloadType Kind, bool IsCritical, Blob Data) : Payload
    {
        public override PayloadType Type => Kind;
        public override bool Critical => IsCritical;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }
}
