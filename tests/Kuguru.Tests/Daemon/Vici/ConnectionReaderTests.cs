using Kuguru.Crypto;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Daemon.Vici;

public class ConnectionReaderTests
{
    static readonly ViciMessage Psk = new() { { "auth", "psk" } };

    [Fact]
    public void The_least_connection_has_charons_defaults()
    {
        var connection = Read([])!;
        Assert.Equal("gw", connection.Name);
        Assert.Equal(AlgorithmSet.Defaults(ProposalKind.Ike), connection.Proposals);
        Assert.Equal((TimeSpan.FromHours(4), TimeSpan.Zero, 1, UniquePolicy.No, true, false), (connection.RekeyTime, connection.ReauthTime, connection.KeyingTries, connection.Unique, connection.Mobike, connection.ForcesEncapsulation));
        Assert.Empty(connection.LocalAddresses);
        Assert.Null(Assert.Single(connection.Remote).Id);
    }

    [Fact]
    public void Every_key_lands_in_its_place()
    {
        var connection = Read(new()
        {
            { "local_addrs", (string[])["10.1.0.10"] },
            { "remote_addrs", (string[])["gw.example.org", "192.0.2.0/24", "198.51.100.1-198.51.100.9"] },
            { "local_port", "4500" },
            { "remote_port", "4500" },
            { "proposals", (string[])["aes128-sha256-x25519"] },
            { "vips", (string[])["0.0.0.0", "::"] },
            { "pools", (string[])["p4", "p6"] },
            { "encap", "yes" },
            { "mobike", "no" },
            { "fragmentation", "no" },
            { "dpd_delay", "30s" },
            { "unique", "replace" },
            { "keyingtries", "0" },
            { "rekey_time", "1h" },
            { "over_time", "5m" },
            { "rand_time", "0" },
            { "version", "2" },
        })!;
        Assert.Equal(["10.1.0.10"], connection.LocalAddresses.Select(a => a.ToString()));
        Assert.Equal(["gw.example.org", "192.0.2.0/24", "198.51.100.1..198.51.100.9"], connection.RemoteAddresses.Select(a => a.ToString()));
        Assert.Equal("IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519", Assert.Single(connection.Proposals).ToString());
        Assert.Equal([IpAddress.AnyV4, IpAddress.AnyV6], connection.VirtualAddresses);
        Assert.Equal(["p4", "p6"], connection.Pools);
        Assert.Equal((4500, 4500, true, false, false), (connection.LocalPort, connection.RemotePort, connection.ForcesEncapsulation, connection.Mobike, connection.Fragmentation));
        Assert.Equal((TimeSpan.FromSeconds(30), UniquePolicy.Replace, 0), (connection.DpdDelay, connection.Unique, connection.KeyingTries));
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromMinutes(5), TimeSpan.Zero), (connection.RekeyTime, connection.OverTime, connection.RandTime));
    }

    [Theory]
    [InlineData(null, OcspPolicy.Reply, false, true)]
    [InlineData("request", OcspPolicy.Request, true, false)]
    [InlineData("both", OcspPolicy.Both, true, true)]
    [InlineData("never", OcspPolicy.Never, false, false)]
    public void OCSP_responses_are_asked_for_and_given_as_ocsp_says(string? value, OcspPolicy policy, bool asks, bool gives)
    {
        var connection = Read(value is null ? [] : new() { { "ocsp", value } })!;
        Assert.Equal((policy, asks, gives), (connection.Ocsp, connection.AsksForStatus, connection.GivesStatus));
    }

    [Fact]
    public void Reauthentication_alone_switches_rekeying_off()
    {
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromHours(3)), (Read(new() { { "reauth_time", "10800" } })!.RekeyTime, Read(new() { { "reauth_time", "10800" } })!.ReauthTime));
        Assert.Equal(TimeSpan.FromHours(1), Read(new() { { "reauth_time", "3h" }, { "rekey_time", "1h" } })!.RekeyTime);
    }

    [Fact]
    public void Any_address_is_no_restriction_and_among_others_it_is_all_addresses()
    {
        Assert.Empty(Read(new() { { "remote_addrs", (string[])["%any"] } })!.RemoteAddresses);
        var both = Read(new() { { "remote_addrs", (string[])["gw.example.org", "%any"] } })!.RemoteAddresses;
        Assert.Contains(both, p => p.Matches(IpAddress.Parse("203.0.113.9")));
        Assert.Contains(both, p => p.Matches(IpAddress.Parse("2001:db8::1")));
    }

    [Fact]
    public void A_child_has_its_selectors_lifetimes_and_actions()
    {
        var child = Child(new()
        {
            { "local_ts", (string[])["10.1.0.0/16", "dynamic[tcp/80]"] },
            { "remote_ts", (string[])["10.2.0.0/16"] },
            { "esp_proposals", (string[])["aes128gcm16-x25519"] },
            { "rekey_time", "5400" },
            { "rekey_bytes", "500000000" },
            { "rekey_packets", "1000000" },
            { "start_action", "start" },
            { "dpd_action", "restart" },
            { "close_action", "trap" },
            { "updown", "/usr/local/libexec/ipsec/_updown iptables" },
            { "hostaccess", "yes" },
            { "reqid", "7" },
            { "replay_window", "0" },
            { "mode", "tunnel" },
        });
        Assert.Equal(["10.1.0.0/16", "dynamic"], child.LocalSelectors.Select(s => s.ToString()));
        Assert.Equal((6, 80, 80), (child.LocalSelectors[1].Protocol, child.LocalSelectors[1].FirstPort, child.LocalSelectors[1].LastPort));
        Assert.Equal((500_000_000ul, 550_000_000ul, 1_000_000ul, 1_100_000ul), (child.RekeyBytes, child.LifeBytes, child.RekeyPackets, child.LifePackets));
        Assert.Equal((StartAction.Start, CloseAction.Start, CloseAction.Trap), (child.StartAction, child.DpdAction, child.CloseAction));
        Assert.Equal(("/usr/local/libexec/ipsec/_updown iptables", true, 7u, 0), (child.UpDown, child.HostAccess, child.ReqId, child.ReplayWindow));
    }

    [Fact]
    public void The_hard_limit_of_a_child_gives_the_soft_one()
    {
        var child = Child(new() { { "life_time", "66m" }, { "life_bytes", "1100" }, { "life_packets", "110" } });
        Assert.Equal((TimeSpan.FromHours(1), 1000ul, 100ul), (child.RekeyTime, child.RekeyBytes, child.RekeyPackets));
        // Rounded as charon does.
        child = Child(new() { { "life_bytes", "500000" }, { "life_packets", "1000" } });
        Assert.Equal((454545ul, 909ul), (child.RekeyBytes, child.RekeyPackets));
        Assert.Equal(16769767339735956013ul, Child(new() { { "life_bytes", "0xffffffffffffffff" } }).RekeyBytes);
        Assert.Equal(TimeSpan.FromHours(1), Child([]).RekeyTime);
        Assert.Null(Child([]).LifeTime);
        Assert.Equal("dynamic", Assert.Single(Child([]).RemoteSelectors).ToString());
    }

    [Fact]
    public void The_settings_give_the_replay_window_and_say_which_ports_there_are()
    {
        var settings = CharonSettings.Default with { Port = 1500, ReplayWindow = 256 };
        Assert.Equal(256, ConnectionReader.Read("gw", Whole(new() { { "local_port", "1500" } }, []), settings, out _)!.Children[0].ReplayWindow);
        AssertOnly("connections.gw.local_port: the daemon has no such port: give 0, 500 or 4500, or set charon.port in strongswan.conf", Whole(new() { { "local_port", "1500" } }, []));
    }

    [Theory]
    [InlineData("versoin", "2", "connections.gw.versoin: unknown key: did you mean \"version\"?")]
    [InlineData("version", "3", "connections.gw.version: \"3\" is not a number from 0 to 2")]
    [InlineData("proposals", "aes512-sha256-x25519", "connections.gw.proposals: *")]
    [InlineData("remote_addrs", "300.1.1.1", "connections.gw.remote_addrs: \"300.1.1.1\" is neither an address, a prefix, a range FIRST-LAST, a host name nor %any")]
    [InlineData("local_addrs", "10.0.0.9-10.0.0.1", "connections.gw.local_addrs: \"10.0.0.9-10.0.0.1\" is neither an address, a prefix, a range FIRST-LAST, a host name nor %any")]
    [InlineData("dpd_delay", "often", "connections.gw.dpd_delay: \"often\" is not a time, such as 30s, 5m, 4h or 1d")]
    [InlineData("unique", "maybe", "connections.gw.unique: \"maybe\" is not one of no, never, keep, replace")]
    [InlineData("encap", "maybe", "connections.gw.encap: \"maybe\" is not yes, no or never")]
    [InlineData("remote_port", "0", "connections.gw.remote_port: \"0\" is not a number from 1 to 65535")]
    [InlineData("aggressive", "perhaps", "connections.gw.aggressive: \"perhaps\" is not yes or no")]
    [InlineData("childless", "maybe", "connections.gw.childless: \"maybe\" is not one of allow, prefer, force, never")]
    [InlineData("mediated_by", "x", "connections.gw.mediated_by: is not supported: Kuguru has no mediation extension")]
    [InlineData("vips", "vpn", "connections.gw.vips: \"vpn\" is not an IP address (0.0.0.0 and :: ask for any)")]
    public void A_wrong_value_of_a_connection_is_named(string key, string value, string expected) => AssertOnly(expected, Whole(new() { { key, value } }, []));

    [Theory]
    [InlineData("mode", "beet", "\"beet\" is not supported, only tunnel, transport, pass, drop are")]
    [InlineData("local_ts", "10.1.0.0/33", "\"10.1.0.0/33\" is neither an address, a prefix, a range FIRST-LAST nor \"dynamic\"")]
    [InlineData("local_ts", "dynamic[gopher", "\"dynamic[gopher\" has no closing ]")]
    [InlineData("local_ts", "dynamic[nonsense/80]", "\"dynamic[nonsense/80]\": \"nonsense\" is no IP protocol: give its number")]
    [InlineData("local_ts", "dynamic[tcp/99999]", "\"dynamic[tcp/99999]\": \"99999\" is no port: give a number, a range, a service name, any or opaque")]
    [InlineData("start_action", "trap|stop", "\"trap|stop\" is not one of none, trap, start, clear, route, restart, trap|start, start|trap")]
    [InlineData("rand_packets", "some", "\"some\" is not a number from 0 to 18446744073709551615")]
    [InlineData("mark_in", "42", "\"42\" is not supported, only \"0\" or \"0/0x00000000\" is")]
    [InlineData("inactivity", "often", "\"often\" is not a time, such as 30s, 5m, 4h or 1d")]
    [InlineData("ah_proposals", "aes128", "'aes128': an integrity algorithm is missing, such as sha256")]
    [InlineData("esp_proposal", "aes128", "unknown key: did you mean \"esp_proposals\"?")]
    public void A_wrong_value_of_a_child_is_named(string key, string value, string expected) =>
        AssertOnly($"connections.gw.children.net.{key}: {expected}", Whole([], new() { { key, value } }));

    [Theory]
    [InlineData("mode", "TUNNEL")]
    [InlineData("hw_offload", "auto")]
    [InlineData("mark_in", "0x0")]
    public void A_key_that_Kuguru_has_not_may_say_what_it_does_anyway(string key, string value) => Assert.NotNull(ConnectionReader.Read("gw", Whole([], new() { { key, value } }), CharonSettings.Default, out _));

    [Fact]
    public void What_a_childs_life_is_like_is_read()
    {
        var child = ConnectionReader.Read("gw", Whole(new() { { "childless", "prefer" } }, new()
        {
            { "rand_bytes", "5m" }, { "rand_packets", "7" }, { "inactivity", "5m" }, { "start_action", "trap|start" }, { "mode", "drop" },
        }), CharonSettings.Default, out _)!;
        Assert.Equal(ChildlessPolicy.Prefer, child.Childless);
        var net = Assert.Single(child.Children);
        Assert.Equal((5ul << 20, 7ul, TimeSpan.FromMinutes(5)), (net.RandBytes, net.RandPackets, net.Inactivity));
        Assert.Equal((StartAction.Trap | StartAction.Start, ChildMode.Drop), (net.StartAction, net.Mode));
    }

    [Fact]
    public void A_connection_of_shunts_needs_nobody_to_authenticate()
    {
        var message = new ViciMessage { { "children", new ViciMessage { { "lan", new ViciMessage { { "mode", "pass" }, { "start_action", "trap" } } } } } };
        var connection = ConnectionReader.Read("lan", message, CharonSettings.Default, out var errors);
        Assert.Empty(errors);
        Assert.Equal(ChildMode.Pass, connection!.Children.Single().Mode);
    }

    [Fact]
    public void Without_psk_an_authentication_is_refused_by_name()
    {
        AssertOnly("connections.gw.version: auth = xauth is IKEv1's: give version = 1, or auth = eap with IKEv2",
            new() { { "version", "2" }, { "local", new ViciMessage { { "auth", "xauth" } } }, { "remote", Psk } });
        AssertOnly("connections.gw.local.auth: \"eap-ttls\" is not supported: of EAP there are \"eap\" for any method, \"eap-mschapv2\", \"eap-tls\", \"eap-md5\" and \"eap-gtc\"",
            new() { { "local", new ViciMessage { { "auth", "eap-ttls" } } }, { "remote", Psk } });
        AssertOnly("connections.gw.local.certs: not an X.509 certificate", new() { { "local", new ViciMessage { { "auth", "psk" }, { "certs", (string[])["x"] } } }, { "remote", Psk } });
        AssertOnly("connections.gw.local.id: '10.1.0.0/16' stands for many addresses: give the one that we are called by",
            new() { { "local", new ViciMessage { { "auth", "psk" }, { "id", "10.1.0.0/16" } } }, { "remote", Psk } });
        AssertOnly("connections.gw.locale: unknown key", new() { { "local", Psk }, { "remote", Psk }, { "locale", "x" } });
    }

    /// <summary>A peer whose certificate is known may call itself by any name of it, if that is what it says.</summary>
    [Theory]
    [InlineData(null, "C=CH, O=Kuguru, CN=moon.example.org")]
    [InlineData("%any", "%any")]
    [InlineData("0.0.0.0", "%any")]
    public void Without_an_id_a_certificate_is_called_by_its_subject_and_with_any_by_whatever_it_is_for(string? id, string expected)
    {
        var moon = Kuguru.Tests.Pki.Authority.Root().Issue("moon.example.org");
        ViciMessage remote = new() { { "auth", "pubkey" }, { "id", id } };
        remote.Add(new ViciElement.List("certs", [moon.Native.RawData]));
        var connection = ConnectionReader.Read("gw", new() { { "local", Psk }, { "remote", remote } }, CharonSettings.Default, out var errors)!;
        Assert.Empty(errors);
        Assert.Equal(expected, connection.Remote[0].Id?.ToString());
    }

    [Fact]
    public void Rounds_are_taken_in_the_order_of_their_numbers()
    {
        var connection = ConnectionReader.Read("gw", new()
        {
            { "local", Psk },
            { "remote-eap", new ViciMessage { { "auth", "eap-mschapv2" }, { "eap_id", "%any" }, { "round", "2" } } },
            { "remote-cert", new ViciMessage { { "id", "carol@strongswan.org" }, { "round", "1" } } },
            { "ppk_id", "*@strongswan.org" },
            { "ppk_required", "yes" },
        }, CharonSettings.Default, out var errors)!;
        Assert.Empty(errors);
        Assert.Equal([AuthenticationKind.PublicKey, AuthenticationKind.Eap], connection.Remote.Select(round => round.Kind));
        Assert.Equal(("EAP_MSCHAPV2", "%any"), (connection.Remote[1].EapMethod.ToString(), connection.Remote[1].EapId?.ToString()));
        Assert.Equal(("*@strongswan.org", true), (connection.PpkId?.ToString(), connection.PpkRequired));
        var listed = ConnectionWriter.ListConn(connection).Sections.Single().Body;
        Assert.Equal(("EAP", "EAP_MSCHAPV2", "%any"), (listed.Section("remote-2")!["class"], listed.Section("remote-2")!["eap-type"], listed.Section("remote-2")!["eap_id"]));
        Assert.Equal(("*@strongswan.org", "yes"), (listed["ppk_id"], listed["ppk_required"]));
    }

    [Theory]
    [InlineData("strict", "GOOD")]
    [InlineData("ifuri", "SKIPPED")]
    [InlineData("relaxed", null)]
    public void What_is_demanded_of_a_peer_is_listed_in_charons_words(string revocation, string? listed)
    {
        var connection = ConnectionReader.Read("gw", new()
        {
            { "local", Psk },
            { "remote", new ViciMessage { { "auth", "pubkey" }, { "revocation", revocation }, { "ca_id", "C=CH, O=x" }, { "cert_policy", (string[])["1.2.3.4", "1.2.5"] } } },
            { "dpd_timeout", "150s" },
        }, CharonSettings.Default, out _)!;
        var body = ConnectionWriter.ListConn(connection).Sections.Single().Body;
        var remote = body.Section("remote-1")!;
        Assert.Equal((listed, "C=CH, O=x", "150"), (remote["revocation"], remote["ca_id"], body["dpd_timeout"]));
        Assert.Equal(["1.2.3.4", "1.2.5"], remote.Items("cert_policy")!);
    }

    [Theory]
    [InlineData("eap", null)]
    [InlineData("eap-md5", "EAP_MD5")]
    [InlineData("eap-gtc", "EAP_GTC")]
    [InlineData("EAP-TLS", "EAP_TLS")]
    public void Each_method_of_EAP_has_its_name(string auth, string? expected)
    {
        var connection = ConnectionReader.Read("gw", new() { { "local", new ViciMessage { { "auth", auth }, { "aaa_id", "aaa.example.org" } } }, { "remote", Psk } }, CharonSettings.Default, out _)!;
        Assert.Equal((AuthenticationKind.Eap, expected), (connection.Local[0].Kind, connection.Local[0].EapMethod?.ToString()));
        Assert.Equal("aaa.example.org", connection.Local[0].AaaId?.ToString());
    }

    [Fact]
    public void All_errors_are_told_at_once()
    {
        Assert.Null(ConnectionReader.Read("gw", Whole(new() { { "encap", "x" } }, new() { { "mode", "x" }, { "local_ts", "x" } }), CharonSettings.Default, out var errors));
        Assert.Equal(["connections.gw.encap", "connections.gw.children.net.mode", "connections.gw.children.net.local_ts"], errors.Select(e => e.Key));
    }

    [Theory]
    [InlineData("remote", "pubkey", true)]
    [InlineData("remote", "psk", false)]
    [InlineData("local", "pubkey", false)]
    public void What_a_certificate_has_to_be_for_is_of_a_peer_that_has_one(string side, string auth, bool isRight)
    {
        var connection = ConnectionReader.Read("gw", new() { { side, new ViciMessage { { "auth", auth }, { "id", "%gateway.example.org" } } } }, CharonSettings.Default, out var errors);
        Assert.Equal(isRight, connection is not null);
        if (connection is null)
            Assert.Equal($"connections.gw.{side}.id", Assert.Single(errors).Key);
        else
            Assert.Equal((null, "gateway.example.org", "%gateway.example.org"), (connection.Remote[0].Id, $"{connection.Remote[0].CertifiedAs}",
                ConnectionWriter.ListConn(connection).Sections.Single().Body.Section("remote-1")!["id"]));
    }

    [Fact]
    public void Identities_are_strongSwans()
    {
        var connection = ConnectionReader.Read("gw", new() { { "local", new ViciMessage { { "auth", "psk" }, { "id", "carol@strongswan.org" } } }, { "remote", new ViciMessage { { "auth", "psk" }, { "id", "%any" } } } }, CharonSettings.Default, out _)!;
        Assert.Equal("carol@strongswan.org", connection.Local[0].Id?.ToString());
        Assert.Equal("%any", connection.Remote[0].Id?.ToString());
    }

    [Theory]
    [InlineData("10.1.0.10", "10.1.0.10/32")]
    [InlineData("10.1.0.10/16", "10.1.0.0/16")]
    [InlineData("10.1.0.1-10.1.0.9", "10.1.0.1..10.1.0.9")]
    [InlineData("fec0::/10", "fec0::/10")]
    [InlineData("10.1.0.0/16[udp]", "10.1.0.0/16[udp]")]
    [InlineData("10.1.0.0/16[17/17010]", "10.1.0.0/16[udp/17010]")]
    [InlineData("10.1.0.0/16[tcp/1000-2000]", "10.1.0.0/16[tcp/1000-2000]")]
    [InlineData("10.1.0.0/16[/8099]", "10.1.0.0/16[0/8099]")]
    [InlineData("10.1.0.0/16[any/any]", "10.1.0.0/16")]
    [InlineData("10.1.0.0/16[icmp/2048]", "10.1.0.0/16[icmp/8]")]
    [InlineData("10.1.0.0/16[icmp/769]", "10.1.0.0/16[icmp/3(1)]")]
    [InlineData("10.1.0.0/16[sctp/opaque]", "10.1.0.0/16[sctp/OPAQUE]")]
    [InlineData("10.1.0.0/16[tcp/http]", "10.1.0.0/16[tcp/http]")]
    [InlineData("10.1.0.0/16[6/443]", "10.1.0.0/16[tcp/https]")]
    [InlineData("dynamic[tcp/22]", "dynamic[tcp/ssh]")]
    public void Selectors_are_read_and_printed_as_charon_does(string text, string printed)
    {
        var (selector, error) = AddressText.Selector(text);
        Assert.Null(error);
        Assert.Equal(printed, AddressText.Print(selector!));
    }

    [Theory]
    [InlineData("10.3.0.0/24", "10.3.0.1", "10.3.0.254")]
    [InlineData("10.3.0.5/24", "10.3.0.5", "10.3.0.254")]
    [InlineData("10.3.0.4/30", "10.3.0.5", "10.3.0.6")]
    [InlineData("10.3.0.4/31", "10.3.0.4", "10.3.0.5")]
    [InlineData("10.3.0.5/31", "10.3.0.5", "10.3.0.5")]
    [InlineData("10.3.0.5/32", "10.3.0.5", "10.3.0.5")]
    [InlineData("10.3.0.10-10.3.0.20", "10.3.0.10", "10.3.0.20")]
    [InlineData("fec3::/120", "fec3::1", "fec3::fe")]
    public void A_pool_leaves_out_the_addresses_that_charon_leaves_out(string text, string first, string last) =>
        Assert.Equal(new AddressRange(IpAddress.Parse(first), IpAddress.Parse(last)), PoolReader.Addresses(text));

    [Fact]
    public void A_pool_has_addresses_and_name_servers()
    {
        var pool = PoolReader.Read("p", new() { { "addrs", "10.3.0.0/24" }, { "dns", (string[])["10.0.0.1", "fec0::1"] } }, out _)!;
        Assert.Equal(["10.0.0.1", "fec0::1"], pool.Dns.Select(d => d.ToString()));
        Assert.Null(PoolReader.Read("p", new() { { "addrs", "nothing" }, { "subnet", (string[])["10.0.0.0/8"] } }, out var errors));
        Assert.Equal(["pools.p.addrs", "pools.p.subnet"], errors.Select(e => e.Key));
        Assert.Equal(["corp.example.org"], PoolReader.Read("p", new() { { "addrs", "10.3.0.0/24" }, { "25", (string[])["corp.example.org"] } }, out _)!.Domains);
        Assert.Null(PoolReader.Read("p", new() { { "addrs", "10.3.0.0/24" }, { "25", (string[])["not a domain"] } }, out errors));
        Assert.Equal("pools.p.25", Assert.Single(errors).Key);
        Assert.Null(PoolReader.Read("p", [], out errors));
        Assert.Equal("pools.p: has no addrs: give a prefix such as 10.3.0.0/24", Assert.Single(errors).ToString());
    }

    [Fact]
    public void A_shared_key_is_an_ike_secret_with_owners()
    {
        var key = SharedKeyReader.Read(new() { { "id", "ike-1" }, { "type", "IKE" }, { "data", "secret" }, { "owners", (string[])["10.1.0.10", "moon"] } }, "none", out _)!;
        Assert.Equal(("ike-1", 2), (key.Name, key.Owners.Length));
        Assert.Equal("secret"u8.ToArray(), key.Secret.Span.ToArray());
        Assert.Equal(SharedKeyKind.Ike, key.Kind);
    }

    [Theory]
    [InlineData("ike", SharedKeyKind.Ike)]
    [InlineData("EAP", SharedKeyKind.Eap)]
    [InlineData("xauth", SharedKeyKind.Eap)]
    [InlineData("ntlm", SharedKeyKind.NtHash)]
    [InlineData("PPK", SharedKeyKind.Ppk)]
    public void A_secret_is_of_the_kind_that_its_type_says(string type, SharedKeyKind expected) =>
        Assert.Equal(expected, SharedKeyReader.Read(new() { { "type", type }, { "data", "0123456789abcdef" } }, "none", out _)!.Kind);

    [Theory]
    [InlineData("radius", "geheim", "secrets.none: radius is no type of a shared secret: ike, eap, xauth, ntlm and ppk are")]
    [InlineData(null, "geheim", "secrets.none: has no type")]
    [InlineData("eap", "", "secrets.none: the secret is empty")]
    [InlineData("ntlm", "geheim", "secrets.none: an NT hash has 16 octets: give 0x and 32 hex digits, or the password as eap")]
    public void What_is_no_secret_is_refused_without_telling_it(string? type, string data, string expected)
    {
        Assert.Null(SharedKeyReader.Read(new() { { "type", type }, { "data", data } }, "none", out var errors));
        Assert.Equal(expected, Assert.Single(errors).ToString());
    }

    static Connection? Read(ViciMessage keys) => ConnectionReader.Read("gw", Whole(keys, []), CharonSettings.Default, out _);

    static ChildConfig Child(ViciMessage keys)
    {
        var connection = ConnectionReader.Read("gw", Whole([], keys), CharonSettings.Default, out var errors);
        Assert.Empty(errors);
        return Assert.Single(connection!.Children);
    }

    static ViciMessage Whole(ViciMessage keys, ViciMessage child)
    {
        ViciMessage message = [];
        foreach (var element in keys)
            message.Add(element);
        message.Add("local", Psk);
        message.Add("remote", Psk);
        message.Add("children", new ViciMessage { { "net", child } });
        return message;
    }

    static void AssertOnly(string expected, ViciMessage message)
    {
        Assert.Null(ConnectionReader.Read("gw", message, CharonSettings.Default, out var errors));
        var error = Assert.Single(errors).ToString();
        if (expected.EndsWith('*'))
            Assert.StartsWith(expected[..^1], error, StringComparison.Ordinal);
        else
            Assert.Equal(expected, error);
    }
}
