using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>
/// From received ESP packets to packets for the TUN device. One worker's own: not thread-safe, no allocation a packet, nothing a stranger
/// sends makes it throw.
/// <code>
/// inbound.Add(bytes, segmentSize, arrival);      // as often as there is something
/// inbound.Flush();                               // when there is nothing more for now
/// </code>
/// </summary>
/// <param name="table">The SAs.</param>
/// <param name="tun">Where inner packets go, some at once, all before <see cref="Flush"/> returns.</param>
/// <param name="coalescing">Which inner packets may go as super-packets.</param>
public sealed unsafe class Inbound(SaTable table, ITunSink tun, Coalescing coalescing) : IDisposable
{
    /// <summary>In front of each packet, for the <see cref="VirtioNetHeader"/>; such that packets lie aligned.</summary>
    const int Headroom = 16;
    const int MemoryLength = 1 << 19;

    static readonly TimeSpan ReportUnknownEvery = TimeSpan.FromMilliseconds(20);

    readonly Arena _memory = new(MemoryLength);
    Instant _reportUnknownAt;
    readonly Coalescer _coalescer = new(tun, coalescing);

    /// <summary>What was dropped.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>For the control loop.</summary>
    public EspReports Reports { get; } = new();

    /// <summary>
    /// Opens ESP packets of one sender that lie back to back, each beginning with its SPI: all of <paramref name="segmentSize"/> octets but
    /// the last, which may be shorter.
    /// </summary>
    public void Add(ReadOnlySpan<byte> packets, int segmentSize, scoped in Arrival arrival)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(segmentSize);
        while (!packets.IsEmpty)
        {
            var first = packets[..Math.Min(segmentSize, packets.Length)];
            if (!EspHeader.TryRead(first, out var header))
                Drops.Count(Drop.BadLength);
            else if (!table.TryFind(header.Spi.Value, out var sa) || !sa.TryEnter())
                ReportUnknown(header.Spi, first.Length, arrival);
            else
            {
                packets = Open(sa, packets, segmentSize, arrival);
                continue;
            }
            packets = packets[first.Length..];
        }
    }

    /// <summary>Opens one ESP packet.</summary>
    public void Add(ReadOnlySpan<byte> packet, in Arrival arrival) => Add(packet, Math.Max(packet.Length, 1), arrival);

    /// <summary>Writes what was kept back for coalescing.</summary>
    public void Flush()
    {
        _coalescer.Flush();
        _memory.Clear();
    }

    public void Dispose()
    {
        _coalescer.Dispose();
        _memory.Dispose();
    }

    void ReportUnknown(Spi spi, int octets, in Arrival arrival)
    {
        Drops.Count(Drop.UnknownSpi);
        if (arrival.Now < _reportUnknownAt || spi.IsReserved || Reports.IsFull)
            return;
        _reportUnknownAt = arrival.Now + ReportUnknownEvery;
        Reports.TryAdd(new EspReport.UnknownSpi(spi, arrival.Path, arrival.UdpEncapsulated, octets, arrival.Now));
    }

    /// <summary>Opens the packets with the first one's SPI and gives back the rest.</summary>
    ReadOnlySpan<byte> Open(InboundSa sa, ReadOnlySpan<byte> packets, int segmentSize, scoped in Arrival arrival)
    {
        var turn = new Turn(sa, sa.Route, arrival);
        try
        {
            do
            {
                var packet = packets[..Math.Min(segmentSize, packets.Length)];
                if (!EspHeader.TryRead(packet, out var header))
                    Drops.Count(Drop.BadLength);
                else if (header.Spi != sa.Spi)
                    break;
                else
                    Open(ref turn, packet, header.Sequence);
                packets = packets[packet.Length..];
            }
            while (!packets.IsEmpty);
            if (turn.Packets > 0)
                sa.Usage.CountInbound(arrival.Now, turn.Packets, turn.Octets);
        }
        finally
        {
            sa.Leave();
        }
        return packets;
    }

    /// <summary>What costs nothing is asked before the ICV; nothing is believed before it.</summary>
    void Open(ref Turn turn, ReadOnlySpan<byte> packet, uint sequenceLow)
    {
        var sa = turn.Sa;
        var length = packet.Length - sa.Overhead;
        if (length < sa.Alignment || length % sa.Alignment != 0)
        {
            Drops.Count(Drop.BadLength);
            return;
        }
        var verdict = sa.Replay.Check(sequenceLow, out var sequence);
        if (verdict != ReplayVerdict.Fresh)
        {
            Drops.Count(verdict == ReplayVerdict.TooOld ? Drop.TooOld : Drop.Replayed);
            return;
        }
        if (_memory.Free < Headroom + length + Headroom)
            Flush();
        var inner = _memory.End + Headroom;
        if (sa.Opener.Open(packet, sequence, new(inner, length)) < 0)
        {
            Drops.Count(Drop.NotAuthentic);
            return;
        }
        turn.Packets++;
        Report(ref turn, isNewest: sa.Replay.Accept(sequence));
        Deliver(ref turn, inner, length);
    }

    void Report(ref Turn turn, bool isNewest)
    {
        var (sa, now) = (turn.Sa, turn.Arrival.Now);
        if (!sa.IsUsed)
            sa.IsUsed = Reports.TryAdd(new EspReport.FirstInbound(sa.Spi, now));
        if (!isNewest || (!turn.IsElsewhere && sa.Elsewhere is null))
            return;
        var from = (turn.Arrival.Path, turn.Arrival.UdpEncapsulated);
        if (!turn.IsElsewhere)
            sa.Elsewhere = null;
        else if (sa.Elsewhere != from && !Reports.IsFull && Reports.TryAdd(new EspReport.Moved(sa.Spi, from.Path, from.UdpEncapsulated, now)))
            sa.Elsewhere = from;
    }

    /// <summary>The packet is the peer's; whether it is sound, and allowed, is another question.</summary>
    void Deliver(ref Turn turn, byte* inner, int length)
    {
        var plaintext = new Span<byte>(inner, length);
        if (!Trailer.TryRead(plaintext, out var payload, out var next))
            Drops.Count(Drop.BadPadding);
        else if (next is not (IpProtocol.Ipv4 or IpProtocol.Ipv6))
            Drops.Count(next == IpProtocol.NoNext ? Drop.Dummy : Drop.NotTunnelMode);
        else if (!IpPacket.TryRead(plaintext[..payload], out var ip) || ip.IsV6 != (next == IpProtocol.Ipv6))
            Drops.Count(Drop.BadInnerPacket);
        else if (!turn.Sa.Takes(ip))
            Drops.Count(Drop.OutsideSelectors);
        else if (!Ecn.TryDecapsulate(plaintext, ip, turn.Arrival.Tos))
            Drops.Count(Drop.CongestionMark);
        else
        {
            turn.Octets += ip.Length;
            Tcp.ClampMss(plaintext, ip, (ushort)Mtu.Mss(turn.Route.InnerMtuFor(ip.IsV6), ip.IsV6));
            if (_coalescer.Add(inner, ip))
                _memory.Take((Headroom + ip.Length + Headroom - 1) / Headroom * Headroom);
            else if (_coalescer.IsEmpty)
                _memory.Clear();
        }
    }

    /// <summary>Packets of one SA that came together.</summary>
    struct Turn(InboundSa sa, Route route, in Arrival arrival)
    {
        public readonly InboundSa Sa = sa;
        public readonly Route Route = route;
        public readonly Arrival Arrival = arrival;
        public readonly bool IsElsewhere = !route.Fits(arrival);
        public int Packets;
        public long Octets;
    }
}
