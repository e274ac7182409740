using Kuguru.Nat;
using Kuguru.Daemon.Settings;
using Xunit;

namespace Kuguru.Tests.Daemon.Settings;

public class CharonSettingsTests
{
    readonly Complaints _complaints = new();

    [Fact]
    public void Nothing_set_is_strongSwans_defaults_but_for_the_block_that_would_hit_everybody_behind_one_NAT()
    {
        var settings = Read("")!;
        Assert.Equal(CharonSettings.Default, settings);
        Assert.Equal(KeepAlivePolicy.Auto, settings.KeepAlive);
        Assert.Equal((500, 4500, 30, 3, 1000), (settings.Port, settings.PortNatT, settings.CookieThreshold, settings.CookieThresholdIp, settings.BlockThreshold));
    }

    [Fact]
    public void Every_key_lands_in_its_place()
    {
        var settings = Read("""
            charon {
              port = 0x1f4
              port_nat_t = 4501
              keep_alive = 0
              retransmit_timeout = 2.5
              retransmit_base = 2
              retransmit_tries = 3
              retransmit_jitter = 10
              retransmit_limit = 1m
              half_open_timeout = 15
              dos_protection = no
              fragment_size_v4 = 576
              fragment_size = 1400
              dns2 = 10.0.0.2
              dns1 = 10.0.0.1
              nbns1 = fec0::1
              spi_min = 0x100
              replay_window = 0x80
              plugins { vici { socket = unix:///tmp/x.vici } }
            }
            """)!;
        Assert.Empty(_complaints.All);
        Assert.Equal((500, 4501, KeepAlivePolicy.Every(TimeSpan.Zero)), (settings.Port, settings.PortNatT, settings.KeepAlive));
        Assert.Equal((TimeSpan.FromSeconds(2.5), 2.0, 3, 10, TimeSpan.FromMinutes(1)),
            (settings.RetransmitTimeout, settings.RetransmitBase, settings.RetransmitTries, settings.RetransmitJitter, settings.RetransmitLimit));
        Assert.Equal((TimeSpan.FromSeconds(15), false, 576, 1400), (settings.HalfOpenTimeout, settings.DosProtection, settings.FragmentSizeV4, settings.FragmentSizeV6));
        Assert.Equal(["10.0.0.1", "10.0.0.2"], settings.DnsServers.Select(d => d.ToString()));
        Assert.Equal(["fec0::1"], settings.WinsServers.Select(d => d.ToString()));
        Assert.Equal((128, 256u, "/tmp/x.vici"), (settings.ReplayWindow, settings.SpiMin, settings.ViciSocket));
    }

    [Fact]
    public void TLS_inside_EAP_keeps_to_libtls()
    {
        var settings = Read("libtls {\n version_max = 1.2\n suites = TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256\n }")!;
        Assert.Equal((true, false), (settings.Tls.HasVersion12, settings.Tls.HasVersion13));
        Assert.Equal(["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"], settings.Tls.Suites);
        Assert.True(Read("libtls {\n version_max = 1.2\n }\ncharon {\n tls {\n version_max = 1.3\n }\n }")!.Tls.HasVersion13);
        foreach (var bad in (string[])["version_max = 1.1", "version_min = 1.3\n version_max = 1.2", "suites = TLS_RSA_WITH_AES_128_CBC_SHA", "cipher = aes128", "send_certreq_authorities = no"])
            Assert.Null(Read($"libtls {{\n {bad}\n }}"));
    }

    [Fact]
    public void OCSP_and_CRLs_are_switched_off_one_by_one()
    {
        var settings = Read("charon { plugins { revocation { enable_ocsp = no } } }")!;
        Assert.Equal((false, true), (settings.UsesOcsp, settings.UsesCrls));
        Assert.Null(Read("charon { plugins { revocation { timeout = 60 } } }"));
    }

    [Fact]
    public void CRLs_are_kept_where_that_is_wanted()
    {
        Assert.False(Read("")!.KeepsCrls);
        Assert.True(Read("charon-systemd { cache_crls = yes }")!.KeepsCrls);
    }

    [Fact]
    public void The_systemd_section_overrides_the_general_one()
    {
        var settings = Read("charon-systemd { keep_alive = 5\n dns1 = 10.0.0.9\n }\ncharon { keep_alive = 7\n retransmit_tries = 2\n dns1 = 10.0.0.1\n dns2 = 10.0.0.2\n }")!;
        Assert.Equal((KeepAlivePolicy.Every(TimeSpan.FromSeconds(5)), 2), (settings.KeepAlive, settings.RetransmitTries));
        Assert.Equal(["10.0.0.9"], settings.DnsServers.Select(d => d.ToString()));
    }

    [Fact]
    public void What_only_tunes_strongSwan_is_told_in_one_line()
    {
        var settings = Read("""
            charon {
              load = random nonce openssl
              keep_alive = 5
            }
            swanctl { load = random openssl }
            charon-systemd {
              load = random nonce
              integrity_test = no
              filelog { daemonlog { path = /var/log/daemon.log
                default = 1 } }
              plugins {
                kernel-netlink { fwmark = !0x42 }
                socket-default { fwmark = 0x42 }
                kernel-libipsec { allow_peer_ts = yes }
              }
            }
            """)!;
        Assert.Equal(KeepAlivePolicy.Every(TimeSpan.FromSeconds(5)), settings.KeepAlive);
        var warning = Assert.Single(_complaints.All);
        Assert.False(warning.IsError);
        Assert.Equal("strongswan.conf:2: not used, as Kuguru has no plugins, worker threads or loggers of its own: charon.load, charon-systemd.integrity_test, "
            + "charon-systemd.load, charon-systemd.filelog, charon-systemd.plugins.kernel-netlink.fwmark, charon-systemd.plugins.socket-default.fwmark, "
            + "charon-systemd.plugins.kernel-libipsec.allow_peer_ts", warning.ToString());
    }

