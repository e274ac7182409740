using System.Collections.Immutable;
using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>The loaded connections, in the order in which they came.</summary>
public sealed class Connections
{
    readonly List<Connection> _all = [];

    public IReadOnlyList<Connection> All => _all;

    public Connection? Find(string name) => _all.Find(connection => connection.Name == name);

    /// <summary>Adds a connection or replaces the one of that name; IKE SAs that are up keep what they were made with.</summary>
    public void Load(Connection connection)
    {
        var index = _all.FindIndex(existing => existing.Name == connection.Name);
        if (index < 0)
            _all.Add(connection);
        else
            _all[index] = connection;
    }

    public bool Unload(string name) => _all.RemoveAll(connection => connection.Name == name) > 0;

    /// <summary>The first connection (of that name, if one is given) with such a child.</summary>
    public (Connection Connection, ChildConfig Child)? FindChild(string? connectionName, string childName)
    {
        foreach (var connection in _all)
        {
            if (connectionName is not null && connection.Name != connectionName)
                continue;
            if (connection.Children.FirstOrDefault(child => child.Name == childName) is { } child)
                return (connection, child);
        }
        return null;
    }

    /// <summary>Those that fit a first message by its addresses, the closest first. Who the peer is comes later, by identity.</summary>
    public ImmutableArray<Connection> For(Path path) =>
        [.. _all.Select(connection => (connection, fit: Fit(connection, path))).Where(pair => pair.fit > 0)
            .OrderByDescending(pair => pair.fit).Select(pair => pair.connection)];

    /// <summary>0: does not fit. The local address counts more than the remote one, an exact address more than a range, a range more than anything.</summary>
    public static int Fit(Connection connection, Path path)
    {
        var local = Fit(connection.LocalAddresses, path.Local.Address);
        var remote = Fit(connection.RemoteAddresses, path.Remote.Address);
        return local == 0 || remote == 0 ? 0 : local * 4 + remote;
    }

    static int Fit(ImmutableArray<AddressPattern> patterns, IpAddress address)
    {
        if (patterns.IsEmpty)
            return 1;
        var best = 0;
        foreach (var pattern in patterns)
        {
            // A name says where to find the peer, not who it is: any address may turn out to be it.
            var fit = pattern.Name is not null ? 1 : !pattern.Matches(address) ? 0 : pattern.Single is null ? 2 : 3;
            best = Math.Max(best, fit);
        }
        return best;
    }
}
