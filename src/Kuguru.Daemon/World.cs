using Kuguru.Daemon.Settings;
using Kuguru.Engine;
using Kuguru.Esp;
using Kuguru.Ike;
using Kuguru.Linux;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon;

/// <summary>
/// Obeys the node's effects: sends, changes the packet path, sets routes, addresses and name servers, writes key tables. What it does to the host is
/// undone by <see cref="Dispose"/>. For the control loop's thread.
/// </summary>
public sealed class World : IDisposable
{
    /// <summary>Of a path whose route says nothing.</summary>
    const int DefaultMtu = 1500;

    /// <summary>Transport mode takes packets of any length, so that none is cut before it is sealed; TCP is told its segment size.</summary>
    const int WholePackets = 65_000;

    readonly CharonSettings _settings;
    readonly Sockets _sockets;
    readonly SaTable _table;
    readonly PathFinder _paths;
    readonly Fetcher _fetcher;
    readonly CrlFolder _crls;
    readonly KeyLog? _keys;
    readonly NetworkFile _networks;
    readonly ILogger _log;
    readonly uint _mark;
    readonly SendBatch _batch = new();
    readonly Netlink _netlink = Netlink.Open();
    readonly Routes _routes;
    readonly Resolver _resolver;
    readonly ReversePath _reversePath;
    bool _saidForgetful;

    public World(CharonSettings settings, Sockets sockets, SaTable table, TunDevice tun, PathFinder paths, Fetcher fetcher, CrlFolder crls, KeyLog? keys, NetworkFile networks, uint mark, ILogger log)
    {
        (_settings, _sockets, _table, _paths, _fetcher, _keys, _mark, _log) = (settings, sockets, table, paths, fetcher, keys, mark, log);
        (_networks, _crls) = (networks, crls);
        _netlink.ForgoLinkLocal(tun.Index);
        _netlink.SetUp(tun.Index);
        _routes = new Routes(tun, new RoutesOptions { Table = settings.RoutingTable, Priority = settings.RoutingTablePriority, Mark = mark });
        _reversePath = new ReversePath(log.Missing);
        _reversePath.Loosen(tun.Name);
        _resolver = new Resolver(tun.Name, log.Missing);
        foreach (var leftover in _routes.Leftovers)
            log.Missing(leftover);
    }

    public void Obey(Effect effect)
    {
        switch (effect)
        {
            case Effect.Transmit transmit:
                Send(transmit);
                break;
            case Effect.FindPath question:
                _paths.Find(question);
                break;
            case Effect.FindPaths question:
                _paths.Find(question);
                break;
            case Effect.Fetch fetch:
                _fetcher.Fetch(fetch);
                break;
            case Effect.KeepCrl crl:
                _crls.Keep(crl);
                break;
            case Effect.Remember remember:
                Remember(remember.Known);
                break;
            case Effect.RevealKeys reveal:
                _keys?.Write(reveal.Keys);
                break;
            case Effect.AssignAddress assign:
                if (_settings.InstallVirtualIp)
                    _routes.AddAddress(assign.IkeUniqueId, assign.Address);
                break;
            case Effect.ReleaseAddress release:
                _routes.RemoveAddress(release.IkeUniqueId, release.Address);
                break;
            case Effect.AssignDns assign:
                _resolver.Assign(assign.IkeUniqueId, assign.Servers);
                break;
            case Effect.ReleaseDns release:
                _resolver.Release(release.IkeUniqueId);
                break;
            case Effect.InstallSa install:
                _table.Obey(install, MtuTo(install.Sa.Path));
                Route(RouteOwner.Sa(install.Sa.InboundSpi), install.Sa.LocalSelectors, install.Sa.SeenSelectors, install.Sa.Path,
                    InnerMtu(install.Sa.InboundSpi), install.Sa.Mode);
                break;
            case Effect.MoveSa move:
                _table.Obey(move, DefaultMtu);
                _table.LimitMtu(move.InboundSpi, MtuTo(move.Path));
                if (move.Selectors is { } selectors)
                    Route(RouteOwner.Sa(move.InboundSpi), selectors.Local, selectors.Remote, move.Path, InnerMtu(move.InboundSpi), ChildMode.Tunnel);
                else
                    _routes.LimitMtu(RouteOwner.Sa(move.InboundSpi), InnerMtu(move.InboundSpi));
                break;
            case Effect.ReceiveOnly old:
                // Its successor has taken over; what is left of it needs no route.
                _table.Obey(old, DefaultMtu);
                _routes.Remove(RouteOwner.Sa(old.InboundSpi));
                break;
            case Effect.RemoveSa remove:
                // Routes first, so that no packet meets a tunnel that is gone; but keys go even if routes will not.
                try
                {
                    _routes.Remove(RouteOwner.Sa(remove.InboundSpi));
                }
                finally
                {
                    _table.Obey(remove, DefaultMtu);
                }
                break;
            case Effect.InstallTrap trap:
                _table.Obey(trap, DefaultMtu);
                if (trap.Child.Mode != ChildMode.Pass)
                    Route(RouteOwner.Trap(trap.ReqId), trap.Local, trap.Remote, path: null, innerMtu: 0, trap.Child.Mode);
                else if (_settings.InstallRoutes)
                    _routes.AddPass(RouteOwner.Trap(trap.ReqId), trap.Local, trap.Remote);
                break;
            case Effect.RemoveTrap trap:
                try
                {
                    _routes.Remove(RouteOwner.Trap(trap.ReqId));
                }
                finally
                {
                    _table.Obey(trap, DefaultMtu);
                }
                break;
            default:
                if (!_table.Obey(effect, DefaultMtu))
                    throw new ArgumentOutOfRangeException(nameof(effect), effect, "an effect that nobody obeys");
                break;
        }
    }

