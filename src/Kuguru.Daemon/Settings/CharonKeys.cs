namespace Kuguru.Daemon.Settings;

/// <summary>
/// What becomes of each key of strongswan.conf. It is used; or it tunes a part of strongSwan that does not exist here (plugins,
/// threads, its loggers): then one warning names it; or it changes what users or peers get, in a way Kuguru cannot: then it is refused
/// unless its value is what Kuguru does anyway. Any other key is unknown and refused.
/// </summary>
static class CharonKeys
{
    /// <summary>Gives the changed settings, or null when the text is not what is <c>Wanted</c>.</summary>
    delegate CharonSettings? Setter(CharonSettings settings, string text);

    static readonly Dictionary<string, (string Wanted, Setter Set)> Used = new(StringComparer.Ordinal)
    {
        ["port"] = Number<ushort>(0, ushort.MaxValue, (s, v) => s with { Port = v }),
        ["port_nat_t"] = Number<ushort>(0, ushort.MaxValue, (s, v) => s with { PortNatT = v }),
        ["max_packet"] = Number(576, 65507, (s, v) => s with { MaxPacket = v }),
        ["fragment_size"] = Number(0, 65535, (s, v) => s with { FragmentSizeV4 = v, FragmentSizeV6 = v }),
        ["fragment_size_v4"] = Number(0, 65535, (s, v) => s with { FragmentSizeV4 = v }),
        ["fragment_size_v6"] = Number(0, 65535, (s, v) => s with { FragmentSizeV6 = v }),
        ["plugins.vici.socket"] = ("unix:///path",
            (s, v) => v.StartsWith("unix:///", StringComparison.Ordinal) ? s with { ViciSocket = v[7..] } : null),
        ["keep_alive"] = (SettingsText.KeepAliveWanted, (s, text) => SettingsText.KeepAlive(text) is { } policy ? s with { KeepAlive = policy } : null),
        ["prefer_best_path"] = Bool((s, v) => s with { PreferBestPath = v }),
        ["retransmit_timeout"] = ("seconds, such as 4.0",
            (s, v) => SettingsText.Real(v) is > 0 and <= 3600 and var time ? s with { RetransmitTimeout = TimeSpan.FromSeconds(time) } : null),
        ["retransmit_base"] = ("a number from 1 to 10, such as 1.8",
            (s, v) => SettingsText.Real(v) is >= 1 and <= 10 and var factor ? s with { RetransmitBase = factor } : null),
        ["retransmit_tries"] = Number(0, 100, (s, v) => s with { RetransmitTries = v }),
        ["retransmit_jitter"] = Number(0, 20, (s, v) => s with { RetransmitJitter = v }),
        ["retransmit_limit"] = Time((s, v) => s with { RetransmitLimit = v }),
        ["half_open_timeout"] = Time((s, v) => s with { HalfOpenTimeout = v }),
        ["dos_protection"] = Bool((s, v) => s with { DosProtection = v }),
        ["cookie_threshold"] = Number(0, int.MaxValue, (s, v) => s with { CookieThreshold = v }),
        ["cookie_threshold_ip"] = Number(0, int.MaxValue, (s, v) => s with { CookieThresholdIp = v }),
        ["block_threshold"] = Number(0, int.MaxValue, (s, v) => s with { BlockThreshold = v }),
        ["init_limit_half_open"] = Number(0, int.MaxValue, (s, v) => s with { InitLimitHalfOpen = v }),
        ["ikesa_limit"] = Number(0, int.MaxValue, (s, v) => s with { IkeSaLimit = v }),
        ["cisco_unity"] = Bool((s, v) => s with { CiscoUnity = v }),
        ["i_dont_care_about_security_and_use_aggressive_mode_psk"] = Bool((s, v) => s with { AggressiveSharedKey = v }),
        ["initiator_only"] = Bool((s, v) => s with { InitiatorOnly = v }),
        ["make_before_break"] = Bool((s, v) => s with { MakeBeforeBreak = v }),
        ["close_ike_on_child_failure"] = Bool((s, v) => s with { CloseIkeOnChildFailure = v }),
        ["multiple_authentication"] = Bool((s, v) => s with { MultipleAuthentication = v }),
        ["force_eap_only_authentication"] = Bool((s, v) => s with { ForceEapOnlyAuthentication = v }),
        ["inactivity_close_ike"] = Bool((s, v) => s with { InactivityCloseIke = v }),
        ["delete_rekeyed_delay"] = Time((s, v) => s with { DeleteRekeyedDelay = v }),
        ["retry_initiate_interval"] = Time((s, v) => s with { RetryInitiateInterval = v }),
        ["rsa_pss"] = Bool((s, v) => s with { RsaPss = v }),
        ["cache_crls"] = Bool((s, v) => s with { KeepsCrls = v }),
        ["plugins.revocation.enable_ocsp"] = Bool((s, v) => s with { UsesOcsp = v }),
        ["plugins.revocation.enable_crl"] = Bool((s, v) => s with { UsesCrls = v }),
        ["tls.version_min"] = Version((s, has13) => s with { HasVersion12 = !has13 }),
        ["tls.version_max"] = Version((s, has13) => s with { HasVersion13 = has13 }),
        ["tls.suites"] = ("names of suites with forward secrecy and authenticated encryption, such as TLS_AES_128_GCM_SHA256, with commas between", Suites),
        ["reuse_ikesa"] = Bool((s, v) => s with { ReuseIkeSa = v }),
        ["replay_window"] = Number(0, Esp.ReplayWindow.MaxSize, (s, v) => s with { ReplayWindow = v }),
        ["spi_min"] = Number(256u, uint.MaxValue, (s, v) => s with { SpiMin = v }),
        ["spi_max"] = Number(256u, uint.MaxValue, (s, v) => s with { SpiMax = v }),
        ["reqid_base"] = Number(1u, uint.MaxValue, (s, v) => s with { ReqIdBase = v }),
        ["install_routes"] = Bool((s, v) => s with { InstallRoutes = v }),
        ["install_virtual_ip"] = Bool((s, v) => s with { InstallVirtualIp = v }),
        ["stand_in_ranges"] = Prefixes((s, v) => s with { StandInRanges = v }),
        ["routing_table"] = Number(0u, uint.MaxValue, (s, v) => s with { RoutingTable = v }),
        ["routing_table_prio"] = Number(0u, uint.MaxValue, (s, v) => s with { RoutingTablePriority = v }),
        ["dns1"] = Address((s, v) => s with { DnsServers = [.. s.DnsServers, v] }),
        ["dns2"] = Address((s, v) => s with { DnsServers = [.. s.DnsServers, v] }),
        ["nbns1"] = Address((s, v) => s with { WinsServers = [.. s.WinsServers, v] }),
        ["nbns2"] = Address((s, v) => s with { WinsServers = [.. s.WinsServers, v] }),
    };

