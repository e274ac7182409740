using System.Buffers.Binary;

namespace Kuguru.Wire.V1;

/// <summary>
/// A data attribute (RFC 2408 section 3.3): 15 bits of type, and either two octets of value (<paramref name="IsBasic"/>) or a length and that many.
/// </summary>
public sealed record DataAttribute(ushort Type, bool IsBasic, Blob Value)
{
    const ushort BasicBit = 0x8000;

    /// <summary>A number in the shorter form that holds it.</summary>
    public static DataAttribute Of(ushort type, uint value)
    {
        var bytes = new byte[value > ushort.MaxValue ? 4 : 2];
        if (bytes.Length == 2)
            BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        else
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return new(type, bytes.Length == 2, bytes);
    }

    public static DataAttribute Of(OakleyAttribute type, uint value) => Of((ushort)type, value);
    public static DataAttribute Of(IpsecAttribute type, uint value) => Of((ushort)type, value);

    /// <summary>Octets in the longer form, whatever their length.</summary>
    public static DataAttribute Of(ConfigItem type, Blob value) => new((ushort)type, false, value);

    public ConfigItem Item => (ConfigItem)Type;

    /// <summary>The value as a number; null when it has more than 32 bits, or none.</summary>
    public uint? Number
    {
        get
        {
            var bytes = Value.Span.TrimStart((byte)0);
            if (Value.IsEmpty || bytes.Length > 4)
                return null;
            uint number = 0;
            foreach (var octet in bytes)
                number = number << 8 | octet;
            return number;
        }
    }

    /// <summary>The address that the value begins with, by its length: 4 or 8 (with mask), 16 or 17 (with prefix); else null.</summary>
    public IpAddress? Address => Value.Length switch
    {
        4 or 8 => IpAddress.Read(Value.Span[..4]),
        16 or 17 => IpAddress.Read(Value.Span[..16]),
        _ => null,
    };

    internal static Sequence<DataAttribute> ReadAll(ref WireReader r, int most)
    {
        var attributes = new List<DataAttribute>();
        while (!r.AtEnd)
        {
            if (attributes.Count == most)
                r.Fail(ParseErrorKind.TooMany);
            else
                attributes.Add(Read(ref r));
        }
        return attributes.ToSequence();
    }

    static DataAttribute Read(ref WireReader r)
    {
        var type = r.U16();
        var isBasic = (type & BasicBit) != 0;
        return new((ushort)(type & ~BasicBit), isBasic, r.Blob(isBasic ? 2 : r.U16()));
    }

    internal void Write(WireWriter w)
    {
        w.U16((ushort)(Type | (IsBasic ? BasicBit : 0)));
        if (!IsBasic)
            w.U16(checked((ushort)Value.Length));
        w.Bytes(Value);
    }
}
