using System.Collections.Immutable;
using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>The pre-shared keys of a node, chosen by identity, never by address.</summary>
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
    /// Keys that fit, closest first. A key whose owners name both ends beats one that names the peer, which beats one that names us,
    /// which beats one for anybody.
    /// </summary>
    public ImmutableArray<PresharedKey> For(Identity? local, Identity remote) =>
        [.. _keys.Values.Select(key => (key, fit: Fit(key, local, remote))).Where(pair => pair.fit > 0)
            .OrderByDescending(pair => pair.fit).ThenBy(pair => pair.key.Name, StringComparer.Ordinal).Select(pair => pair.key)];

    static int Fit(PresharedKey key, Identity? local, Identity remote)
    {
        if (key.Owners.IsEmpty)
            return 1;
        var toRemote = Best(key, remote);
        var toLocal = local is null ? 0 : Best(key, local);
        return toRemote == 0 && toLocal == 0 ? 0 : 2 + toRemote * 2000 + toLocal;
    }

    static int Best(PresharedKey key, Identity identity)
    {
        var best = 0;
        foreach (var owner in key.Owners)
            best = Math.Max(best, owner.Fits(identity));
        return best;
    }
}
