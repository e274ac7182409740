using System.Text;
using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Nat;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Tests.Clients.Talk;

namespace Kuguru.Tests.Clients;

/// <summary>
/// The "Agile VPN" of Windows 10 and 11. What it sends is known from logs of gateways that it has logged in to: strongSwan's pages on Windows clients
/// (docs.strongswan.org/docs/latest/interop/windowsClients.html and those below it), strongSwan issue 2831, libreswan issue 26 for the vendor IDs.
/// </summary>
public class WindowsStories
{
    /// <summary>MS NT5 ISAKMPOAKLEY v9, MS-Negotiation Discovery Capable, Vid-Initial-Contact, and one that nobody knows.</summary>
    static readonly Payload[] s_vendors =
    [
        .. new[]
        {
            "1e2b516905991c7d7c96fcbfb587e46100000009", "fb1de3cdf341b7ea16b7e5be0855f120", "26244d38eddb61b3172a36e3d0cfb819",
            "01528bbbc00696121849ab9a1c5b2a5100000002",
        }.Select(hex => new Payload.VendorId(Blob.FromHex(hex))),
    ];

    /// <summary>ADDR, DNS, NBNS, SRV (Microsoft's own 23456), ADDR6, DNS6, SRV6.</summary>
    static readonly Payload.CP s_request = Request(1, 3, 4, 23456, 8, 10, 23457);

    /// <summary>Out of the box: groups of 1024 bits only.</summary>
    static readonly string[] s_weak =
    [
        .. from cipher in (string[])["3des", "aes128", "aes192", "aes256"] from hash in (string[])["sha1", "sha256", "sha384"] select $"{cipher}-{hash}-modp1024",
        .. from cipher in (string[])["aes128gcm16", "aes256gcm16"] from hash in (string[])["sha1", "sha256", "sha384"] select $"{cipher}-prf{hash}-modp1024",
    ];

    /// <summary>With NegotiateDH2048_AES256 = 2 in the registry.</summary>
    static readonly string[] s_registry = ["aes256-sha1-modp2048", "aes256-sha256-modp2048", "aes256-sha384-modp2048"];

    static readonly string[] s_esp = ["aes256-sha1", "aes128-sha1", "3des-sha1", "null-sha1"];

    /// <summary>Its certificate authorities, by hash, among which the gateway's is.</summary>
    static readonly Payload.CertReq s_authorities = new(CertEncoding.X509Signature,
        (byte[])[.. Gateway.Public.Certificate.Key.Fingerprint.Span, .. Enumerable.Range(0, 52 * 20).Select(i => (byte)(i * 31))]);

    static IkeMessage Init(ScriptedClient windows, KeyExchangeMethod group, params string[] proposals)
    {
        windows.Begin(group, nonce: 48);
        return windows.Init([ForIke(proposals), windows.KE, windows.Ni, N(NotifyType.Ikev2FragmentationSupported), windows.NatSource, windows.NatDestination, .. s_vendors]);
    }

    /// <summary>Its private address is its name, it asks for nobody in particular and there is no AUTH: the user is to log in.</summary>
    static IkeMessage AskForEap(ScriptedClient windows, Spi spi, Payload.IDi id, params string[] esp) => windows.Auth(
        id, s_authorities, N(NotifyType.MobikeSupported), s_request, ForEsp(spi, esp), TSi(Everything), TSr(Everything));

    static Payload.IDi AddressOf(ScriptedClient windows) => new(IdType.Ipv4Addr, windows.Address.ToBytes());

    /// <summary>Pieces are 580 octets long.</summary>
    static ScriptedClient Client(Gateway gateway) => new(gateway) { PieceSize = 580 };

