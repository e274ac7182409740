using System.Collections.Immutable;
using Kuguru.Ike;

namespace Kuguru.Engine;

// Children that wait for a packet before they are negotiated, and shunts, which are never.
public sealed partial class Node
{
    readonly Traps _traps = new();

    /// <summary>Shunts have numbers of their own, above all reqids that are given.</summary>
    uint _lastShunt = 0x8000_0000;

    /// <summary>The children that are installed as traps.</summary>
    public IEnumerable<Trap> TrapStatus => _traps.All;

    void Install(Order.Install order, Outbox outbox)
    {
        _orders.Begin(order.Token, 1);
        if (Connections.FindChild(order.Connection, order.Child) is not { } found)
            Fail(order.Token, FailureCode.UnknownConnection, NoSuchChild(order.Connection, order.Child), outbox);
        else if (_traps.Find(found.Connection.Name, found.Child.Name) is not null)
            Done(order.Token, outbox);
        else if (found.Child.Mode.IsShunt)
        {
            Shunt(found.Connection, found.Child, outbox);
            Done(order.Token, outbox);
        }
        else
            Seek(new Search(new Plan(found.Connection, []), [found.Child]) { Token = order.Token }, outbox);
    }

    /// <summary>Finding the way took its time: the connection may be gone by now or be another, or the trap be there.</summary>
    void Trap(Search search, Path path, Outbox outbox)
    {
        if (Connections.Find(search.Connection.Name) is not { } connection)
        {
            Fail(search, FailureCode.UnknownConnection, $"connection '{search.Connection.Name}' has been unloaded", outbox);
            return;
        }
        foreach (var child in search.Traps.Where(child => _traps.Find(connection.Name, child.Name) is null && connection.Children.Any(child.IsSameAs)))
            Trap(connection, child, path, outbox);
        Done(search.Token, outbox);
    }

    /// <summary>
    /// A connection has been loaded again. What is installed of it and is the same stays as it is, without a moment in which packets would pass by; all
    /// else goes, and comes as it is now if somebody has asked for it besides <c>start_action</c>, which is done anyway.
    /// </summary>
    void Reinstall(Connection connection, Outbox outbox)
    {
        foreach (var trap in _traps.All.Where(trap => trap.Connection.Name == connection.Name).ToList())
        {
            var child = connection.Children.FirstOrDefault(child => child.Name == trap.Child.Name);
            if (child is not null && child.IsSameAs(trap.Child) && IsSameWay(connection, trap.Connection))
            {
                _traps.Add(trap with { Connection = connection });
                continue;
            }
            Remove(trap, outbox);
            if (child is null || trap.Child.StartAction.HasFlag(StartAction.Trap))
                continue;
            if (child.Mode.IsShunt)
                Shunt(connection, child, outbox);
            else
                Seek(new Search(new Plan(connection, []), [child]), outbox);
        }
    }

    static bool IsSameWay(Connection one, Connection other) => one.LocalAddresses.SequenceEqual(other.LocalAddresses)
        && one.RemoteAddresses.SequenceEqual(other.RemoteAddresses) && (one.LocalPort, one.RemotePort) == (other.LocalPort, other.RemotePort);

    void Trap(Connection connection, ChildConfig child, Path path, Outbox outbox)
    {
        ImmutableArray<Selector> local = [.. child.LocalSelectors.Select(template => template.For(path.Local.Address))];
        ImmutableArray<Selector> remote = [.. child.RemoteSelectors.Select(template => template.For(path.Remote.Address))];
        var trap = new Trap(connection, child, _reqIds.Take(connection, child, local, remote), local, remote);
        _traps.Add(trap);
        outbox.Add(new Effect.InstallTrap(connection.Name, child, local, remote, trap.ReqId));
    }

    /// <summary>No peer has a part in it, so "dynamic" is any address.</summary>
    void Shunt(Connection connection, ChildConfig child, Outbox outbox)
    {
        ImmutableArray<Selector> local = [.. child.LocalSelectors.SelectMany(Anywhere)], remote = [.. child.RemoteSelectors.SelectMany(Anywhere)];
        var shunt = new Trap(connection, child, ++_lastShunt, local, remote);
        _traps.Add(shunt);
        outbox.Add(new Effect.InstallTrap(connection.Name, child, local, remote, shunt.ReqId));
    }

    static IEnumerable<Selector> Anywhere(SelectorTemplate template) => template.Range is not null ? [template.For(default)]
        : [(template with { Range = AddressRange.Prefix(IpAddress.AnyV4, 0) }).For(default), (template with { Range = AddressRange.Prefix(IpAddress.AnyV6, 0) }).For(default)];

    void Uninstall(Order.Uninstall order, Outbox outbox)
    {
        _orders.Begin(order.Token, 1);
        if (_traps.Find(order.Connection, order.Child) is { } trap)
        {
            Remove(trap, outbox);
            Done(order.Token, outbox);
        }
        else
            Fail(order.Token, FailureCode.UnknownConnection, $"child '{order.Child}' is not installed", outbox);
    }

    void Remove(Trap trap, Outbox outbox)
    {
        _traps.Remove(trap);
        if (!trap.Child.Mode.IsShunt)
            _reqIds.Release(trap.ReqId);
        outbox.Add(new Effect.RemoveTrap(trap.ReqId));
    }
}
