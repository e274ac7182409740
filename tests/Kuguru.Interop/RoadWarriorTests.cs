using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>A client behind the kernel's NAPT gets a virtual address and reaches the office, whoever plays which part.</summary>
public class RoadWarriorTests
{
    public static TheoryData<Peer, Peer, string, string> Suites => new()
    {
        { Peer.Charon, Peer.Charon, "aes128gcm16-prfsha256-x25519", "aes128gcm16" },
        { Peer.Kuguru, Peer.Charon, "aes128gcm16-prfsha256-x25519", "aes128gcm16" },
        { Peer.Kuguru, Peer.Charon, "chacha20poly1305-prfsha384-ecp256", "chacha20poly1305" },
        { Peer.Kuguru, Peer.Charon, "aes256-sha256-modp2048", "aes256-sha256" },
        { Peer.Charon, Peer.Kuguru, "aes256gcm16-prfsha512-ecp384", "aes256gcm16" },
        { Peer.Charon, Peer.Kuguru, "chacha20poly1305-prfsha256-x25519", "chacha20poly1305" },
        { Peer.Charon, Peer.Kuguru, "aes128-sha1-modp3072", "aes128-sha1" },
        { Peer.Kuguru, Peer.Kuguru, "aes128gcm16-prfsha256-x25519", "aes128gcm16" },
        { Peer.Kuguru, Peer.Kuguru, "chacha20poly1305-prfsha256-ecp521", "chacha20poly1305" },
        { Peer.Kuguru, Peer.Kuguru, "aes128ctr-sha384-modp4096", "aes128-sha384" },
    };

    [Theory, MemberData(nameof(Suites))]
    public void A_client_behind_a_nat_reaches_the_office(Peer client, Peer gateway, string ike, string esp)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        var tunnel = new Tunnel { Ike = ike, Esp = esp };
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Load(tunnel.ForGateway());
        near.Load(tunnel.ForClient(1, world.GatewayAddress));

        near.Swanctl("--initiate", "--child", "net");

        var (here, there) = (near.Single(), far.Single());
        Assert.Equal(["10.3.0.1"], here.LocalVirtual);
        Assert.Equal(["10.3.0.1"], there.RemoteVirtual);
        Assert.Equal("10.1.0.10[4500]", here.Local);
        Assert.Equal("192.0.2.2[4500]", here.Remote);
        Assert.StartsWith("192.0.2.1[2", there.Remote);          // the NAT's address and one of its ports
        Assert.Contains(here.Nat, gateway == Peer.Charon ? ["both"] : new[] { "local" });
        Assert.Contains(there.Nat, client == Peer.Charon ? ["remote", "both"] : new[] { "remote" });
        Assert.True(Assert.Single(here.Children).IsEncapsulated);
        Assert.Equal(here.Children[0].SpiIn, there.Children[0].SpiOut);

        world.Clients[0].Run("ping", "-c2", "-i0.2", RoadWarriors.Server4);
        world.FilesCross(world.Clients[0], "10.3.0.1");
        Assert.InRange(near.Single().Children[0].BytesOut, (ulong)Peers.FileLength, 2UL * Peers.FileLength);

        near.Swanctl("--terminate", "--ike", "home");
        Assert.Empty(near.List());
        Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(5), () => far.List().Count == 0);
        Assert.Equal(0, near.Stop());
        Assert.Equal(0, far.Stop());
    }
}
