namespace Kuguru.Wire.V1;

// The registries of https://www.iana.org/assignments/isakmp-registry and ipsec-registry, with the private numbers that drafts of
// RFC 3947 and XAUTH took. A number without a name is still a valid value of its enum: what arrives is kept as it is.

/// <summary>ISAKMP exchange types (RFC 2408 section 3.1, RFC 2409 section 5, XAUTH's Transaction).</summary>
public enum ExchangeKind : byte
{
    None = 0,
    Base = 1,

    /// <summary>Main mode.</summary>
    IdentityProtection = 2,
    AuthenticationOnly = 3,
    Aggressive = 4,
    Informational = 5,

    /// <summary>XAUTH and Mode Config.</summary>
    Transaction = 6,
    QuickMode = 32,
    NewGroupMode = 33,
}

/// <summary>ISAKMP payload types (RFC 2408 section 3.1, RFC 3947, the drafts' own numbers).</summary>
public enum PayloadKind : byte
{
    None = 0,
    SA = 1,
    Proposal = 2,
    Transform = 3,
    KE = 4,
    ID = 5,
    Cert = 6,
    CertReq = 7,
    Hash = 8,
    Signature = 9,
    Nonce = 10,
    Notification = 11,
    Delete = 12,
    VendorId = 13,
    Attributes = 14,
    NatD = 20,
    NatOa = 21,
    NatDDraft = 130,
    NatOaDraft = 131,
    Fragment = 132,
}

/// <summary>The bits of the ISAKMP header's flags (RFC 2408 section 3.1).</summary>
[Flags]
public enum IsakmpFlags : byte
{
    None = 0,
    Encryption = 1,
    Commit = 2,
    AuthenticationOnly = 4,
}

/// <summary>Protocols of proposals, notifications and deletes (RFC 2407 section 4.4.1).</summary>
public enum IsakmpProtocol : byte
{
    None = 0,
    Isakmp = 1,
    Ah = 2,
    Esp = 3,
    IpComp = 4,
}

/// <summary>Attributes of a phase 1 transform (RFC 2409 appendix A).</summary>
public enum OakleyAttribute : ushort
{
    EncryptionAlgorithm = 1,
    HashAlgorithm = 2,
    AuthenticationMethod = 3,
    GroupDescription = 4,
    GroupType = 5,
    LifeType = 11,
    LifeDuration = 12,
    Prf = 13,
    KeyLength = 14,
}

/// <summary>Attributes of a phase 2 transform (RFC 2407 section 4.5, RFC 4304 appendix A).</summary>
public enum IpsecAttribute : ushort
{
    LifeType = 1,
    LifeDuration = 2,
    GroupDescription = 3,
    EncapsulationMode = 4,
    AuthenticationAlgorithm = 5,
    KeyLength = 6,
    KeyRounds = 7,
    CompressDictionarySize = 8,
    CompressPrivateAlgorithm = 9,
    ExtendedSequenceNumber = 11,
}

/// <summary>What a lifetime counts, in both phases.</summary>
public enum LifeType : ushort
{
    Seconds = 1,
    Kilobytes = 2,
}

/// <summary>Phase 1 ciphers (RFC 2409 appendix A, RFC 3602).</summary>
public enum OakleyCipher : ushort
{
    Des = 1,
    Idea = 2,
    Blowfish = 3,
    Rc5 = 4,
    TripleDes = 5,
    Cast = 6,
    Aes = 7,
    Camellia = 8,
}

/// <summary>Phase 1 hashes (RFC 2409 appendix A, RFC 4868).</summary>
public enum OakleyHash : ushort
{
    Md5 = 1,
    Sha1 = 2,
    Tiger = 3,
    Sha2_256 = 4,
    Sha2_384 = 5,
    Sha2_512 = 6,
}

/// <summary>How phase 1 is authenticated (RFC 2409 appendix A, RFC 4754, XAUTH and hybrid drafts); "Init" and "Resp" say who is asked by XAUTH.</summary>
public enum OakleyMethod : ushort
{
    PreSharedKey = 1,
    DssSignatures = 2,
    RsaSignatures = 3,
    EncryptionWithRsa = 4,
    RevisedEncryptionWithRsa = 5,
    EcdsaP256 = 9,
    EcdsaP384 = 10,
    EcdsaP521 = 11,
    HybridInitRsa = 64221,
    HybridRespRsa = 64222,
    XauthInitPreShared = 65001,
    XauthRespPreShared = 65002,
    XauthInitRsa = 65005,
    XauthRespRsa = 65006,
}

/// <summary>Encapsulation modes of phase 2 (RFC 2407 section 4.5, RFC 3947 section 5.1, its drafts).</summary>
public enum EncapsulationMode : ushort
{
    Tunnel = 1,
    Transport = 2,
    UdpTunnel = 3,
    UdpTransport = 4,
    UdpTunnelDraft = 61443,
    UdpTransportDraft = 61444,
}