    [Fact]
    public void The_files_of_a_package_are_read_with_one_short_line()
    {
        var plugins = string.Join('\n', ((string[])["aes", "attr", "eap-radius", "ha", "vici"]).Select(p => $"{p} {{ load = yes\n }}"));
        Assert.NotNull(Read($"charon {{ load_modular = yes\n crypto_test {{ }}\n start-scripts {{ }}\n plugins {{ {plugins} }} }}"));
        Assert.EndsWith("charon.load_modular, charon.plugins.*.load", Assert.Single(_complaints.All).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("charon { keepalive = 5 }", "strongswan.conf:1: charon.keepalive: unknown key: did you mean \"keep_alive\"?")]
    [InlineData("charon { keep_alive = often }", "strongswan.conf:1: charon.keep_alive: \"often\" is not auto or a time, such as 20s (0 sends none)")]
    [InlineData("charon {\n port = 70000 }", "strongswan.conf:2: charon.port: \"70000\" is not a number from 0 to 65535")]
    [InlineData("charon { initiator_only = perhaps }", "strongswan.conf:1: charon.initiator_only: \"perhaps\" is not yes or no")]
    [InlineData("charon { dns1 = dns.example.org }", "strongswan.conf:1: charon.dns1: \"dns.example.org\" is not an IP address")]
    [InlineData("charon { cisco_unity = perhaps }", "strongswan.conf:1: charon.cisco_unity: \"perhaps\" is not yes or no")]
    [InlineData("charon { send_delay = 250 }", "strongswan.conf:1: charon.send_delay: is not supported: delay packets with tc netem")]
    [InlineData("charon { make_before_break = perhaps }", "strongswan.conf:1: charon.make_before_break: \"perhaps\" is not yes or no")]
    [InlineData("charon { delete_rekeyed_delay = soon }", "strongswan.conf:1: charon.delete_rekeyed_delay: \"soon\" is not a time, such as 20s or 5m")]
    [InlineData("charon { user = nobody }", "strongswan.conf:1: charon.user: is not supported: set User= in the service unit")]
    [InlineData("charon { start-scripts { a = /bin/a } }", "strongswan.conf:1: charon.start-scripts.a: is not supported: use ExecStartPost= in the service unit")]
    [InlineData("charon { plugins { attr { dns = 10.0.0.1 } } }", "strongswan.conf:1: charon.plugins.attr.dns: is not supported: give dns, nbns and other attributes in a pool of swanctl.conf")]
    [InlineData("charon { plugins { eap-radius { secret = x } } }", "strongswan.conf:1: charon.plugins.eap-radius.secret: is not supported: Kuguru has nothing like the plugin eap-radius")]
    [InlineData("charon { plugins { vici { socket = tcp://127.0.0.1:4502 } } }", "strongswan.conf:1: charon.plugins.vici.socket: \"tcp://127.0.0.1:4502\" is not unix:///path")]
    [InlineData("charron { }", "strongswan.conf:1: charron: unknown section: did you mean \"charon\"?")]
    [InlineData("keep_alive = 5", "strongswan.conf:1: keep_alive: a key outside of any section: general settings stand in charon { }")]
    [InlineData("charon { port = 4500 }", "strongswan.conf:1: charon.port_nat_t: must differ from port")]
    public void What_is_wrong_is_refused_with_file_line_key_and_remedy(string text, string expected)
    {
        Assert.Null(Read(text));
        Assert.Equal(expected, Assert.Single(_complaints.All).ToString());
    }

    [Theory]
    [InlineData("cisco_flexvpn = 0")]
    [InlineData("multiple_authentication = true")]
    [InlineData("spi_mask = 0")]
    public void A_key_that_Kuguru_has_not_may_say_what_it_does_anyway(string line)
    {
        Assert.NotNull(Read($"charon {{ {line} }}"));
        Assert.Empty(_complaints.All);
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("30s", 30)]
    [InlineData("30 s", 30)]
    [InlineData("5m", 300)]
    [InlineData("4h", 14400)]
    [InlineData("1D", 86400)]
    [InlineData("0x10", 16)]
    [InlineData("1w", null)]
    [InlineData("-1", null)]
    [InlineData("", null)]
    [InlineData("99999999999999999999", null)]
    [InlineData("9999999999d", null)]
    public void Times_have_units(string text, int? seconds) => Assert.Equal(seconds, (int?)SettingsText.Time(text)?.TotalSeconds);

    [Theory]
    [InlineData("500", 500ul)]
    [InlineData("2k", 2048ul)]
    [InlineData("1 M", 1048576ul)]
    [InlineData("1g", 1073741824ul)]
    [InlineData("18446744073709551615g", ulong.MaxValue)]
    [InlineData("1t", null)]
    public void Volumes_have_units(string text, ulong? octets) => Assert.Equal(octets, SettingsText.Volume(text));

    CharonSettings? Read(string text)
    {
        var root = SettingsFile.Parse(text, "strongswan.conf", _complaints);
        return root is null ? null : CharonKeys.Read(root, _complaints);
    }
}
