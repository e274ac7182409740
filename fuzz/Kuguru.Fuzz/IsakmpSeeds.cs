using Kuguru.Wire.V1;
using static Kuguru.Wire.V1.Payload;

namespace Kuguru.Fuzz;

/// <summary>Good messages of IKEv1 with every kind of payload.</summary>
static class IsakmpSeeds
{
    public static IsakmpMessage Clear { get; } = new(new(0x0102030405060708), new(0x1112131415161718), ExchangeKind.IdentityProtection, IsakmpFlags.None, new(0),
    [
        new SA([new Proposal(1, IsakmpProtocol.Isakmp, Blob.Empty, [new Transform(1, 1, [DataAttribute.Of(OakleyAttribute.KeyLength, 128), DataAttribute.Of(OakleyAttribute.LifeDuration, 86400)])])]),
        new KE(new byte[32]),
        new Nonce(new byte[32]),
        new ID(IdKind.Fqdn, 0, 0, "moon"u8.ToArray()),
        new Hash(new byte[20]),
        new Cert(CertificateKind.X509Signature, new byte[20]),
        new CertReq(CertificateKind.X509Signature, new byte[20]),
        new Signature(new byte[64]),
        new Notification(IsakmpProtocol.Isakmp, new byte[16], NotifyKind.RUThere, new byte[4]),
        new Delete(IsakmpProtocol.Esp, 4, [new byte[4]]),
        new VendorId(VendorIds.Rfc3947),
        new Attributes(ConfigKind.Request, 1, [DataAttribute.Of(ConfigItem.XauthUserName, Blob.Empty), DataAttribute.Of((ushort)ConfigItem.XauthStatus, 1)]),
        new NatD(new byte[20], false),
        new NatOa(IpAddress.Parse("192.0.2.1"), true),
        new Fragment(1, 1, true, new byte[8]),
        new Unknown((PayloadKind)200, new byte[3]),
    ]);

    public static IsakmpMessage Protected { get; } = Clear with { Flags = IsakmpFlags.Encryption, Payloads = [new Encrypted(PayloadKind.Hash, new byte[64])] };
}
