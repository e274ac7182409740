using System.Collections.Concurrent;
using System.Diagnostics;
using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>
/// What Kuguru learns of a kernel that forgets silent flows, from gateways of either make, while nobody says a word inside the tunnels. That takes minutes
/// in which nothing is computed, so all are watched at once.
/// </summary>
public sealed class SilenceTests(SilenceTests.Watched watched) : IClassFixture<SilenceTests.Watched>
{
    /// <summary>A silence of 25 s, the first that is tried, is survived by one and not by the other.</summary>
    static readonly TimeSpan Nat = TimeSpan.FromSeconds(30), Firewall = TimeSpan.FromSeconds(22);

    /// <summary>What the tests wait for comes after a minute and a half, if nothing is lost.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>charon does not speak to a port that was silent, but says which one it sees; this NAT gives another one to each new mapping.</summary>
    [Theory]
    [InlineData(Peer.Charon, "sees another port after a silence of 35 s: keepalives every 22.5 s")]
    [InlineData(Peer.Kuguru, "the mapping lives through a silence of 25 s: keepalives every 22.5 s")]
    public void Keepalives_are_learned_behind_a_NAT_and_the_tunnel_s_own_mapping_never_dies(Peer gateway, string learned)
    {
        var (world, near, far) = watched.BehindNat(gateway);
        var seen = far.Single().Remote;
        Wait.Until(learned, Patience, () =>
        {
            Assert.Contains(world.Nat!.Table(), mapping => mapping.Outside == seen);
            Thread.Sleep(200);
            return near.Log.Contains(learned, StringComparison.Ordinal);
        });
        Assert.Equal(seen, far.Single().Remote);
        world.Server.Run("ping", "-c1", "-W2", "10.3.0.1");
    }

    [Fact]
    public void A_firewall_without_a_NAT_is_claimed_to_be_one_and_held_open()
    {
        var (world, near, far) = watched.BehindFirewall(Peer.Kuguru);
        Wait.Until("a firewall is claimed", Patience, () => near.Log.Contains("a firewall before us forgets", StringComparison.Ordinal));
        Wait.Until("the gateway believes it", TimeSpan.FromSeconds(5), () => far.Sas().Contains("nat-remote=yes", StringComparison.Ordinal));
        Assert.Contains("encap=yes", near.Sas());
        IsReachedAfterSilence(world, far, Stopwatch.StartNew());
    }

    [Fact]
    public void A_firewall_before_charon_that_the_client_is_told_of_is_held_open()
    {
        var (world, near, far) = watched.BehindFirewall(Peer.Charon);
        Assert.Contains("nat-fake=yes", near.Sas());
        IsReachedAfterSilence(world, far, watched.Since);
    }

    static void IsReachedAfterSilence(RoadWarriors world, IkeDaemon far, Stopwatch since)
    {
        if (Firewall + TimeSpan.FromSeconds(1) - since.Elapsed is { Ticks: > 0 } rest)
            Thread.Sleep(rest);
        world.Server.Run("ping", "-c1", "-W2", "10.3.0.1");
        Assert.Equal("10.1.0.10[4500]", far.Single().Remote);
    }

    /// <summary>Four tunnels, two through a NAT and two through a firewall, brought up when the first is asked for.</summary>
    public sealed class Watched : IDisposable
    {
        readonly ConcurrentDictionary<(Peer, bool), (RoadWarriors World, IkeDaemon Near, IkeDaemon Far)> _tunnels = [];

        /// <summary>The last of them came up.</summary>
        public Stopwatch Since { get; } = new();

        public (RoadWarriors World, IkeDaemon Near, IkeDaemon Far) BehindNat(Peer gateway) => Of((gateway, false));

        public (RoadWarriors World, IkeDaemon Near, IkeDaemon Far) BehindFirewall(Peer gateway) => Of((gateway, true));

        public void Dispose()
        {
            foreach (var (world, near, far) in _tunnels.Values)
            {
                near.Dispose();
                far.Dispose();
                world.Dispose();
            }
        }

        (RoadWarriors World, IkeDaemon Near, IkeDaemon Far) Of((Peer, bool) which)
        {
            Peers.NeedRoot();
            if (_tunnels.IsEmpty)
                Parallel.ForEach([(Peer.Charon, false), (Peer.Charon, true), (Peer.Kuguru, false), (Peer.Kuguru, true)], one => Up(one.Item1, one.Item2));
            return _tunnels[which];
        }

        void Up(Peer gateway, bool isFirewall)
        {
            var world = new RoadWarriors();
            if (isFirewall)
            {
                world.Nat!.OnlyFilter();
                world.Gateway.Ip("route add 10.1.0.0/24 via 192.0.2.1");
            }
            var timeout = isFirewall ? Firewall : Nat;
            world.Nat!.Timeouts(timeout, timeout);
            var (near, far) = (Peer.Kuguru.On(world.Clients[0]), gateway.On(world.Gateway));
            _tunnels[(gateway, isFirewall)] = (world, near, far);
            var tunnel = new Tunnel { ClientExtra = isFirewall && gateway == Peer.Charon ? "encap = yes" : "" };
            far.Load(tunnel.ForGateway());
            near.Load(tunnel.ForClient(1, world.GatewayAddress));
            near.Swanctl("--initiate", "--child", "net");
            world.Clients[0].Run("ping", "-c1", RoadWarriors.Server4);
            Since.Restart();
        }
    }
}
