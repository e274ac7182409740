using System.Collections.Immutable;
using Kuguru.Ah;
using Kuguru.Crypto;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>The receiving half of a pair. What is not readonly belongs to whoever has the claim.</summary>
sealed class InboundSa(SaDescription sa, Route route)
{
    // In transport mode packets are looked at as the peer names its ends.
    (Selector[] Local, Selector[] Remote)[] _selectors = [(Of(sa.Local, sa.Transport?.PeerDestination), Of(sa.Remote, sa.Transport?.PeerSource))];
    Claim _claim;
    Route _route = route;

    public Spi Spi { get; } = sa.InboundSpi;

    /// <summary>Null for an AH SA.</summary>
    public EspOpener? Esp { get; } = sa.Suite is EspSuite suite ? EspOpener.Create(suite, sa.InboundKeys) : null;

    /// <summary>Null for an ESP SA.</summary>
    public AhIntegrity? Ah { get; } = sa.Suite is AhSuite suite ? new(suite, sa.InboundKeys) : null;
    public ReplayWindow Replay { get; } = new(sa.ReplayWindow, sa.Suite.IsEsn);
    public SaUsage Usage { get; } = sa.Usage;
    public int Overhead { get; } = (sa.Suite as EspSuite)?.Overhead ?? 0;
    public int Alignment { get; } = (sa.Suite as EspSuite)?.Alignment ?? 1;

    /// <summary>Null in tunnel mode.</summary>
    public TransportEnds? Transport { get; } = sa.Transport;

    /// <summary>From the peer's addresses to this host's; null when they are the same.</summary>
    public AddressMap? Map { get; } = AddressMap.Inbound(sa);

    public Route Route
    {
        get => Volatile.Read(ref _route);
        set => Volatile.Write(ref _route, value);
    }

    /// <summary>The first packet has come and was reported.</summary>
    public bool IsUsed { get; set; }

    /// <summary>The last place other than the route's that was reported, so that it is reported once.</summary>
    public (Path Path, bool UdpEncapsulated)? Elsewhere { get; set; }

    /// <summary>Source and destination are the peer's and ours.</summary>
    public bool Takes(in IpPacket packet)
    {
        ref readonly var selectors = ref Volatile.Read(ref _selectors)[0];
        return selectors.Local.TakeDestination(packet) && selectors.Remote.TakeSource(packet);
    }

    /// <summary>Takes other packets from now on. A reader sees the old selectors or the new ones.</summary>
    public void Select(ImmutableArray<Selector> local, ImmutableArray<Selector> remote) =>
        Volatile.Write(ref _selectors, [([.. local], [.. remote])]);

    static Selector[] Of(IEnumerable<Selector> selectors, IpAddress? host) =>
        [.. selectors.Select(selector => host is { } address ? selector with { Range = AddressRange.Single(address) } : selector)];

    void Wipe()
    {
        Esp?.Dispose();
        Ah?.Dispose();
    }

    public bool TryEnter() => _claim.TryEnter();

    public void Leave()
    {
        if (_claim.Leave())
            Wipe();
    }

    public void Retire()
    {
        if (_claim.Retire())
            Wipe();
    }
}
