using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// AH between two hosts of this machine's kernel, read by tshark. Kuguru at both ends: charon's IPsec in userspace has no AH, and few kernels are built
/// with it.
/// </summary>
public class AhTests
{
    [Theory]
    [InlineData(2, false)]
    [InlineData(2, true)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void Two_hosts_in_transport_mode(int version, bool ip6)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Nobody, ip6: ip6);
        var client = world.Clients[0];
        using var near = Peer.Kuguru.On(client);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(Ah(TransportHosts.Server()));
        near.Load(Ah(TransportHosts.Client(1, world.GatewayAddress, version: version)));
        using var capture = new Capture(client, "eth0", "not arp and not icmp6[0] == 135 and not icmp6[0] == 136");
        near.Swanctl("--initiate", "--child", "host");
        Assert.Contains("protocol=AH", near.Sas());
        Assert.Contains("integ-alg=HMAC_SHA2_256_128", near.Sas());
        client.Run("ping", "-c3", "-i0.2", world.GatewayAddress);
        // Larger than any packet outside: cut behind the ICV, put together in front of it.
        client.Run("ping", "-c2", "-i0.2", "-s", "4000", world.GatewayAddress);
        Assert.True(Transfer.Tcp(client, world.Gateway, world.GatewayAddress, world.GatewayAddress, 5_000_000).IsIntact);
        capture.End();

        Assert.Equal(0, capture.Count("(icmp or icmpv6.type == 128 or tcp) and not ah"));
        Assert.True(capture.Count("ah and (icmp or icmpv6)") >= 6);
        Assert.True(capture.Count("ah and tcp") > 100);
        // Header and ICV have the length that the RFC says, and the numbers count from 1.
        var sent = capture.Fields(ip6 ? "ah and icmpv6.type == 128" : "ah and icmp.type == 8", null, "ah.length", "ah.sequence");
        Assert.All(sent, fields => Assert.Equal(ip6 ? "6" : "5", fields[0]));
        Assert.Equal("1", sent[0][1]);
        near.Swanctl("--terminate", "--ike", "host");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_network_in_tunnel_mode(bool ip6)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Nobody, ip6: ip6);
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        var tunnel = new Tunnel { ClientExtra = "mobike = no" };
        far.Load(Ah(tunnel.ForGateway()));
        near.Load(Ah(tunnel.ForClient(1, world.GatewayAddress)));
        using var capture = new Capture(world.Gateway, "eth0", "not arp and not icmp6[0] == 135 and not icmp6[0] == 136");
        near.Swanctl("--initiate", "--child", "net");
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);
        world.FilesCross(world.Clients[0], "10.3.0.1");
        capture.End();
        Assert.Equal(6, capture.Count("ah and icmp"));
        Assert.Equal(0, capture.Count("icmp and not ah"));
        Assert.Equal(0, capture.Count("esp"));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void A_kernels_NAT_in_the_way_is_named_at_both_ends(int version)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(Ah(TransportHosts.Server()));
        near.Load(Ah(TransportHosts.Client(1, world.GatewayAddress, version: version)));
        var refused = near.TrySwanctl("--initiate", "--child", "host");
        Assert.NotEqual(0, refused.Status);
        Assert.Contains("AH cannot pass the NAT in front of us", near.Log);
        Assert.Contains("AH cannot pass the NAT in front of 192.0.2.1", far.Log);
    }

    /// <summary>The kernel's masquerade passes plain ESP for one client, as "VPN passthrough" does.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void Plain_ESP_passes_a_kernels_NAT_where_encapsulation_is_forbidden(int version)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        var tunnel = new Tunnel { Ike = "aes128-sha256-x25519", ClientExtra = "encap = never", GatewayExtra = "encap = never" };
        far.Load(Version(tunnel.ForGateway()));
        near.Load(Version(tunnel.ForClient(1, world.GatewayAddress)));
        using var capture = new Capture(world.Gateway, "eth0", "esp or udp");
        near.Swanctl("--initiate", "--child", "net");
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);
        capture.End();
        Assert.False(Assert.Single(near.Single().Children).IsEncapsulated);
        Assert.Equal(6, capture.Count("esp and not udp"));
        Assert.Equal(0, capture.Count("udp.port == 4500"));
        world.FilesCross(world.Clients[0], "10.3.0.1");

        string Version(string conf) => conf.Replace("version = 2", $"version = {version}", StringComparison.Ordinal);
    }

    static string Ah(string conf) => conf.Replace("esp_proposals = aes128gcm16", "ah_proposals = sha256", StringComparison.Ordinal);
}
