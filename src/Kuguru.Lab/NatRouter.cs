// inside --> Outbound --> NatTable: source becomes a public endpoint --> outside
// inside <-- NatTable: destination becomes an inside endpoint <-- Inbound <-- outside
//
// UDP goes by the table, ESP by address alone, everything else is dropped: IPsec is all that the lab is about.

using System.Collections.Immutable;
using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>A NAT, for UDP in RFC 4787's terms, between a net inside and a net outside, on which it has one or several addresses.</summary>
public sealed class NatRouter : Router
{
    /// <summary>Per outside gateway, the client inside that ESP from there goes to.</summary>
    readonly Dictionary<IpAddress, (IpAddress Inside, Instant At)> _esp = [];

    public NatRouter(string name, Net inside, Net outside, NatBehavior behavior, int addresses = 1)
        : base(name, inside, outside)
    {
        Behavior = behavior;
        Table = new(behavior, World.Dice.Fork(name), NewAddresses(addresses));
    }

    public NatBehavior Behavior { get; }
    public NatTable Table { get; }

    /// <summary>The first public address; most have just one.</summary>
    public IpAddress Address => Table.Addresses[0];

    /// <summary>Power off and on again: the table is empty.</summary>
    public void Reboot()
    {
        Table.Forget();
        _esp.Clear();
    }

    /// <summary>The provider takes the public addresses away and gives new ones.</summary>
    public void Renumber()
    {
        foreach (var address in Table.Addresses)
            Outside.Detach(address);
        Table.Renumber(NewAddresses(Table.Addresses.Length));
        _esp.Clear();
    }

    /// <summary>UDP to this port of ours goes to that endpoint inside (DNAT), and its answers come from this port.</summary>
    public void Forward(ushort port, Endpoint inside) => Table.Forward(new(Address, port), inside);

    /// <summary>The table as a user would like to see it.</summary>
    public string Print() => $"{Name} {string.Join(", ", Table.Addresses)}\n{Table.Print(World.Now)}";

    protected override void Outbound(Packet packet)
    {
        if (packet.IsFragmented && Behavior.DropsFragments)
            Drop(packet, Fate.FragmentsDropped);
        else if (packet.Protocol == IpProtocol.Esp)
            EspOutbound(packet);
        else if (packet.Protocol != IpProtocol.Udp)
            Drop(packet, Fate.NoMapping);
        else if (Table.Addresses.Contains(packet.To.Address))
            Hairpin(packet);
        else if (Table.Outbound(World.Now, packet.From, packet.To, out var fate) is { } outside)
            Outside.Send(packet with { From = outside });
        else
            Drop(packet, fate);
    }

    protected override void Inbound(Packet packet)
    {
        if (packet.IsFragmented && Behavior.DropsFragments)
            Drop(packet, Fate.FragmentsDropped);
        else if (packet.Protocol == IpProtocol.Esp)
            EspInbound(packet);
        else if (packet.Protocol != IpProtocol.Udp)
            Drop(packet, Fate.NoMapping);
        else if (Table.Inbound(World.Now, packet.To, packet.From, out var fate) is { } inside)
            Inside.Send(packet with { To = inside });
        else
            Drop(packet, fate);
    }

    void Hairpin(Packet packet)
    {
        if (Behavior.Hairpinning == Hairpinning.None)
            Drop(packet, Fate.NoHairpinning);
        else if (Table.Outbound(World.Now, packet.From, packet.To, out var fate) is not { } outside)
            Drop(packet, fate);
        else if (Table.Inbound(World.Now, packet.To, outside, out fate) is not { } inside)
            Drop(packet, fate);
        else
            Inside.Send(packet with { From = Behavior.Hairpinning == Hairpinning.ExternalSource ? outside : packet.From, To = inside });
    }

    void EspOutbound(Packet packet)
    {
        var gateway = packet.To.Address;
        var taken = _esp.TryGetValue(gateway, out var client) && client.Inside != packet.From.Address && IsRecent(client.At);
        if (Behavior.Esp == EspHandling.Drop || taken)
        {
            Drop(packet, Fate.EspDropped);
            return;
        }
        _esp[gateway] = (packet.From.Address, World.Now);
        Outside.Send(packet with { From = packet.From with { Address = Table.AddressFor(packet.From.Address) } });
    }

    void EspInbound(Packet packet)
    {
        if (Behavior.Esp == EspHandling.OneClient && _esp.TryGetValue(packet.From.Address, out var client) && IsRecent(client.At))
            Inside.Send(packet with { To = packet.To with { Address = client.Inside } });
        else
            Drop(packet, Fate.EspDropped);
    }

    bool IsRecent(Instant at) => World.Now - at < Behavior.MappingTimeout;

    ImmutableArray<IpAddress> NewAddresses(int count)
    {
        var addresses = ImmutableArray.CreateBuilder<IpAddress>(count);
        for (var i = 0; i < count; i++)
        {
            addresses.Add(Outside.NextAddress());
            Outside.Attach(this, addresses[i]);
        }
        return addresses.MoveToImmutable();
    }
}
