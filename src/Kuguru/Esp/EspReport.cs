using System.Diagnostics.CodeAnalysis;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>What the packet path tells the control plane aside. Rare; each is said once, not once a packet.</summary>
public abstract record EspReport
{
    EspReport() { }

    /// <summary>The first authentic packet on a new inbound SA: the peer sends with it.</summary>
    public sealed record FirstInbound(Spi InboundSpi, Instant At) : EspReport;

    /// <summary>
    /// An authentic packet with the newest sequence number came from somewhere else than where we send to (RFC 7296 section 2.23). The ports
    /// are 0 where it came as IP protocol 50.
    /// </summary>
    public sealed record Moved(Spi InboundSpi, Path From, bool UdpEncapsulated, Instant At) : EspReport;

    /// <summary>A packet fits a trap. Said again while packets go on, at most once a second for each trap.</summary>
    public sealed record Acquire(uint ReqId, Flow Flow, Instant At) : EspReport;

    /// <summary>
    /// A packet of so many octets, behind which there is no SA of ours: its sender may have one that we lost (RFC 7296 section 1.5). Said a few times
    /// a second at most.
    /// </summary>
    public sealed record UnknownSpi(Spi Spi, Path From, bool UdpEncapsulated, int Octets, Instant At) : EspReport;

    /// <summary>The outbound SA has an eighth of its sequence numbers left: time to rekey.</summary>
    public sealed record Wearing(Spi InboundSpi, Instant At) : EspReport;

    /// <summary>The outbound SA has no sequence number left and sends no more (RFC 4303 section 3.3.3).</summary>
    public sealed record Exhausted(Spi InboundSpi, Instant At) : EspReport;
}

/// <summary>
/// What a packet says about the conversation that it belongs to. Ports are 0 where there are none; for ICMP type and code are in both.
/// </summary>
public readonly record struct Flow(IpProtocol Protocol, Endpoint Source, Endpoint Destination)
{
    public override string ToString() => $"{Source} -> {Destination} protocol {(byte)Protocol}";
}

/// <summary>
/// A bounded queue of reports from one worker to the control loop: one thread adds, one takes, neither waits. When it is full a report is
/// not added and its worker says it again later.
/// </summary>
public sealed class EspReports
{
    const int Capacity = 256;

    readonly EspReport?[] _ring = new EspReport?[Capacity];
    int _added, _taken;

    /// <summary>Something is there to take. Cheap: a worker asks after every batch whether to wake the loop.</summary>
    public bool Any => Volatile.Read(ref _added) != Volatile.Read(ref _taken);

    public bool TryTake([NotNullWhen(true)] out EspReport? report)
    {
        report = null;
        if (!Any)
            return false;
        ref var slot = ref _ring[_taken % Capacity];
        report = slot!;
        slot = null;
        Volatile.Write(ref _taken, (_taken + 1) & int.MaxValue);
        return true;
    }

    internal bool IsFull => ((Volatile.Read(ref _added) - Volatile.Read(ref _taken)) & int.MaxValue) >= Capacity;

    /// <summary>False when it is full.</summary>
    internal bool TryAdd(EspReport report)
    {
        if (IsFull)
            return false;
        _ring[_added % Capacity] = report;
        Volatile.Write(ref _added, (_added + 1) & int.MaxValue);
        return true;
    }
}
