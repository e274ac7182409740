using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// Transport mode between two hosts (RFC 7296 sections 1.3.1 and 2.23.1, RFC 3947 section 5). Kuguru at both ends: charon's ESP in userspace has no
/// transport mode.
/// </summary>
public class TransportTests
{
    /// <summary>Without a NAT, with one in front of the client, and with one at either end; the client calls the gateway by the last address.</summary>
    [Theory]
    [InlineData(2, NatsAt.Nobody, false, "192.0.2.10", "192.0.2.2")]
    [InlineData(2, NatsAt.Nobody, true, "2001:db8::a", "2001:db8::2")]
    [InlineData(2, NatsAt.Clients, false, "10.1.0.10", "192.0.2.2")]
    [InlineData(2, NatsAt.Clients, true, "fd01::a", "2001:db8::2")]
    [InlineData(2, NatsAt.Both, false, "10.1.0.10", "192.0.2.3")]
    [InlineData(1, NatsAt.Clients, true, "fd01::a", "2001:db8::2")]
    [InlineData(1, NatsAt.Both, false, "10.1.0.10", "192.0.2.3")]
    public void Two_hosts_talk_in_transport_mode(int version, NatsAt nats, bool ip6, string here, string there)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: nats, ip6: ip6);
        var client = world.Clients[0];
        StrictReversePath(client, world.Gateway);
        var before = (Rules(client), Rules(world.Gateway));
        using var near = Peer.Kuguru.On(client);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(TransportHosts.Server());
        near.Load(TransportHosts.Client(1, there, version: version));
        using var capture = new Capture(client, "eth0", "not arp and not icmp6[0] == 135 and not icmp6[0] == 136");
        near.Swanctl("--initiate", "--child", "host");

        var child = Assert.Single(near.Single().Children);
        Assert.Contains($"version={version} ", near.Sas());
        Assert.Contains("mode=TRANSPORT", near.Sas());
        Assert.Contains("mode=TRANSPORT", far.Sas());
        Assert.Equal(nats != NatsAt.Nobody, child.IsEncapsulated);
        client.Run("ping", "-c2", "-i0.2", there);
        // Larger than any packet outside: whole inside the SA, cut outside.
        client.Run("ping", "-c2", "-i0.2", "-s", "4000", there);
        client.Run("ping", "-c2", "-i0.2", "-M", "do", "-s", "1300", there);
        var up = Transfer.Tcp(client, world.Gateway, there, LocalOf(nats, there), Peers.FileLength);
        Assert.True(up.IsIntact, $"{up}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{up.MegabitsPerSecond:0} Mbit/s");
        Assert.Equal("hello and back", Udp.Ask(client, world.Gateway, there, LocalOf(nats, there), "hello"));
        capture.End();

        // Nothing but IKE and ESP was seen outside.
        Assert.Equal(0, capture.Count("(icmp or icmpv6.type == 128 or icmpv6.type == 129 or tcp) and not esp"));
        Assert.True(capture.Count("esp") > 10);
        Assert.Equal([here], child.LocalSelectors.Select(selector => selector.Split('/')[0]));
        near.Swanctl("--terminate", "--ike", "host");
        near.Stop();
        far.Stop();
        Assert.Equal(before, (Rules(client), Rules(world.Gateway)));
    }

    /// <summary>Only what the selectors say goes through the SA; the rest of what the two hosts say to each other stays as it was.</summary>
    [Fact]
    public void Protocol_and_ports_decide_what_is_protected()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Nobody);
        var client = world.Clients[0];
        StrictReversePath(client, world.Gateway);
        using var near = Peer.Kuguru.On(client);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(TransportHosts.Server(TransportHosts.L2tp));
        near.Load(TransportHosts.Client(1, "192.0.2.2", TransportHosts.L2tp));
        near.Swanctl("--initiate", "--child", "host");
        Assert.Equal(["192.0.2.10/32[udp/l2f]"], Assert.Single(near.Single().Children).LocalSelectors);
        using var capture = new Capture(client, "eth0", "not arp");
        Assert.Equal("l2tp and back", Udp.Ask(client, world.Gateway, "192.0.2.2", "192.0.2.2", "l2tp", port: 1701, sourcePort: 1701));
        Assert.Equal("clear and back", Udp.Ask(client, world.Gateway, "192.0.2.2", "192.0.2.2", "clear", port: 1702));
        client.Run("ping", "-c1", "192.0.2.2");
        capture.End();
        Assert.Equal(0, capture.Count("udp.port == 1701"));
        Assert.Equal(2, capture.Count("esp"));
        Assert.Equal(2, capture.Count("udp.port == 1702"));
        Assert.Equal(2, capture.Count("icmp"));
    }

    /// <summary>Where our own address outside is, when the client knows the gateway by a port forward.</summary>
    static string LocalOf(NatsAt nats, string there) => nats == NatsAt.Both ? "172.16.0.2" : there;

    static string Rules(Host host) => host.Run("ip", "rule") + host.Run("ip", "-6", "rule") + host.Run("ip", "route", "show", "table", "all")
        + host.Run("cat", "/proc/sys/net/ipv4/conf/eth0/rp_filter");

    /// <summary>As some distributions have it: a packet must come by the device that answers would leave by.</summary>
    static void StrictReversePath(params ReadOnlySpan<Host> hosts)
    {
        foreach (var host in hosts)
            host.Run("bash", "-c", "for name in all default eth0; do echo 1 >/proc/sys/net/ipv4/conf/$name/rp_filter; done");
    }
}

/// <summary>swanctl.conf of hosts in transport mode with pre-shared keys; the server takes either version of IKE.</summary>
static class TransportHosts
{
    /// <summary>Only what L2TP says goes through the SA.</summary>
    public const string L2tp = "local_ts = dynamic[udp/1701]\nremote_ts = dynamic[udp/1701]";

    public static string Client(int number, string server, string child = "", int version = 2) =>
        Conf(version, $"remote_addrs = {server}", $"client{number}.example", "id = gw.example", child, [number]);

    public static string Server(string child = "", int clients = 1) => Conf(0, "", "gw.example", "", child, Enumerable.Range(1, clients));

    static string Conf(int version, string connection, string id, string remote, string child, IEnumerable<int> keys) => $$"""
        connections {
          host {
            version = {{version}}
            mobike = no
            proposals = aes128gcm16-prfsha256-x25519, aes128-sha256-x25519
            {{connection}}
            local {
              auth = psk
              id = {{id}}
            }
            remote {
              auth = psk
              {{remote}}
            }
            children {
              host {
                mode = transport
                esp_proposals = aes128gcm16
                {{child}}
              }
            }
          }
        }
        secrets {
          {{string.Join('\n', keys.Select(key => $"ike-{key} {{\nid = client{key}.example\nsecret = \"correct horse {key}\"\n}}"))}}
        }

        """;
}