    /// <summary>Keys and whole sections that tune strongSwan's own machinery.</summary>
    static readonly HashSet<string> LeftAside = new(StringComparer.Ordinal)
    {
        "load", "load_modular", "threads", "processor", "host_resolver", "crypto_test", "leak_detective", "integrity_test", "dlopen_use_rtld_now",
        "ikesa_table_segments", "ikesa_table_size", "init_limit_job_load", "flush_auth_cfg", "cert_cache", "filelog", "syslog", "journal",
        "dh_exponent_ansi_x9_42", "process_route", "ignore_routing_tables", "keep_alive_dpd_margin", "max_ikev1_exchanges", "x509",
    };

    /// <summary>Keys that matter, with the one value that describes what Kuguru does.</summary>
    static readonly Dictionary<string, string> Fixed = new(StringComparer.Ordinal)
    {
        ["accept_private_algs"] = "no",
        ["accept_unencrypted_mainmode_messages"] = "no",
        ["check_current_path"] = "no",
        ["cisco_flexvpn"] = "no",
        ["delete_rekeyed"] = "no",
        ["follow_redirects"] = "no",
        ["hash_and_url"] = "no",
        ["ignore_acquire_ts"] = "no",
        ["ocsp_nonce_len"] = "0",
        ["prefer_configured_proposals"] = "yes",
        ["prefer_temporary_addrs"] = "no",
        ["rdn_matching"] = "strict",
        ["reject_trusted_end_entity"] = "no",
        ["rsa_pss_trailerfield"] = "no",
        ["send_vendor_id"] = "no",
        ["signature_authentication"] = "yes",
        ["signature_authentication_constraints"] = "yes",
        ["spi_label"] = "0x0000000000000000",
        ["spi_mask"] = "0x0000000000000000",
        ["tls.send_certreq_authorities"] = "yes",
        ["plugins.revocation.timeout"] = "10",
        ["plugins.updown.dns_handler"] = "no",
    };

