using System.Collections.Immutable;
using System.Text;
using Kuguru.Ike;
using Kuguru.Wire;

namespace Kuguru.Engine;

/// <summary>
/// Addresses for peers whose own are somebody else's too: the NAT's in transport mode (<c>same-nat</c>), or a private network that two sites
/// have (<c>overlap</c>). Where a peer's stand-ins begin is drawn from its identity, and it keeps them while it is away, as long as nobody else
/// needs them. Who has an address first, keeps it.
/// </summary>
public sealed class StandIns(ImmutableArray<AddressRange> ranges)
{
    /// <summary>Of peers that are away, so many are remembered.</summary>
    const int MaxAbandoned = 65536;

    readonly Dictionary<Spi, Holding> _holdings = [];
    readonly Dictionary<LeaseKey, List<Lease>> _leases = [];
    readonly SortedList<IpAddress, Lease> _blocks = [];

    // Ranges that are seen, with the children that have them. Hosts are looked up; of networks there are few, and each is looked at.
    readonly Dictionary<IpAddress, List<Spi>> _hosts = [];
    readonly Dictionary<AddressRange, List<Spi>> _networks = [];
    int _abandoned;

    /// <inheritdoc cref="INode.StandInsFor"/>
    public StandInAnswer Take(StandInRequest request)
    {
        List<Lease> leases = [];
        string? whyNot = null;
        if (request.Replaces is { } before && _holdings.TryGetValue(before, out var holding))
            leases.AddRange(holding.Leases);
        else
        {
            foreach (var inside in request.Remote.Select(selector => Covering(selector.Range)).Distinct())
            {
                if (!Needs(request, inside))
                    continue;
                if (Find(request, inside) is { } lease)
                    leases.Add(lease with { Inside = inside });
                else
                    whyNot ??= WhyNone(request, inside);
            }
        }
        ImmutableArray<StandIn> standIns = [.. leases.Select(lease => new StandIn(lease.Inside, lease.Block.Seen.First))];
        Hold(request, leases, [.. StandIn.See(request.Remote, standIns)]);
        return new(standIns, whyNot);
    }

    /// <summary>The child is gone; its peer may come back.</summary>
    public void Release(Spi child)
    {
        if (!_holdings.Remove(child, out var holding))
            return;
        foreach (var selector in holding.Seen)
            Forget(selector.Range, child);
        foreach (var lease in holding.Leases)
        {
            if (--lease.Block.Users == 0)
                _abandoned++;
        }
        if (_abandoned > MaxAbandoned)
            RemoveAbandoned();
    }

    bool Needs(StandInRequest request, AddressRange inside)
    {
        if (request.IsGateway)
            return false;
        var isKnown = _leases.TryGetValue(Key(request, inside), out var own) && own.Count > 0;
        return isKnown || (request.IsNats && !ranges.IsEmpty) || IsSomebodyElses(request, inside);
    }

    /// <summary>Another peer's packets would be taken for this one's.</summary>
    bool IsSomebodyElses(StandInRequest request, AddressRange inside)
    {
        foreach (var selector in request.Remote.Where(selector => Covering(selector.Range) == inside))
        {
            foreach (var child in Overlapping(selector.Range))
            {
                var other = _holdings[child];
                if (other.Peer != request.Peer && other.Seen.Any(seen => seen.Intersect(selector) is not null)
                    && other.Local.Any(theirs => request.Local.Any(ours => ours.Intersect(theirs) is not null)))
                    return true;
            }
        }
        return false;
    }

    /// <summary>One that this peer had and that is free, else a new one; null when there is none.</summary>
    Lease? Find(StandInRequest request, AddressRange inside)
    {
        var key = Key(request, inside);
        if (_leases.TryGetValue(key, out var own) && own.Find(lease => lease.Block.Users == 0) is { } free)
        {
            _abandoned--;
            return free;
        }
        if (FreeBlock(request, inside) is not { } block)
        {
            RemoveAbandoned();
            if ((block = FreeBlock(request, inside)) is null)
                return null;
        }
        var lease = new Lease(inside, block);
        if (!_leases.TryGetValue(key, out own))
            _leases.Add(key, own = []);
        own.Add(lease);
        block.Key = key;
        _blocks.Add(block.Seen.First, lease);
        return lease;
    }

    Block? FreeBlock(StandInRequest request, AddressRange inside)
    {
        var bits = inside.PrefixLength()!.Value;
        foreach (var range in ranges.Where(range => range.First.IsV6 == inside.First.IsV6))
        {
            if (bits < range.PrefixLength())
                continue;
            var size = UInt128.One << (inside.First.Bits - bits);
            var count = (range.Last.Value - range.First.Value) / size + 1;
            // At most so many are tried: a range of IPv6 is never full.
            var at = Draw(request) % count;
            for (var tried = UInt128.Zero; tried < count && tried <= MaxAbandoned * 4; tried++, at = (at + 1) % count)
            {
                var first = range.First.WithValue(range.First.Value + at * size);
                var seen = AddressRange.Prefix(first, bits);
                if (IsFree(seen))
                    return new Block(seen);
            }
        }
        return null;
    }

