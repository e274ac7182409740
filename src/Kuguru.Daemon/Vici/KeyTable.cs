using System.Collections.Immutable;
using System.Numerics;
using Kuguru.Daemon.Settings;

namespace Kuguru.Daemon.Vici;

/// <summary>What is wrong with a loaded configuration: the dotted key, from the top of swanctl.conf, and what would be right.</summary>
public sealed record ConfigError(string Key, string What)
{
    public override string ToString() => $"{Key}: {What}";
}

/// <summary>Changes what is being read; says what is wrong with the text, or null.</summary>
delegate string? SetText<T>(ref T value, string text);

/// <inheritdoc cref="SetText{T}"/>
delegate string? SetItems<T>(ref T value, IReadOnlyList<string> items);

/// <inheritdoc cref="SetText{T}"/>
delegate string? SetBlobs<T>(ref T value, IReadOnlyList<ReadOnlyMemory<byte>> items);

/// <summary>
/// The keys of one kind of section and what each does to a <typeparamref name="T"/>. Keys that strongSwan has and Kuguru has not are in
/// the table too, with the values that mean what Kuguru does anyway: those pass, others are refused by name.
/// </summary>
sealed class KeyTable<T>
{
    readonly Dictionary<string, SetText<T>> _texts = new(StringComparer.OrdinalIgnoreCase);
    readonly Dictionary<string, SetItems<T>> _lists = new(StringComparer.OrdinalIgnoreCase);
    readonly Dictionary<string, SetBlobs<T>> _blobs = new(StringComparer.OrdinalIgnoreCase);

    public KeyTable<T> Text(string key, SetText<T> set)
    {
        _texts.Add(key, set);
        return this;
    }

    public KeyTable<T> Items(string key, SetItems<T> set)
    {
        _lists.Add(key, set);
        return this;
    }

    /// <summary>A list of files' contents, one value each; what is wrong with one says which it is.</summary>
    public KeyTable<T> Files<TItem>(string key, Func<ReadOnlyMemory<byte>, (TItem? Item, string? Error)> parse, Func<T, ImmutableArray<TItem>, T> set)
    {
        _blobs.Add(key, (ref value, items) =>
        {
            var result = ImmutableArray.CreateBuilder<TItem>(items.Count);
            foreach (var (index, bytes) in items.Index())
            {
                var (item, error) = parse(bytes);
                if (error is not null)
                    return items.Count == 1 ? error : $"number {index + 1}: {error}";
                result.Add(item!);
            }
            value = set(value, result.ToImmutable());
            return null;
        });
        return this;
    }

    public KeyTable<T> Bool(string key, Func<T, bool, T> set) =>
        Text(key, (ref value, text) => SettingsText.Bool(text) is { } v ? Done(value = set(value, v)) : Not(text, "yes or no"));

    public KeyTable<T> Time(string key, Func<T, TimeSpan, T> set) =>
        Text(key, (ref value, text) =>
            SettingsText.Time(text) is { } v ? Done(value = set(value, v)) : Not(text, "a time, such as 30s, 5m, 4h or 1d"));

    public KeyTable<T> Volume(string key, Func<T, ulong, T> set) =>
        Text(key, (ref value, text) =>
            SettingsText.Volume(text) is { } v ? Done(value = set(value, v)) : Not(text, "a volume, such as 500000000 or 500m"));

    public KeyTable<T> Number<TNumber>(string key, TNumber min, TNumber max, Func<T, TNumber, T> set) where TNumber : struct, INumber<TNumber> =>
        Text(key, (ref value, text) =>
            SettingsText.Number(text, min, max) is { } v ? Done(value = set(value, v)) : Not(text, $"a number from {min} to {max}"));

    /// <summary>One word of several, without regard to case.</summary>
    public KeyTable<T> Word<TWord>(string key, Func<T, TWord, T> set, params (string Word, TWord Value)[] words) =>
        Text(key, (ref value, text) =>
        {
            foreach (var (word, v) in words)
            {
                if (string.Equals(word, text, StringComparison.OrdinalIgnoreCase))
                    return Done(value = set(value, v));
            }
            return Not(text, "one of " + string.Join(", ", words.Select(w => w.Word)));
        });

