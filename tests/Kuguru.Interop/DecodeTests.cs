using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// A decoder that others wrote reads what Kuguru sends: with the keys that --save-keys wrote, tshark finds nothing wrong. Every suite but
/// ChaCha20-Poly1305, which Wireshark 4.0 does not know; that one charon reads (<see cref="RoadWarriorTests"/>).
/// </summary>
public class DecodeTests
{
    const int Pings = 5;

    [Theory]
    [InlineData("aes128gcm16-prfsha256-x25519", "aes128gcm16", NatsAt.Clients, false)]
    [InlineData("aes256gcm16-prfsha384-ecp384", "aes256gcm16", NatsAt.Nobody, false)]
    [InlineData("aes256-sha256-modp2048", "aes256-sha256", NatsAt.Clients, true)]
    [InlineData("aes128-sha512-ecp256", "aes128-sha512", NatsAt.Nobody, true)]
    [InlineData("aes128ctr-sha1-modp2048", "aes128-sha1", NatsAt.Clients, false)]
    public void Tshark_decodes_every_packet_and_every_check_value_is_right(string ike, string esp, NatsAt nats, bool ip6)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: nats, ip6: ip6);
        var keys = System.IO.Path.Combine(world.Network.Folder, "keys");
        using var near = Peer.Kuguru.On(world.Clients[0], "", "--save-keys", keys);
        using var far = Peer.Kuguru.On(world.Gateway);
        var tunnel = new Tunnel { Ike = ike, Esp = esp };
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));
        using var capture = new Capture(world.Gateway, "eth0", "udp or esp");
        near.Swanctl("--initiate", "--child", "net");
        foreach (var size in new[] { 0, 1, 13, 500, 1200 })
            world.Clients[0].Run("ping", "-c1", $"-s{size}", RoadWarriors.Server4);
        near.Swanctl("--terminate", "--ike", "home");
        capture.End();

        Assert.Equal(0, capture.Count("_ws.malformed", keys));
        // INIT, AUTH, DELETE with an answer each; the encrypted ones show what is inside
        Assert.Equal(6, capture.Count("isakmp", keys));
        Assert.Equal(1, capture.Count("isakmp.exchangetype == 35 && isakmp.id.data.fqdn == \"client1.example\"", keys));
        Assert.Equal(2, capture.Count("isakmp.exchangetype == 35 && isakmp.auth.data", keys));
        Assert.Equal(0, capture.Count("isakmp.ikev2.integrity_checksum", keys));
        Assert.Equal(2 * Pings, capture.Count("esp", keys));
        Assert.Equal(2 * Pings, capture.Count("esp.icv_good == 1", keys));
        Assert.Equal(0, capture.Count("esp.icv_bad == 1", keys));
        Assert.Equal(Pings, capture.Count("esp && icmp.type == 8 && ip.dst == 10.2.0.10", keys));
        Assert.Equal(Pings, capture.Count("esp && icmp.type == 0 && ip.src == 10.2.0.10", keys));
    }

    [Fact]
    public void Tshark_decodes_IKEv1()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var keys = System.IO.Path.Combine(world.Network.Folder, "keys");
        using var near = Peer.Kuguru.On(world.Clients[0], "", "--save-keys", keys);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(IkeV1Tests.Gateway(ike: "aes128-sha256-modp2048"));
        near.Load(IkeV1Tests.Client(world.GatewayAddress, ike: "aes128-sha256-modp2048"));
        using var capture = new Capture(world.Gateway, "eth0", "udp or esp");
        near.Swanctl("--initiate", "--child", "net");
        world.Clients[0].Run("ping", "-c3", "-i0.2", RoadWarriors.Server4);
        near.Swanctl("--terminate", "--ike", "home");
        capture.End();

        Assert.Equal(0, capture.Count("_ws.malformed", keys));
        Assert.Equal(1, capture.Count("isakmp.exchangetype == 2 && isakmp.id.data.fqdn == \"client1.example\"", keys));
        Assert.Equal(1, capture.Count("isakmp.exchangetype == 2 && isakmp.id.data.fqdn == \"gw.example\"", keys));
        // The three messages of quick mode, and those that carry name and password, an outcome, and an address: all show their hash.
        Assert.Equal(3, capture.Count("isakmp.exchangetype == 32 && isakmp.typepayload == 8", keys));
        Assert.Equal(6, capture.Count("isakmp.exchangetype == 6 && isakmp.typepayload == 14", keys));
        var esp = capture.Count("esp", keys);
        Assert.InRange(esp, 4, 6);
        Assert.Equal(esp, capture.Count("esp.icv_good == 1", keys));
    }

    /// <summary>In transport mode there is no IP header inside: TCP and its checksum over the names that the sender has for both ends are what is in the SA.</summary>
    [Theory]
    [InlineData(2, NatsAt.Nobody, true)]
    [InlineData(1, NatsAt.Clients, false)]
    public void Tshark_decodes_transport_mode(int version, NatsAt nats, bool ip6)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: nats, ip6: ip6);
        var keys = System.IO.Path.Combine(world.Network.Folder, "keys");
        var client = world.Clients[0];
        using var near = Peer.Kuguru.On(client, "", "--save-keys", keys);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(TransportHosts.Server());
        near.Load(TransportHosts.Client(1, world.GatewayAddress, version: version));
        // Several datagrams that the kernel carries as one would be captured as one.
        foreach (var host in (Host[])[client, world.Gateway])
            host.Run("ethtool", "-K", "eth0", "tx-udp-segmentation", "off");
        // Outside of the client, where nobody has translated yet.
        using var capture = new Capture(client, "eth0", "udp or esp");
        near.Swanctl("--initiate", "--child", "host");
        foreach (var size in (int[])[0, 13, 500, 1200])
            client.Run("ping", "-c1", $"-s{size}", world.GatewayAddress);
        Assert.Equal("hello and back", Udp.Ask(client, world.Gateway, world.GatewayAddress, world.GatewayAddress, "hello"));
        Assert.True(Transfer.Tcp(client, world.Gateway, world.GatewayAddress, world.GatewayAddress, 20_000).IsIntact);
        capture.End();

        var esp = capture.Count("esp", keys);
        Assert.Equal(esp, capture.Count("esp.icv_good == 1", keys));
        Assert.Equal(0, capture.Count("_ws.malformed", keys));
        var (icmp, request, reply) = ip6 ? ("icmpv6", 128, 129) : ("icmp", 8, 0);
        Assert.Equal((4, 4), (capture.Count($"esp && {icmp}.type == {request}", keys), capture.Count($"esp && {icmp}.type == {reply}", keys)));
        Assert.Equal(2, capture.Count("esp && udp.port == 5005", keys));
        var tcp = capture.Count("esp && tcp", keys);
        Assert.Equal(esp, 8 + 2 + tcp);
        // What the client sends has the checksum of the addresses that it sees, which tshark sees too; what it gets has that of its NAT's.
        var here = ip6 ? "ipv6.src == 2001:db8::a" : "ip.src == 10.1.0.10";
        string[] check = ["tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"];
        var sent = capture.Count($"esp && tcp && {here}", keys, check);
        Assert.InRange(sent, 3, tcp - 1);
        Assert.Equal(sent, capture.Count($"esp && tcp.checksum.status == 1 && {here}", keys, check));
        Assert.Equal(nats == NatsAt.Nobody ? tcp : sent, capture.Count("esp && tcp.checksum.status == 1", keys, check));
        Assert.Equal(nats == NatsAt.Nobody ? 2 : 1, capture.Count("esp && udp.port == 5005 && udp.checksum.status == 1", keys, check));
    }

    [Fact]
    public void Without_the_option_no_key_is_written()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        Assert.Empty(world.Clients[0].Run("find", "/run", "/tmp", "-name", "ikev2_decryption_table", "-newer", "/run/kuguru.pid"));
        Assert.DoesNotContain("save-keys", near.Log);
    }
}
