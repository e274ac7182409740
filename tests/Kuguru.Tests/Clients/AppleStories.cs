using Kuguru.Crypto;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Tests.Clients.Talk;

namespace Kuguru.Tests.Clients;

/// <summary>
/// The client of macOS and iOS. What it sends is known from strongSwan's page (docs.strongswan.org/docs/latest/interop/ios.html), gateways' logs
/// (strongX509/docker issue 7 of iOS 16, trailofbits/algo pull request 976 with certificates) and Apple's own (libreswan issue 1450, macOS 14).
/// </summary>
public class AppleStories
{
    /// <summary>ADDR, MASK, DHCP, DNS, ADDR6, DHCP6, DNS6, DOMAIN (RFC 8598).</summary>
    static readonly Payload.CP s_request = Request(1, 2, 6, 3, 8, 12, 10, 25);

    /// <summary>iOS 16 without a profile.</summary>
    static readonly string[] s_ios16 =
        ["aes256-sha256-modp2048", "aes256-sha256-ecp256", "aes256-sha256-modp1536", "aes128-sha1-modp1024", "3des-sha1-modp1024"];

    static readonly string[] s_esp16 = ["aes256-sha256", "aes256-sha256", "aes256-sha256", "aes128-sha1", "3des-sha1"];

    /// <summary>macOS 14.</summary>
    static readonly string[] s_macos14 =
        ["aes256gcm16-prfsha256-ecp256", "aes256gcm16-prfsha256-modp2048", "aes256-sha256-ecp256", "aes256-sha256-modp2048"];

    /// <summary>"Remote ID" is a domain name, whatever it looks like.</summary>
    static readonly Payload.IDr s_remote = new(IdType.Fqdn, System.Text.Encoding.ASCII.GetBytes(Gateway.Name));

    static IkeMessage Init(ScriptedClient apple, KeyExchangeMethod group, params string[] proposals)
    {
        apple.Begin(group, nonce: 16);
        return apple.Init([ForIke(proposals), apple.KE, apple.Ni, N(NotifyType.RedirectSupported), apple.NatSource, apple.NatDestination,
            N(NotifyType.Ikev2FragmentationSupported)]);
    }

    /// <summary>No CERTREQ, unless a profile names the issuer.</summary>
    static IkeMessage AskForEap(ScriptedClient apple, Spi spi, Payload.IDi id, params string[] esp) => apple.Auth(
        id, N(NotifyType.InitialContact), s_remote, s_request, N(NotifyType.EspTfcPaddingNotSupported), N(NotifyType.NonFirstFragmentsAlso),
        ForEsp(spi, esp), TSi(Everything), TSr(Everything), N(NotifyType.MobikeSupported));

    /// <summary>It leaves from ports of its own.</summary>
    static ScriptedClient Client(Gateway gateway) => new(gateway, port: 51234, natPort: 61234) { PieceSize = 524 };

    static (Gateway Gateway, ScriptedClient Apple, Spi Spi) Connected(KeyExchangeMethod group, string[] proposals, params string[] esp)
    {
        var gateway = new Gateway();
        var apple = Client(gateway);
        Init(apple, group, proposals);
        var (spi, id) = (apple.NewEspSpi(), new Payload.IDi(IdType.Ipv4Addr, apple.Address.ToBytes()));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        var last = user.LogIn(apple, AskForEap(apple, spi, id, esp), id);
        AssertChild(gateway, apple, last, spi);
        return (gateway, apple, spi);
    }

    /// <summary>"Local ID" is left empty or is anything at all.</summary>
    [Theory]
    [InlineData(IdType.Ipv4Addr, "c0a80117", "192.168.1.23")]
    [InlineData(IdType.Fqdn, "616c696365", "alice")]
    [InlineData(IdType.Rfc822Addr, "616c696365406578616d706c652e6f7267", "alice@example.org")]
    public void A_user_logs_in_by_password_and_hangs_up(IdType type, string hex, string expected)
    {
        var gateway = new Gateway();
        using var apple = Client(gateway);
        Init(apple, KeyExchangeMethod.Modp2048, s_ios16);
        var (spi, id) = (apple.NewEspSpi(), new Payload.IDi(type, Blob.FromHex(hex)));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        var answer = AskForEap(apple, spi, id, s_esp16);
        apple.AssertSignature(answer, AuthMethod.RsaSignature, SignatureScheme.Pkcs1(SignatureHash.Sha1));
        Assert.Equal((IdType.Fqdn, s_remote.Data), (answer.Find<Payload.IDr>()!.Kind, answer.Find<Payload.IDr>()!.Data));
        var last = user.LogIn(apple, answer, id);
        AssertConfiguration(last);
        AssertChild(gateway, apple, last, spi);
        Assert.True(last.Has(NotifyType.MobikeSupported));
        Assert.Equal(("alice", expected), ($"{gateway.Sa.RemoteEapId}", $"{gateway.Sa.RemoteId}"));
        Assert.Equal("{ }", $"{apple.Ask(ExchangeType.Informational, Payload.Delete.Ike)}"[^3..]);
        AssertGone(gateway);
    }

