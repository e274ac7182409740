using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>What a route does with a packet (rtm_type).</summary>
public enum RouteKind
{
    Unicast = 1,
    Local = 2,
    Broadcast = 3,
    Anycast = 4,
    Multicast = 5,
    Blackhole = 6,
    Unreachable = 7,
    Prohibit = 8,

    /// <summary>As if this table had no route: the next rule decides.</summary>
    Throw = 9,
}

/// <summary>A route. As with <c>ip route</c>, an IPv6 metric of 0 becomes 1024.</summary>
public sealed record IpRoute(Prefix Destination)
{
    public const uint MainTable = 254;

    public RouteKind Kind { get; init; } = RouteKind.Unicast;

    /// <summary>The outgoing link; 0 for the kinds that have none.</summary>
    public int Link { get; init; }

    public IpAddress? Gateway { get; init; }

    /// <summary>Given to packets that have no source yet.</summary>
    public IpAddress? Source { get; init; }

    public uint Table { get; init; } = MainTable;
    public uint Metric { get; init; }

    /// <summary>Who made it (rtm_protocol); ours tells our own leftovers from everything else.</summary>
    public byte Protocol { get; init; } = 4;

    /// <summary>0: that of the link.</summary>
    public int Mtu { get; init; }

    public override string ToString() => $"{Destination} table {Table}"
        + (Kind == RouteKind.Unicast ? "" : $" {Kind}") + (Gateway is null ? "" : $" via {Gateway}") + (Link == 0 ? "" : $" link {Link}")
        + (Source is null ? "" : $" src {Source}") + (Metric == 0 ? "" : $" metric {Metric}");
}

/// <summary>How the kernel would send to an address: by which link and gateway, from which of our addresses, how much at once.</summary>
public sealed record RouteAnswer(int Link, IpAddress Source, IpAddress? Gateway, int Mtu);

public sealed unsafe partial class Netlink
{
    const int RTA_DST = 1, RTA_SRC = 2, RTA_IIF = 3, RTA_OIF = 4, RTA_GATEWAY = 5, RTA_PRIORITY = 6, RTA_PREFSRC = 7, RTA_METRICS = 8;
    const int RTA_TABLE = 15, RTA_MARK = 16, RTAX_MTU = 2;
    const uint RTM_F_CLONED = 0x200;

    /// <summary>struct rtmsg.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct RouteHeader
    {
        public byte Family;
        public byte DestinationLength;
        public byte SourceLength;
        public byte Tos;
        public byte Table;
        public byte Protocol;
        public byte Scope;
        public byte Kind;
        public uint Flags;
    }

