using Kuguru.Cli.Namespaces;
using Kuguru.Tests.Pki;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// The gateway of docs/clients.md, and charon-nm: the daemon that NetworkManager's strongSwan plug-in starts, told over D-Bus what NetworkManager tells it.
/// It has a bus of its own, and nobody's network is managed.
/// </summary>
public class NetworkManagerTests
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public void It_logs_in_by_each_of_its_methods()
    {
        using var office = new Office();
        foreach (var (method, by, who) in ((string, string, string)[])
        [
            ("'method': 'eap', 'user': 'alice'", "users", "alice"),
            ("'method': 'cert', 'cert-source': 'file', 'usercert': '/run/bob.pem', 'userkey': '/run/bob.key'", "certificates", "C=CH, O=Kuguru, CN=bob@example.org"),
            ("'method': 'eap-tls', 'cert-source': 'file', 'usercert': '/run/bob.pem', 'userkey': '/run/bob.key'", "users", "C=CH, O=Kuguru, CN=bob@example.org"),
            ("'method': 'psk', 'user': 'phone'", "keys", "phone"),
        ])
        {
            office.Connect(method, by == "keys" ? "change me, and make it long" : "change me");
            var sa = office.Gateway.Single();
            Assert.Equal((by, who), (sa.Name, sa.RemoteId));
            Assert.StartsWith("192.0.2.1[2", sa.Remote);
            Assert.Equal(2, sa.RemoteVirtual.Count);
            // 9.9.9.9, as NetworkManager gets it.
            Assert.True(office.Says("'dns': <[uint32 151587081]>"), office.Signals);
            office.Client.Run("ping", "-c1", "-W2", RoadWarriors.Server4);
            office.Client.Run("ping", "-c1", "-W2", RoadWarriors.Server6);
            office.Disconnect();
        }
    }

    [Fact]
    public void It_stays_with_new_keys_and_behind_a_NAT_that_was_restarted()
    {
        using var office = new Office();
        office.Connect("'method': 'eap', 'user': 'alice'");
        var (before, inside) = (office.Gateway.Single(), office.Gateway.Single().RemoteVirtual[0]);
        office.Gateway.Swanctl("--rekey", "--child", "all");
        Wait.Until("the child has new keys", Soon,
            () => office.Gateway.Single().Children is [{ State: "INSTALLED" } child] && child.SpiIn != before.Children[0].SpiIn);
        office.Gateway.Swanctl("--rekey", "--ike", "users");
        Wait.Until("the IKE SA has new keys", Soon,
            () => office.Gateway.List() is [{ State: "ESTABLISHED", Children: [{ State: "INSTALLED" }] } sa] && sa.Id != before.Id);
        office.Client.Run("ping", "-c1", "-W2", RoadWarriors.Server4);
        office.World.Nat!.Remap(40000, 49999);
        office.Client.Run("ping", "-c3", "-i0.2", "-W2", RoadWarriors.Server4);
        Assert.StartsWith("192.0.2.1[4", office.Gateway.Single().Remote);
        office.World.Server.Run("ping", "-c1", "-W2", inside);
        office.Disconnect();
    }

    [Fact]
    public void It_is_told_at_once_that_a_password_is_wrong()
    {
        using var office = new Office();
        office.Order("Connect", Office.Connection("'method': 'eap', 'user': 'alice'", "chnage me"));
        // NM_VPN_PLUGIN_FAILURE_LOGIN_FAILED
        Wait.Until("it gives up", Soon, () => office.Says("Failure (uint32 0,)"));
        Wait.Until("the gateway's log says why", Soon,
            () => office.Gateway.Log.Contains("EAP_MSCHAPV2: there is no such user, or the password is wrong", StringComparison.Ordinal));
        Wait.Until("the gateway has no SA left", Soon, () => office.Gateway.List().Count == 0);
    }

    /// <summary>The documented gateway, and a client behind a NAT with a bus, charon-nm on it, and an ear for its signals.</summary>
    sealed class Office : IDisposable
    {
        const string Program = "/usr/lib/ipsec/charon-nm", Service = "org.freedesktop.NetworkManager.strongswan";

        // Nobody but root can reach the socket.
        const string Bus = """
            <busconfig>
              <listen>unix:path=/run/dbus/system_bus_socket</listen>
              <auth>EXTERNAL</auth>
              <policy context="default">
                <allow own="*"/>
                <allow send_destination="*"/>
                <allow receive_sender="*"/>
              </policy>
            </busconfig>
            """;

        const string Plugins = "random nonce openssl pem pkcs1 pkcs8 x509 constraints aes sha1 sha2 hmac kdf gcm chapoly drbg curve25519 gmp "
            + "eap-identity eap-mschapv2 eap-tls kernel-libipsec kernel-netlink socket-default";

        // ESP in userspace, in which the marks keep the daemon's own packets out of the default route through its tunnel.
        const string Settings = $$"""
            charon-nm {
              load = {{Plugins}}
              integrity_test = no
              filelog {
                stderr {
                  default = 1
                  flush_line = yes
                }
              }
              plugins {
                kernel-netlink {
                  fwmark = !210
                }
                socket-default {
                  fwmark = 210
                }
                kernel-libipsec {
                  allow_peer_ts = yes
                }
              }
            }
            """;

        readonly Job _bus, _charon, _monitor;
        int _heard;

        public Office()
        {
            Peers.NeedRoot();
            Assert.SkipUnless(File.Exists(Program), "strongswan-nm is not installed");
            Assert.SkipUnless(File.Exists("/usr/bin/dbus-daemon") && File.Exists("/usr/bin/gdbus"), "dbus-daemon or libglib2.0-bin is not installed");
            World = new();
            try
            {
                var (known, devices) = (Authority.Root("Public CA"), Authority.Root("Devices CA"));
                Gateway = ClientTests.Gateway(World, known, devices);
                var bob = devices.Issue("bob@example.org", "rsa2048");
                Client.Write("/run/ca.pem", known.Own.Pem);
                Client.Write("/run/bob.pem", bob.Pem);
                Client.Write("/run/bob.key", bob.Keys.Pem);
                Client.Write("/etc/hosts", $"{World.GatewayAddress} gateway.example.org\n");
                Client.Write("/run/strongswan.conf", Settings);
                Client.Write("/run/dbus/bus.conf", Bus);
                Client.Run("chmod", "0700", "/run/dbus");
                _bus = Client.Start("bus", "dbus-daemon", "--config-file=/run/dbus/bus.conf", "--nofork", "--nopidfile");
                Wait.Until("there is a bus", Soon, () => _bus.HasEnded || File.Exists(Client.Outside("/run/dbus/system_bus_socket")));
                _charon = Client.Start("charon-nm", Program);
                Client.Run("gdbus", "wait", "--system", "--timeout", "20", Service);
                _monitor = Client.Start("monitor", "gdbus", "monitor", "--system", "--dest", Service);
                Wait.Until("its signals are heard", Soon, () => _monitor.Log.Contains("is owned by", StringComparison.Ordinal));
            }
            catch
            {
                World.Dispose();
                throw;
            }
        }

        public RoadWarriors World { get; }
        public IkeDaemon Gateway { get; }
        public Host Client => World.Clients[0];

        /// <summary>What charon-nm has told NetworkManager since it was told to connect.</summary>
        public string Signals => _monitor.Log[_heard..];

        public bool Says(string what) => Signals.Contains(what, StringComparison.Ordinal);

        /// <summary>A connection as NetworkManager hands it over, in GVariant's text form.</summary>
        public static string Connection(string method, string password) => $$"""
            {
              'connection': {'id': <'office'>, 'uuid': <'0d1be2f2-6a0c-4a9a-a3a3-0a4b2a3f3c11'>, 'type': <'vpn'>},
              'vpn': {
                'service-type': <'{{Service}}'>,
                'data': <{'address': 'gateway.example.org', 'certificate': '/run/ca.pem', 'virtual': 'yes', {{method}}}>,
                'secrets': <{'password': '{{password}}'}>
              }
            }
            """;

        public void Order(string what, params string[] arguments) => Client.Run(["gdbus", "call", "--system", "--dest", Service,
            "--object-path", "/org/freedesktop/NetworkManager/VPN/Plugin", "--method", $"org.freedesktop.NetworkManager.VPN.Plugin.{what}", .. arguments]);

        public void Connect(string method, string password = "change me")
        {
            _heard = _monitor.Log.Length;
            Order("Connect", Connection(method, password));
            // NM_VPN_SERVICE_STATE_STARTED comes after addresses and name servers; a failure is told instead.
            Wait.Until($"{method} connects", Soon, () => Says("StateChanged (uint32 4,)") || Says("Failure"));
            Assert.False(Says("Failure"), $"{method}: {Signals}\n--- client ---\n{_charon.Log}\n--- gateway ---\n{Gateway.Log}");
        }

        public void Disconnect()
        {
            Order("Disconnect");
            Wait.Until("the gateway has no SA left", Soon, () => Gateway.List().Count == 0);
            // NM_VPN_SERVICE_STATE_STOPPED
            Wait.Until("it has stopped", Soon, () => Says("StateChanged (uint32 6,)"));
        }

        public void Dispose()
        {
            foreach (var job in (Job[])[_monitor, _charon, _bus])
                job.Dispose();
            Gateway.Dispose();
            World.Dispose();
        }
    }
}
