namespace Kuguru.Wire;

/// <summary>The Security Parameter Index of an ESP or AH SA (RFC 4303 section 2.1). 0 to 255 never name an SA.</summary>
public readonly record struct Spi(uint Value)
{
    public const uint FirstUsable = 256;

    public bool IsReserved => Value < FirstUsable;

    /// <summary>The four octets as they stand in a proposal, a notify or a delete.</summary>
    public Blob ToBlob()
    {
        var w = new WireWriter(4);
        w.U32(Value);
        return w.ToArray();
    }

    /// <summary>From the SPI field of a proposal or notify; null if that is not four octets long.</summary>
    public static Spi? From(Blob spi)
    {
        var r = new WireReader(spi);
        return r.Left == 4 ? new(r.U32()) : null;
    }

    public override string ToString() => $"{Value:x8}";
}

/// <summary>One side's SPI of an IKE SA (RFC 7296 section 3.1; a cookie in ISAKMP). 0 means "not known yet".</summary>
public readonly record struct IkeSpi(ulong Value)
{
    public bool IsZero => Value == 0;

    /// <summary>The eight octets as they stand in the proposal that rekeys an IKE SA.</summary>
    public Blob ToBlob()
    {
        var w = new WireWriter(8);
        w.U64(Value);
        return w.ToArray();
    }

    /// <summary>From the SPI field of a proposal; null if that is not eight octets long.</summary>
    public static IkeSpi? From(Blob spi)
    {
        var r = new WireReader(spi);
        return r.Left == 8 ? new(r.U64()) : null;
    }

    public override string ToString() => $"{Value:x16}";
}

/// <summary>The number of an IKE exchange (RFC 7296 section 2.2).</summary>
public readonly record struct MessageId(uint Value) : IComparable<MessageId>
{
    public static MessageId Zero => default;

    public MessageId Next => new(unchecked(Value + 1));

    public static bool operator <(MessageId a, MessageId b) => a.Value < b.Value;
    public static bool operator >(MessageId a, MessageId b) => a.Value > b.Value;
    public static bool operator <=(MessageId a, MessageId b) => a.Value <= b.Value;
    public static bool operator >=(MessageId a, MessageId b) => a.Value >= b.Value;

    public int CompareTo(MessageId other) => Value.CompareTo(other.Value);
    public override string ToString() => $"{Value}";
}
