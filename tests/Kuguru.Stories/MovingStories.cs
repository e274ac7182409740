using Kuguru.Ike;
using Kuguru.Lab;
using Kuguru.Wire;

namespace Kuguru.Stories;

/// <summary>Mappings that must be held, mappings that are lost, endpoints that follow (RFC 7296 section 2.23) and those that must not.</summary>
public sealed class MovingStories
{
    static readonly IkeSettings s_quick = new() { RetransmitTimeout = TimeSpan.FromSeconds(1) };

    [Fact]
    public void Keepalives_hold_a_thirty_second_mapping_for_a_day()
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, new() { Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        var seen = scene.Gateway.Sa.Path.Remote;
        scene.RunFor(TimeSpan.FromDays(1));
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.ClientSite.Nat.Print());
        Assert.Equal(seen, scene.Gateway.Sa.Path.Remote);
        Assert.InRange(scene.Gateway.KeepalivesReceived, 86_400 / 20 - 10, 86_400 / 20 + 5);
    }

    [Fact]
    public void Keys_are_renewed_all_day_long_without_losing_the_mapping_or_a_ping()
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public);
        Assert.True(scene.Connect());
        for (var minute = 0; minute < 24 * 60; minute += 7)
        {
            Assert.True(scene.PingsBothWays(), $"after {minute} minutes\n{scene.Why()}");
            scene.RunFor(TimeSpan.FromMinutes(7));
        }
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
        Assert.InRange(scene.Client.Events.Concat(scene.Gateway.Events).Count(e => e.Event is Event.ChildRekeyed), 20, 120);
        Assert.Contains(scene.Client.Events.Concat(scene.Gateway.Events), e => e.Event is Event.IkeRekeyed);
    }

    [Fact]
    public void While_there_is_traffic_no_keepalive_is_sent()
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, new() { Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        for (var i = 0; i < 100; i++)
        {
            Assert.True(scene.Pings(scene.Client, scene.Server.Address));
            scene.RunFor(TimeSpan.FromSeconds(15));
        }
        Assert.Equal(0, scene.Gateway.KeepalivesReceived);
    }

    [Fact]
    public void Who_is_not_behind_a_NAT_sends_no_keepalive()
    {
        foreach (var (client, gateway) in new (SitePlan, SitePlan)[] { (Sites.Easy, Sites.Public), (Sites.Public, Sites.Forwarded), (Sites.Public, Sites.Public) })
        {
            var scene = Scene.Between(client, gateway, new() { Client = Quiet, Gateway = Quiet });
            Assert.True(scene.Connect());
            scene.RunFor(TimeSpan.FromMinutes(10));
            Assert.Equal(scene.Client.Sa.Nat.Local, scene.Gateway.KeepalivesReceived > 0);
            Assert.Equal(scene.Gateway.Sa.Nat.Local, scene.Client.KeepalivesReceived > 0);
        }
    }

    [Fact]
    public void After_the_NAT_forgot_all_the_next_ESP_packet_moves_the_peer()
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, new() { Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        var before = scene.Gateway.Sa.Path.Remote;
        scene.ClientSite.Nat.Reboot();
        Assert.False(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()));
        Assert.True(scene.Pings(scene.Client, scene.Server.Address), scene.Why());
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()));
        Assert.NotEqual(before, scene.Gateway.Sa.Path.Remote);
        var moved = Assert.Single(Moves(scene.Gateway));
        Assert.Equal((before, scene.Gateway.Sa.Path.Remote, true), (moved.Old.Remote, moved.New.Remote, moved.ByEsp));
        Assert.Empty(Moves(scene.Client));
    }

    [Fact]
    public void After_the_provider_gave_another_address_the_next_IKE_request_moves_the_peer_and_its_children()
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, new() { ClientSettings = s_quick, Client = c => Quiet(c) with { DpdDelay = TimeSpan.FromSeconds(10) }, Gateway = Quiet });
        Assert.True(scene.Connect());
        scene.ClientSite.Nat.Renumber();
        scene.RunFor(TimeSpan.FromSeconds(15));
        Assert.Equal(scene.ClientSite.PublicAddress, scene.Gateway.Sa.Path.Remote.Address);
        Assert.False(Assert.Single(Moves(scene.Gateway)).ByEsp);
        Assert.True(scene.Pings(scene.Server, scene.Client.VirtualAddresses.Single()), scene.Why());
    }

    [Fact]
    public void A_keepalive_moves_nobody()
    {
        var scene = Scene.Between(Sites.Forgetful, Sites.Public, new() { Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        var before = scene.Gateway.Sa.Path;
        scene.ClientSite.Nat.Reboot();
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.InRange(scene.Gateway.KeepalivesReceived, 1, 4);
        Assert.Equal(before, scene.Gateway.Sa.Path);
        Assert.Empty(Moves(scene.Gateway));
    }

    [Fact]
    public void Who_is_behind_a_NAT_does_not_follow_a_peer_that_seems_to_move()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        var before = scene.Client.Sa.Path;
        var nat = scene.ClientSite.Nat;
        var stray = new Endpoint(scene.World.Internet.NextAddress(), 4500);
        Packet? toClient = null;
        nat.Inside.Tap = p => toClient = p.To.Address == scene.Client.Address && p.Payload.Span[0] != 0 ? p : toClient;
        var ping = scene.Client.Ping(scene.Server.Address);
        scene.World.RunUntil(() => toClient is not null, TimeSpan.FromSeconds(1));
        nat.Inside.Send(toClient! with { From = stray });
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(ping.IsAnswered);
        Assert.Equal(before, scene.Client.Sa.Path);
        Assert.Empty(Moves(scene.Client));
    }

    [Fact]
    public void A_replayed_packet_of_any_kind_moves_nobody()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { ClientSettings = s_quick, Client = c => Quiet(c) with { DpdDelay = TimeSpan.FromSeconds(25) }, Gateway = Quiet });
        var caught = new List<Packet>();
        scene.World.Internet.Tap = p => { if (p.To.Address == scene.Gateway.Address) caught.Add(p); };
        Assert.True(scene.Connect());
        Assert.True(scene.PingsBothWays());
        scene.RunFor(TimeSpan.FromMinutes(1));
        Assert.Contains(caught, p => p.Payload.Length == 1);
        scene.World.Internet.Tap = null;
        var (path, children) = (scene.Gateway.Sa.Path, scene.Gateway.SaTable.Count);
        var elsewhere = new Endpoint(scene.World.Internet.NextAddress(), 4501);
        foreach (var packet in caught)
        {
            scene.World.Internet.Send(packet with { From = elsewhere });
            scene.RunFor(TimeSpan.FromMilliseconds(10));
        }
        scene.RunFor(TimeSpan.FromSeconds(5));
        // The replayed first message begins a half-open IKE SA of its own, that nobody will ever finish.
        var sa = Assert.Single(scene.Gateway.Status(), sa => sa.State == IkeState.Established);
        Assert.Equal(path, sa.Path);
        Assert.Equal(children, scene.Gateway.SaTable.Count);
        Assert.Empty(Moves(scene.Gateway));
        Assert.True(scene.PingsBothWays());
    }

    [Theory] // RFC 7296 section 2.21: each direction has keys of its own; RFC 2409 has them for both
    [InlineData(2)]
    [InlineData(1)]
    public void Who_gets_his_own_packets_back_moves_nobody_and_believes_nothing(int version)
    {
        Connection Talkative(Connection c) => Quiet(c) with { Version = version, DpdDelay = TimeSpan.FromSeconds(5) };
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { IkeProposal = "aes128-sha256-x25519", ClientSettings = s_quick, Client = Talkative, Gateway = Talkative });
        Assert.True(scene.Connect());
        var (there, here) = (scene.Gateway.Sa.Path.Remote, scene.Gateway.Sa.Path.Local);
        var elsewhere = new Endpoint(scene.World.Internet.NextAddress(), 4501);
        var (back, isEcho) = (0, false);
        // At once, while nothing newer has been seen.
        scene.World.Internet.Tap = p =>
        {
            if (isEcho || (p.From != there && p.From != here) || (p.To != there && p.To != here))
                return;
            back++;
            scene.World.After(TimeSpan.Zero, () =>
            {
                isEcho = true;
                scene.World.Internet.Send(p with { From = p.To, To = p.From });
                scene.World.Internet.Send(p with { From = elsewhere, To = p.From });
                isEcho = false;
            });
        };
        for (var i = 0; i < 12; i++)
        {
            Assert.True(scene.PingsBothWays(), scene.Why());
            scene.RunFor(TimeSpan.FromSeconds(5));
        }
        Assert.InRange(back, 40, 400);
        Assert.Equal(there, scene.Gateway.Sa.Path.Remote);
        Assert.Empty(Moves(scene.Gateway));
        Assert.Empty(Moves(scene.Client));
        Assert.Equal((1u, 1u), (scene.Client.Sa.UniqueId, scene.Gateway.Sa.UniqueId));
        Assert.Null(Ends.Disagreement(scene.Clients, scene.Gateway));
    }

    [Fact]
    public void An_authentic_packet_that_was_held_back_arrives_and_moves_nobody()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Client = Quiet, Gateway = Quiet });
        Assert.True(scene.Connect());
        Packet? held = null;
        scene.World.Internet.LoseNext(1, p => { held = p; return true; });
        var lost = scene.Client.Ping(scene.Server.Address);
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.True(scene.Pings(scene.Client, scene.Server.Address));
        var (path, packets) = (scene.Gateway.Sa.Path, scene.Gateway.Sa.Children[0].Usage.InboundPackets);
        scene.World.Internet.Send(held! with { From = new(scene.World.Internet.NextAddress(), 4501) });
        Assert.True(scene.World.RunUntil(() => lost.IsAnswered, TimeSpan.FromSeconds(1)));
        Assert.Equal(packets + 1, scene.Gateway.Sa.Children[0].Usage.InboundPackets);
        Assert.Equal(path, scene.Gateway.Sa.Path);
        Assert.Empty(Moves(scene.Gateway));
    }

    [Fact]
    public void A_client_that_lost_its_power_comes_back_and_the_old_tunnel_goes_but_not_the_neighbours()
    {
        var scene = new Scene(Sites.Public, new() { Client = Quiet, Gateway = Quiet });
        var site = Sites.Easy(scene.World.Internet, "home");
        var (first, neighbour) = (scene.AddClient(site), scene.AddClient(site));
        Assert.True(scene.Connect());
        first.PowerOff();
        var again = new Peer(scene.World, "client again", site.Lan, address: first.Address);
        scene.Equip(again, "client@kuguru.example");
        var up = again.Up(Scene.ChildName);
        Assert.True(scene.World.RunUntil(() => up.IsDone, TimeSpan.FromMinutes(1)) && up.Succeeded, up.ToString());
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(2, scene.Gateway.Status().Count());
        Assert.Null(Ends.Disagreement([again, neighbour], scene.Gateway));
        Assert.True(scene.PingsBothWays(neighbour));
        Assert.True(scene.PingsBothWays(again));
    }

    [Fact]
    public void A_client_that_vanishes_is_noticed_by_liveness_and_its_address_is_free_again()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public, new() { Gateway = c => Quiet(c) with { DpdDelay = TimeSpan.FromSeconds(30) } });
        Assert.True(scene.Connect());
        scene.Client.PowerOff();
        scene.RunFor(TimeSpan.FromMinutes(5));
        Assert.Empty(scene.Gateway.Status());
        Assert.Equal((0, 0), (scene.Gateway.SaTable.Count, scene.Gateway.Node.Pools.Find("rw")!.Online));
    }

    [Fact]
    public void On_4500_IKE_and_ESP_are_told_apart_and_no_ESP_is_plain()
    {
        var scene = Scene.Between(Sites.Easy, Sites.Public);
        Assert.True(scene.Connect());
        Assert.True(scene.PingsBothWays());
        var kinds = scene.World.Transcript.Crossings.Where(c => c.Packet.To.Port == 4500).Select(c => Nat.Demux.Classify(c.Packet.Payload)).ToHashSet();
        Assert.Equal([Nat.Port4500.Ike, Nat.Port4500.Esp], kinds.Order());
        Assert.DoesNotContain(scene.World.Transcript.Crossings, c => c.Packet.Protocol == IpProtocol.Esp);
    }

    /// <summary>No new keys, no liveness checks: what is sent is what the story is about.</summary>
    static Connection Quiet(Connection c) => c with { RekeyTime = TimeSpan.Zero, Children = [c.Children[0] with { RekeyTime = TimeSpan.Zero }] };

    static IEnumerable<Event.Moved> Moves(Peer peer) => peer.Events.Select(e => e.Event).OfType<Event.Moved>();
}
