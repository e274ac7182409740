namespace Kuguru.Lab;

/// <summary>Something with an attachment to nets.</summary>
public abstract class Device(World world, string name)
{
    public World World { get; } = world;
    public string Name { get; } = name;

    /// <summary>A packet arrived from this net. The device does not own its bytes and never changes them.</summary>
    public abstract void Receive(Net from, Packet packet);

    public sealed override string ToString() => Name;
}

/// <summary>
/// One segment of network: who has which address on it, which router leads to the rest, and how the <see cref="Link"/> treats what crosses it.
/// </summary>
public sealed class Net(World world, string name)
{
    readonly Dictionary<IpAddress, Device> _owners = [];
    readonly List<(AddressRange Subnet, Device Router)> _routes = [];
    readonly List<AddressRange> _subnets = [];
    readonly Queue<Func<Packet, bool>> _losses = [];
    readonly Dictionary<AddressRange, uint> _given = [];

    public World World { get; } = world;
    public string Name { get; } = name;
    public Link Link { get; set; } = Link.Perfect;
    public IReadOnlyList<AddressRange> Subnets => _subnets;

    /// <summary>Who takes packets for addresses that nobody here has; null on the internet.</summary>
    public Device? Router { get; set; }

    /// <summary>Sees every packet as it is put on this net, before anything happens to it: the eavesdropper's place.</summary>
    public Action<Packet>? Tap { get; set; }

    public void Add(AddressRange subnet) => _subnets.Add(subnet);
    public void Attach(Device device, IpAddress address) => _owners[address] = device;
    public void Detach(IpAddress address) => _owners.Remove(address);

    /// <summary>Packets to this prefix go to that router.</summary>
    public void AddRoute(AddressRange subnet, Device router) => _routes.Add((subnet, router));

    /// <summary>The next address that nobody was given yet; the first one of a LAN (.1) is its router's.</summary>
    public IpAddress NextAddress(bool v6 = false)
    {
        foreach (var subnet in _subnets.Where(s => s.First.IsV6 == v6))
        {
            var index = _given.GetValueOrDefault(subnet) + 1;
            if (subnet.At(index) >= subnet.Last)
                continue;
            _given[subnet] = index;
            return subnet.At(index);
        }
        throw new InvalidOperationException($"{Name} has no {(v6 ? "IPv6" : "IPv4")} address left");
    }

    /// <summary>The next packets, or those that fit, are lost; one packet an order, in order.</summary>
    public void LoseNext(int count = 1, Func<Packet, bool>? fitting = null)
    {
        for (var i = 0; i < count; i++)
            _losses.Enqueue(fitting ?? (static _ => true));
    }

    public void Send(Packet packet)
    {
        Tap?.Invoke(packet);
        if (_losses.TryPeek(out var fits) && fits(packet))
        {
            _losses.Dequeue();
            World.Meets(packet, Fate.Lost, Name);
            return;
        }
        var pieces = (packet.Length + Link.Mtu - 1) / Link.Mtu;
        if (pieces > 1)
        {
            if (packet.DontFragment || Link.DropsFragments)
            {
                World.Meets(packet, packet.DontFragment ? Fate.TooBig : Fate.FragmentsDropped, Name);
                return;
            }
            packet = packet with { IsFragmented = true };
        }
        if (Loses(pieces))
        {
            World.Meets(packet, Fate.Lost, Name);
            return;
        }
        if (World.Dice.Chance(Link.Duplication))
        {
            World.Meets(packet, Fate.Duplicated, Name);
            Carry(packet);
        }
        Carry(packet);
    }

    bool Loses(int pieces)
    {
        for (var i = 0; i < pieces; i++)
        {
            if (World.Dice.Chance(Link.Loss))
                return true;
        }
        return false;
    }

    void Carry(Packet packet)
    {
        var delay = Link.Latency;
        if (Link.Jitter > TimeSpan.Zero)
            delay += Link.Jitter * World.Dice.Fraction();
        if (World.Dice.Chance(Link.Reordering))
        {
            delay += Link.HoldBack * World.Dice.Fraction();
            World.Meets(packet, Fate.Late, Name);
        }
        World.After(delay, () => Deliver(packet));
    }

    void Deliver(Packet packet)
    {
        if (Next(packet.To.Address) is not { } device)
            World.Meets(packet, Fate.NoRoute, Name);
        else
            device.Receive(this, packet);
    }

    Device? Next(IpAddress address)
    {
        if (_owners.TryGetValue(address, out var owner))
            return owner;
        foreach (var (subnet, router) in _routes)
        {
            if (subnet.Contains(address))
                return router;
        }
        return Router;
    }
}
