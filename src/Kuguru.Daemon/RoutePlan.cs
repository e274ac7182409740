using Kuguru.Linux;

namespace Kuguru.Daemon;

/// <summary>Which routes and rules bring the packets of a child to the TUN device, and no others if that can be helped. Pure.</summary>
static class RoutePlan
{
    static readonly Prefix _noSourceYet = Prefix.Host(IpAddress.AnyV4);

    /// <summary>The remote prefixes to route; those of a family without a local selector are unreachable from here.</summary>
    public static IEnumerable<Prefix> Destinations(IReadOnlyList<Selector> local, IReadOnlyList<Selector> remote) => remote
        .Where(selector => local.Any(own => own.Range.First.IsV6 == selector.Range.First.IsV6))
        .SelectMany(selector => Prefix.FromRange(selector.Range.First, selector.Range.Last)).Distinct();

    /// <summary>
    /// The packets to look up in our table: from inside the local selectors, of their protocol and ports, without our mark. Not a rule for
    /// all: what this host says in the clear, from an address that is in no selector, is none of ours, even to a remote selector; and where
    /// the reverse path is checked (rp_filter), replies to our own outer packets must not seem to leave by the TUN device. In transport mode
    /// they have the addresses of those inside, and the check has to be loose (<see cref="ReversePath"/>).
    /// </summary>
    public static IEnumerable<IpRule> Rules(
        IReadOnlyList<Selector> local, IReadOnlyList<Selector> remote, RoutesOptions options, ChildMode mode = ChildMode.Tunnel)
    {
        var rules =
            from own in local
            from far in remote
            where own.Range.First.IsV6 == far.Range.First.IsV6 && (own.Protocol == far.Protocol || own.Protocol == 0 || far.Protocol == 0)
            from prefix in Prefix.FromRange(own.Range.First, own.Range.Last)
            from to in mode == ChildMode.Transport ? Prefix.FromRange(far.Range.First, far.Range.Last).Select(to => (Prefix?)to) : [null]
            from rule in RulesFrom(prefix, WithPorts(own, far, options) with { To = to })
            select rule;
        return rules.Distinct();
    }

    /// <summary>
    /// Where the local end is a virtual address, packets that this host forwards to the remote selectors, by these links: from the network behind it,
    /// from containers and virtual machines. They get the virtual address by source NAT, if the user has set that up, only after they have been routed,
    /// so that their source says nothing yet; what does not get it the packet path drops. A rule with a link is about nothing that this host says or
    /// hears itself, its own outer packets least of all. Where the peer itself is inside the remote selectors, the tunnel is for everything that this
    /// host says, and the hosts behind it keep their way.
    /// </summary>
    public static IEnumerable<IpRule> ForwardRules(
        IReadOnlyList<Selector> local, IReadOnlyList<Selector> remote, IReadOnlyCollection<IpAddress> virtualAddresses, IpAddress? peer,
        IReadOnlyCollection<string> links, RoutesOptions options)
    {
        if (peer is not { } outer || remote.Any(selector => selector.Range.Contains(outer)))
            return [];
        var rules =
            from own in local
            where own.Range.First == own.Range.Last && virtualAddresses.Contains(own.Range.First)
            from far in remote
            where own.Range.First.IsV6 == far.Range.First.IsV6 && (own.Protocol == far.Protocol || own.Protocol == 0 || far.Protocol == 0)
            from to in Prefix.FromRange(far.Range.First, far.Range.Last)
            from link in links
            select WithPorts(own, far, options) with { IsV6 = to.IsV6, To = to, InLink = link, SourcePorts = null };
        return rules.Distinct();
    }

