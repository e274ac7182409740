namespace Kuguru.Wire.V1;

//                      1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// |                     Domain of Interpretation                  |  RFC 2408 section 3.4, RFC 2407 section 4.6.1
// |                           Situation                           |
// | 0 or 2 (more) |   RESERVED    |        Proposal Length        |  section 3.5
// | Proposal #    |  Protocol-Id  |    SPI Size   | # of Transforms|
// |                              SPI                              |
// | 0 or 3 (more) |   RESERVED    |        Transform Length       |  section 3.6
// | Transform #   |  Transform-Id |           RESERVED2           |
// |                           attributes                          |
public abstract partial record Payload
{
    /// <summary>
    /// Security association: what is offered or chosen. Phase 1 authenticates the body of the initiator's as it crossed the wire, so that is
    /// kept beside what it says.
    /// </summary>
    public sealed record SA : Payload
    {
        /// <summary>An SA payload with more proposals than this is refused.</summary>
        public const int MaxProposals = 128;

        const uint IdentityOnly = 1;
        const byte More = 2;

        SA(Sequence<Proposal> proposals, Blob bytes) => (Proposals, Bytes) = (proposals, bytes);

        public SA(Sequence<Proposal> proposals)
        {
            Proposals = proposals;
            var w = new WireWriter();
            w.U32(IpsecDoi);
            w.U32(IdentityOnly);
            for (var i = 0; i < proposals.Count; i++)
                proposals[i].Write(w, i == proposals.Count - 1 ? (byte)0 : More);
            Bytes = w.ToArray();
        }

        public override PayloadKind Type => PayloadKind.SA;
        public Sequence<Proposal> Proposals { get; }

        /// <summary>The whole body, SAi_b of RFC 2409 section 5.</summary>
        public Blob Bytes { get; }

        internal static SA ReadBody(ref WireReader r)
        {
            var bytes = r.Rest();
            var inner = new WireReader(bytes, r.Position - bytes.Length);
            if (inner.U32() != IpsecDoi || inner.U32() != IdentityOnly)
                inner.Fail(ParseErrorKind.BadValue);
            var proposals = new List<Proposal>();
            while (!inner.AtEnd)
            {
                if (proposals.Count == MaxProposals)
                    inner.Fail(ParseErrorKind.TooMany);
                else
                    proposals.Add(Proposal.Read(ref inner));
            }
            r.Adopt(inner);
            return new(proposals.ToSequence(), bytes);
        }

        protected override void WriteBody(WireWriter w) => w.Bytes(Bytes);
    }
}

/// <summary>One proposal: a protocol, the SPI of whoever sends it, and the transforms to choose one from.</summary>
public sealed record Proposal(byte Number, IsakmpProtocol Protocol, Blob Spi, Sequence<Transform> Transforms)
{
    const int HeaderSize = 8;
    const byte More = 3;

    internal static Proposal Read(ref WireReader r)
    {
        r.Skip(2);
        var length = r.U16();
        if (length < HeaderSize)
            r.Fail(ParseErrorKind.BadLength);
        var part = r.Take(length - 4);
        var (number, protocol, spiSize, count) = (part.U8(), (IsakmpProtocol)part.U8(), part.U8(), part.U8());
        var spi = part.Blob(spiSize);
        var transforms = new List<Transform>();
        while (transforms.Count < count && !part.Failed)
            transforms.Add(Transform.Read(ref part));
        r.Adopt(part);
        return new(number, protocol, spi, transforms.ToSequence());
    }

    internal void Write(WireWriter w, byte next)
    {
        var start = w.Length;
        w.U8(next);
        w.U8(0);
        w.U16(0);
        w.U8(Number);
        w.U8((byte)Protocol);
        w.U8(checked((byte)Spi.Length));
        w.U8(checked((byte)Transforms.Count));
        w.Bytes(Spi);
        for (var i = 0; i < Transforms.Count; i++)
            Transforms[i].Write(w, i == Transforms.Count - 1 ? (byte)0 : More);
        w.PatchLength16(start + 2, from: start);
    }
}

/// <summary>One transform: all algorithms at once, as attributes; which, says the protocol of its proposal.</summary>
public sealed record Transform(byte Number, byte Id, Sequence<DataAttribute> Attributes)
{
    /// <summary>A transform with more attributes than this is refused.</summary>
    public const int MaxAttributes = 64;

    const int HeaderSize = 8;

    /// <summary>The number that an attribute says; null when it is not there, or is there twice with different values.</summary>
    public uint? Number32(OakleyAttribute type) => Number32((ushort)type);

    /// <inheritdoc cref="Number32(OakleyAttribute)"/>
    public uint? Number32(IpsecAttribute type) => Number32((ushort)type);

    uint? Number32(ushort type)
    {
        uint? found = null;
        foreach (var attribute in Attributes)
        {
            if (attribute.Type != type)
                continue;
            if (attribute.Number is not { } number || (found is not null && found != number))
                return null;
            found = number;
        }
        return found;
    }

    internal static Transform Read(ref WireReader r)
    {
        r.Skip(2);
        var length = r.U16();
        if (length < HeaderSize)
            r.Fail(ParseErrorKind.BadLength);
        var part = r.Take(length - 4);
        var (number, id) = (part.U8(), part.U8());
        part.Skip(2);
        var attributes = DataAttribute.ReadAll(ref part, MaxAttributes);
        r.Adopt(part);
        return new(number, id, attributes);
    }

    internal void Write(WireWriter w, byte next)
    {
        var start = w.Length;
        w.U8(next);
        w.U8(0);
        w.U16(0);
        w.U8(Number);
        w.U8(Id);
        w.U16(0);
        foreach (var attribute in Attributes)
            attribute.Write(w);
        w.PatchLength16(start + 2, from: start);
    }
}