    /// <summary>The routes of one table, or of all.</summary>
    public IReadOnlyList<IpRoute> Routes(uint? table = null, byte? protocol = null)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.GetRoute, Rtnetlink.Dump);
        message.Fixed(new RouteHeader());
        return List(message.Finish(), "list routes", ReadRoute)
            .FindAll(r => (table is null || r.Table == table) && (protocol is null || r.Protocol == protocol));
    }

    /// <summary>False when there is one to this destination with this metric already.</summary>
    public bool AddRoute(IpRoute route)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewRoute,
            Rtnetlink.Acknowledge | Rtnetlink.Create | Rtnetlink.Exclusive);
        Put(ref message, route);
        return Change(ref message, $"add route {route}", Errno.EEXIST);
    }

    /// <summary>Puts it in the place of the one to the same destination with the same metric, or adds it.</summary>
    public void ReplaceRoute(IpRoute route)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.NewRoute,
            Rtnetlink.Acknowledge | Rtnetlink.Create | Rtnetlink.Replace);
        Put(ref message, route);
        Change(ref message, $"set route {route}");
    }

    /// <summary>False when it was gone.</summary>
    public bool DeleteRoute(IpRoute route)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.DelRoute, Rtnetlink.Acknowledge);
        Put(ref message, route);
        return Change(ref message, $"delete route {route}", Errno.ESRCH, Errno.ENODEV);
    }

    /// <summary>How a packet with this mark, and this source unless null, would go there; with a link one that comes by it and is forwarded. Null when it could not.</summary>
    public RouteAnswer? RouteGet(IpAddress destination, uint mark = 0, IpAddress? source = null, int inLink = 0)
    {
        var message = Message(stackalloc byte[RequestLength], Rtnetlink.GetRoute, Rtnetlink.Acknowledge);
        message.Fixed(new RouteHeader
        {
            Family = Family(destination.IsV6),
            DestinationLength = (byte)destination.Bits,
            SourceLength = (byte)(source?.Bits ?? 0),
        });
        message.Attribute(RTA_DST, destination);
        if (source is { } from)
            message.Attribute(RTA_SRC, from);
        if (mark != 0)
            message.Attribute(RTA_MARK, mark);
        if (inLink != 0)
            message.Attribute(RTA_IIF, (uint)inLink);
        var route = Ask(ref message, $"find the route to {destination}", ReadAnswer,
            Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.EACCES, Errno.EINVAL);
        if (route?.Link is not > 0 || (route.Source ?? source) is not { } ours)
            return null;
        return new(route.Link, ours, route.Gateway, route.Mtu > 0 ? route.Mtu : FindLink(route.Link)?.Mtu ?? 0);
    }

    static void Put(ref NetlinkMessage message, IpRoute route)
    {
        const byte scopeLink = 253;
        message.Fixed(new RouteHeader
        {
            Family = Family(route.Destination.IsV6),
            DestinationLength = (byte)route.Destination.Length,
            Table = (byte)(route.Table < 256 ? route.Table : 0),
            Protocol = route.Protocol,
            Scope = route is { Kind: RouteKind.Unicast, Gateway: null, Destination.IsV6: false } ? scopeLink : (byte)0,
            Kind = (byte)route.Kind,
        });
        message.Attribute(RTA_DST, route.Destination.Network.Address);
        message.Attribute(RTA_TABLE, route.Table);
        if (route.Link != 0)
            message.Attribute(RTA_OIF, (uint)route.Link);
        if (route.Gateway is { } gateway)
            message.Attribute(RTA_GATEWAY, gateway);
        if (route.Source is { } source)
            message.Attribute(RTA_PREFSRC, source);
        if (route.Metric != 0)
            message.Attribute(RTA_PRIORITY, route.Metric);
        if (route.Mtu == 0)
            return;
        var metrics = message.Begin(RTA_METRICS);
        message.Attribute(RTAX_MTU, (uint)route.Mtu);
        message.End(metrics);
    }

    /// <summary>Cached exceptions (RTM_F_CLONED) are no routes.</summary>
    static IpRoute? ReadRoute(ushort type, ReadOnlySpan<byte> body) =>
        body.Length >= sizeof(RouteHeader) && (MemoryMarshal.Read<RouteHeader>(body).Flags & RTM_F_CLONED) != 0 ? null : ReadAnswer(type, body);

    static IpRoute? ReadAnswer(ushort type, ReadOnlySpan<byte> body)
    {
        if (type != Rtnetlink.NewRoute || body.Length < sizeof(RouteHeader))
            return null;
        var header = MemoryMarshal.Read<RouteHeader>(body);
        if (header.Family is not (Libc.AF_INET or Libc.AF_INET6))
            return null;
        var any = header.Family == Libc.AF_INET6 ? IpAddress.AnyV6 : IpAddress.AnyV4;
        var route = new IpRoute(new(any, header.DestinationLength))
        {
            Kind = (RouteKind)header.Kind,
            Table = header.Table,
            Protocol = header.Protocol,
        };
        for (var attributes = new NetlinkAttributes(body[sizeof(RouteHeader)..]); attributes.Next();)
        {
            route = attributes.Type switch
            {
                RTA_DST => route with { Destination = new(attributes.Address, header.DestinationLength) },
                RTA_OIF => route with { Link = (int)attributes.U32 },
                RTA_GATEWAY => route with { Gateway = attributes.Address },
                RTA_PRIORITY => route with { Metric = attributes.U32 },
                RTA_PREFSRC => route with { Source = attributes.Address },
                RTA_TABLE => route with { Table = attributes.U32 },
                RTA_METRICS => route with { Mtu = MtuIn(attributes.Value) },
                _ => route,
            };
        }
        return route;
    }

    /// <summary>RTA_OIF of a route message's body; 0 when it has none.</summary>
    internal static int LinkOfRoute(ReadOnlySpan<byte> body)
    {
        if (body.Length < sizeof(RouteHeader))
            return 0;
        for (var attributes = new NetlinkAttributes(body[sizeof(RouteHeader)..]); attributes.Next();)
        {
            if (attributes.Type == RTA_OIF)
                return (int)attributes.U32;
        }
        return 0;
    }

    static int MtuIn(ReadOnlySpan<byte> metrics)
    {
        for (var attributes = new NetlinkAttributes(metrics); attributes.Next();)
        {
            if (attributes.Type == RTAX_MTU)
                return (int)attributes.U32;
        }
        return 0;
    }
}
