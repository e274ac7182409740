using System.Collections.Immutable;
using System.Text;

namespace Kuguru.Lab;

/// <summary>One mapping: which inside endpoint is which outside endpoint, and to whom it talks.</summary>
public sealed class Mapping(Endpoint inside, Endpoint outside, Endpoint toward, bool isPermanent)
{
    /// <summary>For each remote endpoint, when the flow with it was last refreshed.</summary>
    readonly Dictionary<Endpoint, Instant> _flows = [];

    public Endpoint Inside { get; } = inside;
    public Endpoint Outside { get; } = outside;

    /// <summary>As much of the remote endpoint as the mapping depends on; the rest is zero.</summary>
    public Endpoint Toward { get; } = toward;

    /// <summary>A port forward: it never expires, and whoever wants may use it.</summary>
    public bool IsPermanent { get; } = isPermanent;
    public Instant RefreshedAt { get; private set; }
    public IReadOnlyDictionary<Endpoint, Instant> Flows => _flows;

    internal void Refresh(Instant now, Endpoint remote) => RefreshedAt = _flows[remote] = now;
    internal void Touch(Instant now) => RefreshedAt = now;
    internal bool IsAlive(Instant now, TimeSpan timeout) => IsPermanent || now - RefreshedAt < timeout;

    internal bool Admits(Instant now, TimeSpan timeout, Dependence filtering, Endpoint remote) => IsPermanent || filtering switch
    {
        Dependence.EndpointIndependent => true,
        Dependence.AddressDependent => _flows.Any(f => f.Key.Address == remote.Address && now - f.Value < timeout),
        Dependence.AddressAndPortDependent => _flows.TryGetValue(remote, out var at) && now - at < timeout,
    };
}

/// <summary>
/// A NAT's table of UDP mappings: pure, given the time. <see cref="Outbound"/> and <see cref="Inbound"/> translate or say why they do not.
/// </summary>
public sealed class NatTable(NatBehavior behavior, SeededDice dice, ImmutableArray<IpAddress> addresses)
{
    const ushort IkePort = 500;

    readonly Dictionary<(Endpoint Inside, Endpoint Toward), Mapping> _byInside = [];
    readonly Dictionary<Endpoint, Mapping> _byOutside = [];
    readonly Dictionary<IpAddress, Mapping> _passthrough = [];
    readonly Dictionary<IpAddress, IpAddress> _paired = [];
    int _nextAddress, _sweepAt = 1024;
    int _lastPort = behavior.PortRange.First - 1;

    public ImmutableArray<IpAddress> Addresses { get; private set; } = addresses;

    /// <summary>What is alive now, oldest inside endpoint first.</summary>
    public IEnumerable<Mapping> Mappings(Instant now) => _byOutside.Values.Concat(_passthrough.Values)
        .Where(m => m.IsAlive(now, behavior.MappingTimeout)).OrderBy(m => m.Inside.Address).ThenBy(m => m.Inside.Port).ThenBy(m => m.Outside.Port);

    /// <summary>The outside endpoint for a packet from inside, from an old mapping or a new one.</summary>
    public Endpoint? Outbound(Instant now, Endpoint inside, Endpoint remote, out Fate fate)
    {
        fate = Fate.Delivered;
        var mapping = behavior.IkePassthrough && inside.Port == IkePort && remote.Port == IkePort
            ? Passthrough(now, inside, remote, ref fate)
            : Find(now, inside, remote) ?? Create(now, inside, remote, ref fate);
        if (mapping is null)
            return null;
        if (behavior.Refresh is Refresh.Outbound or Refresh.Both || !mapping.Flows.ContainsKey(remote))
            mapping.Refresh(now, remote);
        return mapping.Outside;
    }

    /// <summary>The inside endpoint for a packet from outside, if there is a mapping and it admits the sender.</summary>
    public Endpoint? Inbound(Instant now, Endpoint outside, Endpoint remote, out Fate fate)
    {
        fate = Fate.Delivered;
        var timeout = behavior.MappingTimeout;
        var found = behavior.IkePassthrough && outside.Port == IkePort && _passthrough.TryGetValue(remote.Address, out var mapping)
            || _byOutside.TryGetValue(outside, out mapping);
        if (!found || !mapping!.IsAlive(now, timeout))
        {
            fate = Fate.NoMapping;
            return null;
        }
        if (!mapping.Admits(now, timeout, behavior.Filtering, remote))
        {
            fate = Fate.Filtered;
            return null;
        }
        if (behavior.Refresh is Refresh.Inbound or Refresh.Both)
        {
            mapping.Touch(now);
            if (mapping.Flows.ContainsKey(remote))
                mapping.Refresh(now, remote);
        }
        return mapping.Inside;
    }

    /// <summary>A port forward, in both directions, for ever.</summary>
    public void Forward(Endpoint outside, Endpoint inside)
    {
        var mapping = new Mapping(inside, outside, default, isPermanent: true);
        _byOutside[outside] = mapping;
        _byInside[(inside, default)] = mapping;
    }

    /// <summary>What a reboot does: all is forgotten but the port forwards.</summary>
    public void Forget()
    {
        var forwards = _byOutside.Values.Where(m => m.IsPermanent).ToList();
        _byOutside.Clear();
        _byInside.Clear();
        _passthrough.Clear();
        _paired.Clear();
        (_nextAddress, _lastPort) = (0, behavior.PortRange.First - 1);
        foreach (var forward in forwards)
            Forward(forward.Outside, forward.Inside);
    }

