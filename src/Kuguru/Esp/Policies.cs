using System.Collections.Immutable;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>What is to be done with outbound packets of certain selectors: an SA to send them with, or a trap.</summary>
abstract class Policy(ImmutableArray<Selector> local, ImmutableArray<Selector> remote)
{
    public ImmutableArray<Selector> Local { get; private set; } = local;
    public ImmutableArray<Selector> Remote { get; private set; } = remote;

    /// <summary>Counts up with every <see cref="Policies.Add"/>: the newest of equals wins.</summary>
    public long Serial { get; set; }

    public bool HasSelectorsOf(Policy other) => Local.SequenceEqual(other.Local) && Remote.SequenceEqual(other.Remote);

    /// <summary>For other packets than before; only while it is not among the <see cref="Policies"/>, which file it by these.</summary>
    public void Select(ImmutableArray<Selector> local, ImmutableArray<Selector> remote) => (Local, Remote) = (local, remote);
}

/// <summary>A policy without an SA; a packet that it catches is told of and dropped.</summary>
sealed class Trap(TrapDescription trap) : Policy(trap.Local, trap.Remote)
{
    static readonly TimeSpan _reportEvery = TimeSpan.FromSeconds(1);
    long _reportAgainAt = long.MinValue;

    public uint ReqId { get; } = trap.ReqId;

    /// <summary>True for one of the callers, once a second.</summary>
    public bool IsToBeReported(Instant now)
    {
        var at = Volatile.Read(ref _reportAgainAt);
        return now.Nanoseconds >= at && Interlocked.CompareExchange(ref _reportAgainAt, (now + _reportEvery).Nanoseconds, at) == at;
    }
}

/// <summary>Packets that are dropped where nothing else takes them.</summary>
sealed class Shunt(TrapDescription shunt) : Policy(shunt.Local, shunt.Remote);

/// <summary>
/// Finds the policy of an outbound packet: the narrowest selectors first (longest prefixes, then protocol and ports), among equal ones an SA
/// before a trap and the newest SA. One writer, any number of readers that never wait.
/// </summary>
sealed class Policies
{
    // Tuple space search: one hash look-up for each pair of prefix lengths that occurs, which is one or two, not one for each policy.
    // A range that is no prefix is filed under the longest prefix that covers it.
    readonly record struct Shape(byte RemoteBits, byte LocalBits);

    readonly record struct Key(bool IsV6, Shape Shape, UInt128 Remote, UInt128 Local)
    {
        public override int GetHashCode() => HashCode.Combine(
            (ulong)Remote, (ulong)(Remote >> 64), (ulong)Local, (ulong)(Local >> 64), Shape.RemoteBits, Shape.LocalBits);
    }

    sealed record Candidate(Policy Policy, Selector[] Local, Selector[] Remote)
    {
        /// <summary>Larger is looked at earlier.</summary>
        public readonly (bool, bool, bool, long) Rank = (
            Local.Concat(Remote).Any(selector => selector.Protocol != 0), Local.Concat(Remote).Any(selector => !selector.IsAnyPort),
            Policy is OutboundSa, Policy.Serial);

        public bool Takes(in IpPacket packet) => Remote.TakeDestination(packet) && Local.TakeSource(packet);
    }

    /// <summary>More pairs of one policy's selectors than this are filed as one.</summary>
    const int MaxPairs = 64;

    readonly FrozenBuckets<Key, Candidate[]> _candidates = new();
    readonly Dictionary<(bool IsV6, Shape Shape), int> _shapes = [];
    Shape[] _shapesV4 = [], _shapesV6 = [];
    long _serial;

    /// <summary>Adds a policy, or makes one that is there the newest.</summary>
    public void Add(Policy policy)
    {
        policy.Serial = ++_serial;
        foreach (var filed in File(policy).GroupBy(filed => filed.Key, filed => filed.Candidate))
            Replace(filed.Key, policy, filed);
    }