    /// <summary>Keys and sections that change what users or peers get, and what does the same here.</summary>
    static readonly Dictionary<string, string> Instead = new(StringComparer.Ordinal)
    {
        ["user"] = "set User= in the service unit",
        ["group"] = "set Group= in the service unit",
        ["interfaces_use"] = "name the addresses in local_addrs of the connections",
        ["interfaces_ignore"] = "name the addresses in local_addrs of the connections",
        ["install_virtual_ip_on"] = "virtual addresses go on the tunnel's own device",
        ["send_delay"] = "delay packets with tc netem",
        ["receive_delay"] = "delay packets with tc netem",
        ["tls.cipher"] = "name the suites in libtls.suites",
        ["tls.key_exchange"] = "name the suites in libtls.suites",
        ["tls.mac"] = "name the suites in libtls.suites",
        ["start-scripts"] = "use ExecStartPost= in the service unit",
        ["stop-scripts"] = "use ExecStopPost= in the service unit",
        ["plugins.attr"] = "give dns, nbns and other attributes in a pool of swanctl.conf",
        ["plugins.attr-sql"] = "give the pools in swanctl.conf",
        ["plugins.dhcp"] = "give addresses from a pool of swanctl.conf",
        ["plugins.save-keys"] = "start with --save-keys DIR",
        ["plugins.bypass-lan"] = "add children with mode = pass to swanctl.conf",
        ["plugins.stroke"] = "drive it by VICI: swanctl or kuguru",
    };

    /// <summary>Plugins that change what users or peers get and have no counterpart yet.</summary>
    static readonly HashSet<string> RefusedPlugins = new(StringComparer.Ordinal)
    {
        "addrblock", "connmark", "coupling", "duplicheck", "eap-aka", "eap-aka-3gpp", "eap-aka-3gpp2", "eap-dynamic", "eap-gtc", "eap-peap", "eap-radius",
        "eap-sim", "eap-simaka-sql", "eap-tls", "eap-tnc", "eap-ttls", "error-notify", "ext-auth", "farp", "forecast", "ha", "ipseckey", "dnscert", "led",
        "load-tester", "lookip", "osx-attr", "p-cscf", "radattr", "selinux", "socket-dynamic", "sql", "tnc-ifmap", "tnc-pdp", "unity", "whitelist", "xauth-eap", "xauth-pam",
    };

    /// <summary>Sections of strongSwan's other programs, which read the same file.</summary>
    static readonly HashSet<string> OtherPrograms = new(StringComparer.Ordinal)
    {
        "swanctl", "pki", "scepclient", "pool", "starter", "charon-cmd", "charon-nm", "charon-tkm", "charon-svc", "conftest", "libstrongswan", "libimcv",
        "libtnccs", "imv_policy_manager", "tnc", "aikgen", "attest", "medsrv", "medcli", "manager", "sec-updater", "sw-collector", "openac", "tpm_extendpcr",
        "pt-tls-client", "checksum_builder", "android", "ipsec-conf",
    };

