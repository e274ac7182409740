using System.Collections.Immutable;
using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>
/// Address pools and their leases. An identity that comes back gets the address it had, as long as nobody else needed it;
/// two IKE SAs of one identity get two addresses, unless the second asks for that of the first since it authenticates again.
/// </summary>
public sealed class Pools
{
    readonly Dictionary<string, Book> _pools = new(StringComparer.Ordinal);

    public IEnumerable<PoolStatus> Status() => _pools.Values.Select(book => book.Status());

    public PoolStatus? Find(string name) => _pools.TryGetValue(name, out var book) ? book.Status() : null;

    /// <summary>Adds a pool, or gives an existing one new attributes; null is success, else why not.</summary>
    public string? Load(Pool pool)
    {
        if (_pools.TryGetValue(pool.Name, out var existing))
        {
            if (existing.Pool.Addresses != pool.Addresses && existing.Online > 0)
                return $"pool '{pool.Name}' has {existing.Online} addresses leased: its range cannot change now";
            if (existing.Pool.Addresses == pool.Addresses)
            {
                existing.Pool = pool;
                return null;
            }
        }
        _pools[pool.Name] = new Book(pool);
        return null;
    }

    /// <summary>Null is success, else why not.</summary>
    public string? Unload(string name)
    {
        if (!_pools.TryGetValue(name, out var book))
            return $"no pool named '{name}'";
        if (book.Online > 0)
            return $"pool '{name}' has {book.Online} addresses leased";
        _pools.Remove(name);
        return null;
    }

    /// <inheritdoc cref="INode.Lease"/>
    public VirtualAddress? Lease(ImmutableArray<string> names, Identity owner, uint ikeUniqueId, IpAddress requested, bool isAgain = false)
    {
        foreach (var name in names)
        {
            if (_pools.TryGetValue(name, out var book) && book.Pool.Addresses.First.IsV6 == requested.IsV6
                && book.Take(owner, ikeUniqueId, requested, isAgain) is { } address)
                return new VirtualAddress(name, address, book.Pool.Dns, book.Pool.Nbns) { Domains = book.Pool.Domains };
        }
        return null;
    }

    public void Release(uint ikeUniqueId, VirtualAddress address)
    {
        if (_pools.TryGetValue(address.Pool, out var book))
            book.Release(ikeUniqueId, address.Address);
    }

    sealed class Book(Pool pool)
    {
        readonly SortedDictionary<IpAddress, Holder> _leases = [];
        readonly Dictionary<Identity, List<IpAddress>> _byOwner = [];
        UInt128 _fresh;

        public Pool Pool { get; set; } = pool;
        public int Online { get; private set; }

        UInt128 Size => Pool.Addresses.Last.Value - Pool.Addresses.First.Value + 1;

        public IpAddress? Take(Identity owner, uint ikeUniqueId, IpAddress requested, bool isAgain)
        {
            var address = FreeOf(owner, requested, isAgain) ?? Fresh() ?? Abandoned();
            if (address is { } taken)
                Give(taken, owner, ikeUniqueId);
            return address;
        }

        IpAddress? FreeOf(Identity owner, IpAddress requested, bool isAgain)
        {
            if (!_byOwner.TryGetValue(owner, out var own))
                return null;
            var free = own.Where(address => _leases[address].IsFree).ToList();
            return free.Contains(requested) || (isAgain && own.Contains(requested)) ? requested : free.Count > 0 ? free[0] : null;
        }

        IpAddress? Fresh() => _fresh < Size ? Pool.Addresses.First.WithValue(Pool.Addresses.First.Value + _fresh++) : null;

        IpAddress? Abandoned()
        {
            foreach (var (address, lease) in _leases)
            {
                if (lease.IsFree)
                    return address;
            }
            return null;
        }

        void Give(IpAddress address, Identity owner, uint ikeUniqueId)
        {
            if (_leases.TryGetValue(address, out var old) && old.Owner != owner)
                _byOwner[old.Owner].Remove(address);
            var users = old is not null && old.Owner == owner ? old.Users : [];
            if (users.IsEmpty)
                Online++;
            _leases[address] = new Holder(owner, users.Add(ikeUniqueId));
            if (!_byOwner.TryGetValue(owner, out var own))
                _byOwner[owner] = own = [];
            if (!own.Contains(address))
                own.Add(address);
        }

        public void Release(uint ikeUniqueId, IpAddress address)
        {
            if (!_leases.TryGetValue(address, out var lease) || !lease.Users.Contains(ikeUniqueId))
                return;
            _leases[address] = lease with { Users = lease.Users.Remove(ikeUniqueId) };
            if (lease.Users.Count == 1)
                Online--;
        }

        public PoolStatus Status() => new(Pool, Size, Online, _leases.Count - Online,
            [.. _leases.Select(pair => new LeaseStatus(pair.Key, pair.Value.Owner, !pair.Value.IsFree))]);
    }

    /// <summary>Whose it is, and the IKE SAs that have it now.</summary>
    sealed record Holder(Identity Owner, ImmutableHashSet<uint> Users)
    {
        public bool IsFree => Users.IsEmpty;
    }
}

/// <summary>A pool as <c>get-pools</c> shows it: <paramref name="Offline"/> are addresses kept for identities that are away.</summary>
public sealed record PoolStatus(Pool Pool, UInt128 Size, int Online, int Offline, ImmutableArray<LeaseStatus> Leases);

/// <summary>One address of a pool and whose it is.</summary>
public sealed record LeaseStatus(IpAddress Address, Identity Owner, bool Online);
