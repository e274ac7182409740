namespace Kuguru.Wire.Eap;

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// |     Code      |  Identifier   |            Length             |  RFC 3748 section 4
// |     Type      |  Type-Data ...                                   only in requests and responses

/// <summary>One EAP packet (RFC 3748 section 4): what an EAP payload of IKE carries whole, so that nothing may follow it.</summary>
/// <param name="Code">What kind of packet it is.</param>
/// <param name="Identifier">Of a response, that of the request that it answers.</param>
/// <param name="Method">The type; <see cref="EapType.None"/> in a success or a failure, which have none.</param>
/// <param name="Data">What the type says it is.</param>
public sealed record EapPacket(EapCode Code, byte Identifier, EapType Method, Blob Data)
{
    const int HeaderSize = 4;

    public static EapPacket Request(byte identifier, EapType method, Blob data) => new(EapCode.Request, identifier, method, data);
    public static EapPacket Response(byte identifier, EapType method, Blob data) => new(EapCode.Response, identifier, method, data);
    public static EapPacket Success(byte identifier) => new(EapCode.Success, identifier, EapType.None, Blob.Empty);
    public static EapPacket Failure(byte identifier) => new(EapCode.Failure, identifier, EapType.None, Blob.Empty);

    /// <summary>Reads a whole packet, which is copied.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out EapPacket packet, out ParseError error)
    {
        var r = new WireReader(bytes);
        packet = ReadBody(ref r);
        error = new(r.Error, r.ErrorAt, PayloadType.Eap);
        return !r.Failed;
    }

    public Blob ToBlob()
    {
        var w = new WireWriter(HeaderSize + 8 + Data.Length);
        w.U8((byte)Code);
        w.U8(Identifier);
        w.U16(0);
        if (Code is EapCode.Request or EapCode.Response)
        {
            Method.Write(w);
            w.Bytes(Data);
        }
        w.PatchLength16(2, from: 0);
        return w.ToArray();
    }

    static EapPacket ReadBody(ref WireReader r)
    {
        var code = (EapCode)r.U8();
        var identifier = r.U8();
        var length = r.U16();
        if (length != r.Left + HeaderSize)
            r.Fail(length > r.Left + HeaderSize ? ParseErrorKind.Truncated : ParseErrorKind.Trailing);
        if (code is EapCode.Request or EapCode.Response)
            return new(code, identifier, EapType.Read(ref r), r.Rest());
        if (code is not (EapCode.Success or EapCode.Failure))
            r.Fail(ParseErrorKind.BadValue);
        else if (!r.AtEnd)
            r.Fail(ParseErrorKind.Trailing);
        return new(code, identifier, EapType.None, Blob.Empty);
    }

    /// <summary>What a transcript shows of it: EAP-Request/MD5-Challenge.</summary>
    public override string ToString() => Code is EapCode.Request or EapCode.Response ? $"EAP-{Code}/{Method}" : $"EAP-{Code}";
}

/// <summary>RFC 3748 section 4.</summary>
public enum EapCode : byte
{
    Request = 1,
    Response = 2,
    Success = 3,
    Failure = 4,
}

/// <summary>
/// A method type: a number of IANA's, or one of a vendor's (RFC 3748 section 5.7). A number of IANA's that comes in the expanded form is
/// the same type as the plain one, and is written as that.
/// </summary>
public readonly record struct EapType(uint Vendor, uint Number)
{
    const byte ExpandedNumber = 254;

    public static EapType None => default;
    public static EapType Identity => new(0, 1);
    public static EapType Notification => new(0, 2);

    /// <summary>"Not this one": with the types that the peer would take.</summary>
    public static EapType Nak => new(0, 3);
    public static EapType Md5Challenge => new(0, 4);
    public static EapType GenericTokenCard => new(0, 6);
    public static EapType Tls => new(0, 13);
    public static EapType MsChapV2 => new(0, 26);

    internal static EapType Read(ref WireReader r)
    {
        var number = r.U8();
        if (number != ExpandedNumber)
            return new(0, number);
        var vendor = (uint)(r.U8() << 16 | r.U16());
        return new(vendor, r.U32());
    }

    internal void Write(WireWriter w)
    {
        if (Vendor == 0 && Number < ExpandedNumber)
        {
            w.U8((byte)Number);
            return;
        }
        w.U8(ExpandedNumber);
        w.U8((byte)(Vendor >> 16));
        w.U16((ushort)Vendor);
        w.U32(Number);
    }

    /// <summary>The types in the data of a <see cref="Nak"/>: single octets (RFC 3748 section 5.3.1). Type 0 stands for "no other".</summary>
    public static IReadOnlyList<EapType> Wanted(Blob nak)
    {
        var types = new List<EapType>();
        foreach (var number in nak.Span)
        {
            if (number is not (0 or ExpandedNumber))
                types.Add(new(0, number));
        }
        return types;
    }

    /// <summary>As strongSwan spells it.</summary>
    public override string ToString() => this switch
    {
        { Vendor: 0, Number: 1 } => "EAP_IDENTITY",
        { Vendor: 0, Number: 2 } => "EAP_NOTIFICATION",
        { Vendor: 0, Number: 3 } => "EAP_NAK",
        { Vendor: 0, Number: 4 } => "EAP_MD5",
        { Vendor: 0, Number: 6 } => "EAP_GTC",
        { Vendor: 0, Number: 13 } => "EAP_TLS",
        { Vendor: 0, Number: 26 } => "EAP_MSCHAPV2",
        { Vendor: 0 } => $"EAP type {Number}",
        _ => $"EAP type {Number} of vendor {Vendor}",
    };
}
