using System.Collections.Immutable;
using Kuguru.Ike;
using Kuguru.Wire;

namespace Kuguru.Engine;

// What the shell orders. An order that concerns several SAs is done when the last of them is (PendingOrders).
public sealed partial class Node
{
    /// <summary>Who takes down a child sooner did not want it.</summary>
    static readonly TimeSpan Infancy = TimeSpan.FromSeconds(2);

    /// <summary>From a second to about a minute.</summary>
    const int MaxPauseDoublings = 6;

    readonly PendingOrders _orders = new();

    /// <summary>Children of connections that ended so soon, and how often in a row.</summary>
    readonly Dictionary<(string Connection, string Child), int> _deaths = [];

    /// <summary>Of this turn.</summary>
    Instant _now;
    bool _closing;

    public void Command(Instant now, Order order, Outbox outbox)
    {
        _turn.Clear();
        _now = now;
        switch (order)
        {
            case Order.Initiate initiate:
                Initiate(now, initiate, outbox);
                break;
            case Order.Terminate terminate:
                Terminate(now, terminate, outbox);
                break;
            case Order.Rekey rekey:
                Rekey(now, rekey, outbox);
                break;
            case Order.Install install:
                Install(install, outbox);
                break;
            case Order.Uninstall uninstall:
                Uninstall(uninstall, outbox);
                break;
            case Order.PathFound found:
                PathFound(now, found, outbox);
                break;
            case Order.Fetched fetched:
                Fetched(now, fetched, outbox);
                break;
            case Order.Acquire acquire:
                if (_traps.Find(acquire.ReqId) is { } trap && !IsUnderWay(trap))
                    Bring(now, trap.Connection, trap.Child, PendingOrders.NoToken, outbox);
                break;
            case Order.EspMoved moved:
                if (_sessions.TryFind(moved.InboundSpi, out var mover))
                {
                    mover.EspMoved(now, moved.InboundSpi, moved.Path, _turn);
                    Settle(mover, outbox);
                }
                break;
            case Order.EspUsed used:
                if (_sessions.TryFind(used.InboundSpi, out var user))
                {
                    user.EspUsed(now, used.InboundSpi, _turn);
                    Settle(user, outbox);
                }
                break;
            case Order.EspWorn worn:
                if (_sessions.TryFind(worn.InboundSpi, out var wearer))
                {
                    RekeyWorn(now, wearer, worn.InboundSpi);
                    Settle(wearer, outbox);
                }
                break;
            case Order.EspUnknown unknown:
                HintAtLostChild(now, unknown, outbox);
                break;
            case Order.LocalAddresses addresses:
                LocalAddresses = addresses.Addresses;
                break;
            case Order.NetworkChanged changed:
                ExpectChanges(now, changed.Resumed);
                break;
            case Order.Recall recall:
                _networks.Learn(recall.Known.Name, recall.Known.Life);
                break;
            case Order.NetworkIs network:
                Enter(network.Name);
                break;
            case Order.PathsFound found:
                if (_sessions.TryFind(found.IkeUniqueId, out var traveller))
                {
                    traveller.PathsFound(now, found.Facts, _turn);
                    Settle(traveller, outbox);
                }
                break;
            case Order.ShutDown shutDown:
                ShutDown(now, shutDown, outbox);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(order), order, "an order without a handler");
        }
    }

    /// <summary>
    /// Loads a connection and does what its children's <c>start_action</c> says. In place of one of that name: traps and shunts are as it says now, what
    /// was started and is no child of it any longer ends, and other SAs keep what they were made with.
    /// </summary>
    public void Load(Instant now, Connection connection, Outbox outbox)
    {
        _now = now;
        var dropped = Connections.Find(connection.Name)?.Children.Where(child => child.StartAction.HasFlag(StartAction.Start)
            && connection.Children.All(one => one.Name != child.Name)).ToList() ?? [];
        Connections.Load(connection);
        Reinstall(connection, outbox);
        TakeDown(now, connection.Name, dropped, outbox);
        foreach (var child in connection.Children)
        {
            if (child.Mode.IsShunt)
            {
                if (child.StartAction != StartAction.None && _traps.Find(connection.Name, child.Name) is null)
                    Shunt(connection, child, outbox);
                continue;
            }
            if (child.StartAction.HasFlag(StartAction.Trap) && _traps.Find(connection.Name, child.Name) is null)
                Seek(new Search(new Plan(connection, []), [child]), outbox);
            if (child.StartAction.HasFlag(StartAction.Start) && !IsUp(connection, child))
                Bring(now, connection, child, PendingOrders.NoToken, outbox);
        }
    }

    /// <summary>
    /// Forgets a connection and takes back what its children's <c>start_action</c> did; other children stay up. False: there is none of that name.
    /// </summary>
    public bool Unload(Instant now, string name, Outbox outbox)
    {
        _now = now;
        foreach (var dead in _deaths.Keys.Where(dead => dead.Connection == name).ToList())
            _deaths.Remove(dead);
        foreach (var trap in _traps.All.Where(trap => trap.Connection.Name == name).ToList())
            Remove(trap, outbox);
        var started = Connections.Find(name)?.Children.Where(child => child.StartAction.HasFlag(StartAction.Start)).ToList() ?? [];
        var known = Connections.Unload(name);
        TakeDown(now, name, started, outbox);
        return known;
    }

    void TakeDown(Instant now, string connection, IEnumerable<ChildConfig> children, Outbox outbox)
    {
        foreach (var child in children)
            Terminate(now, new Order.Terminate(PendingOrders.NoToken, new SaFilter(Ike: connection, Child: child.Name)), outbox);
    }

    void Initiate(Instant now, Order.Initiate order, Outbox outbox)
    {
        _orders.Begin(order.Token, 1);
        if (order.Child is null)
            BringAlone(order, outbox);
        else if (Connections.FindChild(order.Connection, order.Child) is { } found)
            Bring(now, found.Connection, found.Child, order.Token, outbox);
        else
            Fail(order.Token, FailureCode.UnknownConnection, NoSuchChild(order.Connection, order.Child), outbox);
    }

    /// <summary>An IKE SA without a child, if there is none yet.</summary>
    void BringAlone(Order.Initiate order, Outbox outbox)
    {
        if (_closing)
            Fail(order.Token, FailureCode.Aborted, "the daemon is stopping", outbox);
        else if (order.Connection is null || Connections.Find(order.Connection) is not { } connection)
            Fail(order.Token, FailureCode.UnknownConnection, $"no connection '{order.Connection}': load it (swanctl --load-conns, kuguru load)", outbox);
        else if (Carrier(connection) is { State: IkeState.Established or IkeState.Rekeying })
            Done(order.Token, outbox);
        else
            Seek(new Search(new Plan(connection, []) { Token = order.Token }, []) { IsAlone = true }, outbox);
    }

    /// <summary>On an IKE SA that there is, else on a new one as soon as the way to the peer is known.</summary>
    void Bring(Instant now, Connection connection, ChildConfig child, ulong token, Outbox outbox)
    {
        if (_closing)
            Fail(token, FailureCode.Aborted, "the daemon is stopping", outbox);
        else if (child.Mode.IsShunt)
            Fail(token, FailureCode.Refused, $"child '{child.Name}' is no tunnel but a shunt: install it instead", outbox);
        else if (Carrier(connection) is { } session)
        {
            session.RequestChild(now, child, token, _turn);
            Settle(session, outbox);
        }
        else
            Seek(new Search(new Plan(connection, [new ChildRequest(child, token)]), []), outbox);
    }

    /// <summary>The IKE SA that a further child can be asked for on.</summary>
    IkeSession? Carrier(Connection connection) => Settings.ReuseIkeSa ? _sessions.All.FirstOrDefault(session => CanCarry(session, connection)) : null;

    static bool CanCarry(IkeSession session, Connection connection) =>
        session.Connection?.Name == connection.Name && !session.IsGone && !session.IsLeaving
        && (session.State is IkeState.Established or IkeState.Rekeying || (session.State == IkeState.Connecting && session.IsInitiator));

    bool IsUp(Connection connection, ChildConfig child) => _sessions.All.Any(session => session.Connection?.Name == connection.Name
        && session.HasChild(child.Name));

    bool IsUnderWay(Trap trap) => IsUp(trap.Connection, trap.Child)
        || _searches.Values.Concat(_waiting.UnorderedItems.Select(item => item.Element)).Any(search => search.Connection.Name == trap.Connection.Name
            && search.Plan.Children.Any(request => request.Child.Name == trap.Child.Name));

    /// <summary>What <c>close_action</c> or <c>dpd_action</c> says about a child that has ended without our wish.</summary>
    void Revive(Event.ChildDown lost, Outbox outbox)
    {
        // As it is configured now: it may not be any longer.
        if (_closing || Connections.Find(lost.Status.Name) is not { } connection
            || connection.Children.FirstOrDefault(child => child.Name == lost.Child.Config.Name) is not { Mode.IsShunt: false } config)
            return;
        if (lost.Next == CloseAction.Start && !IsUp(connection, config))
            Revive(lost, new Search(new Plan(connection, [new ChildRequest(config, PendingOrders.NoToken)]), []), outbox);
        else if (lost.Next == CloseAction.Trap && _traps.Find(connection.Name, config.Name) is null)
            Seek(new Search(new Plan(connection, []), [config]), outbox);
    }

    /// <summary>At once; but a peer that takes down whatever is made as soon as it is there is not given it for ever: each time the pause is longer.</summary>
    void Revive(Event.ChildDown lost, Search search, Outbox outbox)
    {
        var name = (lost.Status.Name, lost.Child.Config.Name);
        var isEarly = _now - lost.Child.InstalledAt < Infancy;
        var before = isEarly ? _deaths.GetValueOrDefault(name) : 0;
        if (isEarly)
            _deaths[name] = before + 1;
        else
            _deaths.Remove(name);
        if (before == 0)
        {
            Seek(search, outbox);
            return;
        }
        var pause = TimeSpan.FromSeconds(1 << Math.Min(before - 1, MaxPauseDoublings)) * (1 + Dice.Fraction() / 4);
        _waiting.Enqueue(search, _now + pause);
        if (before == 1)
            outbox.Report(new Event.Note(Severity.Warning, Subject.Child, $"child '{name.Item2}' of '{name.Item1}' ends as soon as it is up: the pauses before it is tried again grow"));
    }

    void Terminate(Instant now, Order.Terminate order, Outbox outbox)
    {
        var filter = order.Filter;
        var sessions = _sessions.All.Where(session => filter.Fits(session.Status(now))).ToList();
        var children = sessions.SelectMany(session => session.Status(now).Children.Where(filter.Fits).Select(child => (session, child.UniqueId))).ToList();
        var parts = filter.MeansChildren ? children.Count : sessions.Count;
        if (Begin(order.Token, parts, filter, outbox) && filter.MeansChildren)
        {
            foreach (var (session, child) in children)
            {
                session.TerminateChild(now, child, order.Token, order.Force, _turn);
                Settle(session, outbox);
            }
        }
        else if (parts > 0)
        {
            foreach (var session in sessions)
            {
                session.TerminateIke(now, order.Token, order.Force, _turn);
                Settle(session, outbox);
            }
        }
    }

    void Rekey(Instant now, Order.Rekey order, Outbox outbox)
    {
        var filter = order.Filter;
        var sessions = _sessions.All.Where(session => session.State == IkeState.Established && filter.Fits(session.Status(now))).ToList();
        var children = sessions.SelectMany(session => session.Status(now).Children
            .Where(child => child.State == ChildState.Installed && filter.Fits(child)).Select(child => (session, child.UniqueId))).ToList();
        var parts = filter.MeansChildren ? children.Count : sessions.Count;
        if (!Begin(order.Token, parts, filter, outbox))
            return;
        foreach (var (session, child) in filter.MeansChildren ? children : [])
        {
            session.RekeyChild(now, child, order.Token, _turn);
            Settle(session, outbox);
        }
        foreach (var session in filter.MeansChildren ? [] : sessions)
        {
            if (order.Reauthenticate)
                session.Reauthenticate(now, order.Token, _turn);
            else
                session.RekeyIke(now, order.Token, _turn);
            Settle(session, outbox);
        }
    }

    void RekeyWorn(Instant now, IkeSession session, Spi inbound)
    {
        if (session.Status(now).Children.FirstOrDefault(child => child.InboundSpi == inbound && child.State == ChildState.Installed) is { } child)
            session.RekeyChild(now, child.UniqueId, PendingOrders.NoToken, _turn);
    }

    /// <summary>False, and the order has failed, when nothing fits.</summary>
    bool Begin(ulong token, int parts, SaFilter filter, Outbox outbox)
    {
        _orders.Begin(token, Math.Max(parts, 1));
        if (parts == 0 && token != PendingOrders.NoToken)
            Fail(token, FailureCode.UnknownConnection, $"no {filter} is up", outbox);
        return parts > 0;
    }

    void ShutDown(Instant now, Order.ShutDown order, Outbox outbox)
    {
        _closing = true;
        foreach (var trap in _traps.All.ToList())
            Remove(trap, outbox);
        foreach (var search in _searches.Values)
            Fail(search, FailureCode.Aborted, "the daemon is stopping", outbox);
        _searches.Clear();
        _waiting.Clear();
        var sessions = _sessions.All.ToList();
        _orders.Begin(order.Token, Math.Max(sessions.Count, 1));
        foreach (var session in sessions)
        {
            session.TerminateIke(now, order.Token, force: session.State != IkeState.Established, _turn);
            Settle(session, outbox);
        }
        if (sessions.Count == 0)
            Done(order.Token, outbox);
    }

    void Done(ulong token, Outbox outbox)
    {
        _turn.Report(new Event.OrderDone(token, null));
        Flush(null, outbox);
    }

    void Fail(ulong token, FailureCode code, string why, Outbox outbox) => Fail([token], code, why, outbox);

    /// <summary>One line in the log, whoever waits.</summary>
    void Fail(ImmutableArray<ulong> tokens, FailureCode code, string why, Outbox outbox)
    {
        var failure = new Failure(code, why);
        _turn.Report(new Event.Failed(failure));
        foreach (var token in tokens)
            _turn.Report(new Event.OrderDone(token, failure));
        Flush(null, outbox);
    }

    static string NoSuchChild(string? connection, string child) => connection is null
        ? $"no connection has a child '{child}': load one (swanctl --load-conns, kuguru load)"
        : $"no connection '{connection}' with a child '{child}': load it (swanctl --load-conns, kuguru load)";
}
