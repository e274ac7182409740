namespace Kuguru.Crypto;

// The room at a glance: what is negotiated on the left, what is computed on the right. Everything goes by IANA's numbers.
//
//   "aes128gcm16-x25519"
//     -> AlgorithmSet                          KeyExchange: our KE data + the peer's -> g^ir
//          (Ike selects)                         -> KeyDerivation -> IkeKeys   -> IkeCipher             SK and SKF payloads
//     -> IkeSuite, EspSuite, AhSuite                              -> ChildKeys -> EspSealer, EspOpener  ESP packets (of AH: the room Ah)
//
// Below these are Prf, and on libcrypto: Aead, CipherContext, IntegrityContext (HMACs and MACs of AES) and BigNumber.

/// <summary>
/// What was agreed for an IKE SA. <see cref="Integrity"/> is None exactly with an AEAD cipher. Prints as charon logs it,
/// <c>IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072</c>.
/// </summary>
public sealed record IkeSuite(Encryption Encryption, IntegrityAlgorithm Integrity, PseudoRandomFunction Prf, KeyExchangeMethod KeyExchange)
{
    public override string ToString() => Integrity == IntegrityAlgorithm.None
        ? $"IKE:{Encryption}/{Prf.Name()}/{KeyExchange.Name()}"
        : $"IKE:{Encryption}/{Integrity.Name()}/{Prf.Name()}/{KeyExchange.Name()}";
}

/// <summary>What was agreed for the pair of ESP or AH SAs that a child is.</summary>
public abstract record ChildSuite(IntegrityAlgorithm Integrity, ExtendedSequenceNumbers Esn)
{
    public bool IsEsn => Esn == ExtendedSequenceNumbers.Yes;

    /// <summary>What is taken from KEYMAT for the cipher, salt included; 0 of AH.</summary>
    public abstract int EncryptionKeyLength { get; }

    public int IntegrityKeyLength => Integrity.KeyLength();
}

/// <summary>
/// What was agreed for an AH SA. A packet is <c>IP header | next header 1 | length 1 | reserved 2 | SPI 4 | sequence 4 | ICV | padding |
/// payload</c> (RFC 4302 section 2). Prints as <c>AH:HMAC_SHA2_256_128/NO_EXT_SEQ</c>.
/// </summary>
public sealed record AhSuite(IntegrityAlgorithm Integrity, ExtendedSequenceNumbers Esn) : ChildSuite(Integrity, Esn)
{
    /// <summary>What stands before the ICV.</summary>
    public const int FixedLength = 12;

    public override int EncryptionKeyLength => 0;
    public int IcvLength => Integrity.IcvLength();

    /// <summary>The whole header, padded to 4 octets in IPv4 and to 8 in IPv6 (RFC 4302 section 3.3.3.2.1): what AH adds to a packet.</summary>
    public int HeaderLength(bool isV6) => isV6 ? (FixedLength + IcvLength + 7) / 8 * 8 : (FixedLength + IcvLength + 3) / 4 * 4;

    public override string ToString() => $"AH:{Integrity.Name()}/{Esn.Name()}";
}

/// <summary>
/// What was agreed for an ESP SA, and what it costs on the wire, in octets (RFC 4303). <see cref="Integrity"/> is None exactly with an
/// AEAD cipher. A packet is <c>SPI 4 | sequence 4 | IV | encrypted (payload | padding | pad length 1 | next header 1) | ICV</c>.
/// </summary>
public sealed record EspSuite(Encryption Encryption, IntegrityAlgorithm Integrity, ExtendedSequenceNumbers Esn) : ChildSuite(Integrity, Esn)
{
    /// <summary>SPI and sequence number.</summary>
    public const int HeaderLength = 8;

    /// <summary>Pad length and next header.</summary>
    public const int TrailerLength = 2;

    public int IvLength => Encryption.IvLength;
    public int IcvLength => Encryption.IsAead ? Encryption.IcvLength : Integrity.IcvLength();

    /// <summary>What payload, padding and trailer together must be a multiple of: the cipher's block, and never less than 4.</summary>
    public int Alignment => Math.Max(4, Encryption.BlockLength);

    public override int EncryptionKeyLength => Encryption.KeyLength;

    /// <summary>Header, IV and ICV: what a packet is longer than its plaintext with trailer.</summary>
    public int Overhead => HeaderLength + IvLength + IcvLength;

    /// <summary>Payload, padding and trailer.</summary>
    public int PlaintextLength(int payload) => (payload + TrailerLength + Alignment - 1) / Alignment * Alignment;

    /// <summary>The whole ESP packet that carries this many octets of payload.</summary>
    public int PacketLength(int payload) => PlaintextLength(payload) + Overhead;

    /// <summary>The most payload that an ESP packet of at most this length carries; negative when not even an empty one fits.</summary>
    public int MaxPayload(int packet) => (int)Math.Floor((packet - Overhead) / (double)Alignment) * Alignment - TrailerLength;

    public override string ToString() => Integrity == IntegrityAlgorithm.None
        ? $"ESP:{Encryption}/{Esn.Name()}"
        : $"ESP:{Encryption}/{Integrity.Name()}/{Esn.Name()}";
}
