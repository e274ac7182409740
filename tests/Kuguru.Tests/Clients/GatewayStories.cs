using System.Text;
using Kuguru.Crypto;
using Kuguru.Ike.Eap;
using Kuguru.Ike.V2;
using Kuguru.Pki;
using Kuguru.Tests.Ike;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Tests.Clients.Talk;

namespace Kuguru.Tests.Clients;

/// <summary>Other people's gateways, with Kuguru as their client by the configurations of docs/clients.md.</summary>
public class GatewayStories
{
    static readonly Payload.Cert s_certificate = new(CertEncoding.X509Signature, DocumentedNode.Own.Certificate.Der);
    static readonly Payload.IDr s_subject = new(IdType.DerAsn1Dn, DocumentedNode.Own.Certificate.Subject);

    /// <summary>When it is told to, and with the group that is wanted.</summary>
    static string ByOrder(string text) => text.Replace(" = start", " = none", StringComparison.Ordinal)
        .Replace("vips", "proposals = aes256-sha256-modp2048\n vips", StringComparison.Ordinal);

    static Payload Eap(EapPacket packet) => new Payload.Eap(packet.ToBlob());

    static EapPacket Packet(IkeMessage message) =>
        EapPacket.TryParse(message.Find<Payload.Eap>()!.Message.Span, out var packet, out _) ? packet : throw new InvalidOperationException();

    /// <summary>
    /// Windows Server knows no RFC 7427, calls itself by its certificate's subject, and says no more of MSCHAPv2's success than the proof (RFC 2759 section 5 has the
    /// text behind it as an option). What it gives has attributes of Microsoft's own beside the address.
    /// </summary>
    [Fact]
    public void Windows_Server_lets_a_user_in()
    {
        var (dice, spi) = (new SeededDice(3), new Spi(0x12345678));
        var challenge = dice.Bytes(16);
        Secret? msk = null;
        var server = new ScriptedGateway("aes256-sha256-modp2048")
            .Then((gateway, request) =>
            {
                Assert.Equal("IKE_AUTH request 1 { IDi, CERTREQ, CP(CFG_REQUEST), SA, TSi, TSr, N(MOBIKE_SUPPORTED), N(NO_ADDITIONAL_ADDRESSES), V }", $"{request}");
                return [s_subject, s_certificate, gateway.Sign(DocumentedNode.Own.Keys.Private, SignatureScheme.Pkcs1(SignatureHash.Sha1), null, s_subject),
                    Eap(EapPacket.Request(1, EapType.Identity, Blob.Empty))];
            })
            .Then((_, request) =>
            {
                Assert.Equal("alice", Encoding.ASCII.GetString(Packet(request).Data));
                return [Eap(EapPacket.Request(2, EapType.MsChapV2, (byte[])[1, 2, 0, 28, 16, .. challenge, .. "RRAS-01"u8]))];
            })
            .Then((_, request) =>
            {
                var data = Packet(request).Data;
                var (peer, response) = (data.ToArray()[5..21], data.ToArray()[29..53]);
                using var password = Secret.Copy("change me"u8);
                using var hash = MsChapV2.NtPasswordHash(password);
                Assert.Equal(MsChapV2.NtResponse(challenge, peer, "alice"u8, hash), response);
                msk = MsChapV2.Msk(hash, response);
                var proof = Encoding.ASCII.GetBytes("S=" + Convert.ToHexString(MsChapV2.AuthenticatorResponse(challenge, peer, "alice"u8, hash, response)));
                return [Eap(EapPacket.Request(3, EapType.MsChapV2, (byte[])[3, 2, 0, (byte)(4 + proof.Length), .. proof]))];
            })
            .Then((_, _) => [Eap(EapPacket.Success(3))])
            .Then((gateway, request) =>
            {
                Assert.Equal((Blob)gateway.Keying.Prove(msk!, gateway.Octets(byInitiator: true, gateway.First.Find<Payload.IDi>()!)), request.Find<Payload.Auth>()!.Data);
                return
                [
                    gateway.Prove(msk!, s_subject),
                    new Payload.CP(ConfigType.Reply,
                    [
                        new(ConfigAttributeType.InternalIp4Address, IpAddress.Parse("172.16.0.7")),
                        new(ConfigAttributeType.InternalIp4Netmask, IpAddress.Parse("255.255.255.255")),
                        new(ConfigAttributeType.InternalIp4Dns, IpAddress.Parse("172.16.0.1")), new((ConfigAttributeType)23456, IpAddress.Parse("172.16.0.2")),
                    ]),
                    ForEsp(spi, "aes256-sha1"), TSi("172.16.0.7/32"), TSr("0.0.0.0/0"),
                ];
            });
        var kuguru = new Traveller(server, block: 1, ByOrder);
        Assert.Null(kuguru.Up("office", "all"));
        Assert.Equal(("172.16.0.7/32", "0.0.0.0/0", spi, true),
            (string.Join(' ', kuguru.Child.LocalSelectors), string.Join(' ', kuguru.Child.RemoteSelectors), kuguru.Child.OutboundSpi, kuguru.Child.UdpEncapsulated));
        Assert.Equal("C=CH, O=Kuguru, CN=gateway.example.org", $"{kuguru.Sa.RemoteId}");
    }

