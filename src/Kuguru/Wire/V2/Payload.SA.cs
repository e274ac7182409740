namespace Kuguru.Wire.V2;

public abstract partial record Payload
{
    /// <summary>Security Association (RFC 7296 section 3.3): the proposals in order of preference, or the one chosen.</summary>
    public sealed record SA(Sequence<Proposal> Proposals) : Payload
    {
        /// <summary>An SA payload with more proposals than this is refused.</summary>
        public const int MaxProposals = 100;

        public override PayloadType Type => PayloadType.SA;

        internal static SA ReadBody(ref WireReader r)
        {
            var proposals = new List<Proposal>();
            while (!r.AtEnd)
            {
                if (proposals.Count == MaxProposals)
                    r.Fail(ParseErrorKind.TooMany);
                proposals.Add(Proposal.Read(ref r));
            }
            return new(proposals.ToSequence());
        }

        protected override void WriteBody(WireWriter w)
        {
            for (var i = 0; i < Proposals.Count; i++)
                Proposals[i].Write(w, last: i == Proposals.Count - 1);
        }
    }
}

/// <summary>
/// One proposal (RFC 7296 section 3.3.1). The SPI is empty for a first IKE SA, 8 octets when an IKE SA is rekeyed, 4 for ESP and AH.
/// Transforms of the same type are alternatives.
/// </summary>
public sealed record Proposal(byte Number, ProtocolId Protocol, Blob Spi, Sequence<Transform> Transforms)
{
    const byte Last = 0, More = 2;

    // The marker of last and more is ISAKMP's heritage and says nothing that the lengths do not say.
    internal static Proposal Read(ref WireReader r)
    {
        r.U8();
        r.U8();
        var length = r.U16();
        if (length < 8)
            r.Fail(ParseErrorKind.BadLength);
        var body = r.Take(length - 4);
        var number = body.U8();
        var protocol = (ProtocolId)body.U8();
        int spiSize = body.U8(), count = body.U8();
        var spi = body.Blob(spiSize);
        var transforms = new List<Transform>(capacity: Math.Min(count, body.Left / 8));
        for (var i = 0; i < count && !body.Failed; i++)
            transforms.Add(Transform.Read(ref body));
        r.Adopt(body);
        return new(number, protocol, spi, transforms.ToSequence());
    }

    internal void Write(WireWriter w, bool last)
    {
        var start = w.Length;
        w.U8(last ? Last : More);
        w.U8(0);
        w.U16(0);
        w.U8(Number);
        w.U8((byte)Protocol);
        w.U8(checked((byte)Spi.Length));
        w.U8(checked((byte)Transforms.Count));
        w.Bytes(Spi);
        for (var i = 0; i < Transforms.Count; i++)
            Transforms[i].Write(w, last: i == Transforms.Count - 1);
        w.PatchLength16(start + 2, from: start);
    }
}

/// <summary>One transform (RFC 7296 section 3.3.2). What the number means depends on the type, and is the Crypto room's matter.</summary>
public sealed record Transform(TransformType Type, ushort Id, Sequence<TransformAttribute> Attributes)
{
    /// <param name="type">What the transform is for.</param>
    /// <param name="id">Its number in the registry of that type.</param>
    /// <param name="keyLength">In bits; null for the algorithms with a key of one length only.</param>
    public Transform(TransformType type, ushort id, ushort? keyLength = null)
        : this(type, id, keyLength is { } bits ? [TransformAttribute.KeyLength(bits)] : [])
    {
    }

    /// <summary>In bits; null if the transform has none.</summary>
    public ushort? KeyLength
    {
        get
        {
            foreach (var attribute in Attributes)
                if (attribute is { Type: TransformAttributeType.KeyLength, IsShort: true })
                    return attribute.ShortValue;
            return null;
        }
    }

    const byte Last = 0, More = 3;

    internal static Transform Read(ref WireReader r)
    {
        r.U8();
        r.U8();
        var length = r.U16();
        if (length < 8)
            r.Fail(ParseErrorKind.BadLength);
        var body = r.Take(length - 4);
        var type = (TransformType)body.U8();
        body.U8();
        var id = body.U16();
        var attributes = new List<TransformAttribute>();
        while (!body.AtEnd)
            attributes.Add(TransformAttribute.Read(ref body));
        r.Adopt(body);
        return new(type, id, attributes.ToSequence());
    }

    internal void Write(WireWriter w, bool last)
    {
        var start = w.Length;
        w.U8(last ? Last : More);
        w.U8(0);
        w.U16(0);
        w.U8((byte)Type);
        w.U8(0);
        w.U16(Id);
        foreach (var attribute in Attributes)
            attribute.Write(w);
        w.PatchLength16(start + 2, from: start);
    }
}

/// <summary>
/// One attribute of a transform (RFC 7296 section 3.3.5): either short, its value two octets in the place of the length, or of any length.
/// </summary>
public sealed record TransformAttribute(TransformAttributeType Type, bool IsShort, Blob Value)
{
    const ushort ShortBit = 0x8000;

    public static TransformAttribute KeyLength(ushort bits) =>
        new(TransformAttributeType.KeyLength, IsShort: true, new byte[] { (byte)(bits >> 8), (byte)bits });

    /// <summary>The value of a short attribute.</summary>
    public ushort ShortValue => new WireReader(Value).U16();

    internal static TransformAttribute Read(ref WireReader r)
    {
        var type = r.U16();
        var isShort = (type & ShortBit) != 0;
        return new((TransformAttributeType)(type & ~ShortBit), isShort, r.Blob(isShort ? 2 : r.U16()));
    }

    internal void Write(WireWriter w)
    {
        w.U16((ushort)((ushort)Type | (IsShort ? ShortBit : 0)));
        if (!IsShort)
            w.U16(checked((ushort)Value.Length));
        w.Bytes(Value);
    }
}
