namespace Kuguru.Wire.V2;

public abstract partial record Payload
{
    /// <summary>
    /// A protected payload, always the last of its message. The body is IV, ciphertext and ICV, whose lengths only the suite knows.
    /// The associated data of AEAD suites is all octets of the message before the body; with other suites the ICV covers the message up to itself.
    /// </summary>
    /// <param name="FirstInner">The type of the first payload inside; in fragments after the first it is None.</param>
    /// <param name="Body">IV | ciphertext | ICV.</param>
    public abstract record Encrypted(PayloadType FirstInner, Blob Body) : Payload
    {
        /// <summary>How many octets stand before the body in the message that this came in.</summary>
        public int BodyAt(int messageLength) => messageLength - Body.Length;
    }

    /// <summary>Encrypted (RFC 7296 section 3.14).</summary>
    public sealed record SK(PayloadType FirstInner, Blob Body) : Encrypted(FirstInner, Body)
    {
        public override PayloadType Type => PayloadType.SK;
        internal static SK ReadBody(PayloadType firstInner, ref WireReader r) => new(firstInner, r.Rest());
        protected override void WriteBody(WireWriter w) => w.Bytes(Body);
    }

    /// <summary>Encrypted Fragment (RFC 7383 section 2.5): piece <c>Number</c>, from 1, of <c>Total</c>.</summary>
    public sealed record SKF(PayloadType FirstInner, ushort Number, ushort Total, Blob Body) : Encrypted(FirstInner, Body)
    {
        public override PayloadType Type => PayloadType.SKF;

        internal static SKF ReadBody(PayloadType firstInner, ref WireReader r)
        {
            ushort number = r.U16(), total = r.U16();
            if (number == 0 || number > total)
                r.Fail(ParseErrorKind.BadValue);
            return new(firstInner, number, total, r.Rest());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U16(Number);
            w.U16(Total);
            w.Bytes(Body);
        }
    }
}

/// <summary>
/// A protected message with all its lengths right and an empty body, for the session to seal in place: the IV, the ciphertext and the ICV
/// go into <see cref="Body"/>, <see cref="Associated"/> is what goes before them.
/// </summary>
public readonly struct EncryptedFrame
{
    readonly byte[] _bytes;
    readonly int _bodyAt;

    EncryptedFrame(IkeMessage outer, Payload.Encrypted encrypted)
    {
        var w = new WireWriter(IkeHeader.Size + 8 + encrypted.Body.Length);
        outer.WriteTo(w, [.. outer.Payloads, encrypted]);
        _bytes = w.ToArray();
        _bodyAt = encrypted.BodyAt(_bytes.Length);
    }

    /// <summary>The whole message, to be sent when the body is sealed.</summary>
    public Blob Bytes => _bytes;

    /// <summary>The octets from the header to the end of the SK or SKF payload's own header: the AAD of AEAD suites.</summary>
    public ReadOnlySpan<byte> Associated => _bytes.AsSpan(0, _bodyAt);

    public Span<byte> Body => _bytes.AsSpan(_bodyAt);

    /// <summary>All octets, for a suite whose ICV covers the message: everything but the last octets of the body.</summary>
    public Span<byte> Message => _bytes;

    /// <param name="outer">Header and the payloads in clear before SK, usually none.</param>
    /// <param name="firstInner">From <see cref="Payload.WriteChain(Sequence{Payload}, out PayloadType)"/>.</param>
    /// <param name="bodyLength">Octets of IV, ciphertext with padding, and ICV.</param>
    public static EncryptedFrame ForMessage(IkeMessage outer, PayloadType firstInner, int bodyLength) =>
        new(outer, new Payload.SK(firstInner, new byte[bodyLength]));

    /// <summary>The same for one fragment; only number 1 carries the type of the first inner payload (RFC 7383 section 2.5.1).</summary>
    public static EncryptedFrame ForFragment(IkeMessage outer, PayloadType firstInner, ushort number, ushort total, int bodyLength) =>
        new(outer, new Payload.SKF(number == 1 ? firstInner : PayloadType.None, number, total, new byte[bodyLength]));
}