    /// <summary>Blocks never overlap, so the last that begins at or before the end tells.</summary>
    bool IsFree(AddressRange range)
    {
        var (low, high) = (0, _blocks.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _blocks.Keys[middle] <= range.Last ? (middle + 1, high) : (low, middle);
        }
        return (low == 0 || _blocks.Values[low - 1].Block.Seen.Last < range.First || _blocks.Keys[low - 1].IsV6 != range.First.IsV6)
            && !Overlapping(range).Any();
    }

    IEnumerable<Spi> Overlapping(AddressRange range)
    {
        var hosts = range.First == range.Last
            ? _hosts.GetValueOrDefault(range.First) ?? []
            : _hosts.Where(host => range.Contains(host.Key)).SelectMany(host => host.Value);
        return hosts.Concat(_networks.Where(other => other.Key.First.IsV6 == range.First.IsV6 && other.Key.First <= range.Last && range.First <= other.Key.Last)
            .SelectMany(other => other.Value));
    }

    void Hold(StandInRequest request, List<Lease> leases, ImmutableArray<Selector> seen)
    {
        foreach (var lease in leases)
            lease.Block.Users++;
        _holdings[request.InboundSpi] = new Holding(request.Peer, request.Local, seen, [.. leases]);
        foreach (var (range, _, _, _) in seen)
        {
            if (range.First != range.Last)
                Remember(_networks, range, request.InboundSpi);
            else
                Remember(_hosts, range.First, request.InboundSpi);
        }
    }

    static void Remember<TKey>(Dictionary<TKey, List<Spi>> index, TKey key, Spi child) where TKey : notnull
    {
        if (!index.TryGetValue(key, out var children))
            index.Add(key, children = []);
        children.Add(child);
    }

    void Forget(AddressRange range, Spi child)
    {
        if (range.First != range.Last && _networks.TryGetValue(range, out var children))
        {
            children.Remove(child);
            if (children.Count == 0)
                _networks.Remove(range);
        }
        else if (_hosts.TryGetValue(range.First, out children))
        {
            children.Remove(child);
            if (children.Count == 0)
                _hosts.Remove(range.First);
        }
    }

    void RemoveAbandoned()
    {
        foreach (var lease in _blocks.Values.Where(lease => lease.Block.Users == 0).ToList())
        {
            _blocks.Remove(lease.Block.Seen.First);
            var own = _leases[lease.Block.Key];
            own.RemoveAll(one => one.Block == lease.Block);
            if (own.Count == 0)
                _leases.Remove(lease.Block.Key);
        }
        _abandoned = 0;
    }

    string WhyNone(StandInRequest request, AddressRange inside)
    {
        var why = request.IsNats ? "same-nat" : "overlap";
        var family = ranges.Where(range => range.First.IsV6 == inside.First.IsV6).ToList();
        return family.Count == 0
            ? $"'{request.Peer}' needs a stand-in for {inside}, which somebody else has too ({why}), and there is no range for them: "
                + "set charon.stand_in_ranges, and look in the log whether it collides with a route"
            : family.TrueForAll(range => inside.PrefixLength() < range.PrefixLength())
                ? $"'{request.Peer}' needs a stand-in for {inside}, which somebody else has too ({why}), and charon.stand_in_ranges "
                    + $"({string.Join(", ", family)}) is smaller than that: set a larger one"
                : $"'{request.Peer}' needs a stand-in for {inside} ({why}), and charon.stand_in_ranges ({string.Join(", ", family)}) is exhausted: "
                    + "set a larger one";
    }

    /// <summary>Behind a NAT the peer is known by its identity alone: it may come back from behind another.</summary>
    static LeaseKey Key(StandInRequest request, AddressRange inside) => new(request.Peer, request.Child, request.IsNats
        ? inside.First.IsV6 ? AddressRange.Single(IpAddress.AnyV6) : AddressRange.Single(IpAddress.AnyV4)
        : inside);

    /// <summary>The same for one identity in every run, so that a restart changes little (FNV-1a).</summary>
    static UInt128 Draw(StandInRequest request)
    {
        var hash = 0xcbf29ce484222325;
        foreach (var octet in Encoding.UTF8.GetBytes($"{request.Peer}/{request.Child}"))
            hash = (hash ^ octet) * 0x100000001b3;
        return hash;
    }

    /// <summary>The smallest prefix around a range.</summary>
    static AddressRange Covering(AddressRange range)
    {
        var bits = range.First.Bits;
        while (range.First.First(bits) != range.Last.First(bits))
            bits--;
        return AddressRange.Prefix(range.First, bits);
    }

    readonly record struct LeaseKey(Identity Peer, string Child, AddressRange Inside);

    /// <summary>Addresses of the ranges that somebody has or had.</summary>
    sealed class Block(AddressRange seen)
    {
        public AddressRange Seen { get; } = seen;
        public LeaseKey Key { get; set; }
        public int Users { get; set; }
    }

    sealed record Lease(AddressRange Inside, Block Block);

    sealed record Holding(Identity Peer, ImmutableArray<Selector> Local, ImmutableArray<Selector> Seen, ImmutableArray<Lease> Leases);
}
