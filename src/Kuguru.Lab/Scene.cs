using System.Collections.Immutable;
using System.Text;
using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Ike;

namespace Kuguru.Lab;

/// <summary>What a scene is to be like; the default is the plainest road warrior there is.</summary>
public sealed record SceneOptions
{
    public ulong Seed { get; init; } = 1;
    public string IkeProposal { get; init; } = "aes128gcm16-prfsha256-x25519";
    public string EspProposal { get; init; } = "aes128gcm16";
    public IkeSettings ClientSettings { get; init; } = new();
    public IkeSettings GatewaySettings { get; init; } = new();

    /// <summary>Last changes to the client's and the gateway's connection.</summary>
    public Func<Connection, Connection> Client { get; init; } = c => c;
    public Func<Connection, Connection> Gateway { get; init; } = c => c;
    public string ClientSecret { get; init; } = "Vereinfachung";

    /// <summary>Office, server and virtual addresses are IPv6 as well.</summary>
    public bool InnerV6 { get; init; }

    /// <summary>The outer network is IPv6.</summary>
    public bool OuterV6 { get; init; }
}

/// <summary>
/// The scene of most stories: a gateway with an office (10.1.0.0/16) behind it, a server in the office, and road warriors who get virtual
/// addresses from 10.3.0.0/16. <c>client - its site - internet - the gateway's site - gateway - office - server</c>
/// </summary>
public sealed class Scene
{
    public const string ConnectionName = "gw", ChildName = "net";
    const string GatewaySecret = "Vereinfachung", GatewayId = "moon.kuguru.example";

    static readonly AddressRange s_office = Prefix.Of("10.1.0.0/16"), s_pool = Prefix.Of("10.3.0.0/16");
    static readonly AddressRange s_officeV6 = Prefix.Of("fd00:10:1::/64"), s_poolV6 = Prefix.Of("fd00:10:3::/64");

    readonly SceneOptions _options;
    readonly List<Peer> _clients = [];
    readonly List<Site> _sites = [];
    readonly List<Attempt> _attempts = [];

    public Scene(SitePlan gateway, SceneOptions? options = null)
    {
        _options = options ?? new();
        World = new(_options.Seed);
        GatewaySite = gateway(World.Internet, "gateway's site");
        Gateway = new(World, "gateway", GatewaySite.Lan, _options.GatewaySettings, GatewaySite.Lan.NextAddress(_options.OuterV6)) { Forwards = true };
        Server = Furnish(Gateway);
        Gateway.Load(_options.Gateway(GatewayConnection()));
    }

    public World World { get; }
    public Site GatewaySite { get; }
    public Peer Gateway { get; private set; }
    public Host Server { get; private set; }
    public IReadOnlyList<Peer> Clients => _clients;

    /// <summary>The server's other address.</summary>
    public IpAddress ServerV6 => Server.Addresses.Last();

    /// <summary>The first client.</summary>
    public Peer Client => _clients[0];

    /// <summary>The site of the first client.</summary>
    public Site ClientSite => _sites[0];

    /// <summary>Where clients find the gateway.</summary>
    public IpAddress GatewayAddress => GatewaySite.PublicAddress ?? Gateway.Address;
    public string Transcript => World.Transcript.ToString();

    /// <summary>One client and the gateway, each on its site.</summary>
    public static Scene Between(SitePlan client, SitePlan gateway, SceneOptions? options = null)
    {
        var scene = new Scene(gateway, options);
        scene.AddClient(client(scene.World.Internet, "home"));
        return scene;
    }

    /// <summary>Another client on a site that is there already.</summary>
    public Peer AddClient(Site site, string? name = null)
    {
        _sites.Add(site);
        name ??= _clients.Count == 0 ? "client" : $"client {_clients.Count + 1}";
        var client = new Peer(World, name, site.Lan, _options.ClientSettings, site.Lan.NextAddress(_options.OuterV6));
        Equip(client, $"{name.Replace(' ', '-')}@kuguru.example");
        _clients.Add(client);
        return client;
    }

    /// <summary>Gives a client its key and connection (again, after it lost its power).</summary>
    public void Equip(Peer client, string identity)
    {
        client.Node.Credentials.Load(new("psk", Secret.Copy(Encoding.ASCII.GetBytes(_options.ClientSecret)), []));
        client.Load(_options.Client(ClientConnection(identity)));
    }

    /// <summary>The gateway loses its power and comes back with the same addresses and configuration, and no memory.</summary>
    public void RestartGateway()
    {
        var address = Gateway.Address;
        Gateway.PowerOff();
        Gateway = new(World, "gateway", GatewaySite.Lan, _options.GatewaySettings, address) { Forwards = true };
        Server = Furnish(Gateway);
        Gateway.Load(_options.Gateway(GatewayConnection()));
    }

