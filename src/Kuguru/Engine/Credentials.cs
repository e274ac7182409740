using System.Collections.Immutable;
using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>The shared secrets of a node, chosen by identity, never by address.</summary>
public sealed class Credentials
{
    readonly Dictionary<string, PresharedKey> _keys = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Names => _keys.Keys;

    /// <summary>Adds a key or replaces the one of that name, whose secret is zeroed.</summary>
    public void Load(PresharedKey key)
    {
        Unload(key.Name);
        _keys[key.Name] = key;
    }

    public bool Unload(string name)
    {
        if (!_keys.Remove(name, out var key))
            return false;
        key.Secret.Dispose();
        return true;
    }

    public void Clear()
    {
        foreach (var name in _keys.Keys.ToList())
            Unload(name);
    }

    /// <summary>
    /// Keys that fit, closest first. If keys name the peer, they alone count, and of these, if any does so without a wildcard, only such: so
    /// nobody who has just a group's key can pass for a peer with a key of its own. Among them those that name us as well come first. Else keys
    /// that name nobody but us, then keys for anybody.
    /// </summary>
    public ImmutableArray<PresharedKey> For(Identity? local, Identity remote) => For(SharedKeyKind.Ike, local, remote);

    /// <inheritdoc cref="INode.SecretsOf"/>
    public ImmutableArray<PresharedKey> Of(SharedKeyKind kind, Identity owner, Identity? server = null) => For(kind, server, owner);

    public bool Has(SharedKeyKind kind) => _keys.Values.Any(key => key.Kind == kind);

    ImmutableArray<PresharedKey> For(SharedKeyKind kind, Identity? local, Identity remote)
    {
        var fitting = _keys.Values.Where(key => key.Kind == kind).Select(key => (Key: key, Fit: Fit(key, local, remote))).Where(pair => pair.Fit > 0).ToList();
        if (fitting.Any(pair => pair.Fit >= NamesPeer))
            fitting.RemoveAll(pair => pair.Fit < NamesPeer);
        if (fitting.Any(pair => pair.Fit >= NamesPeerExactly))
            fitting.RemoveAll(pair => pair.Fit < NamesPeerExactly);
        return [.. fitting.OrderByDescending(pair => pair.Fit).ThenBy(pair => pair.Key.Name, StringComparer.Ordinal).Select(pair => pair.Key)];
    }

    /// <summary>From here on, a fit says how closely the key names the peer, and below that how closely it names us.</summary>
    const int NamesPeer = 2000;

    /// <summary>From here on, the key names the peer itself and not by a wildcard (<see cref="Identity.Fits"/>).</summary>
    const int NamesPeerExactly = 999 * NamesPeer;

    /// <inheritdoc cref="INode.SharedKeysAmong"/>
    public ImmutableArray<PresharedKey> Among(Identity pattern) => [.. _keys.Values
        .Where(key => key.Kind == SharedKeyKind.Ike && (key.Owners.IsEmpty || key.Owners.Any(owner => owner.IsAny || pattern.Fits(owner) > 0 || owner.Fits(pattern) > 0)))
        .OrderBy(key => key.Owners.IsEmpty).ThenBy(key => key.Name, StringComparer.Ordinal)];

    static int Fit(PresharedKey key, Identity? local, Identity remote)
    {
        if (key.Owners.IsEmpty)
            return 1;
        var toLocal = local is null ? 0 : Best(key, local);
        if (Best(key, remote) is > 0 and var toRemote)
            return toRemote * NamesPeer + toLocal;
        // An owner that is neither end says that the key is for talking to somebody else.
        return local is not null && key.Owners.All(owner => owner.Fits(local) > 0) ? 1 + toLocal : 0;
    }

    static int Best(PresharedKey key, Identity identity)
    {
        var best = 0;
        foreach (var owner in key.Owners)
            best = Math.Max(best, owner.Fits(identity));
        return best;
    }
}
