using Kuguru.Linux;
using Kuguru.Wire;

namespace Kuguru.Daemon;

/// <summary>Where routes and rules are made; the defaults are strongSwan's (charon.routing_table, charon.routing_table_prio).</summary>
public sealed record RoutesOptions
{
    /// <summary>One bit that nobody else is known to use, so that other marks do not come between.</summary>
    public const uint DefaultMark = 0x0800_0000;

    public uint Table { get; init; } = 220;
    public uint Priority { get; init; } = 220;

    /// <summary>The mark of our own sockets. Their packets never enter a tunnel, even if the peer's address is in its remote selectors. 0: none.</summary>
    public uint Mark { get; init; } = DefaultMark;

    /// <summary>Of <see cref="Protocol"/>.</summary>
    public const byte OwnProtocol = 220;

    /// <summary>By it our routes and rules are known as ours (rtm_protocol).</summary>
    public byte Protocol { get; init; } = OwnProtocol;
}

/// <summary>Who needs a route: an installed pair of SAs, or a trap.</summary>
public readonly record struct RouteOwner
{
    readonly uint _number;

    RouteOwner(bool isTrap, uint number) => (IsTrap, _number) = (isTrap, number);

    public bool IsTrap { get; }

    public static RouteOwner Sa(Spi inboundSpi) => new(false, inboundSpi.Value);
    public static RouteOwner Trap(uint reqId) => new(true, reqId);
}

/// <summary>
/// The host's routes to the TUN device, the rules that lead to them, and the virtual addresses on it, for as long as somebody needs them.
/// Several owners may need the same. What could not be set is an exception; a route is tried again at the next change of anything. For the
/// control loop's thread.
/// </summary>
public sealed class Routes : IDisposable
{
    readonly Netlink _netlink = Netlink.Open();
    readonly RoutesOptions _options;
    readonly int _link;
    readonly Dictionary<RouteOwner, Holding> _holdings = [];
    readonly Dictionary<Prefix, Entry> _entries = [];
    readonly Dictionary<IpRule, RuleUse> _rules = [];
    readonly Dictionary<IpAddress, AddressUse> _addresses = [];

    sealed record Holding(IReadOnlyList<Selector> Local, IReadOnlyList<Selector> Remote, IpAddress? Outer, IpAddress? Peer, int Mtu, Prefix[] Destinations)
    {
        public List<IpRule> Rules { get; } = [];

        /// <summary>Those for what is forwarded, which come and go with the host's links.</summary>
        public List<IpRule> Forwarding { get; } = [];
    }

    /// <summary>One destination, and all who need it.</summary>
    sealed class Entry
    {
        public List<RouteOwner> Owners { get; } = [];
        public IpRoute? Installed { get; set; }
    }

    sealed class RuleUse
    {
        public int Count { get; set; }
        public bool IsOurs { get; init; }
    }

    sealed class AddressUse
    {
        public HashSet<uint> Users { get; } = [];
        public bool IsOurs { get; init; }
    }

    /// <summary>Opens the way and removes what a crash left behind. The device must be open already: that there is only one of us is known by its name.</summary>
    public Routes(TunDevice tun, RoutesOptions options)
    {
        _options = options;
        _link = tun.Index;
        RemoveLeftovers();
    }

    /// <summary>What was found of an earlier run and removed, a sentence each.</summary>
    public IReadOnlyList<string> Leftovers { get; private set; } = [];

    /// <summary>
    /// Leads packets from the local to the remote selectors to the TUN device. <paramref name="outer"/> and <paramref name="peer"/> are our own and
    /// the peer's address outside, where they are known; <paramref name="innerMtu"/> is the largest inner packet, 0 if not known. In transport mode only what goes from one host to the
    /// other is led, whatever else this host has to say to that address. An owner that has routes already gets these instead.
    /// </summary>
    public void Add(
        RouteOwner owner, IReadOnlyList<Selector> local, IReadOnlyList<Selector> remote, IpAddress? outer = null, int innerMtu = 0,
        ChildMode mode = ChildMode.Tunnel, IpAddress? peer = null)
    {
        _holdings.Remove(owner, out var before);
        var holding = new Holding(local, remote, outer, mode == ChildMode.Tunnel ? peer : null, innerMtu, [.. RoutePlan.Destinations(local, remote)]);
        _holdings.Add(owner, holding);
        foreach (var destination in holding.Destinations)
            EntryOf(destination).Owners.Add(owner);
        SettleThoseOf(holding);
        // Rules come after what they lead to, and what is no longer needed goes last.
        foreach (var rule in RoutePlan.Rules(local, remote, _options, mode))
        {
            Use(rule);
            holding.Rules.Add(rule);
        }
        SettleForwarding(holding, ForwardingLinks());
        if (before is not null)
            Release(owner, before);
    }