    public static CharonSettings? Read(SettingsSection root, Complaints complaints)
    {
        foreach (var value in root.Values)
            complaints.Error(value.At, value.Key, "a key outside of any section: general settings stand in charon { }");
        foreach (var section in root.Sections.Where(s => s.Name is not ("charon" or "charon-systemd" or "libtls") && !OtherPrograms.Contains(s.Name)))
            complaints.Error(section.At, section.Name, $"unknown section{Complaints.DidYouMean(section.Name, ["charon", "charon-systemd"])}");
        var reading = new Reading(complaints);
        reading.Section(root.Section("libtls"), "tls.");
        reading.Section(root.Section("charon"));
        reading.Section(root.Section("charon-systemd"));
        reading.Conclude();
        return complaints.HasErrors ? null : reading.Settings;
    }

    /// <summary>One pass over the sections; later ones override.</summary>
    sealed class Reading(Complaints complaints)
    {
        readonly List<(string Path, Origin At)> _leftAside = [];
        SettingsSection? _daemon;

        public CharonSettings Settings { get; private set; } = CharonSettings.Default;

        /// <param name="daemon">Null when there is none.</param>
        /// <param name="prefix">What stands before its keys where they stand in the daemon's section.</param>
        public void Section(SettingsSection? daemon, string prefix = "")
        {
            if (daemon is null)
                return;
            _daemon = daemon;
            if ((daemon.Value("dns1") ?? daemon.Value("dns2")) is not null)
                Settings = Settings with { DnsServers = [] };
            if ((daemon.Value("nbns1") ?? daemon.Value("nbns2")) is not null)
                Settings = Settings with { WinsServers = [] };
            Below(daemon, prefix);
        }

        public void Conclude()
        {
            if (Settings.SpiMin > Settings.SpiMax)
                complaints.Error(_daemon!.At, _daemon.PathOf("spi_min"), "is above spi_max");
            if (Settings.Port != 0 && Settings.Port == Settings.PortNatT)
                complaints.Error(_daemon!.At, _daemon.PathOf("port_nat_t"), "must differ from port");
            if (Settings.Tls is { HasVersion12: false, HasVersion13: false })
                complaints.Error(_daemon!.At, "libtls.version_min", "is above version_max");
            if (_leftAside.Count > 0)
            {
                complaints.Warning(_leftAside[0].At, "",
                    "not used, as Kuguru has no plugins, worker threads or loggers of its own: " + string.Join(", ", _leftAside.Select(l => l.Path).Distinct()));
            }
        }

        /// <summary>
        /// All keys in and below a section; <paramref name="prefix"/> is the path inside the daemon's section. In the order of the keys:
        /// dns1 comes before dns2, and fragment_size before fragment_size_v4, which overrides it.
        /// </summary>
        void Below(SettingsSection section, string prefix)
        {
            foreach (var value in section.Values.OrderBy(v => v.Key, StringComparer.Ordinal))
                Value(prefix + value.Key, value, section.PathOf(value.Key));
            foreach (var inner in section.Sections)
                Below(inner, prefix + inner.Name + ".");
        }

        void Value(string key, SettingsValue value, string path)
        {
            if (Used.TryGetValue(key, out var used))
                Apply(used.Wanted, used.Set, value, path);
            else if (Fixed.TryGetValue(key, out var only))
                Refuse(value, path, only);
            else if (Instead.Keys.FirstOrDefault(k => key == k || key.StartsWith(k + ".", StringComparison.Ordinal)) is { } refused && !IsLoad(key))
                complaints.Error(value.At, path, $"is not supported: {Instead[refused]}");
            else if (key.StartsWith("plugins.", StringComparison.Ordinal))
                Plugin(key.Split('.'), value, path);
            else if (LeftAside.Contains(key.Split('.')[0]))
                _leftAside.Add((_daemon!.PathOf(key.Split('.')[0]), value.At));
            else
                complaints.Error(value.At, path, "unknown key" + Complaints.DidYouMean(key, [.. Used.Keys, .. Fixed.Keys, .. LeftAside]));
        }

