namespace Kuguru.Wire;

/// <summary>What can be wrong with a stranger's bytes.</summary>
public enum ParseErrorKind : byte
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>A field or a stated length reaches beyond the octets that are there.</summary>
    Truncated,

    /// <summary>The length in the IKE header is not the length of the datagram.</summary>
    LengthMismatch,

    /// <summary>The major version is not the one that this parser reads.</summary>
    MajorVersion,

    /// <summary>A stated length is smaller than the header that it counts, or not what the type asks for.</summary>
    BadLength,

    /// <summary>Octets are left over behind the last field.</summary>
    Trailing,

    /// <summary>More payloads, proposals or transforms than anybody sends.</summary>
    TooMany,

    /// <summary>A field holds a value that the RFC forbids.</summary>
    BadValue,

    /// <summary>An encrypted payload inside an encrypted payload.</summary>
    Nested,
}

/// <summary>Why a message was refused: what is wrong, at which octet, and in which payload (None for the header).</summary>
public readonly record struct ParseError(ParseErrorKind Kind, int Offset, PayloadType Payload)
{
    public override string ToString() =>
        Payload == PayloadType.None ? $"{Kind} at octet {Offset}" : $"{Kind} at octet {Offset}, in payload {Payload}";
}