    static (Gateway Gateway, ScriptedClient Windows, Spi Spi) Connected()
    {
        var gateway = new Gateway();
        var windows = Client(gateway);
        Init(windows, KeyExchangeMethod.Modp2048, s_registry);
        var (spi, id) = (windows.NewEspSpi(), AddressOf(windows));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        var last = user.LogIn(windows, AskForEap(windows, spi, id, s_esp), id);
        AssertChild(gateway, windows, last, spi);
        return (gateway, windows, spi);
    }

    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("alice", @"Windows Phone\alice")]
    [InlineData(@"EXAMPLE\alice", @"EXAMPLE\alice")]
    public void A_user_logs_in_by_password_and_hangs_up(string identity, string name)
    {
        var gateway = new Gateway(text => text.Replace("id = alice", $"id = \"{identity.Replace(@"\", @"\\", StringComparison.Ordinal)}\"", StringComparison.Ordinal));
        using var windows = Client(gateway);
        var init = Init(windows, KeyExchangeMethod.Modp2048, s_registry);
        Assert.True(init.Has(NotifyType.Ikev2FragmentationSupported));
        Assert.NotNull(init.Find<Payload.CertReq>());
        // Not the first that it offers.
        Assert.Equal("AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048", Proposals.Describe(init.Find<Payload.SA>()!));
        var (spi, id) = (windows.NewEspSpi(), AddressOf(windows));
        using var user = new MsChapV2Client(Encoding.ASCII.GetBytes(identity), name, "change me");
        var answer = AskForEap(windows, spi, id, s_esp);
        Assert.Equal("IKE_AUTH response 1 { IDr, CERT, AUTH, EAP }", $"{answer}");
        // It has sent no SIGNATURE_HASH_ALGORITHMS: so RSA with SHA-1, as method 1 (RFC 7296 section 3.8).
        var certificate = windows.AssertSignature(answer, AuthMethod.RsaSignature, SignatureScheme.Pkcs1(SignatureHash.Sha1));
        Assert.Contains(certificate.AltNames, one => Encoding.ASCII.GetString(one.Data) == Gateway.Name);
        // As large as the pieces that came, and no larger.
        Assert.InRange(windows.LargestReceived, 400, 580);
        var last = user.LogIn(windows, answer, id);
        Assert.Equal([EapType.Identity, EapType.MsChapV2, EapType.MsChapV2], user.Asked);
        AssertConfiguration(last);
        AssertChild(gateway, windows, last, spi);
        Assert.Equal((identity, "192.168.1.23", true), ($"{gateway.Sa.RemoteEapId}", $"{gateway.Sa.RemoteId}", gateway.Sa.Nat.Remote));
        Assert.True(last.Has(NotifyType.MobikeSupported));

        // First the child, then the rest.
        var answered = windows.Ask(ExchangeType.Informational, new Payload.Delete(ProtocolId.Esp, [spi]));
        Assert.Equal("INFORMATIONAL response 6 { D }", $"{answered}");
        windows.Ask(ExchangeType.Informational, Payload.Delete.Ike);
        AssertGone(gateway);
    }

    [Fact]
    public void A_wrong_password_is_asked_for_again_without_another_login()
    {
        var gateway = new Gateway();
        using var windows = Client(gateway);
        Init(windows, KeyExchangeMethod.Modp2048, s_registry);
        var (spi, id) = (windows.NewEspSpi(), AddressOf(windows));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "chance me", "change me");
        AssertChild(gateway, windows, user.LogIn(windows, AskForEap(windows, spi, id, s_esp), id), spi);
    }

    [Fact]
    public void A_user_logs_in_by_a_certificate_inside_EAP()
    {
        var gateway = new Gateway();
        using var windows = Client(gateway);
        Init(windows, KeyExchangeMethod.Ecp384, "aes256-sha384-ecp384");
        var (spi, id) = (windows.NewEspSpi(), AddressOf(windows));
        // It is called by its certificate's common name, which has to be among the subjectAltNames.
        using var user = new TlsClient("bob@example.org"u8.ToArray(), Tls(Gateway.Devices.Issue("bob@example.org", "rsa2048")), fragment: 1390) { RepeatsLength = true };
        var last = user.LogIn(windows, AskForEap(windows, spi, id, "aes256gcm16"), id);
        // Offered the password's method first, it says what it would rather have.
        Assert.Equal([EapType.Identity, EapType.MsChapV2, EapType.Tls], user.Asked.Take(3));
        AssertConfiguration(last);
        AssertChild(gateway, windows, last, spi);
        Assert.Equal("bob@example.org", $"{gateway.Sa.RemoteEapId}");
    }

    /// <summary>Everybody can have a certificate of the authority that has signed the gateway's.</summary>
    [Fact]
    public void A_certificate_of_the_public_s_authority_is_nobody_s_ticket()
    {
        var gateway = new Gateway();
        using var windows = Client(gateway);
        Init(windows, KeyExchangeMethod.Modp2048, s_registry);
        var (spi, id) = (windows.NewEspSpi(), AddressOf(windows));
        using var user = new TlsClient("mallory@example.org"u8.ToArray(), Tls(Gateway.Public.Issue("mallory@example.org", "rsa2048")), fragment: 1390);
        Assert.Equal(EapCode.Failure, user.Talk(windows, AskForEap(windows, spi, id, s_esp)).Code);
        Assert.Contains("has none of the 'cacerts' of the remote section", Assert.Single(gateway.Failures), StringComparison.Ordinal);

        using var machine = Client(gateway);
        var own = Gateway.Public.Issue("mallory.example.org", "rsa2048");
        Init(machine, KeyExchangeMethod.Modp2048, s_registry);
        id = new Payload.IDi(IdType.DerAsn1Dn, own.Certificate.Subject);
        var answer = machine.Auth(id, new Payload.Cert(CertEncoding.X509Signature, own.Certificate.Der), s_authorities,
            machine.Sign(own.Keys.Private, SignatureScheme.Pkcs1(SignatureHash.Sha1), AuthMethod.RsaSignature, id),
            s_request, ForEsp(spi, s_esp), TSi(Everything), TSr(Everything));
        Assert.True(answer.Has(NotifyType.AuthenticationFailed));
        Assert.Empty(gateway.Installed);
    }

    [Fact]
    public void A_machine_logs_in_by_its_certificate()
    {
        var gateway = new Gateway();
        using var windows = Client(gateway);
        var machine = Gateway.Devices.Issue("pc.example.org", "rsa2048");
        Init(windows, KeyExchangeMethod.Modp2048, s_registry);
        var (spi, id) = (windows.NewEspSpi(), new Payload.IDi(IdType.DerAsn1Dn, machine.Certificate.Subject));
        var answer = windows.Auth(id, new Payload.Cert(CertEncoding.X509Signature, machine.Certificate.Der), s_authorities,
            windows.Sign(machine.Keys.Private, SignatureScheme.Pkcs1(SignatureHash.Sha1), AuthMethod.RsaSignature, id),
            N(NotifyType.MobikeSupported), s_request, ForEsp(spi, s_esp), TSi(Everything), TSr(Everything));
        windows.AssertSignature(answer, AuthMethod.RsaSignature, SignatureScheme.Pkcs1(SignatureHash.Sha1));
        AssertConfiguration(answer);
        AssertChild(gateway, windows, answer, spi);
        Assert.Equal(("certificates", "C=CH, O=Kuguru, CN=pc.example.org"), (gateway.Sa.Name, $"{gateway.Sa.RemoteId}"));
    }

    [Fact]
    public void What_it_proposes_out_of_the_box_gets_in_by_one_more_proposal_only()
    {
        var gateway = new Gateway();
        using var refused = Client(gateway);
        Assert.True(Init(refused, KeyExchangeMethod.Modp1024, s_weak).Has(NotifyType.NoProposalChosen));
        Assert.Contains("MODP_1024", Assert.Single(gateway.Failures), StringComparison.Ordinal);

        gateway = new Gateway(text => text.Replace("modp2048, default", "modp2048, default, aes256-sha256-modp1024", StringComparison.Ordinal));
        using var windows = Client(gateway);
        Init(windows, KeyExchangeMethod.Modp1024, s_weak);
        var (spi, id) = (windows.NewEspSpi(), AddressOf(windows));
        using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
        AssertChild(gateway, windows, user.LogIn(windows, AskForEap(windows, spi, id, s_esp), id), spi);
        Assert.Contains(gateway.Events, one => one.Severity == Severity.Warning && one.Sentence.Contains("MODP_1024", StringComparison.Ordinal));
    }

    /// <summary>After an hour or some 200 MB, with a group where -PfsGroup names one, and with none where it does not.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("ecp384")]
    [InlineData("modp2048")]
    public void It_rekeys_the_child_with_its_own_idea_of_forward_secrecy(string? group)
    {
        var (gateway, windows, spi) = Connected();
        var fresh = windows.NewEspSpi();
        if (group is not null)
            windows.Begin(GroupOf(group), nonce: 48);
        else
            windows.Begin(KeyExchangeMethod.Curve25519, nonce: 48);
        List<Payload> request =
        [
            new Payload.Notify(ProtocolId.Esp, spi.ToBlob(), NotifyType.RekeySa, Blob.Empty), ForEsp(fresh, group is null ? "aes256-sha1" : $"aes256-sha1-{group}"), windows.Ni,
            TSi(Everything), TSr(Everything),
        ];
        if (group is not null)
            request.Add(windows.KE);
        var answer = windows.Ask(ExchangeType.CreateChildSa, [.. request]);
        AssertChild(gateway, windows, answer, fresh, windows.Ni.Data, keyExchange: group is not null);
        windows.Ask(ExchangeType.Informational, new Payload.Delete(ProtocolId.Esp, [spi]));
        gateway.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(fresh, gateway.Child.OutboundSpi);
        Assert.Empty(gateway.Failures);
    }

    /// <summary>Idle for some minutes, it drops the child and makes one anew when there is a packet again.</summary>
    [Fact]
    public void It_lets_an_idle_child_go_and_asks_for_another_one_later()
    {
        var (gateway, windows, spi) = Connected();
        windows.Ask(ExchangeType.Informational, new Payload.Delete(ProtocolId.Esp, [spi]));
        gateway.Run(TimeSpan.FromMinutes(20));
        Assert.Empty(gateway.Installed);
        var again = windows.NewEspSpi();
        windows.Begin(KeyExchangeMethod.Curve25519, nonce: 48);
        var answer = windows.Ask(ExchangeType.CreateChildSa, ForEsp(again, s_esp), windows.Ni, TSi(Everything), TSr(Everything));
        AssertChild(gateway, windows, answer, again, windows.Ni.Data);
    }

    /// <summary>After 7.6 hours: a soft limit of 95 percent of its eight.</summary>
    [Fact]
    public void It_rekeys_the_IKE_SA_in_the_afternoon_and_stays_for_the_evening()
    {
        var (gateway, windows, spi) = Connected();
        gateway.Run(TimeSpan.FromHours(7.6));
        Assert.All(windows.Asked, request => Assert.Equal(ExchangeType.Informational, request.Exchange));
        var next = windows.NewSpi();
        windows.Begin(KeyExchangeMethod.Modp2048, nonce: 48);
        var answer = windows.Ask(ExchangeType.CreateChildSa, ForIke(next, "aes256-sha256-modp2048"), windows.KE, windows.Ni);
        Assert.Equal("CREATE_CHILD_SA response 6 { SA, Nr, KEr }", $"{answer}");
        windows.Ask(ExchangeType.Informational, Payload.Delete.Ike);
        windows.MoveTo(next, answer);
        gateway.Run(TimeSpan.FromHours(4));
        Assert.Equal(spi, gateway.Child.OutboundSpi);
        windows.Ask(ExchangeType.Informational, Payload.Delete.Ike);
        AssertGone(gateway);
    }

    /// <summary>
    /// Behind a NAT it takes no rekeying of a child that the gateway begins: MS_STATUS (12345) with ERROR_IPSEC_IKE_INVALID_SITUATION (13863).
    /// </summary>
    [Fact]
    public void That_it_refuses_new_keys_from_the_gateway_does_no_harm_to_the_tunnel()
    {
        var (gateway, windows, spi) = Connected();
        windows.Answers = request => request.Exchange == ExchangeType.CreateChildSa ? [new Payload.Notify(NotifyType.MsStatus, Blob.FromHex("00003627"))] : [];
        gateway.Order(new Order.Rekey(1, new SaFilter(Child: "all")));
        Assert.Equal(ExchangeType.CreateChildSa, Assert.Single(windows.Asked).Exchange);
        Assert.Contains("MS_STATUS(13863)", Assert.Single(gateway.Failures), StringComparison.Ordinal);
        Assert.Equal(spi, gateway.Child.OutboundSpi);
        Assert.Equal(ChildState.Installed, Assert.Single(gateway.Sa.Children).State);
        windows.Ask(ExchangeType.Informational);
    }

    /// <summary>Other groups than the one that it knows it cannot refuse properly: the first attempt has to be right.</summary>
    [Fact]
    public void New_keys_for_the_IKE_SA_are_asked_of_it_with_the_group_that_it_has()
    {
        var (gateway, windows, _) = Connected();
        windows.Answers = request => request.Exchange == ExchangeType.CreateChildSa ? [N(NotifyType.TemporaryFailure)] : [];
        gateway.Order(new Order.Rekey(1, new SaFilter(Ike: "users")));
        Assert.Equal((ushort)KeyExchangeMethod.Modp2048, Assert.Single(windows.Asked).Find<Payload.KE>()!.Group);
    }

    /// <summary>It asks for the IPv6 address that it had last time, which the same user's other device may have got in between.</summary>
    [Fact]
    public void What_it_remembers_of_its_address_it_gets_only_where_nobody_has_it()
    {
        var gateway = new Gateway();
        string LogIn(ushort port, bool staysUp)
        {
            var windows = new ScriptedClient(gateway, port, port);
            Init(windows, KeyExchangeMethod.Modp2048, s_registry);
            var (spi, id) = (windows.NewEspSpi(), AddressOf(windows));
            using var user = new MsChapV2Client("alice"u8.ToArray(), "alice", "change me");
            var request = new Payload.CP(ConfigType.Request,
                [new(ConfigAttributeType.InternalIp4Address), new(ConfigAttributeType.InternalIp6Address, IpAddress.Parse("2001:db8:3::1"), 64)]);
            var last = user.LogIn(windows, windows.Auth(id, s_authorities, request, ForEsp(spi, s_esp), TSi(Everything), TSr(Everything)), id);
            if (!staysUp)
                windows.Ask(ExchangeType.Informational, Payload.Delete.Ike);
            return Text(last.Find<Payload.TSi>()!);
        }
        Assert.Equal("10.3.0.1/32 2001:db8:3::1/128", LogIn(501, staysUp: false));
        Assert.Equal("10.3.0.1/32 2001:db8:3::1/128", LogIn(502, staysUp: true));
        Assert.Equal("10.3.0.2/32 2001:db8:3::2/128", LogIn(501, staysUp: true));
        // Who is there already authenticates again, and keeps what he has.
        Assert.EndsWith("2001:db8:3::1/128", LogIn(502, staysUp: true), StringComparison.Ordinal);
    }

    /// <summary>From one network to the next (RFC 4555): it says where it is now, and has to answer from there.</summary>
    [Fact]
    public void It_goes_on_from_another_network()
    {
        var (gateway, windows, _) = Connected();
        windows.Answers = request => [.. request.All(NotifyType.Cookie2)];
        windows.Address = IpAddress.Parse("192.168.43.5");
        var answer = windows.Ask(ExchangeType.Informational, N(NotifyType.UpdateSaAddresses), windows.NatSource, windows.NatDestination);
        Assert.True(answer.Has(NotifyType.NatDetectionSourceIp));
        Assert.True(Assert.Single(windows.Asked).Has(NotifyType.Cookie2));
        Assert.Equal(gateway.Nat.Out(new(windows.Address, Ports.NatTraversal)), gateway.Child.Path.Remote);
        Assert.True(gateway.Child.UdpEncapsulated);
    }

    static KeyExchangeMethod GroupOf(string group) => Kuguru.Tests.Ike.Configs.Ike($"aes256-sha256-{group}")[0].KeyExchange[0];
}
