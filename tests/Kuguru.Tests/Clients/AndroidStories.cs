using System.Text;
using Kuguru.Crypto;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Tests.Clients.Talk;

namespace Kuguru.Tests.Clients;

/// <summary>
/// The client that Android has had since version 11. What it sends is in the Android Open Source Project (packages/modules/IPsec, and VpnIkev2Utils.java
/// in frameworks/base), and in gateways' logs (strongSwan issues 2189 and 2833, hwdsl2/docker-ipsec-vpn-server issue 472).
/// </summary>
public class AndroidStories
{
    /// <summary>ADDR, ADDR6, DNS, DNS6, MASK, and APPLICATION_VERSION always.</summary>
    static readonly Payload.CP s_request = Request(1, 8, 3, 10, 2, 7);

    /// <summary>Two proposals with everything in them, the group of 4096 bits before all others.</summary>
    static readonly string[] s_ike =
    [
        "aes256ctr-aes256-aes192ctr-aes192-aes128ctr-aes128-sha512-sha384-sha256-aesxcbc-aescmac-"
        + "prfsha512-prfsha384-prfsha256-prfaesxcbc-prfaescmac-prfsha1-modp4096-x25519-modp3072-modp2048",
        "chacha20poly1305-aes256gcm16-aes192gcm16-aes128gcm16-"
        + "prfsha512-prfsha384-prfsha256-prfaesxcbc-prfaescmac-prfsha1-modp4096-x25519-modp3072-modp2048",
    ];

    static readonly string[] s_esp = ["aes256-aes192-aes128-sha512-sha384-sha256", "aes256gcm16-aes192gcm16-aes128gcm16"];
    static readonly Payload.IDr s_remote = new(IdType.Fqdn, Encoding.ASCII.GetBytes(Gateway.Name));

    /// <summary>It is asked for another group than its first, and begins anew with another SPI.</summary>
    static ScriptedClient Init(Gateway gateway)
    {
        var android = new ScriptedClient(gateway, port: 40000, natPort: 40000);
        android.Begin(KeyExchangeMethod.Modp4096);
        IkeMessage Ask(ScriptedClient one) => one.Init(ForIke(s_ike), one.KE, one.Ni, one.NatSource, one.NatDestination,
            N(NotifyType.Ikev2FragmentationSupported), N(NotifyType.SignatureHashAlgorithms, "0001000200030004"));
        if (Ask(android).Find(NotifyType.InvalidKePayload) is not { } wanted)
            return android;
        android.Dispose();
        android = new ScriptedClient(gateway, port: 40000, natPort: 40000);
        android.Begin((KeyExchangeMethod)(wanted.Data.Span[0] << 8 | wanted.Data.Span[1]));
        Assert.NotNull(Ask(android).Find<Payload.SA>());
        return android;
    }

    /// <summary>What stands behind its proof, in all methods. It sends no CERTREQ.</summary>
    static Payload[] Rest(Spi spi) => [ForEsp(spi, s_esp), TSi(Everything), TSr(Everything), s_request];

    static (Gateway Gateway, ScriptedClient Android, Spi Spi) Connected()
    {
        var gateway = new Gateway();
        var android = Init(gateway);
        var (spi, id) = (android.NewEspSpi(), new Payload.IDi(IdType.Fqdn, "phone"u8.ToArray()));
        using var user = new MsChapV2Client([], "alice", "change me");
        AssertChild(gateway, android, user.LogIn(android, android.Auth([id, s_remote, .. Rest(spi)]), id), spi);
        return (gateway, android, spi);
    }

    /// <summary>It has no name for EAP-Identity, which may be empty (RFC 3748 section 5.1), only one for the method.</summary>
    [Theory]
    [InlineData(IdType.Fqdn)]
    [InlineData(IdType.KeyId)]
    public void A_user_logs_in_by_password_and_hangs_up(IdType type)
    {
        var gateway = new Gateway();
        using var android = Init(gateway);
        var (spi, id) = (android.NewEspSpi(), new Payload.IDi(type, "phone"u8.ToArray()));
        using var user = new MsChapV2Client([], "alice", "change me");
        var answer = android.Auth([id, s_remote, .. Rest(spi)]);
        Assert.Equal("IKE_AUTH response 1 { IDr, CERT, AUTH, EAP }", $"{answer}");
        android.AssertSignature(answer, AuthMethod.DigitalSignature, SignatureScheme.Pkcs1(SignatureHash.Sha256));
        // It goes no further with a gateway of another name than the one that was typed.
        Assert.Equal((s_remote.Kind, s_remote.Data), (answer.Find<Payload.IDr>()!.Kind, answer.Find<Payload.IDr>()!.Data));
        var last = user.LogIn(android, answer, id);
        Assert.Equal([EapType.Identity, EapType.MsChapV2, EapType.MsChapV2], user.Asked);
        AssertConfiguration(last);
        AssertChild(gateway, android, last, spi);
        Assert.Equal(("alice", "phone"), ($"{gateway.Sa.RemoteEapId}", $"{gateway.Sa.RemoteId}"));
        Assert.False(last.Has(NotifyType.MobikeSupported));
        android.Ask(ExchangeType.Informational, Payload.Delete.Ike);
        AssertGone(gateway);
    }

