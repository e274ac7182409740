using System.Collections.Immutable;

namespace Kuguru.Ike;

/// <summary>What an IKE SA has of virtual addresses: those given to us with DNS servers and networks, or those leased to the peer.</summary>
/// <param name="Owner">The IKE SA that they were given in; its successors keep the number, under which the world knows them.</param>
/// <param name="Ours">On this host.</param>
/// <param name="Dns">Servers that came along.</param>
/// <param name="Leased">Out of our pools.</param>
sealed record Leases(uint Owner, ImmutableArray<IpAddress> Ours, ImmutableArray<IpAddress> Dns, ImmutableArray<VirtualAddress> Leased)
{
    /// <summary>The networks behind the peer that it wants in the tunnel; empty is all.</summary>
    public ImmutableArray<Selector> Split { get; init; } = [];

    public static Leases None(uint owner) => new(owner, [], [], []);

    /// <summary>Puts on the host what was given to us.</summary>
    public void Assign(SessionTurn t)
    {
        foreach (var address in Ours)
            t.Add(new Effect.AssignAddress(Owner, address));
        if (!Dns.IsEmpty)
            t.Add(new Effect.AssignDns(Owner, Dns));
    }

    /// <summary>Takes it off again, and gives the leases back.</summary>
    public void Release(SessionTurn t)
    {
        foreach (var address in Ours)
            t.Add(new Effect.ReleaseAddress(Owner, address));
        if (!Dns.IsEmpty)
            t.Add(new Effect.ReleaseDns(Owner));
        foreach (var lease in Leased)
            t.Node.Release(Owner, lease);
    }
}
