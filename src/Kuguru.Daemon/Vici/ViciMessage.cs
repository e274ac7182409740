using System.Collections;
using System.Globalization;
using System.Text;

namespace Kuguru.Daemon.Vici;

/// <summary>
/// A VICI message: an ordered tree of named values, lists and sections. Built by collection initializer, where null adds nothing,
/// and not changed afterwards. Values are octets; what charon sends is text, numbers in decimal. A parsed message refers to the
/// packet's octets, which the server zeroes after the command: who keeps a value copies it. Prints names only, as a value may be a secret.
/// </summary>
/// <example><code>new ViciMessage { { "success", "no" }, { "errmsg", why }, { "ikesas", new ViciMessage { { "total", 2 } } } }</code></example>
public sealed class ViciMessage : IEnumerable<ViciElement>, IEquatable<ViciMessage>
{
    readonly List<ViciElement> _elements = [];

    public int Count => _elements.Count;

    /// <summary>The text of the first value of this name, null when there is none.</summary>
    public string? this[string name] => Bytes(name) is { } bytes ? ViciElement.Decode(bytes) : null;

    /// <summary>The octets of the first value of this name, null when there is none.</summary>
    public ReadOnlyMemory<byte>? Bytes(string name) => _elements.OfType<ViciElement.Value>().FirstOrDefault(v => v.Name == name)?.Bytes;

    /// <summary>The items of the first list of this name, null when there is none.</summary>
    public IReadOnlyList<string>? Items(string name) => _elements.OfType<ViciElement.List>().FirstOrDefault(l => l.Name == name)?.Texts;

    /// <summary>The first section of this name, null when there is none.</summary>
    public ViciMessage? Section(string name) => _elements.OfType<ViciElement.Section>().FirstOrDefault(s => s.Name == name)?.Body;

    public IEnumerable<ViciElement.Section> Sections => _elements.OfType<ViciElement.Section>();

    public void Add(ViciElement element) => _elements.Add(element);

    public void Add(string name, string? text)
    {
        if (text is not null)
            Add(name, Encoding.UTF8.GetBytes(text).AsMemory());
    }

    public void Add(string name, Memory<byte> bytes) => Add(name, (ReadOnlyMemory<byte>)bytes);
    public void Add(string name, ReadOnlyMemory<byte> bytes) => _elements.Add(new ViciElement.Value(name, bytes));
    public void Add(string name, long? number) => Add(name, number?.ToString(CultureInfo.InvariantCulture));

    /// <summary>A number as charon prints counters.</summary>
    public void Add(string name, ulong number) => Add(name, number.ToString(CultureInfo.InvariantCulture));

    public void Add(string name, IEnumerable<string>? items)
    {
        if (items is not null)
            _elements.Add(new ViciElement.List(name, [.. items.Select(i => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(i))]));
    }

    public void Add(string name, ViciMessage? body)
    {
        if (body is not null)
            _elements.Add(new ViciElement.Section(name, body));
    }

    public IEnumerator<ViciElement> GetEnumerator() => _elements.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(ViciMessage? other) => other is not null && _elements.SequenceEqual(other._elements);
    public override bool Equals(object? obj) => Equals(obj as ViciMessage);
    public override int GetHashCode() => _elements.Aggregate(_elements.Count, (hash, e) => HashCode.Combine(hash, e.Name));
    public override string ToString() => "{ " + string.Join(' ', _elements) + " }";
}

/// <summary>One element of a message. Equal by content; prints its name only.</summary>
public abstract record ViciElement(string Name)
{
    public sealed record Value(string Name, ReadOnlyMemory<byte> Bytes) : ViciElement(Name)
    {
        public string Text => Decode(Bytes);
        public bool Equals(Value? other) => other is not null && Name == other.Name && Bytes.Span.SequenceEqual(other.Bytes.Span);
        public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
    }

    public sealed record List(string Name, IReadOnlyList<ReadOnlyMemory<byte>> Items) : ViciElement(Name)
    {
        public IReadOnlyList<string> Texts => [.. Items.Select(Decode)];
        public bool Equals(List? other) =>
            other is not null && Name == other.Name && Items.Count == other.Items.Count
            && Items.Zip(other.Items).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span));
        public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
    }

    public sealed record Section(string Name, ViciMessage Body) : ViciElement(Name);

    internal static string Decode(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    public sealed override string ToString() => Name;
}
