using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Tests.Pki;
using Kuguru.Wire;
using Kuguru.Wire.Eap;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Carol, the user, logs in at the gateway sun by EAP.</summary>
public class EapStories
{
    static readonly Authority Root = Authority.Root();
    static readonly Issued Sun = Root.Issue("sun.example.org");
    static readonly Issued Carol = Root.Issue("carol.example.org");

    /// <summary>Moon is carol's, sun proves itself by its certificate.</summary>
    internal static Pair World(
        EapType? method = null, string password = "Ar3etTnp", Func<AuthenticationRound, AuthenticationRound>? client = null,
        Func<AuthenticationRound, AuthenticationRound>? server = null, Func<Connection, Connection>? both = null)
    {
        both ??= c => c;
        static AuthenticationRound Signs(AuthenticationRound round) => round with { Kind = AuthenticationKind.PublicKey };
        AuthenticationRound Eap(AuthenticationRound round) => round with { Kind = AuthenticationKind.Eap, EapMethod = method };
        var pair = new Pair(
            c => both(c with { Local = [(client ?? (r => r))(Eap(c.Local[0]) with { EapId = Identity.Parse("carol") })], Remote = [Signs(c.Remote[0])] }),
            c => both(c with { Local = [Signs(c.Local[0]) with { Certificates = [Sun.Certificate] }], Remote = [(server ?? (r => r))(Eap(c.Remote[0]) with { Id = null, EapId = Identity.Any })] }));
        pair.Sun.Certificates.Add(Root.Certificate);
        pair.Sun.Certificates.Add(Sun.Keys.Private);
        pair.Moon.Certificates.Add(Root.Certificate);
        pair.Moon.Keys.Add(Password("carol", password));
        pair.Sun.Keys.Add(Password("carol", "Ar3etTnp"));
        pair.Sun.Keys.Add(Password("dave", "W7R0g3do"));
        return pair;
    }

    static PresharedKey Password(string user, string password) =>
        new("eap-" + user, Secret.Copy(System.Text.Encoding.UTF8.GetBytes(password)), [Identity.Parse(user)]) { Kind = SharedKeyKind.Eap };

    [Fact]
    public void Eap_goes_between_a_first_message_without_AUTH_and_a_last_one_with_it()
    {
        var pair = World(EapType.MsChapV2);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Equal("""
            0.00 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(SIGNATURE_HASH_ALGORITHMS) }
            0.05 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(SIGNATURE_HASH_ALGORITHMS), N(CHILDLESS_IKEV2_SUPPORTED) }
            0.10 > IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), CERTREQ, IDr, SA, TSi, TSr }
            0.15 < IKE_AUTH response 1 { IDr, CERT, AUTH, EAP }
            0.20 > IKE_AUTH request 2 { EAP }
            0.25 < IKE_AUTH response 2 { EAP }
            0.30 > IKE_AUTH request 3 { EAP }
            0.35 < IKE_AUTH response 3 { EAP }
            0.40 > IKE_AUTH request 4 { EAP }
            0.45 < IKE_AUTH response 4 { EAP }
            0.50 > IKE_AUTH request 5 { AUTH }
            0.55 < IKE_AUTH response 5 { AUTH, SA, TSi, TSr }

            """, pair.World.Transcript);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("carol", pair.Sun.Session.Status(pair.World.Now).RemoteEapId!.ToString());
        Assert.Equal("moon.example.org", pair.Sun.Session.Status(pair.World.Now).RemoteId!.ToString());
        Assert.Contains(pair.Sun.Events, one => one.Sentence == "EAP method EAP_MSCHAPV2 of 'carol' succeeded, MSK established");
        Assert.Contains(pair.Moon.Events, one => one.Sentence == "EAP method EAP_MSCHAPV2 succeeded, MSK established");
    }

    public static TheoryData<uint> Methods => new() { 4, 6, 26, 13 };

