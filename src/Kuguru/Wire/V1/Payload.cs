namespace Kuguru.Wire.V1;

//                      1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// | Next Payload  |   RESERVED    |         Payload Length        |  RFC 2408 section 3.2
// |                            the body                           |

/// <summary>
/// One payload of an ISAKMP message. Its kinds are nested here under the names of the RFC's notation. Each has its ReadBody and WriteBody
/// side by side, without the generic header, which is written and read here.
/// </summary>
public abstract partial record Payload
{
    /// <summary>A message with more payloads than this is refused.</summary>
    public const int MaxCount = 128;

    public const int GenericHeaderSize = 4;

    public abstract PayloadKind Type { get; }

    protected abstract void WriteBody(WireWriter w);

    /// <summary>What stands behind the generic header.</summary>
    public byte[] Body()
    {
        var w = new WireWriter();
        WriteBody(w);
        return w.ToArray();
    }

    /// <summary>
    /// Reads payloads one behind the other, from clear or decrypted octets, which are copied. What follows the last one is padding: there
    /// is no field that counts it (RFC 2409 appendix B).
    /// </summary>
    /// <param name="first">The type of the first one, from the header.</param>
    /// <param name="bytes">The payloads with any padding.</param>
    /// <param name="payloads">In order.</param>
    /// <param name="used">Octets without the padding.</param>
    /// <param name="error">What is wrong, if something is.</param>
    public static bool TryReadChain(PayloadKind first, ReadOnlySpan<byte> bytes, out Sequence<Payload> payloads, out int used, out ParseError error)
    {
        var r = new WireReader(bytes);
        return TryReadChain(first, ref r, out payloads, out used, out error);
    }

    internal static bool TryReadChain(
        PayloadKind first, ref WireReader r, out Sequence<Payload> payloads, out int used, out ParseError error)
    {
        payloads = default;
        used = 0;
        var begin = r.Position;
        var found = new List<Payload>();
        var type = first;
        var current = PayloadKind.None;
        while (type != PayloadKind.None && !r.Failed)
        {
            current = type;
            if (found.Count == MaxCount)
                r.Fail(ParseErrorKind.TooMany);
            else
                found.Add(ReadOne(ref type, ref r));
        }
        error = new(r.Error, r.ErrorAt, (PayloadType)current);
        if (r.Failed)
            return false;
        used = r.Position - begin;
        payloads = found.ToSequence();
        return true;
    }

    static Payload ReadOne(ref PayloadKind type, ref WireReader r)
    {
        var next = (PayloadKind)r.U8();
        r.Skip(1);
        var length = r.U16();
        if (length < GenericHeaderSize)
            r.Fail(ParseErrorKind.BadLength);
        var body = r.Take(length - GenericHeaderSize);
        var payload = ReadBody(type, ref body);
        r.Adopt(body);
        type = next;
        return payload;
    }

    static Payload ReadBody(PayloadKind type, ref WireReader r) => type switch
    {
        PayloadKind.SA => SA.ReadBody(ref r),
        PayloadKind.KE => new KE(r.Rest()),
        PayloadKind.ID => ID.ReadBody(ref r),
        PayloadKind.Cert => Cert.ReadBody(ref r),
        PayloadKind.CertReq => CertReq.ReadBody(ref r),
        PayloadKind.Hash => new Hash(r.Rest()),
        PayloadKind.Signature => new Signature(r.Rest()),
        PayloadKind.Nonce => new Nonce(r.Rest()),
        PayloadKind.Notification => Notification.ReadBody(ref r),
        PayloadKind.Delete => Delete.ReadBody(ref r),
        PayloadKind.VendorId => new VendorId(r.Rest()),
        PayloadKind.Attributes => Attributes.ReadBody(ref r),
        PayloadKind.NatD or PayloadKind.NatDDraft => new NatD(r.Rest(), type == PayloadKind.NatDDraft),
        PayloadKind.NatOa or PayloadKind.NatOaDraft => NatOa.ReadBody(type == PayloadKind.NatOaDraft, ref r),
        PayloadKind.Fragment => Fragment.ReadBody(ref r),
        // Proposal and Transform, which live inside SA only, and every number that we do not speak: it is a stranger's.
        _ => new Unknown(type, r.Rest()),
    };

    /// <summary>Writes payloads as they stand behind a header or inside an encrypted message.</summary>
    public static void WriteChain(Sequence<Payload> payloads, WireWriter w)
    {
        for (var i = 0; i < payloads.Count; i++)
            payloads[i].WriteOne(i == payloads.Count - 1 ? PayloadKind.None : payloads[i + 1].Type, w);
    }

    /// <inheritdoc cref="WriteChain(Sequence{Payload}, WireWriter)"/>
    public static byte[] WriteChain(Sequence<Payload> payloads)
    {
        var w = new WireWriter();
        WriteChain(payloads, w);
        return w.ToArray();
    }

    void WriteOne(PayloadKind next, WireWriter w)
    {
        var start = w.Length;
        w.U8((byte)next);
        w.U8(0);
        w.U16(0);
        WriteBody(w);
        w.PatchLength16(start + 2, from: start);
    }

    /// <summary>All that follows the header of a message with the encryption bit: whole blocks, whose inside only the keys show.</summary>
    /// <param name="FirstInner">The type of the first payload inside.</param>
    /// <param name="Ciphertext">Up to the end of the message.</param>
    public sealed record Encrypted(PayloadKind FirstInner, Blob Ciphertext) : Payload
    {
        public override PayloadKind Type => FirstInner;
        protected override void WriteBody(WireWriter w) => w.Bytes(Ciphertext);
    }

    /// <summary>A payload that this parser does not know, kept as it came.</summary>
    public sealed record Unknown(PayloadKind Kind, Blob Data) : Payload
    {
        public override PayloadKind Type => Kind;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }
}
