namespace Kuguru.Wire.V2;

public abstract partial record Payload
{
    /// <summary>Configuration (RFC 7296 section 3.15): what the client asks for or the gateway assigns.</summary>
    public sealed record CP(ConfigType Kind, Sequence<ConfigAttribute> Attributes) : Payload
    {
        /// <summary>A CP payload with more attributes than this is refused.</summary>
        public const int MaxAttributes = 256;

        public override PayloadType Type => PayloadType.CP;

        internal static CP ReadBody(ref WireReader r)
        {
            var kind = (ConfigType)r.U8();
            r.Skip(3);
            var attributes = new List<ConfigAttribute>();
            while (!r.AtEnd)
            {
                if (attributes.Count == MaxAttributes)
                    r.Fail(ParseErrorKind.TooMany);
                attributes.Add(ConfigAttribute.Read(ref r));
            }
            return new(kind, attributes.ToSequence());
        }

        protected override void WriteBody(WireWriter w)
        {
            w.U8((byte)Kind);
            w.Zeros(3);
            foreach (var attribute in Attributes)
                attribute.Write(w);
        }
    }
}

/// <summary>One configuration attribute (RFC 7296 section 3.15.1). In requests the value is empty or a wish.</summary>
public sealed record ConfigAttribute(ConfigAttributeType Type, Blob Value)
{
    const ushort ReservedBit = 0x8000;

    public ConfigAttribute(ConfigAttributeType type) : this(type, Blob.Empty)
    {
    }

    public ConfigAttribute(ConfigAttributeType type, IpAddress address) : this(type, address.ToBytes())
    {
    }

    /// <summary>INTERNAL_IP6_ADDRESS and INTERNAL_IP6_SUBNET: 16 octets of address and one of prefix length.</summary>
    public ConfigAttribute(ConfigAttributeType type, IpAddress address, byte prefix) : this(type, (byte[])[.. address.ToBytes(), prefix])
    {
    }

    /// <summary>The address that the value begins with, by the length of the value: 4 or 8 (with mask), 16 or 17 (with prefix); else null.</summary>
    public IpAddress? Address => Value.Length switch
    {
        4 or 8 => IpAddress.Read(Value.Span[..4]),
        16 or 17 => IpAddress.Read(Value.Span[..16]),
        _ => null,
    };

    internal static ConfigAttribute Read(ref WireReader r)
    {
        var type = (ConfigAttributeType)(r.U16() & ~ReservedBit);
        return new(type, r.Blob(r.U16()));
    }

    internal void Write(WireWriter w)
    {
        w.U16((ushort)Type);
        w.U16(checked((ushort)Value.Length));
        w.Bytes(Value);
    }
}