    /// <summary>A list that is parsed as a whole; a text of it is split at commas.</summary>
    public KeyTable<T> Parsed<TItem>(
        string key, Func<IReadOnlyList<string>, (ImmutableArray<TItem> Items, string? Error)> parse, Func<T, ImmutableArray<TItem>, T> set) =>
        Items(key, (ref value, items) =>
        {
            var (parsed, error) = parse(items);
            return error ?? Done(value = set(value, parsed));
        });

    /// <summary>As <see cref="Parsed"/>, one value a text.</summary>
    public KeyTable<T> Each<TItem>(string key, Func<string, (TItem? Item, string? Error)> parse, Func<T, ImmutableArray<TItem>, T> set) =>
        Parsed(key, items =>
        {
            var result = ImmutableArray.CreateBuilder<TItem>(items.Count);
            foreach (var text in items)
            {
                var (item, error) = parse(text.Trim());
                if (error is not null)
                    return ([], error);
                result.Add(item!);
            }
            return (result.ToImmutable(), null);
        }, set);

    /// <summary>A key of strongSwan of which Kuguru only does what these values say.</summary>
    public KeyTable<T> Only(string key, params string[] accepted) =>
        Text(key, (ref _, text) => accepted.Any(a => Same(a, text))
            ? null
            : $"\"{text}\" is not supported, only {string.Join(" or ", accepted.Select(a => $"\"{a}\""))} is");

    /// <summary>A key of strongSwan that Kuguru has nothing for, as text and as list.</summary>
    public KeyTable<T> Refused(string why, params string[] keys)
    {
        foreach (var key in keys)
        {
            Text(key, (ref _, _) => why);
            Items(key, (ref _, _) => why);
        }
        return this;
    }

    /// <summary>Applies a section's values and lists; its sections are the caller's.</summary>
    public T Read(T value, ViciMessage section, string path, List<ConfigError> errors)
    {
        foreach (var element in section)
        {
            var error = element switch
            {
                ViciElement.Value v => Apply(ref value, v),
                ViciElement.List l => Apply(ref value, l),
                _ => null,
            };
            if (error is not null)
                errors.Add(new ConfigError($"{path}.{element.Name}", error));
        }
        return value;
    }

    string? Apply(ref T value, ViciElement.Value element)
    {
        if (_blobs.TryGetValue(element.Name, out var file))
            return file(ref value, [element.Bytes]);
        if (_lists.TryGetValue(element.Name, out var items) && !_texts.ContainsKey(element.Name))
            return items(ref value, SettingsText.Words(element.Text, ','));
        return _texts.TryGetValue(element.Name, out var set) ? set(ref value, element.Text.Trim()) : Unknown(element.Name);
    }

    string? Apply(ref T value, ViciElement.List element)
    {
        if (_blobs.TryGetValue(element.Name, out var files))
            return files(ref value, element.Items);
        if (_lists.TryGetValue(element.Name, out var set))
            return set(ref value, element.Texts);
        return _texts.ContainsKey(element.Name) ? "takes one value, not a list" : Unknown(element.Name);
    }

    string Unknown(string key) => "unknown key" + Complaints.DidYouMean(key, _texts.Keys.Concat(_lists.Keys).Concat(_blobs.Keys));

    static bool Same(string accepted, string text) =>
        string.Equals(accepted, text, StringComparison.OrdinalIgnoreCase)
        || (SettingsText.Bool(accepted) is { } wanted && SettingsText.Bool(text) == wanted)
        || (SettingsText.Time(accepted) is { } time && SettingsText.Time(text) == time);

    internal static string Not(string text, string wanted) => $"\"{text}\" is not {wanted}";

    /// <summary>Makes an assignment the success of a setter.</summary>
    internal static string? Done(T _) => null;
}
