using System.Collections.Immutable;

namespace Kuguru.Lab;

/// <summary>A place where hosts are: its LAN and the routers between that and the internet, the nearest first.</summary>
public sealed record Site(string Name, Net Lan, ImmutableArray<Router> Routers)
{
    /// <summary>The nearest NAT.</summary>
    public NatRouter Nat => Routers.OfType<NatRouter>().First();

    /// <summary>The public address that hosts here are seen with; null where they have their own.</summary>
    public IpAddress? PublicAddress => Routers.OfType<NatRouter>().LastOrDefault()?.Address;

    /// <summary>This site with one more router inside of it.</summary>
    internal Site Inside(Router router) => new(router.Name, router.Inside, Routers.Insert(0, router));
}

/// <summary>Builds a site on a net (the internet, or another site's LAN).</summary>
public delegate Site SitePlan(Net outside, string name);

/// <summary>
/// Whole sites in a word, as a newcomer would say where he sits. All LANs are 192.168.1.0/24 and all first hosts 192.168.1.2, on purpose.
/// </summary>
public static class Sites
{
    static readonly AddressRange s_home = Prefix.Of("192.168.1.0/24"), s_carrier = Prefix.Of("100.64.0.0/10"), s_office = Prefix.Of("10.0.0.0/16");

    /// <summary>Directly on the internet.</summary>
    public static Site Public(Net outside, string name) => new(name, outside, []);

    /// <summary>A well-behaved home router: endpoint-independent mapping, ports kept where free.</summary>
    public static Site Easy(Net outside, string name) => Behind(outside, name, s_home, new());

    /// <summary>What Linux' masquerade with random ports does, and the demo's NAPT: one mapping a destination, source ports rewritten, 30 s.</summary>
    public static Site Napt(Net outside, string name) => Behind(outside, name, s_home, new()
    {
        Mapping = Dependence.AddressAndPortDependent,
        Ports = PortAssignment.Random,
        MappingTimeout = TimeSpan.FromSeconds(30),
    });

    /// <summary>A large office behind one address: one mapping a destination, ports by chance.</summary>
    public static Site Symmetric(Net outside, string name) => Behind(outside, name, s_office, new()
    {
        Mapping = Dependence.AddressAndPortDependent,
        Ports = PortAssignment.Random,
        MappingTimeout = TimeSpan.FromMinutes(2),
    });

    /// <summary>Forgets a silent mapping after 30 s and gives ports by chance, so that a new mapping is another port.</summary>
    public static Site Forgetful(Net outside, string name) => Behind(outside, name, s_home, new()
    {
        Ports = PortAssignment.Random,
        MappingTimeout = TimeSpan.FromSeconds(30),
    });

    /// <summary>A home router with "VPN passthrough" for IKE and ESP.</summary>
    public static Site Passthrough(Net outside, string name) => Behind(outside, name, s_home, new() { IkePassthrough = true, Esp = EspHandling.OneClient });

    /// <summary>A carrier's NAT alone, whose customers are hosts or homes: several public addresses, paired, small share of ports a customer.</summary>
    public static Site Carrier(Net outside, string name) => Behind(outside, name, s_carrier, new()
    {
        Filtering = Dependence.EndpointIndependent,
        Ports = PortAssignment.Random,
        MappingTimeout = TimeSpan.FromMinutes(2),
        MappingsPerHost = 64,
    }, addresses: 4);

    /// <summary>A home behind a carrier's NAT.</summary>
    public static Site Cgnat(Net outside, string name)
    {
        var carrier = Carrier(outside, $"{name}'s carrier");
        return Home(carrier, name);
    }

    /// <summary>Another home of that carrier.</summary>
    public static Site Home(Site carrier, string name) => carrier.Inside(new NatRouter(name, NewNet(carrier.Lan.World, name, s_home), carrier.Lan, new()));

    /// <summary>Two public addresses, and each mapping gets the other one: IKE moves to 4500 and to another address at once.</summary>
    public static Site TwoAddresses(Net outside, string name) =>
        Behind(outside, name, s_home, new() { Pooling = Pooling.Arbitrary, Mapping = Dependence.AddressAndPortDependent }, addresses: 2);

    /// <summary>A gateway's home: ports 500 and 4500 are forwarded to the first host.</summary>
    public static Site Forwarded(Net outside, string name)
    {
        var site = Easy(outside, name);
        foreach (var port in (ushort[])[500, 4500])
            site.Nat.Forward(port, new(s_home.At(2), port));
        return site;
    }

    /// <summary>A home router behind a filter that lets UDP 500 out and 4500 not.</summary>
    public static Site Blocks4500(Net outside, string name)
    {
        var site = Easy(outside, name);
        site.Nat.BlockedPorts.Add(4500);
        return site;
    }

    /// <summary>A home router that drops IP fragments.</summary>
    public static Site DropsFragments(Net outside, string name) => Behind(outside, name, s_home, new() { DropsFragments = true });

    /// <summary>Public addresses behind a stateful firewall.</summary>
    public static Site Firewalled(Net outside, string name)
    {
        var lan = NewNet(outside.World, name, outside.World.NextSubnet());
        return new(name, lan, [new Firewall(name, lan, outside)]);
    }

    /// <summary>IPv6 behind a stateful firewall, as most homes have it.</summary>
    public static Site FirewalledV6(Net outside, string name)
    {
        var lan = NewNet(outside.World, name, outside.World.NextSubnet(v6: true));
        return new(name, lan, [new Firewall(name, lan, outside)]);
    }

    /// <summary>Any other NAT, in RFC 4787's terms.</summary>
    public static SitePlan With(NatBehavior behavior, int addresses = 1) => (outside, name) => Behind(outside, name, s_home, behavior, addresses);

    static Site Behind(Net outside, string name, AddressRange lan, NatBehavior behavior, int addresses = 1)
    {
        var net = NewNet(outside.World, name, lan);
        return new(name, net, [new NatRouter(name, net, outside, behavior, addresses)]);
    }

    static Net NewNet(World world, string name, AddressRange subnet)
    {
        var net = new Net(world, $"{name}'s LAN");
        net.Add(subnet);
        return net;
    }
}