    [Fact]
    public void A_wrong_password_is_the_end()
    {
        var gateway = new Gateway();
        using var android = Init(gateway);
        using var user = new MsChapV2Client([], "alice", "chance me") { NeverTriesAgain = true };
        var answer = android.Auth([new Payload.IDi(IdType.Fqdn, "phone"u8.ToArray()), s_remote, .. Rest(android.NewEspSpi())]);
        Assert.Equal(EapCode.Failure, user.Talk(android, answer).Code);
        Assert.Contains("the password is wrong (1 try)", Assert.Single(gateway.Failures), StringComparison.Ordinal);
        Assert.Empty(gateway.Node.Status(gateway.Now));
    }

    /// <summary>Who says his name only inside the method is welcome where he would have been with a name, and nowhere else.</summary>
    [Theory]
    [InlineData("alice", true)]
    [InlineData("*@example.org", false)]
    [InlineData("phone", false)]
    public void Who_has_no_name_at_first_is_judged_by_the_one_that_comes(string welcome, bool isIn)
    {
        var gateway = new Gateway(text => text.Replace("eap_id = %any", $"eap_id = {welcome}", StringComparison.Ordinal));
        using var android = Init(gateway);
        var id = new Payload.IDi(IdType.Fqdn, "phone"u8.ToArray());
        using var user = new MsChapV2Client([], "alice", "change me");
        var end = user.Talk(android, android.Auth([id, s_remote, .. Rest(android.NewEspSpi())]));
        Assert.Equal(isIn ? EapCode.Success : EapCode.Failure, end.Code);
        if (!isIn)
            Assert.Contains("no connection is for the EAP identity", Assert.Single(gateway.Failures), StringComparison.Ordinal);
    }

    /// <summary>"IPSec identifier" is a domain name to Android 11, and a key ID to 14.</summary>
    [Theory]
    [InlineData(IdType.Fqdn)]
    [InlineData(IdType.KeyId)]
    public void A_phone_logs_in_by_a_shared_key(IdType type)
    {
        var gateway = new Gateway();
        using var android = Init(gateway);
        var (spi, id) = (android.NewEspSpi(), new Payload.IDi(type, "phone"u8.ToArray()));
        using var secret = Secret.Copy("change me, and make it long"u8);
        var answer = android.Auth([id, s_remote, android.Prove(secret, id), .. Rest(spi)]);
        android.AssertProof(secret, answer.Find<Payload.IDr>()!, answer);
        AssertConfiguration(answer);
        AssertChild(gateway, android, answer, spi);
        Assert.Equal("keys", gateway.Sa.Name);
    }

    [Fact]
    public void A_phone_logs_in_by_its_certificate()
    {
        var gateway = new Gateway();
        using var android = Init(gateway);
        var phone = Gateway.Devices.Issue("phone.example.org", "rsa2048");
        var (spi, id) = (android.NewEspSpi(), new Payload.IDi(IdType.Fqdn, "phone.example.org"u8.ToArray()));
        var answer = android.Auth(
        [
            id, s_remote, new Payload.Cert(CertEncoding.X509Signature, phone.Certificate.Der),
            android.Sign(phone.Keys.Private, SignatureScheme.Pkcs1(SignatureHash.Sha512), AuthMethod.DigitalSignature, id), .. Rest(spi),
        ]);
        android.AssertSignature(answer, AuthMethod.DigitalSignature, SignatureScheme.Pkcs1(SignatureHash.Sha256));
        AssertConfiguration(answer);
        AssertChild(gateway, android, answer, spi);
        Assert.Equal("certificates", gateway.Sa.Name);
    }

    /// <summary>The child after an hour, by what was chosen and without a group, the old one named last; the IKE SA after two.</summary>
    [Fact]
    public void It_rekeys_the_child_and_the_IKE_SA()
    {
        var (gateway, android, spi) = Connected();
        gateway.Run(TimeSpan.FromHours(1));
        var fresh = android.NewEspSpi();
        android.Begin(KeyExchangeMethod.Curve25519);
        var answer = android.Ask(ExchangeType.CreateChildSa, ForEsp(fresh, "aes128gcm16"), android.Ni,
            TSi("10.3.0.1/32", "2001:db8:3::1/128"), TSr(Everything), new Payload.Notify(ProtocolId.Esp, spi.ToBlob(), NotifyType.RekeySa, Blob.Empty));
        AssertChild(gateway, android, answer, fresh, android.Ni.Data);
        android.Ask(ExchangeType.Informational, new Payload.Delete(ProtocolId.Esp, [spi]));
        gateway.Run(TimeSpan.FromHours(1));
        Assert.Equal(fresh, gateway.Child.OutboundSpi);

        var next = android.NewSpi();
        answer = android.Ask(ExchangeType.CreateChildSa, ForIke(next, "aes128-sha256-x25519"), android.Ni, android.KE);
        android.MoveTo(next, answer);
        android.Ask(ExchangeType.Informational);
        Assert.Equal(fresh, gateway.Child.OutboundSpi);
        Assert.Empty(gateway.Failures);
    }
}
