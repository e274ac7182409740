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
    public void Without_the_option_no_key_is_written()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0]);
        Assert.Empty(world.Clients[0].Run("find", "/run", "/tmp", "-name", "ikev2_decryption_table", "-newer", "/run/kuguru.pid"));
        Assert.DoesNotContain("save-keys", near.Log);
    }
}
