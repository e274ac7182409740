using Kuguru.Ah;
using Kuguru.Crypto;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>The sending half of a pair. What is not readonly belongs to whoever has the claim.</summary>
sealed class OutboundSa(SaDescription sa, Route route, Dice dice) : Policy(sa.Local, sa.SeenRemote)
{
    Claim _claim;
    Route _route = route;
    readonly ulong _maxSequence = sa.Suite.IsEsn ? ulong.MaxValue : uint.MaxValue;
    readonly ulong _wearsAt = (sa.Suite.IsEsn ? ulong.MaxValue : uint.MaxValue) / 8 * 7;
    ulong _lastSequence;

    public ChildSuite Suite { get; } = sa.Suite;
    public Spi InboundSpi { get; } = sa.InboundSpi;
    public Spi Spi { get; } = sa.OutboundSpi;

    /// <summary>Null for an AH SA.</summary>
    public EspSealer? Esp { get; } = sa.Suite is EspSuite suite ? EspSealer.Create(suite, sa.OutboundKeys, dice) : null;

    /// <summary>Null for an ESP SA.</summary>
    public AhIntegrity? Ah { get; } = sa.Suite is AhSuite suite ? new(suite, sa.OutboundKeys) : null;
    public SaUsage Usage { get; } = sa.Usage;
    public int Overhead { get; } = (sa.Suite as EspSuite)?.Overhead ?? 0;
    public int Alignment { get; } = (sa.Suite as EspSuite)?.Alignment ?? 1;
    public bool IsTransport { get; } = sa.Transport is not null;

    /// <summary>From this host's addresses to the peer's; null when they are the same.</summary>
    public AddressMap? Map { get; } = AddressMap.Outbound(sa);

    public Route Route
    {
        get => Volatile.Read(ref _route);
        set => Volatile.Write(ref _route, value);
    }

    public bool WearReported { get; set; }
    public bool ExhaustionReported { get; set; }

    /// <summary>Seven eighths of the sequence numbers are used up.</summary>
    public bool IsWearing => _lastSequence >= _wearsAt;

    /// <summary>False when the numbers are used up: they never cycle (RFC 4303 section 3.3.3).</summary>
    public bool TryNextSequence(out ulong sequence)
    {
        sequence = _lastSequence + 1;
        if (_lastSequence == _maxSequence)
            return false;
        _lastSequence = sequence;
        return true;
    }

    /// <summary>For tests of what happens when the numbers end.</summary>
    internal void SkipTo(ulong lastSequence) => _lastSequence = lastSequence;

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
