using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>
/// From received ESP and AH packets to packets for the TUN device. One worker's own: not thread-safe, no allocation a packet, nothing a stranger
/// sends makes it throw.
/// <code>
/// inbound.Add(bytes, segmentSize, arrival);      // as often as there is something
/// inbound.Flush();                               // when there is nothing more for now
/// </code>
/// </summary>
/// <param name="table">The SAs.</param>
/// <param name="tun">Where inner packets go, some at once, all before <see cref="Flush"/> returns.</param>
/// <param name="coalescing">Which inner packets may go as super-packets.</param>
public sealed unsafe partial class Inbound(SaTable table, ITunSink tun, Coalescing coalescing) : IDisposable
{
    /// <summary>In front of each packet, for the <see cref="VirtioNetHeader"/>; such that packets lie aligned.</summary>
    const int Headroom = 16;
    const int MemoryLength = 1 << 19;

    static readonly TimeSpan ReportUnknownEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>In transport mode, for the IP header in front of what comes out of the SA.</summary>
    const int HeaderRoom = 48, TimeToLive = 64;

    readonly Arena _memory = new(MemoryLength);
    Instant _reportUnknownAt;
    readonly Coalescer _coalescer = new(tun, coalescing);
    ushort _identification;

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
            else if (!table.TryFind(header.Spi.Value, out var sa) || sa.Esp is null || !sa.TryEnter())
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
        if (!IsFresh(sa, sequenceLow, out var sequence))
            return;
        var front = sa.Transport is null ? Headroom : Headroom + HeaderRoom;
        if (_memory.Free < front + length + Headroom)
            Flush();
        var inner = _memory.End + front;
        if (sa.Esp!.Open(packet, sequence, new(inner, length)) < 0)
        {
            Drops.Count(Drop.NotAuthentic);
            return;
        }
        turn.Packets++;
        Report(ref turn, isNewest: sa.Replay.Accept(sequence));
        Deliver(ref turn, inner, length);
    }

    bool IsFresh(InboundSa sa, uint sequenceLow, out ulong sequence)
    {
        var verdict = sa.Replay.Check(sequenceLow, out sequence);
        if (verdict == ReplayVerdict.Fresh)
            return true;
        Drops.Count(verdict == ReplayVerdict.TooOld ? Drop.TooOld : Drop.Replayed);
        return false;
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
        else if (next == IpProtocol.NoNext)
            Drops.Count(Drop.Dummy);
        else if (turn.Sa.Transport is { } ends)
            DeliverTransport(ref turn, inner, payload, next, ends);
        else
            DeliverTunnel(ref turn, inner, payload, next);
    }

    void DeliverTunnel(ref Turn turn, byte* inner, int length, IpProtocol next)
    {
        var packet = new Span<byte>(inner, length);
        if (next is not (IpProtocol.Ipv4 or IpProtocol.Ipv6))
            Drops.Count(Drop.NotTunnelMode);
        else if (!IpPacket.TryRead(packet, out var ip) || ip.IsV6 != (next == IpProtocol.Ipv6))
            Drops.Count(Drop.BadInnerPacket);
        else if (!turn.Sa.Takes(ip))
            Drops.Count(Drop.OutsideSelectors);
        else if (!Ecn.TryDecapsulate(packet, ip, turn.Arrival.Tos))
            Drops.Count(Drop.CongestionMark);
        else
            Write(ref turn, inner, ip);
    }

    /// <summary>
    /// The packet gets an IP header as the peer names both ends, so that it is whole, and is then translated to this host's names like any
    /// other. The header that it came with was the outer packet's, which the kernel has taken off; of that only the type of service is known.
    /// </summary>
    void DeliverTransport(ref Turn turn, byte* payload, int length, IpProtocol next, in TransportEnds ends)
    {
        var isV6 = ends.PeerSource.IsV6;
        var total = length + (isV6 ? Ipv6.Size : Ipv4.MinSize);
        if (total > ushort.MaxValue)
        {
            Drops.Count(Drop.BadInnerPacket);
            return;
        }
        var packet = payload + length - total;
        var bytes = new Span<byte>(packet, total);
        if (isV6)
            Ipv6.Write(bytes, ends.PeerSource, ends.PeerDestination, next, length, turn.Arrival.Tos, hopLimit: TimeToLive);
        else
            Ipv4.Write(bytes, ends.PeerSource, ends.PeerDestination, next, total, turn.Arrival.Tos, _identification++, timeToLive: TimeToLive);
        if (!IpPacket.TryRead(bytes, out var ip))
            Drops.Count(Drop.BadInnerPacket);
        else if (!turn.Sa.Takes(ip))
            Drops.Count(Drop.OutsideSelectors);
        else
            Write(ref turn, packet, ip);
    }

    /// <summary>A sound packet that the SA takes goes to the TUN device, under this host's names.</summary>
    void Write(ref Turn turn, byte* packet, in IpPacket ip)
    {
        turn.Octets += ip.Length;
        if (turn.Sa.Map is { } map)
        {
            var translated = map.Apply(new(packet, ip.Length), ip);
            Pass(turn.Route, packet, translated);
        }
        else
            Pass(turn.Route, packet, ip);
    }

    void Pass(Route route, byte* packet, in IpPacket ip)
    {
        Tcp.ClampMss(new(packet, ip.Length), ip, (ushort)Mtu.Mss(route.InnerMtuFor(ip.IsV6), ip.IsV6));
        if (_coalescer.Add(packet, ip))
            _memory.Take((int)(packet - _memory.End + ip.Length + Headroom - 1) / Headroom * Headroom);
        else if (_coalescer.IsEmpty)
            _memory.Clear();
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