    [Fact]
    public void A_user_logs_in_by_a_certificate_inside_EAP()
    {
        var gateway = new Gateway();
        using var apple = Client(gateway);
        Init(apple, KeyExchangeMethod.Modp2048, "aes256-sha256-modp2048");
        var (spi, id) = (apple.NewEspSpi(), new Payload.IDi(IdType.Rfc822Addr, "bob@example.org"u8.ToArray()));
        using var user = new TlsClient("bob@example.org"u8.ToArray(), Tls(Gateway.Devices.Issue("bob@example.org", "rsa2048")), fragment: 1024);
        var last = user.LogIn(apple, AskForEap(apple, spi, id, "aes256-sha256"), id);
        AssertConfiguration(last);
        AssertChild(gateway, apple, last, spi);
    }

    /// <summary>From a profile: "Local ID" is one of the certificate's names, sent as a domain name, also where it is none.</summary>
    [Theory]
    [InlineData("rsa2048")]
    [InlineData("ecdsa256")]
    public void A_device_logs_in_by_its_certificate(string keys)
    {
        var gateway = new Gateway();
        using var apple = Client(gateway);
        var phone = Gateway.Devices.Issue("phone.example.org", keys);
        Init(apple, KeyExchangeMethod.Curve25519, "aes256gcm16-prfsha512-x25519");
        var (spi, id) = (apple.NewEspSpi(), new Payload.IDi(IdType.Fqdn, "phone.example.org"u8.ToArray()));
        var auth = keys == "rsa2048" ? apple.Sign(phone.Keys.Private, SignatureScheme.Pkcs1(SignatureHash.Sha1), AuthMethod.RsaSignature, id)
            : apple.Sign(phone.Keys.Private, new SignatureScheme(KeyKind.Ecdsa, SignatureHash.Sha256, SignatureForm.Concatenated), AuthMethod.EcdsaP256, id);
        var answer = apple.Auth(id, N(NotifyType.InitialContact), N(NotifyType.MobikeSupported), s_remote,
            new Payload.CertReq(CertEncoding.X509Signature, Gateway.Public.Certificate.Key.Fingerprint), auth,
            new Payload.Cert(CertEncoding.X509Signature, phone.Certificate.Der), s_request,
            N(NotifyType.EspTfcPaddingNotSupported), N(NotifyType.NonFirstFragmentsAlso), ForEsp(spi, "aes256gcm16"), TSi(Everything), TSr(Everything));
        apple.AssertSignature(answer, AuthMethod.RsaSignature, SignatureScheme.Pkcs1(SignatureHash.Sha1));
        AssertConfiguration(answer);
        AssertChild(gateway, apple, answer, spi);
        Assert.Equal(("certificates", "phone.example.org"), (gateway.Sa.Name, $"{gateway.Sa.RemoteId}"));
    }

    /// <summary>The first proposal with the group of the IKE SA, a second one without: iOS. macOS has the second only.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_rekeys_the_child_with_a_group_or_without(bool isPhone)
    {
        var (gateway, apple, spi) = Connected(KeyExchangeMethod.Modp2048, s_ios16, s_esp16);
        var fresh = apple.NewEspSpi();
        apple.Begin(KeyExchangeMethod.Modp2048, nonce: 16);
        List<Payload> request =
        [
            new Payload.Notify(ProtocolId.Esp, spi.ToBlob(), NotifyType.RekeySa, Blob.Empty),
            isPhone ? ForEsp(fresh, "aes256-sha256-modp2048", "aes256-sha256") : ForEsp(fresh, "aes256-sha256"), apple.Ni,
        ];
        if (isPhone)
            request.Add(apple.KE);
        var answer = apple.Ask(ExchangeType.CreateChildSa, [.. request, TSi("10.3.0.1/32", "2001:db8:3::1/128"), TSr(Everything)]);
        AssertChild(gateway, apple, answer, fresh, apple.Ni.Data, keyExchange: isPhone);
        apple.Ask(ExchangeType.Informational, new Payload.Delete(ProtocolId.Esp, [spi]));
        gateway.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(fresh, gateway.Child.OutboundSpi);
    }

