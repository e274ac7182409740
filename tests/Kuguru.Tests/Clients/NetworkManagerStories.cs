using Kuguru.Crypto;
using Kuguru.Ike.V2;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Tests.Clients.Talk;

namespace Kuguru.Tests.Clients;

/// <summary>
/// charon-nm, which NetworkManager's strongSwan plug-in starts, and the strongSwan app for Android: both are charon with settings of their own
/// (docs.strongswan.org/docs/latest/features/networkManager.html; a log of the app is in openwrt/packages issue 25801).
/// </summary>
public class NetworkManagerStories
{
    /// <summary>ADDR, ADDR6, DNS, DNS6.</summary>
    static readonly Payload.CP s_request = Request(1, 8, 3, 10);

    /// <summary>All authorities of the distribution, where none is configured: 135 hashes.</summary>
    static readonly Payload.CertReq s_authorities = new(CertEncoding.X509Signature,
        (byte[])[.. Enumerable.Range(0, 134 * 20).Select(i => (byte)(i * 31)), .. Gateway.Public.Certificate.Key.Fingerprint.Span]);

    /// <summary>From ports that the system gives it, also behind the NAT.</summary>
    static ScriptedClient Client(Gateway gateway) => new(gateway, port: 43210, natPort: 43211) { PieceSize = 1232 };

    static void Init(ScriptedClient charon)
    {
        charon.Begin(KeyExchangeMethod.Ecp256);
        var answer = charon.Init(ForIke("default"), charon.KE, charon.Ni, charon.NatSource, charon.NatDestination, N(NotifyType.Ikev2FragmentationSupported),
            N(NotifyType.SignatureHashAlgorithms, "00020003000400050006"), N(NotifyType.RedirectSupported));
        Assert.True(answer.Has(NotifyType.SignatureHashAlgorithms));
    }

    /// <summary>No IDr, unless the server's identity is configured.</summary>
    static Payload[] Rest(Spi spi) =>
    [
        s_request, ForEsp(spi, "default"), TSi(Everything), TSr(Everything), N(NotifyType.MobikeSupported), N(NotifyType.NoAdditionalAddresses),
        N(NotifyType.EapOnlyAuthentication), N(NotifyType.Ikev2MessageIdSyncSupported),
    ];

    [Fact]
    public void A_user_logs_in_by_password_and_hangs_up()
    {
        var gateway = new Gateway();
        using var charon = Client(gateway);
        Init(charon);
        var (spi, id) = (charon.NewEspSpi(), new Payload.IDi(IdType.Fqdn, "alice"u8.ToArray()));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        var answer = charon.Auth([id, N(NotifyType.InitialContact), s_authorities, .. Rest(spi)]);
        charon.AssertSignature(answer, AuthMethod.DigitalSignature, SignatureScheme.Pkcs1(SignatureHash.Sha256));
        var last = user.LogIn(charon, answer, id);
        AssertConfiguration(last);
        AssertChild(gateway, charon, last, spi);
        charon.Ask(ExchangeType.Informational, Payload.Delete.Ike);
        AssertGone(gateway);
    }

    [Theory]
    [InlineData("rsa3072", "RSA_EMSA_PKCS1_SHA2_256")]
    [InlineData("ecdsa384", "ECDSA_WITH_SHA384_DER")]
    [InlineData("ed25519", "ED25519")]
    public void A_user_logs_in_by_certificate(string keys, string scheme)
    {
        var gateway = new Gateway();
        using var charon = Client(gateway);
        var user = Gateway.Devices.Issue("bob@example.org", keys);
        Init(charon);
        var (spi, id) = (charon.NewEspSpi(), new Payload.IDi(IdType.DerAsn1Dn, user.Certificate.Subject));
        var answer = charon.Auth([id, new Payload.Cert(CertEncoding.X509Signature, user.Certificate.Der), N(NotifyType.InitialContact), s_authorities,
            charon.Sign(user.Keys.Private, SignatureScheme.All.Single(one => $"{one}" == scheme), AuthMethod.DigitalSignature, id), .. Rest(spi)]);
        AssertConfiguration(answer);
        AssertChild(gateway, charon, answer, spi);
        Assert.Contains(gateway.Events, one => one.Sentence == $"authentication of '{gateway.Sa.RemoteId}' with {scheme} successful");
    }

    /// <summary>Keys of the child after 2 h 50 min, of the IKE SA after ten; since 6.0.2 with a group of the child's own, before without.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_rekeys_the_child_and_the_IKE_SA(bool hasGroup)
    {
        var gateway = new Gateway();
        using var charon = Client(gateway);
        Init(charon);
        var (spi, id) = (charon.NewEspSpi(), new Payload.IDi(IdType.Fqdn, "alice"u8.ToArray()));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        user.LogIn(charon, charon.Auth([id, s_authorities, .. Rest(spi)]), id);
        gateway.Run(TimeSpan.FromMinutes(170));

        var fresh = charon.NewEspSpi();
        charon.Begin(KeyExchangeMethod.Ecp256);
        List<Payload> request =
        [
            new Payload.Notify(ProtocolId.Esp, spi.ToBlob(), NotifyType.RekeySa, Blob.Empty),
            hasGroup ? ForEsp(fresh, "default") : ForEsp(fresh, "aes128gcm16-aes192gcm16-aes256gcm16", "aes128-aes192-aes256-sha256-sha384-sha512-sha1-aesxcbc"), charon.Ni,
        ];
        if (hasGroup)
            request.Add(charon.KE);
        var answer = charon.Ask(ExchangeType.CreateChildSa, [.. request, TSi("10.3.0.1/32", "2001:db8:3::1/128"), TSr(Everything)]);
        AssertChild(gateway, charon, answer, fresh, charon.Ni.Data, hasGroup);
        charon.Ask(ExchangeType.Informational, new Payload.Delete(ProtocolId.Esp, [spi]));
        gateway.Run(TimeSpan.FromHours(7));

        var next = charon.NewSpi();
        charon.Begin(KeyExchangeMethod.Ecp256);
        answer = charon.Ask(ExchangeType.CreateChildSa, Proposals.Offer(Kuguru.Tests.Ike.Configs.Ike("default"), next.ToBlob()), charon.Ni, charon.KE);
        charon.Ask(ExchangeType.Informational, Payload.Delete.Ike);
        charon.MoveTo(next, answer);
        charon.Ask(ExchangeType.Informational);
        Assert.Equal(fresh, gateway.Child.OutboundSpi);
        Assert.Empty(gateway.Failures);
    }
}
