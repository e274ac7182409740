// A simulated internet with virtual time. Everything that happens is an event in one queue, ordered by when it is due and, among equals,
// by who came first; the clock jumps from event to event; chance comes from one seed. So a run is repeatable to the last bit, and
// a day behind a NAT takes a second.
//
//   Host --> Net (Link: latency, loss, ...) --> Router: NatRouter | Firewall --> Net "internet" --> ... --> Host
//
// A Net is a segment to which devices are attached; a Site (Sites) is a LAN with the routers that lead from it to the internet.

namespace Kuguru.Lab;

/// <summary>One simulated internet: its clock, its queue of events, its dice and its transcript.</summary>
public sealed class World
{
    readonly PriorityQueue<Action, (Instant At, long Order)> _events = new();
    readonly Dictionary<Fate, long> _fates = [];
    readonly Dictionary<string, int> _lives = [];
    long _order;
    uint _subnets;

    public World(ulong seed = 1)
    {
        Seed = seed;
        Dice = new(seed);
        Invariants = new(this);
        Internet = new(this, "internet") { Link = new() { Latency = TimeSpan.FromMilliseconds(50) } };
        foreach (var subnet in (string[])["203.0.113.0/24", "198.51.100.0/24", "198.18.0.0/15", "2001:db8::/64"])
            Internet.Add(Prefix.Of(subnet));
    }

    /// <summary>Say it when something fails: the same seed brings the same run.</summary>
    public ulong Seed { get; }
    public SeededDice Dice { get; }
    public Instant Now { get; private set; }

    /// <summary>Where public addresses are; 50 ms from anywhere to anywhere, unless told otherwise.</summary>
    public Net Internet { get; }
    public Transcript Transcript { get; } = new();

    /// <summary>What must hold whatever happens; watched by itself.</summary>
    public Invariants Invariants { get; }

    public void At(Instant at, Action action) => _events.Enqueue(action, (at < Now ? Now : at, _order++));
    public void After(TimeSpan span, Action action) => At(Now + span, action);

    /// <summary>Lets this much virtual time pass.</summary>
    public void RunFor(TimeSpan span)
    {
        var end = Now + span;
        while (_events.TryPeek(out _, out var due) && due.At <= end)
            Step();
        Now = end;
    }

    /// <summary>Runs until it is so, at most for this long; says whether it came to be.</summary>
    public bool RunUntil(Func<bool> isSo, TimeSpan limit)
    {
        var end = Now + limit;
        while (!isSo())
        {
            if (!_events.TryPeek(out _, out var due) || due.At > end)
            {
                Now = end;
                return isSo();
            }
            Step();
        }
        return true;
    }

    /// <summary>How many packets met this fate so far.</summary>
    public long Count(Fate fate) => _fates.GetValueOrDefault(fate);

    /// <summary>A public prefix for a site of its own: a /28, or a /64.</summary>
    public AddressRange NextSubnet(bool v6 = false)
    {
        var index = ++_subnets;
        return v6
            ? AddressRange.Prefix(IpAddress.V6(((UInt128)0x2001_0db8 << 96) | ((UInt128)index << 64)), 64)
            : AddressRange.Prefix(Prefix.Of("192.0.2.0/24").At(16 * (index - 1)), 28);
    }

    /// <summary>The name of a host's present life: one that lost its power throws other dice in the next.</summary>
    internal string Life(string name)
    {
        var lives = _lives[name] = _lives.GetValueOrDefault(name) + 1;
        return lives == 1 ? name : $"{name}, life {lives}";
    }

    internal void Meets(Packet packet, Fate fate, string where)
    {
        _fates[fate] = Count(fate) + 1;
        packet.Crossing?.Meets(fate, where);
    }

    void Step()
    {
        _events.TryDequeue(out var action, out var due);
        Now = due.At;
        action!();
    }
}
