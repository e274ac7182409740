using System.Net;
using System.Net.Sockets;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Linux;
using Kuguru.Nat;

namespace Kuguru.Daemon;

/// <summary>
/// Answers <see cref="Effect.FindPath"/> and <see cref="Effect.FindPaths"/>: resolves the peer's name and looks up the route that a packet of ours would take. A name may take its
/// time, so it is asked for off the control loop.
/// </summary>
/// <param name="mark">Of our own packets.</param>
/// <param name="tun">The tunnel device, by which none of them leaves.</param>
/// <param name="tell">Takes the answers, on any thread.</param>
public sealed class PathFinder(uint mark, int tun, Action<Order> tell)
{
    static readonly TimeSpan ResolveLimit = TimeSpan.FromSeconds(10);

    public void Find(Effect.FindPath question)
    {
        var peers = question.Connection.RemoteAddresses;
        if (peers.All(peer => peer.Name is null))
            tell(Answer(question, [.. peers.Select(peer => peer.Single).OfType<IpAddress>()], "remote_addrs has ranges only: name one address to start from"));
        else
            _ = Resolve(question);
    }

    /// <summary>The ways there are, from addresses on links that are up and are not the tunnel's own.</summary>
    public void Find(Effect.FindPaths question)
    {
        using var netlink = Netlink.Open();
        var links = netlink.Links().Where(link => link.IsRunning && link.Index != tun).Select(link => link.Index).ToHashSet();
        var ours = netlink.Addresses().Where(address => address.IsUsable && links.Contains(address.Link)).Select(address => address.Prefix.Address).ToHashSet();
        var (local, remote) = (question.Current.Local.Address, question.Current.Remote.Address);
        var holds = ours.Contains(local) && netlink.RouteGet(remote, mark, local) is { } kept && links.Contains(kept.Link);
        var candidates =
            from peer in question.Remotes
            let route = netlink.RouteGet(peer, mark)
            where route is not null && links.Contains(route.Link) && ours.Contains(route.Source)
            select new Path(new Endpoint(route.Source, 0), new Endpoint(peer, 0));
        tell(new Order.PathsFound(question.IkeUniqueId, new PathFacts(holds, [.. candidates])));
    }

    async Task Resolve(Effect.FindPath question)
    {
        var found = new List<IpAddress>();
        var why = "remote_addrs has no address to start from";
        foreach (var peer in question.Connection.RemoteAddresses)
        {
            if (peer.Single is { } address)
                found.Add(address);
            if (peer.Name is null)
                continue;
            try
            {
                using var limit = new CancellationTokenSource(ResolveLimit);
                found.AddRange((await Dns.GetHostAddressesAsync(peer.Name, limit.Token)).Select(IpAddress.From));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ArgumentException)
            {
                why = $"'{peer.Name}' of connection '{question.Connection.Name}' cannot be resolved ({e.Message}): check remote_addrs and DNS";
            }
        }
        tell(Answer(question, found, why));
    }

    /// <summary>A search is always answered: somebody waits.</summary>
    Order.PathFound Answer(Effect.FindPath question, IReadOnlyList<IpAddress> peers, string why)
    {
        try
        {
            return FirstWithRoute(question, peers, why);
        }
        catch (LinuxException e)
        {
            return new Order.PathFound(question.Request, null, $"no way to the peer of connection '{question.Connection.Name}': {e.Message}");
        }
    }

    /// <summary>The first address that there is a route to, from an address that the connection allows.</summary>
    Order.PathFound FirstWithRoute(Effect.FindPath question, IReadOnlyList<IpAddress> peers, string why)
    {
        using var netlink = Netlink.Open();
        foreach (var peer in peers)
        {
            var wanted = question.Connection.LocalAddresses.Where(local => local.Single is { IsAny: false } single && single.IsV6 == peer.IsV6)
                .Select(local => local.Single).ToList();
            foreach (var source in wanted.Count > 0 ? wanted : [null])
            {
                if (netlink.RouteGet(peer, mark, source) is { } route)
                    return new Order.PathFound(question.Request, new Path(new Endpoint(route.Source, 0), new Endpoint(peer, 0)), "");
                why = source is null
                    ? $"no route to {peer} (connection '{question.Connection.Name}'): check the network"
                    : $"no route to {peer} from {source} (connection '{question.Connection.Name}'): check local_addrs, which this host must have";
            }
        }
        return new Order.PathFound(question.Request, null, why);
    }
}
