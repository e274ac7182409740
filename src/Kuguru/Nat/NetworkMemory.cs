namespace Kuguru.Nat;

/// <summary>What was learned of each network that this host has been in, the latest last; the oldest are forgotten.</summary>
public sealed class NetworkMemory
{
    const int Most = 64;

    readonly List<KnownNetwork> _networks = [];

    public IReadOnlyList<KnownNetwork> Networks => _networks;

    /// <summary>Nothing, of a network that is not known.</summary>
    public MappingLife Of(string network) => _networks.Find(known => known.Name == network)?.Life ?? default;

    /// <summary>Takes the place of what was known before; nothing means forget.</summary>
    public void Learn(string network, MappingLife life)
    {
        _networks.RemoveAll(known => known.Name == network);
        if (life == default)
            return;
        if (_networks.Count == Most)
            _networks.RemoveAt(0);
        _networks.Add(new(network, life));
    }
}

/// <summary>A network, by what tells it from all others, and how long its NAT remembers.</summary>
public sealed record KnownNetwork(string Name, MappingLife Life);