        void Apply(string wanted, Setter set, SettingsValue value, string path)
        {
            if (set(Settings, value.Text) is { } changed)
                Settings = changed;
            else
                complaints.Error(value.At, path, $"\"{value.Text}\" is not {wanted}");
        }

        void Refuse(SettingsValue value, string path, string only)
        {
            var same = SettingsText.Bool(only) is { } yes ? SettingsText.Bool(value.Text) == yes
                : SettingsText.Number(only) is { } number ? SettingsText.Number(value.Text) == number
                : value.Text == only;
            if (!same)
                complaints.Error(value.At, path, $"\"{value.Text}\" is not supported, only \"{only}\" is");
        }

        // The files that packages install have a load key for every plugin: those are named together.
        void Plugin(string[] key, SettingsValue value, string path)
        {
            if (key.Length > 2 && RefusedPlugins.Contains(key[1]) && !IsLoad(string.Join('.', key)))
                complaints.Error(value.At, path, $"is not supported: Kuguru has nothing like the plugin {key[1]}");
            else
                _leftAside.Add((_daemon!.PathOf(IsLoad(string.Join('.', key)) ? "plugins.*.load" : string.Join('.', key)), value.At));
        }

        static bool IsLoad(string key) => key.StartsWith("plugins.", StringComparison.Ordinal) && key.EndsWith(".load", StringComparison.Ordinal);
    }

    static (string, Setter) Bool(Func<CharonSettings, bool, CharonSettings> set) =>
        ("yes or no", (s, text) => SettingsText.Bool(text) is { } value ? set(s, value) : null);

    static (string, Setter) Number<T>(T min, T max, Func<CharonSettings, T, CharonSettings> set) where T : struct, System.Numerics.INumber<T> =>
        ($"a number from {min} to {max}", (s, text) => SettingsText.Number(text, min, max) is { } value ? set(s, value) : null);

    static (string, Setter) Time(Func<CharonSettings, TimeSpan, CharonSettings> set) =>
        ("a time, such as 20s or 5m", (s, text) => SettingsText.Time(text) is { } value ? set(s, value) : null);

    static (string, Setter) Version(Func<Crypto.TlsLimits, bool, Crypto.TlsLimits> set) =>
        ("1.2 or 1.3", (s, text) => text is "1.2" or "1.3" ? s with { Tls = set(s.Tls, text == "1.3") } : null);

    static CharonSettings? Suites(CharonSettings settings, string text)
    {
        var names = SettingsText.Words(text, ',', ' ');
        return names.All(Crypto.TlsLimits.KnownSuites.Contains) ? settings with { Tls = settings.Tls with { Suites = [.. names] } } : null;
    }

    static (string, Setter) Prefixes(Func<CharonSettings, IReadOnlyList<AddressRange>, CharonSettings> set) =>
        ("prefixes, such as 198.18.0.0/15, with commas between, or nothing", (s, text) => ReadPrefixes(text) is { } ranges ? set(s, ranges) : null);

    static List<AddressRange>? ReadPrefixes(string text)
    {
        List<AddressRange> ranges = [];
        foreach (var word in SettingsText.Words(text, ',', ' '))
        {
            if (!Linux.Prefix.TryParse(word, out var prefix) || prefix.Network != prefix || prefix.Length == 0)
                return null;
            ranges.Add(AddressRange.Prefix(prefix.Address, prefix.Length));
        }
        return ranges;
    }

    static (string, Setter) Address(Func<CharonSettings, IpAddress, CharonSettings> set) =>
        ("an IP address", (s, text) => IpAddress.TryParse(text, out var value) ? set(s, value) : null);
}