    /// <summary>Why Windows refuses, it says in numbers of its own.</summary>
    [Fact]
    public void Windows_Server_s_error_is_named_with_its_code()
    {
        var server = new ScriptedGateway("aes256-sha256-modp2048").Then((_, _) => [new Payload.Notify(NotifyType.MsStatus, Blob.FromHex("0000362c"))]);
        var kuguru = new Traveller(server, block: 1, ByOrder);
        Assert.Contains("received MS_STATUS(13868) notify error from 192.0.2.1 in answer to IKE_AUTH", kuguru.Up("office", "all")!.Sentence, StringComparison.Ordinal);
    }

    /// <summary>
    /// FortiGate signs by RSA-PSS whose AlgorithmIdentifier spells out the trailer field, which DER would leave out, and sends the root along
    /// (docs.strongswan.org/docs/latest/interop/fortinet.html). MikroTik adds INTERNAL_IP4_SUBNET, and takes less than it was asked for.
    /// </summary>
    [Fact]
    public void A_gateway_with_an_encoding_and_attributes_of_its_own_lets_a_device_in()
    {
        var spi = new Spi(0x12345678);
        var pss = Blob.FromHex(
            "304606092a864886f70d01010a3039a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120a303020101");
        var server = new ScriptedGateway("aes256-sha256-modp2048", N(NotifyType.SignatureHashAlgorithms, "000200030004"), N(NotifyType.Ikev2FragmentationSupported),
                new Payload.CertReq(CertEncoding.X509Signature, DocumentedNode.Devices.Certificate.Key.Fingerprint))
            .Then((gateway, request) =>
            {
                var (id, auth) = (request.Find<Payload.IDi>()!, request.Find<Payload.Auth>()!);
                Assert.True(Certificate.TryRead(request.Find<Payload.Cert>()!.Data, out var certificate, out _));
                Assert.True(AuthData.TryRead(auth, out var signed));
                Assert.NotNull(AuthData.Verify(certificate.Key, signed, gateway.Octets(byInitiator: true, id)));
                return
                [
                    s_subject, s_certificate, new Payload.Cert(CertEncoding.X509Signature, DocumentedNode.Public.Certificate.Der),
                    gateway.Sign(DocumentedNode.Own.Keys.Private, SignatureScheme.Pss(SignatureHash.Sha256), pss, s_subject),
                    new Payload.CP(ConfigType.Reply,
                    [
                        new(ConfigAttributeType.InternalIp4Address, IpAddress.Parse("172.16.0.7")),
                        new(ConfigAttributeType.InternalIp4Netmask, IpAddress.Parse("255.255.255.0")),
                        new(ConfigAttributeType.InternalIp4Subnet, Blob.FromHex("0a020000ffff0000")),
                    ]),
                    ForEsp(spi, "aes256gcm16"), TSi("172.16.0.7/32"), TSr("10.2.0.0/16"),
                ];
            });
        var kuguru = new Traveller(server, block: 2, text => ByOrder(text).Replace("eap-tls", "pubkey", StringComparison.Ordinal));
        Assert.Null(kuguru.Up("azure", "all"));
        Assert.Equal(("172.16.0.7/32", "10.2.0.0/16"), (string.Join(' ', kuguru.Child.LocalSelectors), string.Join(' ', kuguru.Child.RemoteSelectors)));
    }
}
