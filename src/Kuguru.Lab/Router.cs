using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>What leads from a site to the rest of the world: one net inside, one outside.</summary>
public abstract class Router : Device
{
    protected Router(string name, Net inside, Net outside)
        : base(outside.World, name)
    {
        (Inside, Outside) = (inside, outside);
        inside.Router = this;
        foreach (var subnet in inside.Subnets)
            inside.Attach(this, inside.NextAddress(subnet.First.IsV6));
    }

    public Net Inside { get; }
    public Net Outside { get; }

    /// <summary>UDP destination ports that nothing gets through to, in either direction (<c>udp-blocked</c>).</summary>
    public HashSet<ushort> BlockedPorts { get; } = [];

    public sealed override void Receive(Net from, Packet packet)
    {
        if (packet.HopLimit <= 1)
            World.Meets(packet, Fate.HopLimitReached, Name);
        else if (packet.Protocol == IpProtocol.Udp && BlockedPorts.Contains(packet.To.Port))
            World.Meets(packet, Fate.Blocked, Name);
        else if (from == Inside)
            Outbound(packet with { HopLimit = (byte)(packet.HopLimit - 1) });
        else
            Inbound(packet with { HopLimit = (byte)(packet.HopLimit - 1) });
    }

    protected abstract void Outbound(Packet packet);
    protected abstract void Inbound(Packet packet);
    protected void Drop(Packet packet, Fate fate) => World.Meets(packet, fate, Name);
}
