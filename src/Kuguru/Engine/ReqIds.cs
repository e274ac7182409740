using System.Collections.Immutable;
using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>Request IDs: one number for all generations of one child, lowest free first, as operators know them from charon.</summary>
public sealed class ReqIds(uint first = 1)
{
    readonly Dictionary<Key, Entry> _byKey = [];
    readonly Dictionary<uint, Entry> _byNumber = [];
    readonly PriorityQueue<uint, uint> _returned = new();
    readonly HashSet<uint> _configured = [];
    uint _last = first - 1;

    /// <summary>How many are given.</summary>
    public int Count => _byNumber.Count;

    /// <inheritdoc cref="INode.ReqIdFor"/>
    public uint Take(Connection connection, ChildConfig child, ImmutableArray<Selector> local, ImmutableArray<Selector> remote)
    {
        if (child.ReqId != 0)
        {
            _configured.Add(child.ReqId);
            return child.ReqId;
        }
        var key = new Key(connection.Name, child.Name, string.Join(' ', local), string.Join(' ', remote));
        if (!_byKey.TryGetValue(key, out var entry))
        {
            entry = new Entry(key, Free());
            _byKey[key] = entry;
            _byNumber[entry.Number] = entry;
        }
        entry.Users++;
        return entry.Number;
    }

    public void Release(uint number)
    {
        if (_configured.Contains(number) || !_byNumber.TryGetValue(number, out var entry) || --entry.Users > 0)
            return;
        _byNumber.Remove(number);
        _byKey.Remove(entry.Key);
        _returned.Enqueue(number, number);
    }

    uint Free()
    {
        uint number;
        do
            number = _returned.Count > 0 ? _returned.Dequeue() : ++_last;
        while (_configured.Contains(number) || _byNumber.ContainsKey(number));
        return number;
    }

    readonly record struct Key(string Connection, string Child, string Local, string Remote);

    sealed class Entry(Key key, uint number)
    {
        public Key Key { get; } = key;
        public uint Number { get; } = number;
        public int Users { get; set; }
    }
}
