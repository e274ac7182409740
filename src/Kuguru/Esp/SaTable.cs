using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Kuguru.Wire;

namespace Kuguru.Esp;

// The packet path. Everything here is called by two kinds of threads and nothing else: the control loop, which changes the table, and
// workers, which carry packets. They meet in the table and in SaUsage one way, in EspReports the other way.
//
//   control loop      InstallSa UseSa MoveSa RemoveSa        reports: first packet, moved, wearing, wanted
//                                  |                                             ^
//                                  v                                             |
//                     SaTable ---- frozen buckets, swapped whole; SAs claimed while used
//                       ^ by SPI                                     ^ by selectors (Policies)
//                       |                                            |
//   RX worker         Inbound.Add                    TX worker     Outbound.Add
//     UDP, raw -->    replay, open, trailer,           TUN -->     segment, checksum, policy, MSS,
//                     inner header, selectors,                     too big? then answer; else
//                     ECN, MSS, Coalescer --> TUN                  seal into the sink's memory --> UDP, raw

/// <summary>
/// Every child SA of one node as the packet path sees it. Changed by one thread, the control loop; read by any number of workers, which
/// never wait for it. An SA that is removed while a worker uses it goes, keys and all, when that worker is done with its packet.
/// </summary>
/// <param name="dice">Where the sealers take what CBC's IVs are made of.</param>
public sealed class SaTable(Dice dice) : IDisposable
{
    readonly FrozenBuckets<uint, InboundSa> _inbound = new();
    readonly Policies _policies = new();
    readonly Policies _drops = new();
    readonly Dictionary<Spi, (InboundSa In, OutboundSa Out)> _pairs = [];
    /// <summary>Pairs that are received on and not yet sent with, the oldest first: others of the same selectors are, which they are to follow.</summary>
    readonly List<Spi> _heirs = [];
    readonly Dictionary<uint, Trap> _traps = [];
    readonly Dictionary<uint, Shunt> _shunts = [];

    /// <summary>Pairs of SAs that are installed.</summary>
    public int Count => _pairs.Count;

    /// <summary>
    /// Receives on the pair's inbound SPI; sends with it as well, unless <paramref name="inboundOnly"/>: then from <see cref="Use"/> on, or as soon as nothing
    /// else is left to send packets of its selectors with. An SPI that is installed already is a bug of the caller.
    /// </summary>
    public void Install(SaDescription sa, bool inboundOnly = false)
    {
        if (_pairs.ContainsKey(sa.InboundSpi))
            throw new InvalidOperationException($"an SA with inbound SPI {sa.InboundSpi} is installed already");
        var route = new Route(sa.InboundSpi, sa.Suite, sa.Path, sa.UdpEncapsulated, sa.OuterMtu, sa.Mode);
        var pair = (In: new InboundSa(sa, route), Out: new OutboundSa(sa, route, dice));
        _pairs.Add(sa.InboundSpi, pair);
        _inbound.Set(sa.InboundSpi.Value, pair.In);
        if (inboundOnly)
            _heirs.Add(sa.InboundSpi);
        else
            _policies.Add(pair.Out);
    }

    /// <summary>Sends with this pair from now on, before all older ones of its selectors. False when there is no such pair.</summary>
    public bool Use(Spi inboundSpi)
    {
        if (!_pairs.TryGetValue(inboundSpi, out var pair))
            return false;
        _heirs.Remove(inboundSpi);
        _policies.Add(pair.Out);
        return true;
    }

    /// <summary>Sends with this pair no longer, and still receives. False when there is no such pair.</summary>
    public bool ReceiveOnly(Spi inboundSpi)
    {
        if (!_pairs.TryGetValue(inboundSpi, out var pair))
            return false;
        HandOver(pair.Out);
        _policies.Remove(pair.Out);
        return true;
    }

    /// <summary>Sends to another endpoint from now on, or with other encapsulation. False when there is no such pair.</summary>
    public bool Move(Spi inboundSpi, Path path, bool udpEncapsulated) =>
        Redirect(inboundSpi, old => (path, udpEncapsulated, old.OuterMtu));

