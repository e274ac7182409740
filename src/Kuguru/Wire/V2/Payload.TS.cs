namespace Kuguru.Wire.V2;

public abstract partial record Payload
{
    /// <summary>Traffic Selectors (RFC 7296 section 3.13), of the initiator's or of the responder's end.</summary>
    public abstract record TrafficSelectors(Sequence<TrafficSelector> Selectors) : Payload
    {
        private protected static Sequence<TrafficSelector> Read(ref WireReader r)
        {
            var count = r.U8();
            r.Skip(3);
            var selectors = new List<TrafficSelector>();
            for (var i = 0; i < count && !r.Failed; i++)
                selectors.Add(TrafficSelector.Read(ref r));
            return selectors.ToSequence();
        }

        protected sealed override void WriteBody(WireWriter w)
        {
            w.U8(checked((byte)Selectors.Count));
            w.Zeros(3);
            foreach (var selector in Selectors)
                selector.Write(w);
        }
    }

    /// <inheritdoc cref="TrafficSelectors"/>
    public sealed record TSi(Sequence<TrafficSelector> Selectors) : TrafficSelectors(Selectors)
    {
        public override PayloadType Type => PayloadType.TSi;
        internal static TSi ReadBody(ref WireReader r) => new(Read(ref r));
    }

    /// <inheritdoc cref="TrafficSelectors"/>
    public sealed record TSr(Sequence<TrafficSelector> Selectors) : TrafficSelectors(Selectors)
    {
        public override PayloadType Type => PayloadType.TSr;
        internal static TSr ReadBody(ref WireReader r) => new(Read(ref r));
    }
}

/// <summary>One traffic selector (RFC 7296 section 3.13.1): a range of addresses and ports, or a kind that we do not know, kept as it came.</summary>
public abstract record TrafficSelector
{
    public abstract TsType Type { get; }

    /// <summary>
    /// Both ends of each range belong to it. Protocol 0 is any. Ports 0 to 65535 are any, 65535 to 0 is OPAQUE. For ICMP the port is
    /// type and code, 8 bits each.
    /// </summary>
    public sealed record AddressRange(IpProtocol Protocol, ushort StartPort, ushort EndPort, IpAddress Start, IpAddress End) : TrafficSelector
    {
        public override TsType Type => Start.IsV6 ? TsType.Ipv6AddrRange : TsType.Ipv4AddrRange;

        private protected override void WriteBody(WireWriter w)
        {
            if (Start.IsV6 != End.IsV6)
                throw new InvalidOperationException($"{Start} and {End} are not of the same family");
            w.U16(StartPort);
            w.U16(EndPort);
            w.Address(Start);
            w.Address(End);
        }
    }

    /// <summary>A kind without a parser here. The octet behind the type is a protocol in some kinds and reserved in others.</summary>
    public sealed record Unknown(TsType Kind, byte SecondOctet, Blob Data) : TrafficSelector
    {
        public override TsType Type => Kind;
        private protected override void WriteBody(WireWriter w) => w.Bytes(Data);
    }

    const int HeaderSize = 4;

    internal static TrafficSelector Read(ref WireReader r)
    {
        var type = (TsType)r.U8();
        var second = r.U8();
        var length = r.U16();
        if (length < HeaderSize)
            r.Fail(ParseErrorKind.BadLength);
        var body = r.Take(length - HeaderSize);
        TrafficSelector selector = type switch
        {
            TsType.Ipv4AddrRange => new AddressRange((IpProtocol)second, body.U16(), body.U16(), body.V4(), body.V4()),
            TsType.Ipv6AddrRange => new AddressRange((IpProtocol)second, body.U16(), body.U16(), body.V6(), body.V6()),
            // Not only the named ones that we do not speak: the number is a stranger's.
            _ => new Unknown(type, second, body.Rest()),
        };
        r.Adopt(body);
        return selector;
    }

    internal void Write(WireWriter w)
    {
        var start = w.Length;
        w.U8((byte)Type);
        w.U8(this is AddressRange range ? (byte)range.Protocol : ((Unknown)this).SecondOctet);
        w.U16(0);
        WriteBody(w);
        w.PatchLength16(start + 2, from: start);
    }

    private protected abstract void WriteBody(WireWriter w);
}