/// <summary>Transform identifiers of ESP (RFC 2407 section 4.4.4, RFC 3602, 3686, 4106, 4543).</summary>
public enum EspTransform : byte
{
    DesIv64 = 1,
    Des = 2,
    TripleDes = 3,
    Null = 11,
    AesCbc = 12,
    AesCtr = 13,
    AesCcm8 = 14,
    AesCcm12 = 15,
    AesCcm16 = 16,
    AesGcm8 = 18,
    AesGcm12 = 19,
    AesGcm16 = 20,
    Camellia = 22,
    NullAesGmac = 23,
}

/// <summary>Transform identifiers of AH (RFC 2407 section 4.4.3, RFC 4868, RFC 3566).</summary>
public enum AhTransform : byte
{
    Md5 = 2,
    Sha = 3,
    Des = 4,
    Sha2_256 = 5,
    Sha2_384 = 6,
    Sha2_512 = 7,
    AesXcbc = 9,
}

/// <summary>Integrity of ESP and AH as an attribute (RFC 2407 section 4.5, RFC 4868).</summary>
public enum EspAuthentication : ushort
{
    HmacMd5 = 1,
    HmacSha1 = 2,
    DesMac = 3,
    Kpdk = 4,
    HmacSha2_256 = 5,
    HmacSha2_384 = 6,
    HmacSha2_512 = 7,
    AesXcbc = 9,
}

/// <summary>Identification types (RFC 2407 section 4.6.2.1).</summary>
public enum IdKind : byte
{
    Ipv4Addr = 1,
    Fqdn = 2,
    UserFqdn = 3,
    Ipv4AddrSubnet = 4,
    Ipv6Addr = 5,
    Ipv6AddrSubnet = 6,
    Ipv4AddrRange = 7,
    Ipv6AddrRange = 8,
    DerAsn1Dn = 9,
    DerAsn1Gn = 10,
    KeyId = 11,
}

/// <summary>Certificate encodings (RFC 2408 section 3.9).</summary>
public enum CertificateKind : byte
{
    Pkcs7X509 = 1,
    Pgp = 2,
    X509Signature = 4,
    X509KeyExchange = 5,
    CertificateRevocationList = 7,
}

/// <summary>Notify messages (RFC 2408 section 3.14.1, RFC 2407 section 4.6.3, RFC 3706, Cisco's load balancing).</summary>
public enum NotifyKind : ushort
{
    InvalidPayloadType = 1,
    DoiNotSupported = 2,
    SituationNotSupported = 3,
    InvalidCookie = 4,
    InvalidMajorVersion = 5,
    InvalidMinorVersion = 6,
    InvalidExchangeType = 7,
    InvalidFlags = 8,
    InvalidMessageId = 9,
    InvalidProtocolId = 10,
    InvalidSpi = 11,
    InvalidTransformId = 12,
    AttributesNotSupported = 13,
    NoProposalChosen = 14,
    BadProposalSyntax = 15,
    PayloadMalformed = 16,
    InvalidKeyInformation = 17,
    InvalidIdInformation = 18,
    InvalidCertEncoding = 19,
    InvalidCertificate = 20,
    CertTypeUnsupported = 21,
    InvalidCertAuthority = 22,
    InvalidHashInformation = 23,
    AuthenticationFailed = 24,
    InvalidSignature = 25,
    AddressNotification = 26,
    NotifySaLifetime = 27,
    CertificateUnavailable = 28,
    UnsupportedExchangeType = 29,
    UnequalPayloadLengths = 30,

    Connected = 16384,
    ResponderLifetime = 24576,
    ReplayStatus = 24577,
    InitialContact = 24578,
    RUThere = 36136,
    RUThereAck = 36137,
}

/// <summary>What an Attributes payload does (Mode Config, XAUTH).</summary>
public enum ConfigKind : byte
{
    Request = 1,
    Reply = 2,
    Set = 3,
    Ack = 4,
}

/// <summary>Attributes of Mode Config and XAUTH, with Cisco's Unity ones.</summary>
public enum ConfigItem : ushort
{
    InternalIp4Address = 1,
    InternalIp4Netmask = 2,
    InternalIp4Dns = 3,
    InternalIp4Nbns = 4,
    InternalAddressExpiry = 5,
    InternalIp4Dhcp = 6,
    ApplicationVersion = 7,
    InternalIp6Address = 8,
    InternalIp6Netmask = 9,
    InternalIp6Dns = 10,
    InternalIp6Nbns = 11,
    InternalIp6Dhcp = 12,
    InternalIp4Subnet = 13,
    SupportedAttributes = 14,
    InternalIp6Subnet = 15,

    XauthType = 16520,
    XauthUserName = 16521,
    XauthUserPassword = 16522,
    XauthPasscode = 16523,
    XauthMessage = 16524,
    XauthChallenge = 16525,
    XauthDomain = 16526,
    XauthStatus = 16527,
    XauthNextPin = 16528,
    XauthAnswer = 16529,

    UnityBanner = 28672,
    UnitySavePassword = 28673,
    UnityDefDomain = 28674,
    UnitySplitDnsName = 28675,
    UnitySplitInclude = 28676,
    UnityNattPort = 28677,
    UnityLocalLan = 28678,
    UnityPfs = 28679,
    UnityFwType = 28680,
    UnityBackupServers = 28681,
    UnityDdnsHostname = 28682,
}