    /// <summary>Every client that has not yet asks for its tunnel.</summary>
    public void Up()
    {
        while (_attempts.Count < _clients.Count)
            UpNext();
    }

    /// <summary>The next client that has not yet asked for its tunnel.</summary>
    public void UpNext() => _attempts.Add(_clients[_attempts.Count].Up(ChildName));

    /// <summary>What became of each client's <see cref="Up"/>.</summary>
    public IReadOnlyList<Attempt> Attempts => _attempts;

    /// <summary>Up, and time passes until every attempt is decided; true when all have succeeded.</summary>
    public bool Connect(TimeSpan? limit = null)
    {
        Up();
        return World.RunUntil(() => _attempts.TrueForAll(a => a.IsDone), limit ?? TimeSpan.FromMinutes(5)) && _attempts.TrueForAll(a => a.Succeeded);
    }

    /// <summary>For a failed assertion: the seed, what the attempts say, the end of the transcript.</summary>
    public string Why() => $"seed {World.Seed}: {string.Join("; ", _attempts.Where(a => !a.Succeeded).Select(a => a.ToString()).Distinct())}\n{World.Transcript.Full(40)}";

    public void RunFor(TimeSpan span) => World.RunFor(span);

    /// <summary>One ping and its answer, or none within three seconds.</summary>
    public bool Pings(Host from, IpAddress to)
    {
        var ping = from.Ping(to);
        return World.RunUntil(() => ping.IsAnswered, TimeSpan.FromSeconds(3));
    }

    /// <summary>A client reaches the server, and the server the client's virtual address.</summary>
    public bool PingsBothWays(Peer? client = null)
    {
        client ??= Client;
        return Pings(client, Server.Address) && Pings(Server, client.VirtualAddresses.Single(a => !a.IsV6));
    }

    /// <summary>The office behind a gateway, and what it gives to clients.</summary>
    Host Furnish(Peer gateway)
    {
        var office = new Net(World, "office") { Router = gateway };
        office.Add(s_office);
        office.Add(s_officeV6);
        gateway.Attach(office, s_office.At(1));
        gateway.Attach(office, s_officeV6.At(1));
        gateway.Command(new Order.LocalAddresses([.. gateway.Addresses]));
        var server = new Host(World, "server", office, s_office.At(10));
        server.Attach(office, s_officeV6.At(10));
        gateway.Node.Pools.Load(new() { Name = "rw", Addresses = new(s_pool.At(1), s_pool.At(65534)), Dns = [server.Address] });
        gateway.Node.Pools.Load(new() { Name = "rw6", Addresses = new(s_poolV6.At(1), s_poolV6.At(65534)) });
        gateway.Node.Credentials.Load(new("psk", Secret.Copy(Encoding.ASCII.GetBytes(GatewaySecret)), []));
        return server;
    }

    Connection GatewayConnection() => new()
    {
        Name = "rw",
        Proposals = Proposals(_options.IkeProposal, ProposalKind.Ike),
        Local = [new() { Id = Identity.Parse(GatewayId) }],
        Remote = [new()],
        Pools = ["rw", "rw6"],
        Children =
        [
            new()
            {
                Name = ChildName,
                Proposals = Proposals(_options.EspProposal, ProposalKind.Esp),
                LocalSelectors = Office,
                RemoteSelectors = [SelectorTemplate.Dynamic],
            },
        ],
    };

    Connection ClientConnection(string identity) => new()
    {
        Name = ConnectionName,
        RemoteAddresses = [AddressPattern.Of(GatewayAddress)],
        Proposals = Proposals(_options.IkeProposal, ProposalKind.Ike),
        Local = [new() { Id = Identity.Parse(identity) }],
        Remote = [new() { Id = Identity.Parse(GatewayId) }],
        VirtualAddresses = _options.InnerV6 ? [IpAddress.AnyV4, IpAddress.AnyV6] : [IpAddress.AnyV4],
        Children =
        [
            new()
            {
                Name = ChildName,
                Proposals = Proposals(_options.EspProposal, ProposalKind.Esp),
                LocalSelectors = [SelectorTemplate.Dynamic],
                RemoteSelectors = Office,
            },
        ],
    };

    ImmutableArray<SelectorTemplate> Office => _options.InnerV6 ? [new(s_office), new(s_officeV6)] : [new(s_office)];

    static ImmutableArray<AlgorithmSet> Proposals(string keywords, ProposalKind kind) =>
        AlgorithmSet.TryParse(keywords, kind, out var proposals, out var error) ? proposals : throw new FormatException(error);
}
