namespace Kuguru.Wire.V2;

// The payloads that tell the peer something.
public abstract partial record Payload
{
    /// <summary>Notify (RFC 7296 section 3.10). Protocol and SPI are only there when it concerns one SA.</summary>
    public sealed record Notify(ProtocolId Protocol, Blob Spi, NotifyType Kind, Blob Data) : Payload
    {
        public Notify(NotifyType kind, Blob data = default) : this(ProtocolId.None, default, kind, data)
        {
        }

        public override PayloadType Type => PayloadType.Notify;

        /// <summary>Errors are below 16384; an unknown error in a response fails the exchange, an unknown status is ignored.</summary>
        public bool IsError => (ushort)Kind < 16384;

        internal static Notify ReadBody(ref WireReader r)
        {
            var protocol = (ProtocolId)r.U8();
            var spiSize = r.U8();
            var kind = (NotifyType)r.U16();
            return new(protocol, r.Blob(spiSize), kind, r.Rest());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Protocol);
            w.U8(checked((byte)Spi.Length));
            w.U16((ushort)Kind);
            w.Bytes(Spi);
            w.Bytes(Data);
        }
    }

    /// <summary>Delete (RFC 7296 section 3.11): the IKE SA itself, without SPIs, or ESP or AH SAs by the sender's inbound SPIs.</summary>
    public sealed record Delete(ProtocolId Protocol, Sequence<Spi> Spis) : Payload
    {
        const int SpiSize = 4;

        /// <summary>Deletes the IKE SA that carries the message.</summary>
        public static Delete Ike { get; } = new(ProtocolId.Ike, []);

        public override PayloadType Type => PayloadType.Delete;

        internal static Delete ReadBody(ref WireReader r)
        {
            var protocol = (ProtocolId)r.U8();
            int size = r.U8(), count = r.U16();
            if (count > 0 && size != SpiSize || r.Left != count * SpiSize)
                r.Fail(ParseErrorKind.BadLength);
            var spis = new Spi[r.Left / SpiSize];
            for (var i = 0; i < spis.Length; i++)
                spis[i] = new(r.U32());
            return new(protocol, [.. spis]);
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Protocol);
            w.U8((byte)(Spis.IsEmpty ? 0 : SpiSize));
            w.U16(checked((ushort)Spis.Count));
            foreach (var spi in Spis)
                w.U32(spi.Value);
        }
    }

    /// <summary>Vendor ID (RFC 7296 section 3.12).</summary>
    public sealed record VendorId(Blob Data) : Payload
    {
        public override PayloadType Type => PayloadType.VendorId;
        internal static VendorId ReadBody(ref WireReader r) => new(r.Rest());
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }
}
