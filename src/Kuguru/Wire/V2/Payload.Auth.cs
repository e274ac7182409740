namespace Kuguru.Wire.V2;

// The payloads that exchange keys and prove identities.
public abstract partial record Payload
{
    /// <summary>Key Exchange (RFC 7296 section 3.4): a public value of the group or method with this number.</summary>
    public sealed record KE(ushort Group, Blob Data) : Payload
    {
        public override PayloadType Type => PayloadType.KE;

        internal static KE ReadBody(ref WireReader r)
        {
            var group = r.U16();
            r.Skip(2);
            return new(group, r.Rest());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U16(Group);
            w.U16(0);
            w.Bytes(Data);
        }
    }

    /// <summary>Nonce (RFC 7296 section 3.9): 16 to 256 octets.</summary>
    public sealed record Nonce(Blob Data) : Payload
    {
        public const int MinLength = 16, MaxLength = 256;

        public override PayloadType Type => PayloadType.Nonce;

        internal static Nonce ReadBody(ref WireReader r)
        {
            if (r.Left is < MinLength or > MaxLength)
                r.Fail(ParseErrorKind.BadLength);
            return new(r.Rest());
        }

        protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }

    /// <summary>Identification (RFC 7296 section 3.5), of the initiator or of the responder.</summary>
    public abstract record Identification(IdType Kind, Blob Data) : Payload
    {
        /// <summary>The octets that AUTH covers (RFC 7296 section 2.15, RestOfInitIDPayload): the body without the generic header.</summary>
        public Blob Body
        {
            get
            {
                var w = new WireWriter();
                WriteBody(w);
                return w.ToArray();
            }
        }

        private protected static (IdType, Blob) Read(ref WireReader r)
        {
            var kind = (IdType)r.U8();
            r.Skip(3);
            return (kind, r.Rest());
        }

        protected sealed override void WriteBody(WireWriter w)
        {
            w.U8((byte)Kind);
            w.Zeros(3);
            w.Bytes(Data);
        }
    }

    /// <inheritdoc cref="Identification"/>
    public sealed record IDi(IdType Kind, Blob Data) : Identification(Kind, Data)
    {
        public override PayloadType Type => PayloadType.IDi;

        internal static IDi ReadBody(ref WireReader r)
        {
            var (kind, data) = Read(ref r);
            return new(kind, data);
        }
    }

    /// <inheritdoc cref="Identification"/>
    public sealed record IDr(IdType Kind, Blob Data) : Identification(Kind, Data)
    {
        public override PayloadType Type => PayloadType.IDr;

        internal static IDr ReadBody(ref WireReader r)
        {
            var (kind, data) = Read(ref r);
            return new(kind, data);
        }
    }

    /// <summary>Certificate (RFC 7296 section 3.6).</summary>
    public sealed record Cert(CertEncoding Encoding, Blob Data) : Payload
    {
        public override PayloadType Type => PayloadType.Cert;
        internal static Cert ReadBody(ref WireReader r) => new((CertEncoding)r.U8(), r.Rest());

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Encoding);
            w.Bytes(Data);
        }
    }

    /// <summary>Certificate Request (RFC 7296 section 3.7). For X.509 the authorities are SHA-1 hashes of public keys, 20 octets each.</summary>
    public sealed record CertReq(CertEncoding Encoding, Blob Authorities) : Payload
    {
        public override PayloadType Type => PayloadType.CertReq;
        internal static CertReq ReadBody(ref WireReader r) => new((CertEncoding)r.U8(), r.Rest());

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Encoding);
            w.Bytes(Authorities);
        }
    }

    /// <summary>Authentication (RFC 7296 section 3.8).</summary>
    public sealed record Auth(AuthMethod Method, Blob Data) : Payload
    {
        public override PayloadType Type => PayloadType.Auth;

        internal static Auth ReadBody(ref WireReader r)
        {
            var method = (AuthMethod)r.U8();
            r.Skip(3);
            return new(method, r.Rest());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Method);
            w.Zeros(3);
            w.Bytes(Data);
        }
    }

    /// <summary>Extensible Authentication (RFC 7296 section 3.16): one EAP message, whole.</summary>
    public sealed record Eap(Blob Message) : Payload
    {
        public override PayloadType Type => PayloadType.Eap;
        internal static Eap ReadBody(ref WireReader r) => new(r.Rest());
        protected override void WriteBody(WireWriter w) => w.Bytes(Message);
    }
}