    /// <summary>Keeps packets from the local to the remote selectors out of every tunnel: the main table decides about them, before ours.</summary>
    public void AddPass(RouteOwner owner, IReadOnlyList<Selector> local, IReadOnlyList<Selector> remote)
    {
        Remove(owner);
        var holding = new Holding(local, remote, null, null, 0, []);
        _holdings.Add(owner, holding);
        foreach (var rule in RoutePlan.PassRules(local, remote, Addresses, _options))
        {
            Use(rule);
            holding.Rules.Add(rule);
        }
    }

    /// <summary>This owner needs nothing any more.</summary>
    public void Remove(RouteOwner owner)
    {
        if (_holdings.Remove(owner, out var holding))
            Release(owner, holding);
    }

    /// <summary>The largest inner packet of an owner has changed.</summary>
    public void LimitMtu(RouteOwner owner, int innerMtu)
    {
        if (!_holdings.TryGetValue(owner, out var holding))
            return;
        _holdings[owner] = holding with { Mtu = innerMtu };
        SettleThoseOf(holding);
    }

    /// <summary>Puts a virtual address on the TUN device, for one of possibly several users.</summary>
    public void AddAddress(uint user, IpAddress address)
    {
        if (!_addresses.TryGetValue(address, out var use))
            _addresses.Add(address, use = new() { IsOurs = _netlink.AddAddress(_link, Prefix.Host(address)) });
        if (use.Users.Add(user))
            SettleAll();
    }

    /// <summary>This user does not need the address any more.</summary>
    public void RemoveAddress(uint user, IpAddress address)
    {
        if (!_addresses.TryGetValue(address, out var use) || !use.Users.Remove(user) || use.Users.Count > 0)
            return;
        _addresses.Remove(address);
        if (use.IsOurs)
            _netlink.DeleteAddress(_link, Prefix.Host(address));
        // With a link's last IPv4 address the kernel drops all of its IPv4 routes.
        Refresh();
    }

    /// <summary>The host's network has changed (<see cref="NetlinkMonitor"/>): routes find their source anew, and those that the kernel dropped are put back.</summary>
    public void Refresh()
    {
        var there = _netlink.Routes(_options.Table, _options.Protocol).ToHashSet();
        foreach (var entry in _entries.Values)
        {
            if (entry.Installed is { } installed && !there.Contains(AsListed(installed)))
                entry.Installed = null;
        }
        SettleAll();
    }

    /// <summary>Puts everything back. What cannot be is thrown, after the rest.</summary>
    public void Dispose()
    {
        List<LinuxException> failures = [];
        foreach (var (rule, use) in _rules)
            Try(() => _ = use.IsOurs && _netlink.DeleteRule(rule));
        foreach (var entry in _entries.Values)
            Try(() => _ = entry.Installed is { } installed && _netlink.DeleteRoute(installed));
        foreach (var (address, use) in _addresses)
            Try(() => _ = use.IsOurs && _netlink.DeleteAddress(_link, Prefix.Host(address)));
        _rules.Clear();
        _entries.Clear();
        _addresses.Clear();
        _holdings.Clear();
        _netlink.Dispose();
        if (failures.Count > 0)
            throw failures[0];

        void Try(Action undo)
        {
            try
            {
                undo();
            }
            catch (LinuxException e)
            {
                failures.Add(e);
            }
        }
    }

    IReadOnlyList<InterfaceAddress> Addresses => _netlink.Addresses();

    void RemoveLeftovers()
    {
        List<string> found = [];
        foreach (var rule in _netlink.Rules().Where(rule => rule.Protocol == _options.Protocol && (rule.Table == _options.Table || rule.Table == IpRoute.MainTable)))
        {
            if (_netlink.DeleteRule(rule))
                found.Add($"an earlier run left routing rule {rule}: removed");
        }
        foreach (var route in _netlink.Routes(_options.Table, _options.Protocol))
        {
            if (_netlink.DeleteRoute(route))
                found.Add($"an earlier run left route {route}: removed");
        }
        Leftovers = found;
    }

    Entry EntryOf(Prefix destination)
    {
        if (!_entries.TryGetValue(destination, out var entry))
            _entries.Add(destination, entry = new());
        return entry;
    }

