using System.Text;
using Kuguru.Lab;

namespace Kuguru.Stories.Network;

/// <summary>Sites, routers and links as hosts on them see them: two hosts, datagrams, nothing of IPsec.</summary>
public sealed class SitesTests
{
    readonly World _world = new();

    [Theory]
    [InlineData(nameof(Sites.Public), true)]
    [InlineData(nameof(Sites.Easy), false)]
    [InlineData(nameof(Sites.Napt), false)]
    [InlineData(nameof(Sites.Symmetric), false)]
    [InlineData(nameof(Sites.Forgetful), false)]
    [InlineData(nameof(Sites.Passthrough), false)]
    [InlineData(nameof(Sites.Carrier), false)]
    [InlineData(nameof(Sites.Cgnat), false)]
    [InlineData(nameof(Sites.TwoAddresses), false)]
    [InlineData(nameof(Sites.Forwarded), false)]
    [InlineData(nameof(Sites.DropsFragments), false)]
    [InlineData(nameof(Sites.Firewalled), true)]
    public void From_every_site_a_host_talks_to_a_server_and_is_seen_with_its_own_or_the_sites_address(string name, bool isOwn)
    {
        var site = Plan(name)(_world.Internet, "home");
        Host client = new(_world, "client", site.Lan), server = new(_world, "server", _world.Internet);
        var (seen, answer) = Talk(client, 500, server, 500);
        Assert.NotNull(seen);
        Assert.Equal(isOwn, seen.Value.Address == client.Address);
        Assert.Equal("500", answer);
    }

    [Fact]
    public void A_site_that_blocks_4500_lets_500_pass()
    {
        var site = Sites.Blocks4500(_world.Internet, "hotel");
        Host client = new(_world, "client", site.Lan), server = new(_world, "server", _world.Internet);
        Assert.Equal("500", Talk(client, 500, server, 500).Answer);
        Assert.Null(Talk(client, 4500, server, 4500).Answer);
        Assert.Equal(1, _world.Count(Fate.Blocked));
    }

    [Fact]
    public void A_home_behind_a_carrier_goes_through_two_NATs_and_two_homes_have_the_same_address()
    {
        var carrier = Sites.Carrier(_world.Internet, "carrier");
        var (one, two) = (Sites.Home(carrier, "one"), Sites.Home(carrier, "two"));
        Host a = new(_world, "a", one.Lan), b = new(_world, "b", two.Lan), server = new(_world, "server", _world.Internet);
        Assert.Equal(a.Address, b.Address);
        var (seenA, seenB) = (Talk(a, 4500, server, 4500).Seen!.Value, Talk(b, 4500, server, 4500).Seen!.Value);
        Assert.NotEqual(seenA, seenB);
        Assert.Contains(seenA.Address, carrier.Nat.Table.Addresses);
        Assert.Contains(seenB.Address, carrier.Nat.Table.Addresses);
        Assert.Single(one.Nat.Table.Mappings(_world.Now));
    }

    [Fact]
    public void A_site_with_two_addresses_shows_another_one_on_another_port()
    {
        var site = Sites.TwoAddresses(_world.Internet, "office");
        Host client = new(_world, "client", site.Lan), server = new(_world, "server", _world.Internet);
        Assert.NotEqual(Talk(client, 500, server, 500).Seen!.Value.Address, Talk(client, 4500, server, 4500).Seen!.Value.Address);
    }

    [Fact]
    public void A_stranger_reaches_a_forwarded_host_and_no_other()
    {
        foreach (var (plan, arrives) in new (SitePlan, bool)[] { (Sites.Forwarded, true), (Sites.Easy, false), (Sites.Firewalled, false) })
        {
            var world = new World();
            var site = plan(world.Internet, "site");
            Host inside = new(world, "inside", site.Lan), stranger = new(world, "stranger", world.Internet);
            var got = 0;
            inside.Bind(500, (_, _) => got++);
            stranger.SendUdp(new(new(stranger.Address, 500), new(site.PublicAddress ?? inside.Address, 500)), new byte[] { 1 });
            world.RunFor(TimeSpan.FromSeconds(1));
            Assert.Equal(arrives ? 1 : 0, got);
        }
    }