    /// <summary>Takes and sends other packets from now on. False when there is no such pair.</summary>
    public bool Reselect(Spi inboundSpi, ImmutableArray<Selector> local, ImmutableArray<Selector> remote)
    {
        if (!_pairs.TryGetValue(inboundSpi, out var pair))
            return false;
        pair.In.Select(local, remote);
        var isUsed = _policies.Remove(pair.Out);
        pair.Out.Select(local, remote);
        if (isUsed)
            _policies.Add(pair.Out);
        return true;
    }

    /// <summary>The path turned out to carry outer packets of so many octets only (or more again). False when there is no such pair.</summary>
    public bool LimitMtu(Spi inboundSpi, int outerMtu) =>
        Redirect(inboundSpi, old => (old.Path, old.UdpEncapsulated, outerMtu));

    /// <summary>Forgets the pair and wipes its keys. False when there is no such pair.</summary>
    public bool Remove(Spi inboundSpi)
    {
        if (!_pairs.TryGetValue(inboundSpi, out var pair))
            return false;
        _heirs.Remove(inboundSpi);
        HandOver(pair.Out);
        _pairs.Remove(inboundSpi);
        _policies.Remove(pair.Out);
        _inbound.Remove(inboundSpi.Value);
        pair.In.Retire();
        pair.Out.Retire();
        return true;
    }

    /// <summary>Says <see cref="EspReport.Acquire"/> for packets that fit this trap and no SA; replaces a trap of the same reqid.</summary>
    public void InstallTrap(TrapDescription trap)
    {
        RemoveTrap(trap.ReqId);
        var installed = new Trap(trap);
        _traps.Add(trap.ReqId, installed);
        _policies.Add(installed);
    }

    /// <summary>Drops, and counts, what fits these selectors and no SA or trap; replaces one of the same reqid.</summary>
    public void InstallDrop(TrapDescription shunt)
    {
        RemoveTrap(shunt.ReqId);
        var installed = new Shunt(shunt);
        _shunts.Add(shunt.ReqId, installed);
        _drops.Add(installed);
    }

    /// <summary>False when there is no such trap or shunt.</summary>
    public bool RemoveTrap(uint reqId)
    {
        if (_shunts.Remove(reqId, out var shunt))
        {
            _drops.Remove(shunt);
            return true;
        }
        if (!_traps.Remove(reqId, out var trap))
            return false;
        _policies.Remove(trap);
        return true;
    }

    /// <summary>Where a pair sends to now, and with which MTU; null when there is no such pair.</summary>
    public Route? RouteOf(Spi inboundSpi) => _pairs.TryGetValue(inboundSpi, out var pair) ? pair.Out.Route : null;

    /// <summary>Removes everything.</summary>
    public void Dispose()
    {
        foreach (var reqId in _traps.Keys.Concat(_shunts.Keys).ToArray())
            RemoveTrap(reqId);
        foreach (var spi in _pairs.Keys.ToArray())
            Remove(spi);
    }

    internal bool TryFind(uint inboundSpi, [NotNullWhen(true)] out InboundSa? sa) => _inbound.TryGet(inboundSpi, out sa);

    internal Policy? Find(in IpPacket packet) => _policies.Find(packet) ?? _drops.Find(packet);

    /// <summary>Whoever lets the last SA of some selectors go has their heir, whether it has sent with it yet or not.</summary>
    void HandOver(OutboundSa last)
    {
        var heir = _heirs.FindLastIndex(spi => _pairs[spi].Out.HasSelectorsOf(last));
        if (heir >= 0 && !_policies.HasOther(last))
            Use(_heirs[heir]);
    }

    bool Redirect(Spi inboundSpi, Func<Route, (Path Path, bool UdpEncapsulated, int OuterMtu)> change)
    {
        if (!_pairs.TryGetValue(inboundSpi, out var pair))
            return false;
        var to = change(pair.Out.Route);
        var route = new Route(inboundSpi, pair.Out.Suite, to.Path, to.UdpEncapsulated, to.OuterMtu, pair.Out.Route.Mode);
        pair.In.Route = route;
        pair.Out.Route = route;
        return true;
    }
}
