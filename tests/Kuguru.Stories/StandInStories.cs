using System.Collections.Immutable;
using System.Text;
using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Lab;

namespace Kuguru.Stories;

/// <summary>Peers whose addresses are somebody else's too, in transport mode (same-nat) and with whole networks (overlap), over either version of IKE.</summary>
public sealed class StandInStories
{
    const ushort L2tp = 1701;

    static readonly Dictionary<string, SitePlan> s_plans = new()
    {
        ["public"] = Sites.Public,
        ["NAPT"] = Sites.Napt,
        ["symmetric"] = Sites.Symmetric,
        ["carrier"] = Sites.Carrier,
        ["home behind a carrier"] = (outside, name) => Sites.Home(Sites.Cgnat(outside, "carrier"), name),
        ["port forward"] = Sites.Forwarded,
    };

    public static TheoryData<int, string, string> Places() =>
        [.. from version in (int[])[1, 2] from client in s_plans.Keys from gateway in (string[])["public", "port forward"] select (version, client, gateway)];

    static readonly Link s_rain = Link.Stormy with { Loss = 0.1, Duplication = 0.1, Reordering = 0.1 };

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void Twenty_clients_in_transport_mode_behind_one_NAT_reach_the_gateway_and_are_reached_while_packets_are_lost(int version)
    {
        var scene = Neighbours(version, SelectorTemplate.Dynamic);
        var children = Children(scene);
        Assert.All(children, child => Assert.Equal(ChildMode.Transport, child.Mode));
        Assert.Equal(20, children.Select(child => child.StandIns.Single().First).Distinct().Count());
        Assert.All(scene.Clients, client => Assert.True(Enumerable.Range(0, 10).Any(_ => scene.Pings(client, scene.GatewayAddress)), scene.Why()));
        Assert.All(children, child => Assert.True(Enumerable.Range(0, 10).Any(_ => scene.Pings(scene.Gateway, child.StandIns.Single().First)), scene.Why()));
    }