    /// <summary>
    /// What a shunt lets pass: before the rules that lead to us, the main table is asked. Packets whose source is yet to be found are among it
    /// where an address of ours is inside the local selectors.
    /// </summary>
    public static IEnumerable<IpRule> PassRules(
        IReadOnlyList<Selector> local, IReadOnlyList<Selector> remote, IReadOnlyList<InterfaceAddress> addresses, RoutesOptions options)
    {
        var pairs =
            from own in local
            from far in remote
            where own.Range.First.IsV6 == far.Range.First.IsV6 && (own.Protocol == far.Protocol || own.Protocol == 0 || far.Protocol == 0)
            from source in Prefix.FromRange(own.Range.First, own.Range.Last)
            from to in Prefix.FromRange(far.Range.First, far.Range.Last)
            let isOurs = addresses.Any(address => own.Range.Contains(address.Prefix.Address))
            from rule in RulesFrom(source, WithPorts(own, far, options))
            where isOurs || rule.From != _noSourceYet
            select rule with { Priority = Math.Max(options.Priority, 1) - 1, Table = IpRoute.MainTable, MarkMask = 0, To = to.Length == 0 ? null : to };
        return pairs.Distinct();
    }

    /// <summary>
    /// The address that packets without a source get: one of ours that is inside the local selectors. Virtual addresses, which are on the TUN
    /// device, come first, an inner address before the one that the tunnel itself uses. Null when there is none: then this host only forwards.
    /// </summary>
    public static IpAddress? Source(
        IReadOnlyList<Selector> local, bool isV6, IReadOnlyList<InterfaceAddress> addresses, int tun, IpAddress? outer)
    {
        var inside =
            from address in addresses
            let ip = address.Prefix.Address
            where ip.IsV6 == isV6 && address.IsUsable && address.Scope is AddressScope.Universe or AddressScope.Site
            where local.Any(selector => selector.Range.Contains(ip))
            orderby address.Link != tun, ip == outer
            select (IpAddress?)ip;
        return inside.FirstOrDefault();
    }

    /// <summary>The first route to addresses of a range; one that is for all the world is not.</summary>
    public static IpRoute? FirstInto(AddressRange range, IEnumerable<IpRoute> routes) => routes.FirstOrDefault(route =>
        route.Destination.Length > 0 && route.Destination.IsV6 == range.First.IsV6
        && route.Destination.Address.First(route.Destination.Length) <= range.Last && range.First <= route.Destination.Address.Last(route.Destination.Length));

    /// <summary>
    /// Where a packet's source is yet to be found, IPv4 asks with 0.0.0.0, which is a rule of its own; IPv6 asks whether the source that it
    /// would get fits, if the rule says so.
    /// </summary>
    static IEnumerable<IpRule> RulesFrom(Prefix prefix, IpRule rule)
    {
        if (prefix.Length == 0)
            return [rule with { IsV6 = prefix.IsV6 }];
        return prefix.IsV6
            ? [rule with { IsV6 = true, From = prefix, FindSource = true }]
            : [rule with { From = prefix }, rule with { From = _noSourceYet }];
    }

    /// <summary>Ports only where both protocol and ports say something that the kernel can look for.</summary>
    static IpRule WithPorts(Selector own, Selector far, RoutesOptions options)
    {
        const byte tcp = 6, udp = 17, sctp = 132;
        var rule = new IpRule
        {
            Priority = options.Priority,
            Table = options.Table,
            MarkMask = options.Mark,
            Protocol = options.Protocol,
            IpProtocol = Math.Max(own.Protocol, far.Protocol),
        };
        return rule.IpProtocol is tcp or udp or sctp ? rule with { SourcePorts = PortsOf(own), DestinationPorts = PortsOf(far) } : rule;
    }

    /// <summary>The kernel takes no range that begins with 0 or ends with 65535; what is lost by cutting it there is nobody's port.</summary>
    static (ushort, ushort)? PortsOf(Selector selector) => selector.IsAnyPort || selector.IsOpaque || selector.LastPort == 0
        ? null
        : (Math.Max(selector.FirstPort, (ushort)1), Math.Min(selector.LastPort, (ushort)65534));
}