    /// <summary>
    /// macOS 14 rekeys the IKE SA, after 48 minutes, by the one proposal that was chosen, under the number that it had then. A gateway that wants
    /// proposals to begin with 1 (RFC 7296 section 3.3.1) loses it (libreswan issue 1450).
    /// </summary>
    [Fact]
    public void It_rekeys_the_IKE_SA_by_the_third_of_one_proposal()
    {
        var (gateway, apple, spi) = Connected(KeyExchangeMethod.Ecp256, s_macos14, "aes256gcm16", "aes256-sha256");
        gateway.Run(TimeSpan.FromMinutes(48));
        var next = apple.NewSpi();
        apple.Begin(KeyExchangeMethod.Ecp256, nonce: 16);
        var answer = apple.Ask(ExchangeType.CreateChildSa, ForIke(next, "aes256-sha256-ecp256", number: 3), apple.Ni, apple.KE);
        Assert.Equal(3, answer.Find<Payload.SA>()!.Proposals[0].Number);
        apple.Ask(ExchangeType.Informational, Payload.Delete.Ike);
        apple.MoveTo(next, answer);
        apple.Ask(ExchangeType.Informational);
        Assert.Equal(spi, gateway.Child.OutboundSpi);
        Assert.Empty(gateway.Failures);
    }

    /// <summary>Its public value is for the first of what it proposes, which a gateway may not want: once more, with another.</summary>
    [Fact]
    public void It_is_asked_for_another_group_where_the_gateway_insists()
    {
        var gateway = new Gateway(text => text.Replace("aes256-sha256-ecp256-x25519-modp2048, default", "aes256-sha256-modp2048", StringComparison.Ordinal));
        using var apple = Client(gateway);
        var refused = Init(apple, KeyExchangeMethod.Ecp256, s_macos14);
        Assert.Equal("000e", Convert.ToHexStringLower(refused.Find(NotifyType.InvalidKePayload)!.Data.Span));
        var answer = Init(apple, KeyExchangeMethod.Modp2048, s_macos14);
        Assert.Equal(4, answer.Find<Payload.SA>()!.Proposals[0].Number);
    }

    /// <summary>Name servers of a tunnel that is not for everything are used for the domains that come with them, and not at all where none do.</summary>
    [Fact]
    public void With_a_narrow_tunnel_it_hears_for_which_domains_the_name_servers_are()
    {
        var gateway = new Gateway(text => text.Replace("0.0.0.0/0, ::/0", "10.2.0.0/16", StringComparison.Ordinal)
            .Replace("dns = 9.9.9.9", "dns = 10.2.0.53\n 25 = corp.example.org, example.internal", StringComparison.Ordinal));
        using var apple = Client(gateway);
        Init(apple, KeyExchangeMethod.Modp2048, s_ios16);
        var id = new Payload.IDi(IdType.Ipv4Addr, apple.Address.ToBytes());
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        var last = user.LogIn(apple, AskForEap(apple, apple.NewEspSpi(), id, s_esp16), id);
        Assert.Equal("10.2.0.0/16", Text(last.Find<Payload.TSr>()!));
        Assert.Equal(["corp.example.org", "example.internal"], last.Find<Payload.CP>()!.Attributes
            .Where(one => one.Type == ConfigAttributeType.InternalDnsDomain).Select(one => System.Text.Encoding.ASCII.GetString(one.Value)));
    }

    /// <summary>Asleep and awake again elsewhere, it begins anew under the same name; what it had is gone with INITIAL_CONTACT only where names are unique.</summary>
    [Fact]
    public void It_comes_back_beside_what_it_has_left()
    {
        var (gateway, _, _) = Connected(KeyExchangeMethod.Modp2048, s_ios16, s_esp16);
        using var apple = new ScriptedClient(gateway, port: 50001, natPort: 60001) { PieceSize = 524, Address = IpAddress.Parse("172.20.10.2") };
        Init(apple, KeyExchangeMethod.Modp2048, s_ios16);
        var (spi, id) = (apple.NewEspSpi(), new Payload.IDi(IdType.Ipv4Addr, apple.Address.ToBytes()));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        var last = user.LogIn(apple, AskForEap(apple, spi, id, s_esp16), id);
        Assert.Equal("10.3.0.2/32 2001:db8:3::2/128", Text(last.Find<Payload.TSi>()!));
        Assert.Equal(2, gateway.Installed.Count);
        Assert.Equal(2, gateway.Installed.Values.Select(child => child.Path.Remote).Distinct().Count());
    }
}
