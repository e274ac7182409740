using System.Collections.Immutable;
using Kuguru.Ike;

namespace Kuguru.Engine;

/// <summary>A child that is brought up by the first packet that it would take; or a shunt, whose packets pass or are dropped.</summary>
public sealed record Trap(Connection Connection, ChildConfig Child, uint ReqId, ImmutableArray<Selector> Local, ImmutableArray<Selector> Remote);

/// <summary>The traps of a node, by reqid.</summary>
sealed class Traps
{
    readonly Dictionary<uint, Trap> _byReqId = [];

    public IEnumerable<Trap> All => _byReqId.Values;
    public Trap? Find(uint reqId) => _byReqId.GetValueOrDefault(reqId);

    public Trap? Find(string? connection, string child) =>
        _byReqId.Values.FirstOrDefault(trap => (connection is null || trap.Connection.Name == connection) && trap.Child.Name == child);

    public void Add(Trap trap) => _byReqId[trap.ReqId] = trap;
    public void Remove(Trap trap) => _byReqId.Remove(trap.ReqId);
}
