using System.Collections;
using System.Runtime.CompilerServices;

namespace Kuguru;

/// <summary>An immutable list with equality by content, so that records which hold one are equal when their items are. The default value is empty.</summary>
[CollectionBuilder(typeof(Sequence), nameof(Sequence.Of))]
public readonly struct Sequence<T> : IReadOnlyList<T>, IEquatable<Sequence<T>>
{
    readonly T[]? _items;

    internal Sequence(T[] items) => _items = items;

    public ReadOnlySpan<T> Span => _items;
    public int Count => _items?.Length ?? 0;
    public bool IsEmpty => Count == 0;
    public T this[int index] => Span[index];

    public static bool operator ==(Sequence<T> a, Sequence<T> b) => a.Equals(b);
    public static bool operator !=(Sequence<T> a, Sequence<T> b) => !a.Equals(b);

    public bool Equals(Sequence<T> other) => Span.SequenceEqual(other.Span, EqualityComparer<T>.Default);
    public override bool Equals(object? obj) => obj is Sequence<T> other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var item in Span)
            hash.Add(item);
        return hash.ToHashCode();
    }

    public ReadOnlySpan<T>.Enumerator GetEnumerator() => Span.GetEnumerator();
    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)(_items ?? [])).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => (_items ?? []).GetEnumerator();

    public override string ToString() => string.Join(", ", (IEnumerable<T>)this);
}

/// <summary>Makes sequences, also from collection expressions: <c>Sequence&lt;int&gt; s = [1, 2, .. more];</c></summary>
public static class Sequence
{
    public static Sequence<T> Of<T>(ReadOnlySpan<T> items) => new(items.ToArray());
    public static Sequence<T> ToSequence<T>(this IEnumerable<T> items) => new([.. items]);
}