    void Release(RouteOwner owner, Holding holding)
    {
        foreach (var rule in holding.Rules.Concat(holding.Forwarding))
            Unuse(rule);
        foreach (var destination in holding.Destinations)
        {
            var entry = _entries[destination];
            entry.Owners.Remove(owner);
            if (entry.Owners.Count > 0)
                continue;
            _entries.Remove(destination);
            if (entry.Installed is { } installed)
                _netlink.DeleteRoute(installed);
        }
        SettleThoseOf(holding);
    }

    void Use(IpRule rule)
    {
        if (!_rules.TryGetValue(rule, out var use))
            _rules.Add(rule, use = new() { IsOurs = _netlink.AddRule(rule) });
        use.Count++;
    }

    void Unuse(IpRule rule)
    {
        var use = _rules[rule];
        if (--use.Count > 0)
            return;
        _rules.Remove(rule);
        if (use.IsOurs)
            _netlink.DeleteRule(rule);
    }

    void SettleThoseOf(Holding holding)
    {
        var addresses = Addresses;
        foreach (var destination in holding.Destinations)
        {
            if (_entries.TryGetValue(destination, out var entry))
                Settle(destination, entry, addresses);
        }
    }

    void SettleAll()
    {
        var addresses = Addresses;
        foreach (var (destination, entry) in _entries)
            Settle(destination, entry, addresses);
        var links = ForwardingLinks();
        foreach (var holding in _holdings.Values)
            SettleForwarding(holding, links);
    }

    /// <summary>By which packets may come that are to be forwarded: those with addresses, which not every port of a bridge has.</summary>
    string[] ForwardingLinks()
    {
        if (_addresses.Count == 0)
            return [];
        var withAddress = Addresses.Select(address => address.Link).ToHashSet();
        return [.. _netlink.Links().Where(link => !link.IsLoopback && link.Index != _link && withAddress.Contains(link.Index)).Select(link => link.Name)];
    }

    void SettleForwarding(Holding holding, string[] links)
    {
        var wanted = RoutePlan.ForwardRules(holding.Local, holding.Remote, _addresses.Keys, holding.Peer, links, _options).ToList();
        foreach (var rule in wanted.Except(holding.Forwarding).ToList())
        {
            Use(rule);
            holding.Forwarding.Add(rule);
        }
        foreach (var rule in holding.Forwarding.Except(wanted).ToList())
        {
            holding.Forwarding.Remove(rule);
            Unuse(rule);
        }
    }

    /// <summary>
    /// Makes the kernel's route what the owners want: the first source that any of them has, the smallest MTU. A trap comes last, since behind it stands the
    /// host's own address where the SA that it brought up has a virtual one.
    /// </summary>
    void Settle(Prefix destination, Entry entry, IReadOnlyList<InterfaceAddress> addresses)
    {
        var holdings = entry.Owners.OrderBy(owner => owner.IsTrap).Select(owner => _holdings[owner]).ToArray();
        var mtu = holdings.Min(holding => holding.Mtu == 0 ? int.MaxValue : holding.Mtu);
        var wanted = new IpRoute(destination)
        {
            Link = _link,
            Table = _options.Table,
            Protocol = _options.Protocol,
            Source = holdings.Select(holding => RoutePlan.Source(holding.Local, destination.IsV6, addresses, _link, holding.Outer)).FirstOrDefault(s => s is not null),
            // IPv6 has no smaller MTU than 1280 (RFC 8200 section 5).
            Mtu = mtu == int.MaxValue ? 0 : destination.IsV6 ? Math.Max(mtu, 1280) : mtu,
        };
        if (wanted == entry.Installed)
            return;
        if (entry.Installed is null && !_netlink.AddRoute(wanted))
            RefuseForeign(wanted);
        if (entry.Installed is not null)
            _netlink.ReplaceRoute(wanted);
        entry.Installed = wanted;
    }

    /// <summary>A route to the same destination that is not ours is somebody's intention: it is not overwritten.</summary>
    void RefuseForeign(IpRoute wanted)
    {
        var there = _netlink.Routes(_options.Table).FirstOrDefault(route => route.Destination == wanted.Destination);
        if (there is null || there.Protocol == _options.Protocol)
            _netlink.ReplaceRoute(wanted);
        else
            throw new LinuxException("rtnetlink", Errno.EEXIST, $"add route {wanted}",
                $"cannot add route {wanted}: table {_options.Table} has a route of another program there ({there}); remove it or choose another routing_table");
    }

    /// <summary>The kernel gives IPv6 routes a metric when we give none.</summary>
    static IpRoute AsListed(IpRoute route) => route.Destination.IsV6 && route.Metric == 0 ? route with { Metric = 1024 } : route;
}