    /// <summary>And again an hour later, when all children have new keys.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void Twenty_clients_all_say_something_from_1701_to_1701_and_each_gets_its_own_answer_while_packets_are_lost(int version)
    {
        var scene = Neighbours(version, SelectorTemplate.Dynamic with { Protocol = 17, FirstPort = L2tp, LastPort = L2tp });
        var seenAs = new Dictionary<string, HashSet<IpAddress>>();
        scene.Gateway.Bind(L2tp, (path, said) =>
        {
            var name = Encoding.ASCII.GetString(said);
            seenAs.TryAdd(name, []);
            seenAs[name].Add(path.Remote.Address);
            scene.Gateway.SendUdp(path, Encoding.ASCII.GetBytes($"{name} and back"));
        });
        var heard = new HashSet<string>();
        foreach (var client in scene.Clients)
            client.Bind(L2tp, (_, said) => heard.Add($"{client.Name}: {Encoding.ASCII.GetString(said)}"));
        for (var round = 0; round < 2; round++)
        {
            heard.Clear();
            for (var tries = 0; tries < 10; tries++)
            {
                foreach (var client in scene.Clients)
                    client.SendUdp(new(new(client.Address, L2tp), new(scene.GatewayAddress, L2tp)), Encoding.ASCII.GetBytes(client.Name));
                scene.RunFor(TimeSpan.FromSeconds(1));
            }
            Assert.Equal(scene.Clients.Select(client => $"{client.Name}: {client.Name} and back").Order(), heard.Order());
            scene.RunFor(TimeSpan.FromMinutes(70));
        }
        // One name each, all the time.
        Assert.Equal(20, seenAs.Count);
        Assert.Equal(20, seenAs.Values.Select(addresses => addresses.Single()).Distinct().Count());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void Two_homes_with_one_private_network_reach_the_office_and_are_reached_from_it(int version)
    {
        ImmutableArray<SelectorTemplate> home = [new(Prefix.Of("192.168.1.0/24"))];
        var scene = new Scene(Sites.Public, new()
        {
            Client = c => Of(version, c) with { VirtualAddresses = [], Children = [c.Children[0] with { LocalSelectors = home }] },
            Gateway = c => Of(version, c) with { Pools = [], Children = [c.Children[0] with { RemoteSelectors = home }] },
        });
        foreach (var name in (string[])["home", "other home"])
            scene.AddClient(Sites.Easy(scene.World.Internet, name));
        scene.World.Internet.Link = s_rain;
        Assert.True(scene.Connect(), scene.Why());
        var seen = Children(scene).Select(child => child.StandIns).OrderBy(standIns => standIns.Length).ToList();
        Assert.Empty(seen[0]);
        var standIn = Assert.Single(seen[1]);
        Assert.All(scene.Clients, client => Assert.Equal("192.168.1.2", $"{client.Address}"));
        Assert.All(scene.Clients, client => Assert.True(Enumerable.Range(0, 10).Any(_ => scene.Pings(client, scene.Server.Address)), scene.Why()));
        foreach (var address in (IpAddress[])[scene.Client.Address, standIn.See(scene.Client.Address)])
            Assert.True(Enumerable.Range(0, 10).Any(_ => scene.Pings(scene.Server, address)), scene.Why());
    }

    /// <summary>A group of IKEv1 has one identity, by which all its users come: their names tell them apart, also when one says INITIAL-CONTACT.</summary>
    [Fact]
    public void Two_users_of_one_group_are_two_peers()
    {
        ImmutableArray<SelectorTemplate> home = [new(Prefix.Of("192.168.1.0/24"))];
        var scene = new Scene(Sites.Public, new()
        {
            Client = c => Of(1, c) with
            {
                Local = [c.Local[0] with { Id = Identity.Parse("staff") }, new AuthenticationRound { Kind = AuthenticationKind.Xauth, XauthId = c.Local[0].Id }],
                VirtualAddresses = [],
                Children = [c.Children[0] with { LocalSelectors = home }],
            },
            Gateway = c => Of(1, c) with
            {
                Remote = [c.Remote[0], new AuthenticationRound { Kind = AuthenticationKind.Xauth }],
                Pools = [],
                Children = [c.Children[0] with { RemoteSelectors = home }],
            },
        });
        foreach (var name in (string[])["home", "other home"])
            scene.AddClient(Sites.Easy(scene.World.Internet, name));
        foreach (var host in scene.Clients.Append(scene.Gateway))
            host.Node.Credentials.Load(new("password", Secret.Copy("4iChxLT3"u8), []) { Kind = SharedKeyKind.Eap });
        Assert.True(scene.Connect(), scene.Why());
        // The gateway sends when it has their last messages.
        scene.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(2, scene.Gateway.Status().Count());
        var standIn = Children(scene).SelectMany(child => child.StandIns).Single();
        foreach (var address in (IpAddress[])[scene.Client.Address, standIn.See(scene.Client.Address)])
            Assert.True(scene.Pings(scene.Server, address), scene.Why());
    }

    /// <summary>With a NAT in front of nobody, the client, the gateway, both, and one behind another: every packet has the right checksum at the other end.</summary>
    [Theory]
    [MemberData(nameof(Places))]
    public void Two_hosts_talk_in_transport_mode_whoever_is_behind_a_NAT(int version, string client, string gateway)
    {
        Connection Hosts(Connection c) => Of(version, c) with
        {
            VirtualAddresses = [],
            Pools = [],
            Children = [c.Children[0] with { Mode = ChildMode.Transport, LocalSelectors = [SelectorTemplate.Dynamic], RemoteSelectors = [SelectorTemplate.Dynamic] }],
        };
        var scene = new Scene(s_plans[gateway], new() { Client = Hosts, Gateway = Hosts });
        scene.AddClient(s_plans[client](scene.World.Internet, "home"));
        Assert.True(scene.Connect(), scene.Why());
        Assert.Equal(ChildMode.Transport, Children(scene).Single().Mode);
        string? asked = null, answered = null;
        scene.Gateway.Bind(53, (path, said) =>
        {
            asked = Encoding.ASCII.GetString(said);
            scene.Gateway.SendUdp(path, "answer"u8.ToArray());
        });
        scene.Client.Bind(4000, (_, said) => answered = Encoding.ASCII.GetString(said));
        scene.Client.SendUdp(new(new(scene.Client.Address, 4000), new(scene.GatewayAddress, 53)), "question"u8.ToArray());
        Assert.True(scene.Pings(scene.Client, scene.GatewayAddress), scene.Why());
        Assert.Equal(("question", "answer"), (asked, answered));
        Assert.Equal(2, scene.Client.Children.Single().Sa.Usage.InboundPackets);
    }

    /// <summary>Twenty clients behind one NAT, connected in the rain.</summary>
    static Scene Neighbours(int version, SelectorTemplate selector)
    {
        Connection Hosts(Connection c) => Of(version, c) with
        {
            VirtualAddresses = [],
            Pools = [],
            Children = [c.Children[0] with { Mode = ChildMode.Transport, LocalSelectors = [selector], RemoteSelectors = [selector] }],
        };
        var scene = new Scene(Sites.Public, new() { Client = Hosts, Gateway = Hosts });
        var site = Sites.Napt(scene.World.Internet, "office");
        for (var i = 0; i < 20; i++)
            scene.AddClient(site);
        scene.World.Internet.Link = s_rain;
        Assert.True(scene.Connect(), scene.Why());
        return scene;
    }

    static List<ChildSaStatus> Children(Scene scene) =>
        [.. scene.Gateway.Status().SelectMany(sa => sa.Children).Where(child => child.State == ChildState.Installed)];

    static Connection Of(int version, Connection connection) => version == 2 ? connection : connection with
    {
        Version = 1,
        Proposals = AlgorithmSet.TryParse("aes128-sha256-x25519", ProposalKind.Ike, out var sets, out var error) ? sets : throw new FormatException(error),
    };
}
