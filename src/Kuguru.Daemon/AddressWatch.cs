using Kuguru.Engine;
using Kuguru.Linux;

namespace Kuguru.Daemon;

/// <summary>
/// Tells the node which addresses this host has, at the start and whenever they change, and that its network is another. What the daemon itself
/// does to the tunnel device and its routes does not count.
/// </summary>
public sealed class AddressWatch(int tunIndex, byte ownProtocol, Action<Order> tell) : IDisposable
{
    readonly NetlinkMonitor _monitor = NetlinkMonitor.Open(tunIndex, ownProtocol);
    readonly Netlink _netlink = Netlink.Open();

    /// <summary>For the control loop, which calls <see cref="Ready"/> when it is readable.</summary>
    public int Number => _monitor.Number;

    public void Ready()
    {
        var changes = _monitor.Read();
        if ((changes & NetworkChange.Addresses) != 0)
            TellAddresses();
        if ((changes & (NetworkChange.Addresses | NetworkChange.Links)) != 0)
            Changed?.Invoke();
        if ((changes & (NetworkChange.Addresses | NetworkChange.Links | NetworkChange.Routes)) != 0)
        {
            TellNetwork();
            tell(new Order.NetworkChanged());
        }
    }

    /// <summary>A network is known by its default gateway: address and MAC address. Until the kernel knows that, by nothing.</summary>
    public void TellNetwork()
    {
        var gateway = _netlink.Routes(IpRoute.MainTable).Where(route => route is { Destination.Length: 0, Gateway: not null } && route.Link != tunIndex)
            .OrderBy(route => route.Destination.IsV6).ThenBy(route => route.Metric).Select(route => route.Gateway).FirstOrDefault();
        tell(new Order.NetworkIs(gateway is { } address && NeighborOf(address) is { } mac ? $"{address} {mac}" : null));
    }

    /// <summary>From the kernel's ARP table: address, type, flags, MAC address, mask, device; IPv6 has none there.</summary>
    static string? NeighborOf(IpAddress address)
    {
        const string table = "/proc/net/arp", unknown = "00:00:00:00:00:00";
        if (!File.Exists(table))
            return null;
        foreach (var line in File.ReadLines(table))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 3 && words[0] == address.ToString() && words[3] != unknown)
                return words[3];
        }
        return null;
    }

    /// <summary>Links or addresses are others than before.</summary>
    public event Action? Changed;

    public void TellAddresses() => tell(new Order.LocalAddresses([.. _netlink.Addresses()
        .Where(address => address.Link != tunIndex && address.Scope == AddressScope.Universe && address.IsUsable)
        .Select(address => address.Prefix.Address)]));

    public void Dispose()
    {
        _monitor.Dispose();
        _netlink.Dispose();
    }
}