    /// <summary>False when it was not there.</summary>
    public bool Remove(Policy policy)
    {
        var wasThere = false;
        foreach (var key in File(policy).Select(filed => filed.Key).Distinct().ToList())
        {
            wasThere |= _candidates.TryGet(key, out var found) && found.Any(each => each.Policy == policy);
            Replace(key, policy, []);
        }
        return wasThere;
    }

    /// <summary>There is another SA with the same selectors.</summary>
    public bool HasOther(OutboundSa sa) => File(sa).Any(filed => _candidates.TryGet(filed.Key, out var found)
        && found.Any(each => each.Policy is OutboundSa other && other != sa && other.HasSelectorsOf(sa)));

    public Policy? Find(in IpPacket packet)
    {
        foreach (var shape in packet.IsV6 ? Volatile.Read(ref _shapesV6) : Volatile.Read(ref _shapesV4))
        {
            if (!_candidates.TryGet(KeyOf(shape, packet.Source, packet.Destination), out var candidates))
                continue;
            foreach (var candidate in candidates)
            {
                if (candidate.Takes(packet))
                    return candidate.Policy;
            }
        }
        return null;
    }

    /// <summary>What stands under this key for the policy is from now on only this. A reader sees the one or the other.</summary>
    void Replace(Key key, Policy policy, IEnumerable<Candidate> candidates)
    {
        var before = _candidates.TryGet(key, out var found) ? found : [];
        Candidate[] after = [.. before.Where(each => each.Policy != policy).Concat(candidates).OrderByDescending(each => each.Rank)];
        if (after.Length > 0)
            _candidates.Set(key, after);
        else
            _candidates.Remove(key);
        CountShape((key.IsV6, key.Shape), after.Length - before.Length);
    }

    void CountShape((bool IsV6, Shape Shape) of, int change)
    {
        var before = _shapes.GetValueOrDefault(of);
        _shapes[of] = before + change;
        if (before + change == 0)
            _shapes.Remove(of);
        if (before != 0 && before + change != 0)
            return;
        Volatile.Write(ref _shapesV4, Ordered(isV6: false));
        Volatile.Write(ref _shapesV6, Ordered(isV6: true));
    }

    Shape[] Ordered(bool isV6) =>
    [
        .. _shapes.Keys.Where(of => of.IsV6 == isV6).Select(of => of.Shape)
            .OrderByDescending(shape => shape.RemoteBits + shape.LocalBits).ThenByDescending(shape => shape.RemoteBits),
    ];

    static IEnumerable<(Key Key, Candidate Candidate)> File(Policy policy) =>
        FileFamily(policy, isV6: false).Concat(FileFamily(policy, isV6: true));

    static IEnumerable<(Key Key, Candidate Candidate)> FileFamily(Policy policy, bool isV6)
    {
        Selector[] local = [.. policy.Local.Where(selector => selector.Range.First.IsV6 == isV6)];
        Selector[] remote = [.. policy.Remote.Where(selector => selector.Range.First.IsV6 == isV6)];
        if (local.Length == 0 || remote.Length == 0)
            return [];
        if (local.Length * remote.Length > MaxPairs)
            return [(KeyOf(local, remote), new(policy, local, remote))];
        return
            from one in local
            from other in remote
            select (KeyOf([one], [other]), new Candidate(policy, [one], [other]));
    }

    static Key KeyOf(Selector[] local, Selector[] remote)
    {
        var (localFirst, localBits) = SelectorMatch.CoveringPrefix(local);
        var (remoteFirst, remoteBits) = SelectorMatch.CoveringPrefix(remote);
        return KeyOf(new((byte)remoteBits, (byte)localBits), localFirst, remoteFirst);
    }

    static Key KeyOf(Shape shape, IpAddress local, IpAddress remote) =>
        new(local.IsV6, shape, remote.First(shape.RemoteBits).Value, local.First(shape.LocalBits).Value);
}
