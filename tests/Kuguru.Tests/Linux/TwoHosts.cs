using Kuguru.Linux;

namespace Kuguru.Tests.Linux;

/// <summary>Two namespaces and the veth pair between them: A is 10.9.0.1 and fd09::1, B is 10.9.0.2, 10.9.0.3, fd09::2 and fd09::3.</summary>
sealed class TwoHosts : IDisposable
{
    public const string Link = "veth0";
    const uint LocalTable = 255;

    public static readonly IpAddress A4 = IpAddress.Parse("10.9.0.1"), A6 = IpAddress.Parse("fd09::1");
    public static readonly IpAddress B4 = IpAddress.Parse("10.9.0.2"), B6 = IpAddress.Parse("fd09::2");
    public static readonly IpAddress OtherB4 = IpAddress.Parse("10.9.0.3"), OtherB6 = IpAddress.Parse("fd09::3");

    public TwoHosts(int mtu = 1500)
    {
        Needs.Root();
        A = NetworkNamespace.Create();
        B = NetworkNamespace.Create();
        A.Run(() =>
        {
            using var netlink = Netlink.Open();
            netlink.AddVethPair(Link, Link, B);
            Configure(netlink, mtu, A4, A6);
        });
        B.Run(() =>
        {
            using var netlink = Netlink.Open();
            Configure(netlink, mtu, B4, B6, OtherB4, OtherB6);
            Settle(netlink);
        });
        A.Run(() =>
        {
            using var netlink = Netlink.Open();
            Settle(netlink);
        });
    }

    public NetworkNamespace A { get; }
    public NetworkNamespace B { get; }

    public static IpAddress AddressOfA(bool isV6) => isV6 ? A6 : A4;
    public static IpAddress AddressOfB(bool isV6) => isV6 ? B6 : B4;
    public static IpAddress OtherOfB(bool isV6) => isV6 ? OtherB6 : OtherB4;
    public static IpAddress Any(bool isV6) => isV6 ? IpAddress.AnyV6 : IpAddress.AnyV4;

    static void Configure(Netlink netlink, int mtu, params IpAddress[] addresses)
    {
        var link = netlink.IndexOf(Link);
        netlink.SetMtu(link, mtu);
        // A link-local address would come up some time later, in the middle of a test.
        netlink.ForgoLinkLocal(link);
        netlink.SetUp(link);
        foreach (var address in addresses)
        {
            var prefix = new Prefix(address, address.IsV6 ? 64 : 24);
            netlink.AddAddress(link, prefix);
            netlink.AddRoute(new(prefix.Network) { Link = link });
        }
    }

    /// <summary>
    /// Until the kernel has seen the far end come up and has finished with each address: both happen some time later, and change routes.
    /// </summary>
    static void Settle(Netlink netlink)
    {
        var link = netlink.IndexOf(Link);
        using var monitor = NetlinkMonitor.Open();
        while (!IsSettled())
        {
            Waiting.Until(monitor.Number);
            monitor.Read();
        }
        // What was seen may still be under way to others that listen; this waits its turn behind it.
        netlink.SetMtu(link, netlink.FindLink(link)!.Mtu);

        bool IsSettled()
        {
            var routes = netlink.Routes(LocalTable).Where(route => route.Link == link).Select(route => route.Destination.Address).ToHashSet();
            var addresses = netlink.Addresses(link);
            return netlink.FindLink(link) is { IsRunning: true } && addresses.All(address => address.IsUsable && routes.Contains(address.Prefix.Address))
                && routes.Contains(Prefix.Parse("ff00::/8").Address);
        }
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}