    /// <summary>The provider gave other public addresses; port forwards move along.</summary>
    public void Renumber(ImmutableArray<IpAddress> addresses)
    {
        var forwards = _byOutside.Values.Where(m => m.IsPermanent).Select(m => (m.Outside.Port, m.Inside)).ToList();
        Addresses = addresses;
        _byOutside.Clear();
        Forget();
        foreach (var (port, inside) in forwards)
            Forward(new(addresses[0], port), inside);
    }

    /// <summary>The address that this inside address appears with, where it has none yet by the pooling rule.</summary>
    public IpAddress AddressFor(IpAddress inside)
    {
        if (behavior.Pooling == Pooling.Paired && _paired.TryGetValue(inside, out var paired))
            return paired;
        var address = Addresses[_nextAddress++ % Addresses.Length];
        _paired[inside] = address;
        return address;
    }

    /// <summary>The table as a user would like to see it, one line a flow.</summary>
    public string Print(Instant now)
    {
        var text = new StringBuilder();
        foreach (var mapping in Mappings(now))
        {
            if (mapping.IsPermanent)
                text.Append($"udp   forward  {mapping.Outside} -> {mapping.Inside}\n");
            foreach (var (remote, at) in mapping.Flows.OrderBy(f => f.Key.Address).ThenBy(f => f.Key.Port))
            {
                var left = behavior.MappingTimeout - (now - at);
                if (left > TimeSpan.Zero)
                    text.Append(FormattableString.Invariant($"udp {Math.Ceiling(left.TotalSeconds),7} s  {mapping.Inside} -> {remote}  seen as {mapping.Outside}\n"));
            }
        }
        return text.ToString();
    }

    Mapping? Find(Instant now, Endpoint inside, Endpoint remote)
    {
        if (_byInside.TryGetValue((inside, default), out var forward) && forward.IsPermanent)
            return forward;
        if (!_byInside.TryGetValue((inside, Toward(remote)), out var mapping))
            return null;
        if (mapping.IsAlive(now, behavior.MappingTimeout))
            return mapping;
        Remove(mapping);
        return null;
    }

    Mapping? Create(Instant now, Endpoint inside, Endpoint remote, ref Fate fate)
    {
        Sweep(now);
        var atLimit = behavior.MappingsPerHost > 0 && Mappings(now).Count(m => m.Inside.Address == inside.Address) >= behavior.MappingsPerHost;
        if (atLimit || ChooseOutside(now, inside) is not { } outside)
        {
            fate = Fate.PortsExhausted;
            return null;
        }
        var mapping = new Mapping(inside, outside, Toward(remote), isPermanent: false);
        _byInside[(inside, mapping.Toward)] = mapping;
        _byOutside[outside] = mapping;
        return mapping;
    }

    Mapping? Passthrough(Instant now, Endpoint inside, Endpoint remote, ref Fate fate)
    {
        if (_passthrough.TryGetValue(remote.Address, out var taken) && taken.IsAlive(now, behavior.MappingTimeout))
        {
            if (taken.Inside == inside)
                return taken;
            fate = Fate.PassthroughTaken;
            return null;
        }
        return _passthrough[remote.Address] = new(inside, new(AddressFor(inside.Address), IkePort), remote, isPermanent: false);
    }

    Endpoint Toward(Endpoint remote) => behavior.Mapping switch
    {
        Dependence.EndpointIndependent => default,
        Dependence.AddressDependent => remote with { Port = 0 },
        Dependence.AddressAndPortDependent => remote,
    };

    Endpoint? ChooseOutside(Instant now, Endpoint inside)
    {
        var address = AddressFor(inside.Address);
        var (first, last) = behavior.PortRange;
        if (behavior.Ports == PortAssignment.RangePreserving)
            (first, last) = inside.Port < 1024 ? ((ushort)1, (ushort)1023) : ((ushort)1024, (ushort)65535);
        if (behavior.Ports == PortAssignment.Preserving && IsFree(now, new(address, inside.Port)))
            return new(address, inside.Port);
        var count = last - first + 1;
        var start = behavior.Ports == PortAssignment.Contiguous ? _lastPort + 1 - first : dice.Below(count);
        for (var i = 0; i < count; i++)
        {
            var port = (ushort)(first + (start + i) % count);
            if (!IsFree(now, new(address, port)))
                continue;
            _lastPort = port;
            return new(address, port);
        }
        return null;
    }

    bool IsFree(Instant now, Endpoint outside)
    {
        if (behavior.IkePassthrough && outside.Port == IkePort)
            return false;
        if (!_byOutside.TryGetValue(outside, out var mapping))
            return true;
        if (mapping.IsAlive(now, behavior.MappingTimeout))
            return false;
        Remove(mapping);
        return true;
    }

    void Remove(Mapping mapping)
    {
        _byInside.Remove((mapping.Inside, mapping.Toward));
        _byOutside.Remove(mapping.Outside);
    }

    void Sweep(Instant now)
    {
        if (_byOutside.Count < _sweepAt)
            return;
        foreach (var dead in _byOutside.Values.Where(m => !m.IsAlive(now, behavior.MappingTimeout)).ToList())
            Remove(dead);
        _sweepAt = Math.Max(1024, 2 * _byOutside.Count);
    }
}
