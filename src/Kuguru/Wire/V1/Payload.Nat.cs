namespace Kuguru.Wire.V1;

public abstract partial record Payload
{
    /// <summary>NAT detection (RFC 3947 section 3.2): a hash of an address and port; drafts 02 and 03 have a number of their own for it.</summary>
    public sealed record NatD(Blob Data, bool IsDraft) : Payload
    {
        public override PayloadKind Type => IsDraft ? PayloadKind.NatDDraft : PayloadKind.NatD;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }

    /// <summary>NAT original address (RFC 3947 section 5.2).</summary>
    public sealed record NatOa(IpAddress Address, bool IsDraft) : Payload
    {
        public override PayloadKind Type => IsDraft ? PayloadKind.NatOaDraft : PayloadKind.NatOa;

        internal static NatOa ReadBody(bool isDraft, ref WireReader r)
        {
            var kind = (IdKind)r.U8();
            r.Skip(3);
            var isV6 = kind == IdKind.Ipv6Addr;
            if (!isV6 && kind != IdKind.Ipv4Addr)
                r.Fail(ParseErrorKind.BadValue);
            return new(isV6 ? r.V6() : r.V4(), isDraft);
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)(Address.IsV6 ? IdKind.Ipv6Addr : IdKind.Ipv4Addr));
            w.Zeros(3);
            w.Address(Address);
        }
    }

    /// <summary>
    /// A piece of a whole ISAKMP message, header and all: what Cisco and Microsoft do where IP fragments get lost. Pieces are numbered from 1.
    /// </summary>
    public sealed record Fragment(ushort MessageId, byte Number, bool IsLast, Blob Data) : Payload
    {
        /// <summary>Octets of the fields before the piece, the generic header included.</summary>
        public const int HeaderSize = GenericHeaderSize + 4;

        public override PayloadKind Type => PayloadKind.Fragment;

        internal static Fragment ReadBody(ref WireReader r)
        {
            var (id, number, flags) = (r.U16(), r.U8(), r.U8());
            if (number == 0)
                r.Fail(ParseErrorKind.BadValue);
            return new(id, number, (flags & 1) != 0, r.Rest());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U16(MessageId);
            w.U8(Number);
            w.U8(IsLast ? (byte)1 : (byte)0);
            w.Bytes(Data);
        }
    }
}