    [Theory] // RFC 4787 section 6
    [InlineData(Hairpinning.None, null)]
    [InlineData(Hairpinning.ExternalSource, "203.0.113.1")]
    [InlineData(Hairpinning.InternalSource, "192.168.1.3")]
    public void Hairpinning_brings_neighbours_together_over_the_public_address(Hairpinning hairpinning, string? seenAs)
    {
        var site = Sites.With(new() { Hairpinning = hairpinning })(_world.Internet, "home");
        Host a = new(_world, "a", site.Lan), b = new(_world, "b", site.Lan);
        site.Nat.Forward(4500, new(a.Address, 4500));
        IpAddress? seen = null;
        a.Bind(4500, (path, _) => seen = path.Remote.Address);
        b.SendUdp(new(new(b.Address, 4500), new(site.Nat.Address, 4500)), new byte[] { 1 });
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(seenAs, seen?.ToString());
        Assert.Equal(hairpinning == Hairpinning.None ? 1 : 0, _world.Count(Fate.NoHairpinning));
    }

    [Fact]
    public void After_a_reboot_the_NAT_knows_nobody_and_after_renumbering_nobody_finds_the_old_address()
    {
        var site = Sites.Easy(_world.Internet, "home");
        Host client = new(_world, "client", site.Lan), server = new(_world, "server", _world.Internet);
        var got = 0;
        client.Bind(4500, (_, _) => got++);
        var seen = Talk(client, 4500, server, 4500).Seen!.Value;
        client.Bind(4500, (_, _) => got++);
        void Reach() { server.SendUdp(new(new(server.Address, 4500), seen), new byte[] { 1 }); _world.RunFor(TimeSpan.FromSeconds(1)); }
        Reach();
        Assert.Equal(1, got);
        site.Nat.Reboot();
        Reach();
        Assert.Equal((1, 1L), (got, _world.Count(Fate.NoMapping)));
        site.Nat.Renumber();
        Reach();
        Assert.Equal((1, 1L), (got, _world.Count(Fate.NoRoute)));
        Assert.NotEqual(seen.Address, Talk(client, 4500, server, 4500).Seen!.Value.Address);
    }

    [Fact]
    public void ESP_passes_a_passthrough_NAT_for_one_client_and_no_other_NAT()
    {
        foreach (var (plan, passes) in new (SitePlan, bool)[] { (Sites.Easy, false), (Sites.Passthrough, true), (Sites.Firewalled, true) })
        {
            var world = new World();
            var site = plan(world.Internet, "site");
            Recorder one = new(world, "one", site.Lan), two = new(world, "two", site.Lan), gateway = new(world, "gateway", world.Internet);
            one.SendEsp(gateway.Address);
            world.RunFor(TimeSpan.FromSeconds(1));
            Assert.Equal(passes ? 1 : 0, gateway.Esp.Count);
            if (!passes || site.PublicAddress is null)
                continue;
            two.SendEsp(gateway.Address);
            gateway.SendEsp(site.PublicAddress.Value);
            world.RunFor(TimeSpan.FromSeconds(1));
            Assert.Equal((1, 1, 0), (gateway.Esp.Count, one.Esp.Count, two.Esp.Count));
        }
    }

    [Theory]
    [InlineData(1472, true)]
    [InlineData(1473, false)]
    public void What_exceeds_the_MTU_travels_in_fragments_and_some_NATs_drop_those(int size, bool passes)
    {
        foreach (var (plan, gets) in new (SitePlan, bool)[] { (Sites.Easy, true), (Sites.DropsFragments, passes) })
        {
            var world = new World();
            var site = plan(world.Internet, "home");
            Host client = new(world, "client", site.Lan), server = new(world, "server", world.Internet);
            var got = 0;
            server.Bind(500, (_, _) => got++);
            client.SendUdp(new(new(client.Address, 500), new(server.Address, 500)), new byte[size]);
            world.RunFor(TimeSpan.FromSeconds(1));
            Assert.Equal(gets ? 1 : 0, got);
        }
    }

    [Fact]
    public void IPv6_passes_a_stateful_firewall_outward_and_answers_come_back_while_it_remembers()
    {
        var site = Sites.FirewalledV6(_world.Internet, "home");
        Host client = new(_world, "client", site.Lan, site.Lan.NextAddress(v6: true)), server = new(_world, "server", _world.Internet, _world.Internet.NextAddress(v6: true));
        var (seen, answer) = Talk(client, 500, server, 500);
        Assert.Equal((new Endpoint(client.Address, 500), "500"), (seen!.Value, answer));
        Assert.True(client.Ping(server.Address) is var out_ && _world.RunUntil(() => out_.IsAnswered, TimeSpan.FromSeconds(1)));
        _world.RunFor(TimeSpan.FromMinutes(3));
        var back = server.Ping(client.Address);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.False(back.IsAnswered);
    }

