using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>
/// A stateful firewall without NAT, as before most IPv6 sites (RFC 6092): inside may talk to anybody, outside may answer for a while.
/// The prefix inside is routed to it.
/// </summary>
public sealed class Firewall : Router
{
    readonly Dictionary<(IpProtocol Protocol, Endpoint Inside, Endpoint Outside), Instant> _flows = [];

    public Firewall(string name, Net inside, Net outside)
        : base(name, inside, outside)
    {
        foreach (var subnet in inside.Subnets)
            outside.AddRoute(subnet, this);
    }

    /// <summary>How long a silent flow is remembered.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>UDP ports inside that anybody may send to.</summary>
    public HashSet<ushort> OpenPorts { get; } = [];

    /// <summary>ESP (protocol 50) passes like any flow.</summary>
    public bool PassesEsp { get; init; } = true;

    protected override void Outbound(Packet packet)
    {
        if (packet.Protocol == IpProtocol.Esp && !PassesEsp)
        {
            Drop(packet, Fate.EspDropped);
            return;
        }
        _flows[(packet.Protocol, packet.From, packet.To)] = World.Now;
        Outside.Send(packet);
    }

    protected override void Inbound(Packet packet)
    {
        var isOpen = packet.Protocol == IpProtocol.Udp && OpenPorts.Contains(packet.To.Port);
        var flow = (packet.Protocol, packet.To, packet.From);
        var isKnown = _flows.TryGetValue(flow, out var at) && World.Now - at < Timeout;
        if (packet.Protocol == IpProtocol.Esp && !PassesEsp)
            Drop(packet, Fate.EspDropped);
        else if (!isOpen && !isKnown)
            Drop(packet, Fate.Filtered);
        else
        {
            if (isKnown)
                _flows[flow] = World.Now;
            Inside.Send(packet);
        }
    }
}
