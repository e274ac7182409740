namespace Kuguru.Wire;

//                      1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// |                       IKE SA Initiator's SPI                  |  RFC 7296 section 3.1
// |                       IKE SA Responder's SPI                  |  (RFC 2408 section 3.1: the two cookies)
// |  Next Payload | MjVer | MnVer | Exchange Type |     Flags     |
// |                          Message ID                           |
// |                            Length                             |

/// <summary>
/// The 28 octets that every IKE message of either version begins with. Reading it costs nothing and trusts nothing, so it serves to find
/// the SA and to answer another major version; the numbers of an unknown version mean whatever that version says.
/// </summary>
public readonly record struct IkeHeader(
    IkeSpi InitiatorSpi, IkeSpi ResponderSpi, PayloadType FirstPayload, byte MajorVersion, byte MinorVersion,
    ExchangeType Exchange, IkeFlags Flags, MessageId MessageId, uint Length)
{
    /// <summary>Octets on the wire.</summary>
    public const int Size = 28;

    public bool IsResponse => Flags.HasFlag(IkeFlags.Response);
    public bool IsFromInitiator => Flags.HasFlag(IkeFlags.Initiator);

    /// <summary>Looks at the header of an IKE message (without the non-ESP marker). False only if there are fewer than 28 octets.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out IkeHeader header)
    {
        var r = new WireReader(message);
        header = Read(ref r);
        return !r.Failed;
    }

    internal static IkeHeader Read(ref WireReader r)
    {
        IkeSpi initiator = new(r.U64()), responder = new(r.U64());
        var first = (PayloadType)r.U8();
        var version = r.U8();
        return new(initiator, responder, first, (byte)(version >> 4), (byte)(version & 15),
            (ExchangeType)r.U8(), (IkeFlags)r.U8(), new(r.U32()), r.U32());
    }

    internal void Write(WireWriter w)
    {
        w.U64(InitiatorSpi.Value);
        w.U64(ResponderSpi.Value);
        w.U8((byte)FirstPayload);
        w.U8((byte)(MajorVersion << 4 | MinorVersion));
        w.U8((byte)Exchange);
        w.U8((byte)Flags);
        w.U32(MessageId.Value);
        w.U32(Length);
    }

    /// <summary>Where the two version numbers stand.</summary>
    internal const int VersionAt = 17;

    /// <summary>Where <see cref="Length"/> stands.</summary>
    internal const int LengthAt = 24;
}
