namespace Kuguru.Wire.V1;

public abstract partial record Payload
{
    const uint IpsecDoi = 1;

    /// <summary>Notification (RFC 2408 section 3.14).</summary>
    public sealed record Notification(uint Doi, IsakmpProtocol Protocol, Blob Spi, NotifyKind Kind, Blob Data) : Payload
    {
        const ushort FirstStatus = 16384;

        public Notification(IsakmpProtocol protocol, Blob spi, NotifyKind kind, Blob data) : this(IpsecDoi, protocol, spi, kind, data)
        {
        }

        public override PayloadKind Type => PayloadKind.Notification;
        public bool IsError => (ushort)Kind is > 0 and < FirstStatus;

        internal static Notification ReadBody(ref WireReader r)
        {
            var (doi, protocol, spiSize, kind) = (r.U32(), (IsakmpProtocol)r.U8(), r.U8(), (NotifyKind)r.U16());
            return new(doi, protocol, r.Blob(spiSize), kind, r.Rest());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U32(Doi);
            w.U8((byte)Protocol);
            w.U8(checked((byte)Spi.Length));
            w.U16((ushort)Kind);
            w.Bytes(Spi);
            w.Bytes(Data);
        }
    }

    /// <summary>Delete (RFC 2408 section 3.15): SPIs of the sender's, of one protocol and length.</summary>
    public sealed record Delete(uint Doi, IsakmpProtocol Protocol, byte SpiSize, Sequence<Blob> Spis) : Payload
    {
        public Delete(IsakmpProtocol protocol, byte spiSize, Sequence<Blob> spis) : this(IpsecDoi, protocol, spiSize, spis)
        {
        }

        public override PayloadKind Type => PayloadKind.Delete;

        internal static Delete ReadBody(ref WireReader r)
        {
            var (doi, protocol, spiSize, count) = (r.U32(), (IsakmpProtocol)r.U8(), r.U8(), r.U16());
            if (spiSize * count != r.Left || (spiSize == 0 && count != 0))
                r.Fail(ParseErrorKind.BadLength);
            var spis = new List<Blob>();
            while (!r.AtEnd)
                spis.Add(r.Blob(spiSize));
            return new(doi, protocol, spiSize, spis.ToSequence());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U32(Doi);
            w.U8((byte)Protocol);
            w.U8(SpiSize);
            w.U16(checked((ushort)Spis.Count));
            foreach (var spi in Spis)
                w.Bytes(spi);
        }
    }

    /// <summary>Attributes (draft-ietf-ipsec-isakmp-mode-cfg): what a Transaction exchange asks, answers, sets or acknowledges.</summary>
    public sealed record Attributes(ConfigKind Kind, ushort Identifier, Sequence<DataAttribute> Items) : Payload
    {
        /// <summary>An Attributes payload with more items than this is refused.</summary>
        public const int MaxItems = 256;

        public override PayloadKind Type => PayloadKind.Attributes;

        /// <summary>The first item of a kind.</summary>
        public DataAttribute? Find(ConfigItem kind)
        {
            foreach (var item in Items)
                if (item.Item == kind)
                    return item;
            return null;
        }

        internal static Attributes ReadBody(ref WireReader r)
        {
            var kind = (ConfigKind)r.U8();
            r.Skip(1);
            return new(kind, r.U16(), DataAttribute.ReadAll(ref r, MaxItems));
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Kind);
            w.U8(0);
            w.U16(Identifier);
            foreach (var item in Items)
                item.Write(w);
        }
    }
}
