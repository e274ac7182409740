namespace Kuguru.Wire;

// The small registries of https://www.iana.org/assignments/ikev2-parameters. A number without a name is still a valid value of
// its enum: what arrives is kept as it is.

/// <summary>IKEv2 exchange types; the numbers below 34 belong to ISAKMP.</summary>
public enum ExchangeType : byte
{
    IkeSaInit = 34,
    IkeAuth = 35,
    CreateChildSa = 36,
    Informational = 37,
    IkeSessionResume = 38,
    GsaAuth = 39,
    GsaRegistration = 40,
    GsaRekey = 41,
    IkeIntermediate = 43,
    IkeFollowupKe = 44,
}

/// <summary>IKEv2 payload types (RFC 7296 section 3.2); the numbers below 33 belong to ISAKMP.</summary>
public enum PayloadType : byte
{
    None = 0,
    SA = 33,
    KE = 34,
    IDi = 35,
    IDr = 36,
    Cert = 37,
    CertReq = 38,
    Auth = 39,
    Nonce = 40,
    Notify = 41,
    Delete = 42,
    VendorId = 43,
    TSi = 44,
    TSr = 45,
    SK = 46,
    CP = 47,
    Eap = 48,
    Gspm = 49,
    SKF = 53,
    PuzzleSolution = 54,
}

/// <summary>Security protocol identifiers (RFC 7296 section 3.3.1). None stands in notifies that concern no SA.</summary>
public enum ProtocolId : byte
{
    None = 0,
    Ike = 1,
    Ah = 2,
    Esp = 3,
}

/// <summary>What a transform is for (RFC 7296 section 3.3.2, RFC 9370).</summary>
public enum TransformType : byte
{
    Encryption = 1,
    Prf = 2,
    Integrity = 3,
    KeyExchange = 4,
    ExtendedSequenceNumbers = 5,
    AdditionalKeyExchange1 = 6,
    AdditionalKeyExchange2 = 7,
    AdditionalKeyExchange3 = 8,
    AdditionalKeyExchange4 = 9,
    AdditionalKeyExchange5 = 10,
    AdditionalKeyExchange6 = 11,
    AdditionalKeyExchange7 = 12,
}

/// <summary>Transform attributes (RFC 7296 section 3.3.5): there is only one.</summary>
public enum TransformAttributeType : ushort
{
    KeyLength = 14,
}

/// <summary>Identification types (RFC 7296 section 3.5).</summary>
public enum IdType : byte
{
    Ipv4Addr = 1,
    Fqdn = 2,
    Rfc822Addr = 3,
    Ipv6Addr = 5,
    DerAsn1Dn = 9,
    DerAsn1Gn = 10,
    KeyId = 11,
    FcName = 12,
    Null = 13,
}

/// <summary>Certificate encodings (RFC 7296 section 3.6).</summary>
public enum CertEncoding : byte
{
    Pkcs7X509 = 1,
    Pgp = 2,
    DnsSignedKey = 3,
    X509Signature = 4,
    KerberosToken = 6,
    CertificateRevocationList = 7,
    AuthorityRevocationList = 8,
    Spki = 9,
    X509Attribute = 10,
    RawRsaKey = 11,
    HashAndUrlX509 = 12,
    HashAndUrlBundle = 13,
    OcspContent = 14,
    RawPublicKey = 15,
}

/// <summary>Authentication methods (RFC 7296 section 3.8, RFC 4754, RFC 7427, RFC 7619).</summary>
public enum AuthMethod : byte
{
    RsaSignature = 1,
    SharedKey = 2,
    DssSignature = 3,
    EcdsaP256 = 9,
    EcdsaP384 = 10,
    EcdsaP521 = 11,
    GenericSecurePassword = 12,
    Null = 13,
    DigitalSignature = 14,
}

/// <summary>Traffic selector types (RFC 7296 section 3.13.1).</summary>
public enum TsType : byte
{
    Ipv4AddrRange = 7,
    Ipv6AddrRange = 8,
    FcAddrRange = 9,
    SecurityLabel = 10,
}

/// <summary>What a configuration payload does (RFC 7296 section 3.15).</summary>
public enum ConfigType : byte
{
    Request = 1,
    Reply = 2,
    Set = 3,
    Ack = 4,
}

/// <summary>Configuration attributes (RFC 7296 section 3.15.1 and the registry).</summary>
public enum ConfigAttributeType : ushort
{
    InternalIp4Address = 1,
    InternalIp4Netmask = 2,
    InternalIp4Dns = 3,
    InternalIp4Nbns = 4,
    InternalIp4Dhcp = 6,
    ApplicationVersion = 7,
    InternalIp6Address = 8,
    InternalIp6Dns = 10,
    InternalIp6Dhcp = 12,
    InternalIp4Subnet = 13,
    SupportedAttributes = 14,
    InternalIp6Subnet = 15,
    Mip6HomePrefix = 16,
    InternalIp6Link = 17,
    InternalIp6Prefix = 18,
    HomeAgentAddress = 19,
    PCscfIp4Address = 20,
    PCscfIp6Address = 21,
    FtkKat = 22,
    ExternalSourceIp4NatInfo = 23,
    TimeoutPeriodForLivenessCheck = 24,
    InternalDnsDomain = 25,
    InternalDnssecTa = 26,
    EncdnsIp4 = 27,
    EncdnsIp6 = 28,
    EncdnsDigestInfo = 29,
}

/// <summary>The bits of the IKE header's flags that IKEv2 defines (RFC 7296 section 3.1).</summary>
[Flags]
public enum IkeFlags : byte
{
    None = 0,

    /// <summary>Sent by the original initiator of the IKE SA.</summary>
    Initiator = 0x08,

    /// <summary>The sender can speak a higher major version.</summary>
    HigherVersion = 0x10,

    Response = 0x20,
}
