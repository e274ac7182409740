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
            tell(new Order.NetworkChanged());
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
