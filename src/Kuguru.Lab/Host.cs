using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>Takes what arrived on a UDP port. The payload may be kept.</summary>
public delegate void UdpReceiver(Path path, Blob payload);

/// <summary>A computer: addresses on one or several nets, UDP ports, an answer to every ping.</summary>
public class Host(World world, string name) : Device(world, name)
{
    readonly List<(Net Net, IpAddress Address)> _interfaces = [];
    readonly Dictionary<ushort, UdpReceiver> _ports = [];
    readonly Dictionary<(ushort Id, ushort Sequence), Ping> _pings = [];
    ushort _lastPing;

    public Host(World world, string name, Net net, IpAddress? address = null)
        : this(world, name) => Attach(net, address ?? net.NextAddress());

    /// <summary>The first interface's address.</summary>
    public IpAddress Address => _interfaces[0].Address;

    /// <summary>The net that leads to the rest of the world: the first one.</summary>
    public Net Net => _interfaces[0].Net;
    public IEnumerable<IpAddress> Addresses => _interfaces.Select(i => i.Address);

    /// <summary>Passes on what is not for itself (a gateway).</summary>
    public bool Forwards { get; set; }

    public IpAddress Attach(Net net, IpAddress address)
    {
        _interfaces.Add((net, address));
        net.Attach(this, address);
        return address;
    }

    /// <summary>Leaves the net it is on (its first interface) and appears on another with a new address.</summary>
    public virtual void Roam(Net net)
    {
        var (old, address) = _interfaces[0];
        old.Detach(address);
        address = net.NextAddress(address.IsV6);
        _interfaces[0] = (net, address);
        net.Attach(this, address);
    }

    public void Bind(ushort port, UdpReceiver receiver) => _ports[port] = receiver;

    public void SendUdp(Path path, Blob payload) => Output(Packet.Udp(path.Local, path.Remote, payload));

    /// <summary>Sends one ICMP echo request; look at the result when some time has passed.</summary>
    public Ping Ping(IpAddress to, IpAddress? from = null, int size = 56)
    {
        var ping = new Ping(World.Now);
        var id = (Id: (ushort)1, Sequence: ++_lastPing);
        _pings[id] = ping;
        Output(Echo.Request(from ?? SourceFor(to), to, id.Id, id.Sequence, size));
        return ping;
    }

    public override void Receive(Net from, Packet packet)
    {
        if (IsLocal(packet.To.Address))
            Input(packet);
        else if (!Forwards)
            World.Meets(packet, Fate.NoRoute, Name);
        else if (packet.HopLimit <= 1)
            World.Meets(packet, Fate.HopLimitReached, Name);
        else
            Output(packet with { HopLimit = (byte)(packet.HopLimit - 1) });
    }

    /// <summary>Where a packet of ours to there comes from, when nobody says.</summary>
    protected virtual IpAddress SourceFor(IpAddress to) => InterfaceFor(to).Address;

    /// <summary>Is this one of our addresses?</summary>
    protected virtual bool IsLocal(IpAddress address) => _interfaces.Exists(i => i.Address == address);

    /// <summary>Sends a packet on its way.</summary>
    protected virtual void Output(Packet packet)
    {
        if (IsLocal(packet.To.Address))
            World.After(TimeSpan.Zero, () => Input(packet));
        else
            InterfaceFor(packet.To.Address).Net.Send(packet.Crossing is null ? World.Transcript.Begin(World.Now, Name, packet) : packet);
    }

    /// <summary>A packet is for us.</summary>
    protected virtual void Input(Packet packet)
    {
        if (packet.Protocol == IpProtocol.Udp && _ports.TryGetValue(packet.To.Port, out var receiver))
            receiver(new(packet.To, packet.From), packet.Payload);
        else if (Echo.TryRead(packet, out var isRequest, out var id, out var sequence))
        {
            if (isRequest)
                Output(Echo.Reply(packet));
            else if (_pings.Remove((id, sequence), out var ping))
                ping.AnsweredAt = World.Now;
        }
        else
            World.Meets(packet, Fate.PortClosed, Name);
    }

    (Net Net, IpAddress Address) InterfaceFor(IpAddress to)
    {
        foreach (var one in _interfaces)
        {
            if (one.Address.IsV6 == to.IsV6 && one.Net.Subnets.Any(s => s.Contains(to)))
                return one;
        }
        foreach (var one in _interfaces)
        {
            if (one.Address.IsV6 == to.IsV6)
                return one;
        }
        throw new InvalidOperationException($"{Name} has no address of the family of {to}");
    }
}

/// <summary>One echo request and what became of it.</summary>
public sealed class Ping(Instant sentAt)
{
    public Instant SentAt { get; } = sentAt;
    public Instant? AnsweredAt { get; internal set; }
    public bool IsAnswered => AnsweredAt is not null;
    public TimeSpan? RoundTrip => AnsweredAt - SentAt;
}
