using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>IKEv1 with charon in either part and with vpnc, through NATs and without.</summary>
public class IkeV1Tests
{
    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    [InlineData(Peer.Kuguru, Peer.Kuguru)]
    public void A_user_behind_a_NAT_gets_an_address_by_main_mode_and_keeps_it_while_keys_change(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        far.Load(Gateway());
        near.Load(Client(world.GatewayAddress));

        near.Swanctl("--initiate", "--child", "net");

        var (here, there) = (near.Single(), far.Single());
        Assert.Equal(("1", "1"), (here.Version, there.Version));
        Assert.Equal(["10.3.0.1"], here.LocalVirtual);
        Assert.Equal(["10.3.0.1"], there.RemoteVirtual);
        Assert.Equal(("10.1.0.10[4500]", "192.0.2.2[4500]"), (here.Local, here.Remote));
        Assert.StartsWith("192.0.2.1[2", there.Remote);          // the NAT's address and one of its ports
        Assert.True(Assert.Single(here.Children).IsEncapsulated);
        Assert.Contains("remote-xauth-id=carol", far.Sas());
        using var ping = world.Clients[0].Start("ping", "ping", "-i0.05", "-W1", RoadWarriors.Server4);
        foreach (var (asks, other) in ((IkeDaemon, IkeDaemon)[])[(near, far), (far, near)])
        {
            var before = Current(asks);
            asks.Swanctl("--rekey", "--child", "net");
            Wait.Until("both ends send with a new child", TimeSpan.FromSeconds(15), () => Current(asks) is { } now && now != before && Current(other) is not null);
        }
        var id = near.Single().Id;
        near.Swanctl("--rekey", "--ike", "home");
        Wait.Until("the ISAKMP SA has a successor", TimeSpan.FromSeconds(15), () => near.List().Any(sa => sa.Id != id && sa.State == "ESTABLISHED" && sa.Children.Count > 0));
        Wait.Until("the old one is gone at both ends", TimeSpan.FromSeconds(40), () => near.List().Count == 1 && far.List().Count == 1);
        Assert.InRange(RekeyTests.Lost(ping), 0, 2);
        world.FilesCross(world.Clients[0], "10.3.0.1");
        near.Swanctl("--terminate", "--ike", "home");
        Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(5), () => far.List().Count == 0);
        Assert.Equal(0, near.Stop());
        Assert.Equal(0, far.Stop());
    }

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void Aggressive_mode_with_a_pushed_address_through_two_NATs(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Both);
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway, "i_dont_care_about_security_and_use_aggressive_mode_psk = yes");
        far.Load(Gateway("aggressive = yes\npull = no"));
        near.Load(Client(world.GatewayAddress, "aggressive = yes\npull = no"));
        near.Swanctl("--initiate", "--child", "net");
        Assert.Equal(["10.3.0.1"], near.Single().LocalVirtual);
        Assert.Equal(("both", "both"), (near.Single().Nat, far.Single().Nat));
        world.Clients[0].Run("ping", "-c2", "-i0.2", RoadWarriors.Server4);
    }

    [Fact]
    public void Two_clients_with_their_addresses_as_identities_live_behind_one_NAT()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(clients: 2);
        using var far = Peer.Kuguru.On(world.Gateway);
        using var first = Peer.Kuguru.On(world.Clients[0]);
        using var second = Peer.Charon.On(world.Clients[1]);
        far.Load(Gateway(users: false));
        foreach (var near in (IkeDaemon[])[first, second])
        {
            near.Load(Client(world.GatewayAddress, users: false, id: ""));
            near.Swanctl("--initiate", "--child", "net");
        }
        Assert.Equal(["10.1.0.10", "10.1.0.11"], far.List().Select(sa => sa.RemoteId).Order());
        foreach (var client in world.Clients)
            client.Run("ping", "-c2", "-i0.2", RoadWarriors.Server4);
    }

    [Fact]
    public void Without_a_NAT_ports_stay_as_they_are_and_ESP_goes_plain()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(nats: NatsAt.Nobody);
        using var near = Peer.Kuguru.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(Gateway());
        near.Load(Client(world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        Assert.Equal(("192.0.2.10[500]", "192.0.2.2[500]"), (near.Single().Local, near.Single().Remote));
        Assert.False(Assert.Single(near.Single().Children).IsEncapsulated);
        world.Clients[0].Run("ping", "-c2", "-i0.2", RoadWarriors.Server4);
    }

    [Theory]
    [InlineData(Peer.Kuguru, Peer.Charon)]
    [InlineData(Peer.Charon, Peer.Kuguru)]
    public void What_old_devices_have_works_where_it_is_named(Peer client, Peer gateway)
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = client.On(world.Clients[0]);
        using var far = gateway.On(world.Gateway);
        foreach (var (ike, esp) in ((string, string)[])[("3des-md5-modp1024", "3des-md5-modp1024"), ("aes128-sha1-modp1536", "3des-sha1")])
        {
            far.Load(Gateway(ike: ike, esp: esp));
            near.Load(Client(world.GatewayAddress, ike: ike, esp: esp));
            near.Swanctl("--initiate", "--child", "net");
            world.Clients[0].Run("ping", "-c2", "-i0.2", "-s1200", RoadWarriors.Server4);
            near.Swanctl("--terminate", "--ike", "home");
            Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(5), () => far.List().Count == 0);
        }
        var ours = client == Peer.Kuguru ? near : far;
        Assert.Equal(1, ours.Log.Split("using 3DES_CBC with").Length - 1);
    }

    [Fact]
    public void A_client_whose_gateway_dies_notices_and_is_back_when_the_gateway_is()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Kuguru.On(world.Clients[0], "retransmit_tries = 1\nretransmit_timeout = 1.0");
        near.Load(Client(world.GatewayAddress, "dpd_delay = 1s", child: "dpd_action = restart\nstart_action = start"));
        var far = Peer.Charon.On(world.Gateway);
        try
        {
            far.Load(Gateway());
            near.Swanctl("--initiate", "--child", "net");
            far.Job.Signal("KILL");
            Wait.Until("the client has noticed", TimeSpan.FromSeconds(20), () => near.Log.Contains("DPD requests unanswered", StringComparison.Ordinal));
            far.Dispose();
            far = Peer.Charon.On(world.Gateway);
            far.Load(Gateway());
            Wait.Until("the tunnel is back", TimeSpan.FromSeconds(30), () => world.Clients[0].Try(["ping", "-c1", "-W1", RoadWarriors.Server4]).Status == 0);
            Assert.Single(far.List());
        }
        finally
        {
            far.Dispose();
        }
    }

    [Fact]
    public void A_gateway_clears_away_a_client_that_has_died()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Charon.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(Gateway("dpd_delay = 1s\ndpd_timeout = 2s"));
        near.Load(Client(world.GatewayAddress));
        near.Swanctl("--initiate", "--child", "net");
        Wait.Until("the client is asked and answers", TimeSpan.FromSeconds(10), () => near.Log.Contains("N(DPD_ACK)", StringComparison.Ordinal));
        Assert.Single(far.List());
        near.Job.Signal("KILL");
        Wait.Until("the gateway has no SA left", TimeSpan.FromSeconds(20), () => far.List().Count == 0);
        Assert.DoesNotContain("initiating", far.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_PSK_is_said_to_be_one()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors();
        using var near = Peer.Charon.On(world.Clients[0]);
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(Gateway());
        near.Load(Client(world.GatewayAddress).Replace("secret = group", "secret = another", StringComparison.Ordinal));
        Assert.NotEqual(0, near.TrySwanctl("--initiate", "--child", "net", "--timeout", "3").Status);
        Wait.Until("the gateway says so", TimeSpan.FromSeconds(5), () => far.Log.Contains("wrong PSK: the identity of the peer at 192.0.2.1["));
    }

    [Fact]
    public void Vpnc_logs_in_behind_a_NAT_and_reaches_the_office()
    {
        Peers.NeedRoot();
        Assert.SkipUnless(File.Exists("/usr/sbin/vpnc"), "vpnc is not installed");
        using var world = new RoadWarriors();
        using var far = Peer.Kuguru.On(world.Gateway, "i_dont_care_about_security_and_use_aggressive_mode_psk = yes");
        far.Load(Gateway("aggressive = yes", ike: "3des-sha1-modp1024", esp: "3des-sha1", remote: "keyid:staff"));
        var client = world.Clients[0];
        client.Write("/run/vpnc.conf", $"""
            IPSec gateway {world.GatewayAddress}
            IPSec ID staff
            IPSec secret group
            Xauth username carol
            Xauth password 4iChxLT3
            IKE DH Group dh2
            Perfect Forward Secrecy nopfs
            Script /run/vpnc-script
            No Detach

            """);
        client.Write("/run/vpnc-script", """
            #!/bin/sh
            if [ "$reason" = connect ]; then
              ip link set dev "$TUNDEV" up mtu 1400
              ip addr add "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
              ip route add 10.2.0.0/24 dev "$TUNDEV"
            fi

            """);
        client.Run("chmod", "+x", "/run/vpnc-script");
        using var vpnc = client.Start("vpnc", "/usr/sbin/vpnc", "--enable-weak-encryption", "--non-inter", "/run/vpnc.conf");
        Wait.Until("the gateway has a child", TimeSpan.FromSeconds(20), () => far.List() is [{ Children.Count: 1 }] || vpnc.HasEnded);
        Assert.False(vpnc.HasEnded, vpnc.Log + far.Log);
        var sa = far.Single();
        Assert.Equal(["10.3.0.1"], sa.RemoteVirtual);
        Assert.Equal("staff", sa.RemoteId);
        Wait.Until("packets cross", TimeSpan.FromSeconds(10), () => client.Try(["ping", "-c1", "-W1", RoadWarriors.Server4]).Status == 0);
    }

    /// <summary>The SPI that a daemon sends with.</summary>
    static string? Current(IkeDaemon daemon) =>
        daemon.List().SelectMany(sa => sa.Children).LastOrDefault(child => child.State == "INSTALLED")?.SpiOut;

    internal static string Client(
        string gateway, string extra = "", bool users = true, string id = "id = client1.example", string ike = "aes128-sha256-x25519",
        string esp = "aes128gcm16-x25519", string child = "") => $$"""
        connections {
          home {
            version = 1
            remote_addrs = {{gateway}}
            vips = 0.0.0.0
            proposals = {{ike}}
            {{extra}}
            local-psk {
              auth = psk
              {{id}}
            }
            {{(users ? "local-user {\n auth = xauth\n xauth_id = carol\n }" : "")}}
            remote {
              auth = psk
              id = gw.example
            }
            children {
              net {
                remote_ts = 10.2.0.0/24
                esp_proposals = {{esp}}
                {{child}}
              }
            }
          }
        }
        secrets {
          ike {
            secret = group
          }
          xauth-carol {
            id = carol
            secret = 4iChxLT3
          }
        }

        """;

    internal static string Gateway(
        string extra = "", bool users = true, string ike = "aes128-sha256-x25519", string esp = "aes128gcm16-x25519", string remote = "%any") => $$"""
        connections {
          rw {
            version = 1
            pools = pool4
            proposals = {{ike}}
            {{extra}}
            local {
              auth = psk
              id = gw.example
            }
            remote-psk {
              auth = psk
              id = {{remote}}
            }
            {{(users ? "remote-user {\n auth = xauth\n }" : "")}}
            children {
              net {
                local_ts = 10.2.0.0/24
                esp_proposals = {{esp}}
              }
            }
          }
        }
        pools {
          pool4 {
            addrs = 10.3.0.0/24
          }
        }
        secrets {
          ike {
            secret = group
          }
          xauth-carol {
            id = carol
            secret = 4iChxLT3
          }
        }

        """;
}
