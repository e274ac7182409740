namespace Kuguru.Nat;

/// <summary>
/// What was learned of the ways to single peers, from each of our addresses in each network. It outlives the IKE SAs that learned it, and is not kept for
/// longer than the daemon: a firewall that is gone would be held open for ever.
/// </summary>
public sealed class PathMemory
{
    const int Most = 64;

    readonly List<(string? Network, IpAddress Local, IpAddress Remote, PathLife Life)> _known = [];

    /// <summary>The network that the host is in now; null is unknown.</summary>
    public string? Network { get; set; }

    /// <summary>Nothing, of a way that is not known. Ports do not matter.</summary>
    public PathLife Of(Path path) => _known.Find(known => IsOf(known, path)).Life;

    /// <summary>Takes the place of what was known before; nothing means forget, and of too much the oldest is forgotten.</summary>
    public void Learn(Path path, PathLife life)
    {
        _known.RemoveAll(known => IsOf(known, path));
        if (life == default)
            return;
        if (_known.Count == Most)
            _known.RemoveAt(0);
        _known.Add((Network, path.Local.Address, path.Remote.Address, life));
    }

    bool IsOf((string? Network, IpAddress Local, IpAddress Remote, PathLife Life) known, Path path) =>
        known.Network == Network && known.Local == path.Local.Address && known.Remote == path.Remote.Address;
}

/// <summary>One way to a peer.</summary>
/// <param name="Life">How long a firewall on it, where no NAT is, lets a silent flow live.</param>
/// <param name="ClaimsNat">There is such a firewall, and so the peer was told that it is a NAT.</param>
public readonly record struct PathLife(MappingLife Life, bool ClaimsNat = false);
