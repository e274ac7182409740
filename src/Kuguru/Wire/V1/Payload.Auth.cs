namespace Kuguru.Wire.V1;

public abstract partial record Payload
{
    /// <summary>Key exchange (RFC 2408 section 3.7): the public value; its group stands in the SA payload.</summary>
    public sealed record KE(Blob Data) : Payload
    {
        public override PayloadKind Type => PayloadKind.KE;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }

    /// <summary>Nonce (RFC 2408 section 3.13).</summary>
    public sealed record Nonce(Blob Data) : Payload
    {
        /// <summary>Octets that a nonce may have (RFC 2409 section 5).</summary>
        public const int MinLength = 8, MaxLength = 256;

        public override PayloadKind Type => PayloadKind.Nonce;
        public bool HasGoodLength => Data.Length is >= MinLength and <= MaxLength;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }

    /// <summary>Hash (RFC 2408 section 3.11): HASH_I, HASH_R, or that which makes a message of phase 2 authentic.</summary>
    public sealed record Hash(Blob Data) : Payload
    {
        public override PayloadKind Type => PayloadKind.Hash;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }

    /// <summary>Signature (RFC 2408 section 3.12) of HASH_I or HASH_R.</summary>
    public sealed record Signature(Blob Data) : Payload
    {
        public override PayloadKind Type => PayloadKind.Signature;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }

    /// <summary>Identification (RFC 2407 section 4.6.2): who, in phase 1; which packets, in phase 2.</summary>
    public sealed record ID(IdKind Kind, byte Protocol, ushort Port, Blob Data) : Payload
    {
        public override PayloadKind Type => PayloadKind.ID;

        internal static ID ReadBody(ref WireReader r) => new((IdKind)r.U8(), r.U8(), r.U16(), r.Rest());

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Kind);
            w.U8(Protocol);
            w.U16(Port);
            w.Bytes(Data);
        }
    }

    /// <summary>Certificate (RFC 2408 section 3.9).</summary>
    public sealed record Cert(CertificateKind Kind, Blob Data) : Payload
    {
        public override PayloadKind Type => PayloadKind.Cert;

        internal static Cert ReadBody(ref WireReader r) => new((CertificateKind)r.U8(), r.Rest());

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Kind);
            w.Bytes(Data);
        }
    }

    /// <summary>Certificate request (RFC 2408 section 3.10): the name of an authority, or nothing for any.</summary>
    public sealed record CertReq(CertificateKind Kind, Blob Authority) : Payload
    {
        public override PayloadKind Type => PayloadKind.CertReq;

        internal static CertReq ReadBody(ref WireReader r) => new((CertificateKind)r.U8(), r.Rest());

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Kind);
            w.Bytes(Authority);
        }
    }

    /// <summary>Vendor ID (RFC 2408 section 3.16): what the sender can do besides the RFCs.</summary>
    public sealed record VendorId(Blob Data) : Payload
    {
        public override PayloadKind Type => PayloadKind.VendorId;
        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }
}