    /// <summary>The host's network has changed.</summary>
    public void NetworkChanged() => _routes.Refresh();

    public void Dispose()
    {
        try
        {
            _routes.Dispose();
        }
        finally
        {
            _reversePath.Dispose();
            _resolver.Dispose();
            _netlink.Dispose();
            _batch.Dispose();
        }
    }

    /// <summary>Without a place to write it is learned anew after a restart: no more than that.</summary>
    void Remember(Nat.KnownNetwork known)
    {
        try
        {
            _networks.Learn(known.Name, known.Life);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_saidForgetful)
                _log.Missing($"what is learned of networks will be forgotten with the daemon: {e.Message} (--state)");
            _saidForgetful = true;
        }
    }

    void Send(Effect.Transmit transmit)
    {
        if (_sockets.For(transmit.Path) is not { } port)
        {
            _log.NoSocket(transmit.Path);
            return;
        }
        _batch.Append(transmit.Path, transmit.Bytes.Span);
        var outcome = port.Send(_batch);
        if (outcome.Unsent > 0)
            _log.NotSent(transmit.Path, outcome.Error);
    }

    void Route(RouteOwner owner, IReadOnlyList<Selector> local, IReadOnlyList<Selector> remote, Path? path, int innerMtu, ChildMode mode)
    {
        // Who is seen under a stand-in comes from elsewhere: nothing that is led to us has its outer address.
        if (mode == ChildMode.Transport && (path is not { } outer || remote.Any(selector => selector.Range.Contains(outer.Remote.Address))))
            LoosenReversePath(remote);
        if (_settings.InstallRoutes)
            _routes.Add(owner, local, remote, path?.Local.Address, innerMtu, mode, path?.Remote.Address);
    }

    /// <summary>The devices by which peers come whose packets have the same addresses outside as inside.</summary>
    void LoosenReversePath(IEnumerable<Selector> remote)
    {
        foreach (var address in remote.Select(selector => selector.Range.First).Where(address => !address.IsV6).Distinct())
        {
            if (_netlink.RouteGet(address, _mark) is { } route && _netlink.FindLink(route.Link) is { } link)
                _reversePath.Loosen(link.Name);
        }
    }

    int InnerMtu(Wire.Spi inbound) => _table.RouteOf(inbound) switch
    {
        null => 0,
        { Mode: ChildMode.Transport } => WholePackets,
        var route => route.InnerMtu,
    };

    int MtuTo(Path path) => _netlink.RouteGet(path.Remote.Address, _mark, path.Local.Address)?.Mtu is > 0 and var mtu ? mtu : DefaultMtu;
}