    [Fact]
    public void A_stormy_link_loses_doubles_and_reorders_about_as_often_as_it_says_and_the_same_for_the_same_seed()
    {
        static List<ushort> Arrivals(ulong seed)
        {
            var world = new World(seed);
            world.Internet.Link = Link.Stormy;
            Host a = new(world, "a", world.Internet), b = new(world, "b", world.Internet);
            var got = new List<ushort>();
            b.Bind(9, (_, payload) => got.Add(BitConverter.ToUInt16(payload.Span)));
            for (ushort i = 0; i < 10_000; i++)
            {
                var number = i;
                world.After(TimeSpan.FromMilliseconds(50 * i), () => a.SendUdp(new(new(a.Address, 9), new(b.Address, 9)), BitConverter.GetBytes(number)));
            }
            world.RunFor(TimeSpan.FromMinutes(10));
            return got;
        }
        var arrivals = Arrivals(7);
        Assert.Equal(arrivals, Arrivals(7));
        Assert.NotEqual(arrivals, Arrivals(8));
        Assert.InRange(arrivals.Distinct().Count(), 7_800, 8_200);
        Assert.InRange(arrivals.Count, 9_400, 9_800);
        Assert.InRange(arrivals.Zip(arrivals.Skip(1)).Count(p => p.Second < p.First), 500, 3_000);
    }

    [Fact]
    public void The_transcript_tells_what_was_sent_and_what_became_of_it()
    {
        var site = Sites.Easy(_world.Internet, "home");
        Host client = new(_world, "client", site.Lan), server = new(_world, "server", _world.Internet);
        _world.Internet.LoseNext();
        Talk(client, 4500, server, 4500);
        _world.RunFor(TimeSpan.FromSeconds(1));
        server.Bind(4500, (_, _) => { });
        client.SendUdp(new(new(client.Address, 4500), new(server.Address, 4500)), new byte[] { 0xff });
        server.SendUdp(new(new(server.Address, 4500), new(site.Nat.Address, 9)), new byte[] { 0xc0, 0, 0, 1, 0, 0, 0, 5 });
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal("""
            0.000 > UDP (4 octets)  lost
            3.000 > keepalive
            3.000 < ESP c0000001 #5  no mapping

            """, _world.Transcript.ToString());
        Assert.Equal("""
            0.000 client: 192.168.1.2[4500] > 203.0.113.2[4500] UDP (4 octets)  lost (internet)
            3.000 client: 192.168.1.2[4500] > 203.0.113.2[4500] keepalive
            3.000 server: 203.0.113.2[4500] > 203.0.113.1[9] ESP c0000001 #5  no mapping (home)

            """, _world.Transcript.Full());
    }

    /// <summary>One datagram to a server that answers with its own port: where it saw it come from, and the answer.</summary>
    (Endpoint? Seen, string? Answer) Talk(Host client, ushort from, Host server, ushort to)
    {
        Endpoint? seen = null;
        string? answer = null;
        server.Bind(to, (path, _) =>
        {
            seen = path.Remote;
            server.SendUdp(path, Encoding.ASCII.GetBytes($"{to}"));
        });
        client.Bind(from, (_, payload) => answer = Encoding.ASCII.GetString(payload.Span));
        client.SendUdp(new(new(client.Address, from), new(server.Address, to)), "ping"u8.ToArray());
        _world.RunFor(TimeSpan.FromSeconds(2));
        return (seen, answer);
    }

    static SitePlan Plan(string name) => typeof(Sites).GetMethod(name)!.CreateDelegate<SitePlan>();

    sealed class Recorder(World world, string name, Net net) : Host(world, name, net)
    {
        public List<Packet> Esp { get; } = [];
        public void SendEsp(IpAddress to) => Output(Packet.Esp(Address, to, new byte[40]));

        protected override void Input(Packet packet)
        {
            if (packet.Protocol == Wire.IpProtocol.Esp)
                Esp.Add(packet);
            else
                base.Input(packet);
        }
    }
}
