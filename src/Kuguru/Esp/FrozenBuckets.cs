using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Esp;

/// <summary>
/// A hash table with one writer and any number of readers that never wait. A bucket is never changed but replaced whole, and so is the
/// table when it grows; what a change costs does not depend on how much is in it, bar the growing.
/// </summary>
sealed class FrozenBuckets<TKey, TValue> where TKey : struct, IEquatable<TKey> where TValue : class
{
    readonly record struct Entry(TKey Key, TValue Value);

    Entry[]?[] _buckets = new Entry[]?[16];

    /// <summary>For the writer.</summary>
    public int Count { get; private set; }

    public bool TryGet(in TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        var buckets = Volatile.Read(ref _buckets);
        if (Volatile.Read(ref BucketOf(key, buckets)) is { } bucket)
        {
            foreach (ref readonly var entry in bucket.AsSpan())
            {
                if (entry.Key.Equals(key))
                {
                    value = entry.Value;
                    return true;
                }
            }
        }
        value = null;
        return false;
    }

    /// <summary>Adds, or replaces what has this key.</summary>
    public void Set(TKey key, TValue value)
    {
        if (Count >= _buckets.Length * 2)
            Grow();
        ref var bucket = ref BucketOf(key, _buckets);
        var others = Without(bucket, key);
        Count += 1 + others.Length - (bucket?.Length ?? 0);
        Volatile.Write(ref bucket, [.. others, new(key, value)]);
    }

    /// <summary>False when there is none.</summary>
    public bool Remove(TKey key)
    {
        ref var bucket = ref BucketOf(key, _buckets);
        var others = Without(bucket, key);
        if (others.Length == (bucket?.Length ?? 0))
            return false;
        Volatile.Write(ref bucket, others.Length == 0 ? null : others);
        Count--;
        return true;
    }

    static Entry[] Without(Entry[]? bucket, TKey key) => bucket is null ? [] : [.. bucket.Where(entry => !entry.Key.Equals(key))];

    void Grow()
    {
        var grown = new Entry[]?[_buckets.Length * 4];
        foreach (var entry in _buckets.SelectMany(bucket => bucket ?? []))
        {
            ref var bucket = ref BucketOf(entry.Key, grown);
            bucket = [.. bucket ?? [], entry];
        }
        Volatile.Write(ref _buckets, grown);
    }

    static ref Entry[]? BucketOf(in TKey key, Entry[]?[] buckets) =>
        ref buckets[(int)((uint)key.GetHashCode() * 0x9E3779B1u >> 8) & (buckets.Length - 1)];
}
