using System.Collections.Immutable;
using Kuguru.Ike;
using Kuguru.Ike.V2;

namespace Kuguru.Engine;

// The way to a peer is the shell's to find (Effect.FindPath); who waits for it waits here, and who found none tries again later.
public sealed partial class Node
{
    readonly Dictionary<uint, Search> _searches = [];
    readonly PriorityQueue<Search, Instant> _waiting = new();
    uint _lastSearch;

    Instant? NextSearch => _waiting.TryPeek(out _, out var at) ? at : null;

    void Seek(Search search, Outbox outbox)
    {
        if (search.Connection.RemoteAddresses.IsEmpty)
        {
            Fail(search, FailureCode.Refused, $"connection '{search.Connection.Name}' has no remote_addrs: it can only answer", outbox);
            return;
        }
        _searches[++_lastSearch] = search;
        outbox.Add(new Effect.FindPath(_lastSearch, search.Connection));
    }

    void PathFound(Instant now, Order.PathFound found, Outbox outbox)
    {
        if (!_searches.Remove(found.Request, out var search))
            return;
        if (found.Path is not { } addresses)
        {
            NoWay(now, search, found.Why, outbox);
            return;
        }
        var path = PathOf(search.Connection, addresses);
        if (search.IsForTraps)
            Trap(search, path, outbox);
        else if (search.Plan.Replaces is { IsGone: true })
            return;
        else if (search.Plan.Replaces is null && Carrier(search.Connection) is { } carrier)
        {
            foreach (var request in search.Plan.Children)
                carrier.RequestChild(now, request.Child, request.Token, _turn);
            Settle(carrier, outbox);
            if (search.IsAlone)
                Done(search.Plan.Token, outbox);
        }
        else
        {
            IkeSession session = search.Connection.Version == 1
                ? Ike.V1.IkeV1Session.Start(now, this, search.Plan, path, _turn) : IkeV2Session.Start(now, this, search.Plan, path, _turn);
            _sessions.Add(session);
            Settle(session, outbox);
        }
    }

    /// <summary>The peer has no address, or there is no route to it: who waits is told, what nobody waits for is looked for again and again.</summary>
    void NoWay(Instant now, Search search, string why, Outbox outbox)
    {
        var waiting = search with
        {
            Plan = search.Plan with { Children = [.. search.Plan.Children.Where(request => request.Token == PendingOrders.NoToken)], Token = PendingOrders.NoToken },
            Token = PendingOrders.NoToken,
            Misses = search.Misses + 1,
        };
        if (search.Misses == 0 || search.Tokens.Any())
            Fail(search, FailureCode.Unreachable, why, outbox);
        if (search.Plan.Replaces is null && !(waiting.Plan.Children.IsEmpty && (search.Traps.IsEmpty || search.Token != PendingOrders.NoToken)))
            _waiting.Enqueue(waiting, now + PauseAfter(search.Misses));
    }

    TimeSpan PauseAfter(int misses)
    {
        var pause = Settings.RetryInitiateInterval > TimeSpan.Zero ? Settings.RetryInitiateInterval : TimeSpan.FromSeconds(1 << Math.Min(misses, 6));
        return pause * (1 + Dice.Fraction() / 4);
    }

    /// <inheritdoc/>
    public void Undertake(Instant now, Plan plan, TimeSpan after, Outbox outbox)
    {
        if (_closing)
        {
            foreach (var token in plan.Tokens)
                outbox.Report(new Event.OrderDone(token, new Failure(FailureCode.Aborted, "the daemon is stopping")));
        }
        else if (after > TimeSpan.Zero)
            _waiting.Enqueue(new Search(plan, []), now + after);
        else
        {
            _searches[++_lastSearch] = new Search(plan, []) { IsAlone = plan.Children.IsEmpty };
            outbox.Add(new Effect.FindPath(_lastSearch, plan.Connection));
        }
    }

    /// <summary>Looks again for what was not found, or refused, a while ago, as long as it is still wanted.</summary>
    void SearchAgain(Instant now, Outbox outbox)
    {
        while (NextSearch <= now)
        {
            var search = _waiting.Dequeue();
            if (_closing || Connections.Find(search.Connection.Name) is not { } connection)
                continue;
            var plan = search.Plan with { Connection = connection, Children = [.. search.Plan.Children.Where(request => !IsUp(connection, request.Child))] };
            if (search.IsForTraps || !plan.Children.IsEmpty)
                Seek(search with { Plan = plan }, outbox);
        }
    }

    /// <summary>From port 500 to port 500; a peer on any other port is spoken to from the NAT port, with the marker from the first octet.</summary>
    Path PathOf(Connection connection, Path addresses)
    {
        var local = connection.LocalPort is 0 or 500 ? connection.RemotePort == 500 ? Settings.Port : Settings.NatPort : connection.LocalPort;
        return new Path(addresses.Local with { Port = local }, addresses.Remote with { Port = connection.RemotePort });
    }

    void Fail(Search search, FailureCode code, string why, Outbox outbox) =>
        Fail([.. search.Tokens], code, why, outbox);

    /// <summary>Who waits for <see cref="Effect.FindPath"/>: children to bring up, or children to trap.</summary>
    sealed record Search(Plan Plan, ImmutableArray<ChildConfig> Traps)
    {
        public Connection Connection => Plan.Connection;

        /// <summary>Who waits for the traps.</summary>
        public ulong Token { get; init; }

        /// <summary>An IKE SA without children.</summary>
        public bool IsAlone { get; init; }

        /// <summary>How often in a row no way was found.</summary>
        public int Misses { get; init; }
        public bool IsForTraps => Plan.Children.IsEmpty && !IsAlone;
        public IEnumerable<ulong> Tokens => Token == PendingOrders.NoToken ? Plan.Tokens : Plan.Tokens.Append(Token);
    }
}