    [Theory]
    [MemberData(nameof(Methods))]
    public void Each_method_lets_the_user_in_and_the_tunnel_is_up_at_both_ends(uint number)
    {
        var pair = World(new EapType(0, number));
        GiveCarolACertificate(pair);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(5);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal(pair.Moon.Installed.Values.Single().InboundSpi, pair.Sun.Installed.Values.Single().OutboundSpi);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Whatever_is_lost_or_comes_twice_in_the_middle_the_user_gets_in(uint number)
    {
        for (var seed = 0; seed < 4; seed++)
        {
            var pair = World(new EapType(0, number));
            GiveCarolACertificate(pair);
            var random = new Random(seed);
            pair.World.Loses = (_, _) => random.Next(4) == 0;
            pair.World.Copies = () => random.Next(3) == 0 ? 2 : 1;
            pair.World.Shuffle = true;
            pair.Moon.Up(pair.Sun);
            pair.World.Run(300);
            Assert.True(pair.Moon.IsDone(1), $"seed {seed}: {pair.World.Transcript}");
            if (pair.Moon.Outcome(1) is null)
                Assert.Single(pair.Sun.Installed);
            // A half-open IKE SA is not waited for longer than 30 s.
            else
                Assert.Equal(FailureCode.TimedOut, pair.Moon.Outcome(1)!.Code);
        }
    }

    [Fact]
    public void A_client_takes_what_the_server_offers_and_a_server_that_offers_anything_what_the_client_has()
    {
        var pair = World(method: null, client: round => round with { EapMethod = EapType.GenericTokenCard });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Contains(pair.Sun.Events, one => one.Sentence == "EAP method EAP_GTC of 'carol' succeeded, no MSK established");
    }

    [Fact]
    public void A_user_who_is_not_asked_is_called_as_in_IKE()
    {
        var pair = World(EapType.Md5Challenge, client: round => round with { EapId = null }, server: round => round with { EapId = null });
        pair.Moon.Keys.Add(Password("moon.example.org", "geheim"));
        pair.Sun.Keys.Add(Password("moon.example.org", "geheim"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(1);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("moon.example.org", pair.Sun.Session.Status(pair.World.Now).RemoteEapId!.ToString());
    }

    [Theory]
    [InlineData("wrong", "EAP authentication with 'carol' failed: EAP_MD5: there is no such user, or the password is wrong")]
    public void A_wrong_password_is_told_at_both_ends_and_nothing_is_left(string password, string expected)
    {
        var pair = World(EapType.Md5Challenge, password);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.EndsWith("< IKE_AUTH response 3 { EAP }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(expected, Assert.Single(pair.Sun.Failures));
        Assert.Contains("received EAP_FAILURE in EAP_MD5: the user name or the password is wrong", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Equal(FailureCode.AuthenticationFailed, pair.Moon.Outcome(1)!.Code);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Empty(pair.Sun.Installed);
    }

    [Fact]
    public void Somebody_who_is_not_welcome_is_not_let_in()
    {
        var pair = World(EapType.MsChapV2, server: round => round with { EapId = Identity.Parse("*@example.org") });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Equal("EAP authentication with 'carol' failed: no connection is for the EAP identity 'carol'", Assert.Single(pair.Sun.Failures));
    }

    [Fact]
    public void The_name_in_EAP_decides_between_connections_that_are_alike()
    {
        var pair = World(EapType.MsChapV2);
        var rest = pair.Sun.Connections[0];
        pair.Sun.Connections.Add(rest with { Name = "carols", Remote = [rest.Remote[0] with { EapId = Identity.Parse("carol") }] });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("carols", pair.Sun.Session.Status(pair.World.Now).Name);
    }

    [Fact]
    public void A_client_with_no_password_for_the_only_method_says_so_before_anything_is_sent()
    {
        var pair = World(EapType.MsChapV2);
        pair.Moon.Keys.RemoveAll(key => key.Kind == SharedKeyKind.Eap);
        pair.Moon.Up(pair.Sun);
        Assert.Equal(FailureCode.NoSharedKey, pair.Moon.Outcome(1)!.Code);
        Assert.Equal("", pair.World.Transcript);
    }

    [Fact]
    public void A_gateway_that_is_not_who_it_should_be_hears_no_password()
    {
        var pair = World(EapType.GenericTokenCard);
        var stranger = Authority.Root("Somebody else").Issue("sun.example.org");
        pair.Sun.Certificates.Add(stranger.Keys.Private);
        pair.Sun.Connections[0] = pair.Sun.Connections[0] with { Local = [pair.Sun.Connections[0].Local[0] with { Certificates = [stranger.Certificate] }] };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Contains("is not trusted", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("IKE_AUTH request 2 { EAP }", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void With_certificates_in_EAP_no_other_proof_is_needed()
    {
        var pair = EapOnly();
        pair.Moon.Up(pair.Sun);
        pair.World.Run(5);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Contains("> IKE_AUTH request 1 { IDi, N(INITIAL_CONTACT), IDr, N(EAP_ONLY_AUTHENTICATION), SA, TSi, TSr }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains("< IKE_AUTH response 1 { IDr, EAP }\n", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Contains(pair.Moon.Events, one => one.Sentence == "authentication of 'sun.example.org' with EAP successful");
    }

    [Theory]
    [InlineData(26)]
    [InlineData(4)]
    public void What_does_not_prove_the_server_cannot_stand_alone(uint number)
    {
        var pair = EapOnly();
        pair.Sun.Connections[0] = pair.Sun.Connections[0] with { Remote = [pair.Sun.Connections[0].Remote[0] with { EapMethod = new EapType(0, number) }] };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.NotNull(pair.Moon.Outcome(1));
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void A_server_in_EAP_only_with_the_certificate_of_another_is_refused()
    {
        var pair = EapOnly(Root.Issue("venus.example.org"));
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Contains("certificate 'C=CH, O=Kuguru, CN=venus.example.org' does not name 'sun.example.org'", pair.Moon.Outcome(1)!.Sentence, StringComparison.Ordinal);
        Assert.Contains("alert bad_certificate", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Sessions);
    }

    /// <summary>Behind a gateway may be another server that speaks EAP, with a name of its own.</summary>
    [Theory]
    [InlineData("venus.example.org", true)]
    [InlineData("%any", true)]
    [InlineData("mars.example.org", false)]
    public void The_certificate_in_EAP_has_to_name_who_aaa_id_says(string aaa, bool isUp)
    {
        var pair = EapOnly(Root.Issue("venus.example.org"));
        pair.Moon.Connections[0] = pair.Moon.Connections[0] with { Local = [pair.Moon.Connections[0].Local[0] with { AaaId = Identity.Parse(aaa) }] };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(5);
        Assert.Equal(isUp ? null : "EAP authentication with 'sun.example.org' failed: EAP_TLS: certificate 'C=CH, O=Kuguru, CN=venus.example.org' does not name 'mars.example.org' (domain name), "
            + "as 'aaa_id' wants: it is for 'C=CH, O=Kuguru, CN=venus.example.org', 'venus.example.org'; set 'aaa_id' to one of these", pair.Moon.Outcome(1)?.Sentence);
    }

    [Fact]
    public void A_gateway_that_wants_EAP_only_refuses_who_does_not_take_it()
    {
        var pair = EapOnly();
        var moon = pair.Moon.Connections[0];
        pair.Moon.Connections[0] = moon with { Remote = [moon.Remote[0] with { Kind = AuthenticationKind.PublicKey }] };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Contains("does not take EAP-only authentication", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_then_EAP_are_two_rounds()
    {
        var pair = World(EapType.MsChapV2);
        GiveCarolACertificate(pair);
        var (moon, sun) = (pair.Moon.Connections[0], pair.Sun.Connections[0]);
        pair.Moon.Connections[0] = moon with { Local = [new AuthenticationRound { Kind = AuthenticationKind.PublicKey, Id = Identity.Parse("carol.example.org"), Certificates = [Carol.Certificate] }, moon.Local[0]] };
        pair.Sun.Connections[0] = sun with { Remote = [new AuthenticationRound { Kind = AuthenticationKind.PublicKey, Id = Identity.Parse("carol.example.org") }, sun.Remote[0]] };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.Equal("""
            > IKE_AUTH request 1 { IDi, CERT, N(INITIAL_CONTACT), CERTREQ, IDr, N(MULTIPLE_AUTH_SUPPORTED), AUTH, N(ANOTHER_AUTH_FOLLOWS), SA, TSi, TSr }
            < IKE_AUTH response 1 { IDr, CERT, AUTH }
            > IKE_AUTH request 2 { IDi }
            < IKE_AUTH response 2 { EAP }
            > IKE_AUTH request 3 { EAP }
            < IKE_AUTH response 3 { EAP }
            > IKE_AUTH request 4 { EAP }
            < IKE_AUTH response 4 { EAP }
            > IKE_AUTH request 5 { EAP }
            < IKE_AUTH response 5 { EAP }
            > IKE_AUTH request 6 { AUTH }
            < IKE_AUTH response 6 { AUTH, SA, TSi, TSr }

            """, string.Join('\n', pair.World.Transcript.Split('\n').Skip(2).Select(line => line.Length > 5 ? line[5..] : line)));
    }

    [Fact]
    public void A_user_who_skips_the_second_round_is_not_let_in()
    {
        var pair = World(EapType.MsChapV2);
        GiveCarolACertificate(pair);
        var (moon, sun) = (pair.Moon.Connections[0], pair.Sun.Connections[0]);
        var certificate = new AuthenticationRound { Kind = AuthenticationKind.PublicKey, Id = Identity.Parse("carol.example.org"), Certificates = [Carol.Certificate] };
        pair.Moon.Connections[0] = moon with { Local = [certificate] };
        pair.Sun.Connections[0] = sun with { Remote = [certificate with { Certificates = [] }, sun.Remote[0]] };
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        Assert.Contains("authenticates in 1 rounds, connection 'gw' has 2 remote sections", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void Two_users_behind_the_same_private_address_do_not_push_each_other_out()
    {
        var pair = World(EapType.MsChapV2, both: c => c with { Unique = UniquePolicy.Replace });
        pair.Moon.Up(pair.Sun);
        pair.World.Run(2);
        var session = pair.Sun.Sessions.Single();
        Assert.Equal(("carol", "moon.example.org"), (session.PeerName!.ToString(), session.RemoteId!.ToString()));
    }

    /// <summary>As Windows does it: its private address for a name, nobody in particular asked for, a domain before the user, AES-CBC with group 14.</summary>
    [Fact]
    public void A_client_that_calls_itself_by_its_address_and_asks_for_nobody_gets_in_with_what_the_docs_recommend()
    {
        var pair = World(EapType.MsChapV2, client: round => round with { Id = null, EapId = Identity.Parse(@"EXAMPLE\carol") });
        pair.Moon.Keys.Add(Password(@"EXAMPLE\carol", "Ar3etTnp"));
        pair.Sun.Keys.Add(Password(@"EXAMPLE\carol", "Ar3etTnp"));
        var (moon, sun) = (pair.Moon.Connections[0], pair.Sun.Connections[0]);
        pair.Moon.Connections[0] = moon with
        {
            Remote = [moon.Remote[0] with { Id = null }],
            Proposals = Configs.Ike("aes256-sha256-modp2048"),
            Children = [Configs.Child("all", "dynamic", "0.0.0.0/0", "aes256-sha1")],
            VirtualAddresses = [IpAddress.AnyV4],
        };
        pair.Sun.Pools["devices"] = new Pool { Name = "devices", Addresses = Configs.Prefix("10.3.0.0/24"), Dns = [IpAddress.Parse("10.2.0.53")] };
        pair.Sun.Connections[0] = sun with
        {
            Proposals = [.. ((string[])["aes256gcm16-prfsha384-ecp384", "aes256-sha256-modp2048", "aes128-sha256-modp2048", "aes256-sha384-ecp256", "aes256-sha1-modp2048", "default"])
                .SelectMany(text => Configs.Ike(text))],
            Children = [Configs.Child("all", "0.0.0.0/0", "dynamic") with
            {
                Proposals = [.. ((string[])["aes256gcm16", "aes128gcm16", "aes256-sha256", "aes256-sha1", "default"]).SelectMany(text => Configs.Esp(text))],
            }],
            Pools = ["devices"],
            Unique = UniquePolicy.Never,
            SendCertificates = SendCertificates.Always,
        };
        // Windows asks for servers as well, by numbers of its own (MS-IKEE: INTERNAL_IP4_SERVER and INTERNAL_IP6_SERVER).
        ConfigAttributeType[] asked = [ConfigAttributeType.InternalIp4Dns, ConfigAttributeType.InternalIp4Nbns, (ConfigAttributeType)23456, (ConfigAttributeType)23457];
        Payload.CP? answered = null;
        pair.World.Changes = (from, to, bytes) => Resealing.WithPayloads(from, to, bytes, payloads => payloads.Select(payload =>
        {
            answered = from == pair.Sun && payload is Payload.CP given ? given : answered;
            return from == pair.Moon && payload is Payload.CP cp ? cp with { Attributes = [.. cp.Attributes, .. asked.Select(type => new ConfigAttribute(type))] } : payload;
        }).ToSequence());
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        Assert.Null(pair.Moon.Outcome(1));
        Assert.DoesNotContain("IDr, ", pair.World.Transcript.Split('\n').Single(line => line.Contains("> IKE_AUTH request 1 ", StringComparison.Ordinal)), StringComparison.Ordinal);
        var status = pair.Sun.Session.Status(pair.World.Now);
        Assert.Equal((@"EXAMPLE\carol", "192.0.2.1"), (status.RemoteEapId!.ToString(), status.RemoteId!.ToString()));
        Assert.Equal("10.3.0.", status.RemoteVirtualAddresses.Single().ToString()[..7]);
        Assert.Equal([ConfigAttributeType.InternalIp4Address, ConfigAttributeType.InternalIp4Dns], answered!.Attributes.Select(one => one.Type));
    }

    [Fact]
    public void A_user_who_leaves_the_conversation_is_forgotten_after_thirty_seconds()
    {
        var pair = World(EapType.MsChapV2);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(0.22);
        pair.World.Loses = (path, _) => path.Local.Address == pair.Moon.Address;
        pair.World.Run(40);
        Assert.Empty(pair.Sun.Sessions);
        Assert.Contains(pair.Sun.Events, one => one.Sentence.Contains("half-open IKE SA dropped", StringComparison.Ordinal));
    }

    [Fact]
    public void An_AUTH_with_another_key_than_EAPs_is_refused()
    {
        var pair = World(EapType.Md5Challenge);
        pair.Moon.Up(pair.Sun);
        pair.World.Run(0.42);
        // The last message but one is under way. Sun forgets what the keys were made of: another peer's first message.
        var proof = Assert.IsType<Kuguru.Ike.V2.ExpectEapProof>(pair.Sun.Session.Phase);
        pair.Sun.Session.Enter(new Kuguru.Ike.V2.ExpectEapProof(
            new(proof.Authentication, proof.First, proof.Until, proof.Server, new Payload.IDi(IdType.Fqdn, "mallory"u8.ToArray()).Body), proof.Result));
        pair.World.Run(2);
        Assert.Contains("its AUTH is not made with the key that EAP has given", Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
        Assert.Empty(pair.Sun.Installed);
    }

    /// <summary>TLS does not wait for a CRL; IKE does, before it believes who was there.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_certificate_in_EAP_is_asked_after_like_any_other(bool isServers, bool isRevoked)
    {
        var wish = new Wish { Extensions = Authority.Uris("http://crl.example.org/ca.crl", null) };
        var (server, client) = (Root.Issue("sun.example.org", wish), Root.Issue("carol.example.org", wish));
        var pair = EapOnly(isServers ? server : null);
        if (!isServers)
        {
            pair.Moon.Certificates.Add(client.Keys.Private);
            pair.Moon.Connections[0] = pair.Moon.Connections[0] with { Local = [pair.Moon.Connections[0].Local[0] with { Certificates = [client.Certificate] }] };
        }
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Connections[0] = host.Connections[0] with { Remote = [host.Connections[0].Remote[0] with { Revocation = Kuguru.Pki.RevocationPolicy.IfUri }] };
        var asking = isServers ? pair.Moon : pair.Sun;
        pair.Moon.Up(pair.Sun);
        pair.World.Run(3);
        Assert.Single(asking.Fetching);
        Assert.Empty(asking.Installed);
        asking.Deliver(isRevoked ? Root.Crl(DateTimeOffset.MaxValue.AddYears(-100), isServers ? server : client) : Root.Crl(DateTimeOffset.MaxValue.AddYears(-100)));
        pair.World.Run(3);
        Assert.Equal(isRevoked, pair.Moon.Outcome(1) is not null);
        Assert.Equal(isRevoked ? 0 : 1, asking.Installed.Count);
        if (isRevoked)
            Assert.Contains("is revoked: since 2025-06-01", isServers ? pair.Moon.Outcome(1)!.Sentence : Assert.Single(pair.Sun.Failures), StringComparison.Ordinal);
    }

    /// <summary>From now on both ends want EAP-TLS.</summary>
    internal static void SwitchToTls(Pair pair)
    {
        var (moon, sun) = (pair.Moon.Connections[0], pair.Sun.Connections[0]);
        pair.Moon.Connections[0] = moon with { Local = [moon.Local[0] with { EapMethod = EapType.Tls }] };
        pair.Sun.Connections[0] = sun with { Remote = [sun.Remote[0] with { EapMethod = EapType.Tls }] };
        GiveCarolACertificate(pair);
    }

    static Pair EapOnly(Issued? server = null)
    {
        var pair = World(EapType.Tls, client: round => round with { EapId = null, Certificates = [Carol.Certificate], Id = Identity.Parse("carol.example.org") });
        GiveCarolACertificate(pair);
        var (moon, sun) = (pair.Moon.Connections[0], pair.Sun.Connections[0]);
        server ??= Sun;
        pair.Sun.Certificates.Add(server.Keys.Private);
        pair.Moon.Connections[0] = moon with { Remote = [moon.Remote[0] with { Kind = AuthenticationKind.Eap, EapMethod = EapType.Tls }] };
        pair.Sun.Connections[0] = sun with
        {
            Local = [sun.Local[0] with { Kind = AuthenticationKind.Eap, EapMethod = EapType.Tls, Certificates = [server.Certificate] }],
            Remote = [sun.Remote[0] with { EapId = null }],
        };
        return pair;
    }

    static void GiveCarolACertificate(Pair pair)
    {
        pair.Moon.Certificates.Add(Carol.Keys.Private);
        if (pair.Moon.Connections[0].Local[0].EapMethod == EapType.Tls)
        {
            pair.Moon.Connections[0] = pair.Moon.Connections[0] with
            {
                Local = [pair.Moon.Connections[0].Local[0] with { Certificates = [Carol.Certificate], EapId = Identity.Parse("carol.example.org") }],
            };
        }
    }
}
