using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Two sites behind one NAT that both have 192.168.1.0/24 (<c>overlap</c>): the office sees the second one under other addresses.</summary>
public partial class OverlapTests
{
    const string Pc = "192.168.1.10";

    /// <summary>The first site speaks IKEv2, the second IKEv1.</summary>
    [Fact]
    public void Two_sites_with_one_network_are_both_reached_and_reach_the_office()
    {
        Peers.NeedRoot();
        using var world = new RoadWarriors(clients: 2);
        var pcs = world.Clients.Select((router, site) => Site(world, router, site + 1)).ToArray();
        using var far = Peer.Kuguru.On(world.Gateway);
        far.Load(Office());
        var sites = world.Clients.Select((router, site) => Peer.Kuguru.On(router)).ToArray();
        try
        {
            for (var site = 0; site < 2; site++)
            {
                sites[site].Load(Conf(site + 1, world.GatewayAddress));
                sites[site].Swanctl("--initiate", "--child", "net");
            }
            // Who was there first keeps its addresses; the other's are said by status.
            var status = Status(far);
            TestContext.Current.TestOutputHelper?.WriteLine(status);
            var standIn = Assert.Single(StandIn().Matches(status)).Groups[1].Value;
            Assert.StartsWith("198.1", standIn, StringComparison.Ordinal);
            var other = $"{standIn}10";

            foreach (var (pc, seen) in new[] { (pcs[0], Pc), (pcs[1], other) })
            {
                world.Server.Run("ping", "-c2", "-i0.2", "-W5", seen);
                pc.Run("ping", "-c2", "-i0.2", "-W5", RoadWarriors.Server4);
                Assert.True(Transfer.Tcp(world.Server, pc, seen, Pc, 5_000_000).IsIntact);
                Assert.True(Transfer.Tcp(pc, world.Server, RoadWarriors.Server4, 5_000_000).IsIntact);
                // The office's host sees who asks as it could call it, and an error about its datagram comes back to its socket.
                Assert.Equal(seen, AskedBy(pc, world.Server));
                Assert.Equal(SocketError.ConnectionRefused, Refusal(world.Server, seen));
                Assert.Equal(SocketError.ConnectionRefused, Refusal(pc, RoadWarriors.Server4));
            }

            // Both again after the second one's daemon has begun anew, and after either has reconnected in the other order.
            sites[1].Dispose();
            sites[1] = Peer.Kuguru.On(world.Clients[1]);
            sites[1].Load(Conf(2, world.GatewayAddress));
            sites[1].Swanctl("--initiate", "--child", "net");
            Wait.Until("the office has one child of each site", TimeSpan.FromSeconds(10), () => far.List().Sum(sa => sa.Children.Count) == 2);
            Assert.Equal(standIn, Assert.Single(StandIn().Matches(Status(far))).Groups[1].Value);
            foreach (var site in sites)
                site.Swanctl("--terminate", "--ike", "site");
            Wait.Until("the office has nobody", TimeSpan.FromSeconds(10), () => far.List().Count == 0);
            foreach (var site in sites.Reverse())
                site.Swanctl("--initiate", "--child", "net");
            Assert.Equal(standIn, Assert.Single(StandIn().Matches(Status(far))).Groups[1].Value);
            world.Server.Run("ping", "-c1", "-W5", other);
            world.Server.Run("ping", "-c1", "-W5", Pc);
        }
        finally
        {
            foreach (var site in sites)
                site.Dispose();
        }
    }

    /// <summary>A router's own network, with one host in it.</summary>
    static Host Site(RoadWarriors world, Host router, int number)
    {
        var lan = world.Network.Lan($"site{number}");
        router.Join(lan, "eth1", "192.168.1.1/24");
        var pc = world.Network.Host($"pc{number}");
        pc.Join(lan, "eth0", $"{Pc}/24");
        pc.Gateway("192.168.1.1");
        return pc;
    }

    static string Status(IkeDaemon daemon) => Outcome.Of([.. KuguruDaemon.Program, "status", "--vici", daemon.Socket]).Text();

    /// <summary>As whom a service in the office sees a host of a site.</summary>
    static string AskedBy(Host pc, Host server)
    {
        using var service = server.Inside(() => Udp.Bound(new(IPAddress.Any, 5005)));
        using var client = pc.Inside(() => Udp.Bound(new(IPAddress.Any, 0)));
        client.SendTo("who am I?"u8, new IPEndPoint(IPAddress.Parse(RoadWarriors.Server4), 5005));
        return $"{((IPEndPoint)Udp.Receive(service).From).Address}";
    }

    /// <summary>What becomes of a datagram to a port where nobody listens.</summary>
    static SocketError Refusal(Host from, string to)
    {
        using var socket = from.Inside(() => Udp.Bound(new(IPAddress.Any, 0)));
        socket.Connect(new IPEndPoint(IPAddress.Parse(to), 9));
        socket.Send("anybody?"u8);
        var refused = Assert.Throws<SocketException>(() => socket.Receive(new byte[16]));
        return refused.SocketErrorCode;
    }

    static string Office() => $$"""
        connections {
          rw {
            version = 0
            mobike = no
            proposals = aes128gcm16-prfsha256-x25519, aes128-sha256-x25519
            local {
              auth = psk
              id = gw.example
            }
            remote {
              auth = psk
            }
            children {
              net {
                local_ts = 10.2.0.0/24
                remote_ts = 192.168.1.0/24
                esp_proposals = aes128gcm16
              }
            }
          }
        }
        {{Secret}}
        """;

    static string Conf(int number, string gateway) => $$"""
        connections {
          site {
            version = {{3 - number}}
            mobike = no
            proposals = aes128gcm16-prfsha256-x25519, aes128-sha256-x25519
            remote_addrs = {{gateway}}
            local {
              auth = psk
              id = site{{number}}.example
            }
            remote {
              auth = psk
              id = gw.example
            }
            children {
              net {
                local_ts = 192.168.1.0/24
                remote_ts = 10.2.0.0/24
                esp_proposals = aes128gcm16
              }
            }
          }
        }
        {{Secret}}
        """;

    const string Secret = """
        secrets {
          ike {
            secret = "correct horse"
          }
        }

        """;

    [GeneratedRegex(@"192\.168\.1\.0/24 as (198\.1[89]\.\d+\.)0/24")]
    private static partial Regex StandIn();
}
