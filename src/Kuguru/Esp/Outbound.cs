using System.Runtime.Intrinsics;
using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>
/// From packets and super-packets as the TUN device gives them to ESP and AH packets in a sink's memory. One worker's own: not thread-safe, no
/// allocation a packet.
/// <code>
/// while ((n = tun.Read(outbound.Buffer)) > 0)
///     outbound.Add(n, now);
/// // then have the sink send what it holds
/// </code>
/// </summary>
/// <param name="table">The SAs and traps.</param>
/// <param name="datagrams">Where ESP packets go.</param>
/// <param name="tun">Where answers ("too big") go.</param>
public sealed unsafe partial class Outbound(SaTable table, IDatagramSink datagrams, ITunSink tun) : IDisposable
{
    const int BufferLength = VirtioNetHeader.Size + 65535;

    // Headers are put together and answers written in scratch memory in front of the buffer.
    const int AnswerAt = 2 * HeaderTemplate.MaxLength, BufferAt = AnswerAt + 2048;

    readonly Arena _memory = new(BufferAt + BufferLength);

    /// <summary>Where to read the next packet to: a <see cref="VirtioNetHeader"/> and up to 65535 octets behind it. Native memory.</summary>
    public Span<byte> Buffer => new(_memory.Start + BufferAt, BufferLength);

    /// <summary>What was dropped; a super-packet counts as one.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>For the control loop.</summary>
    public EspReports Reports { get; } = new();

    byte* Packet => _memory.Start + BufferAt + VirtioNetHeader.Size;

    /// <summary>Takes the packet that was read into <see cref="Buffer"/>: so many octets, header included. It is worked on in place.</summary>
    public void Add(int length, Instant now)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, BufferLength);
        if (!Offload.TryRead(Buffer[..length], out var offload, out var ip))
        {
            Drops.Count(Drop.BadPacket);
            return;
        }
        // What was found may have been removed since; then it is not found again.
        Policy? policy;
        do
            policy = table.Find(ip);
        while (policy is OutboundSa found && !found.TryEnter());
        switch (policy)
        {
            case OutboundSa sa:
                try
                {
                    Send(sa, offload, ip, now);
                }
                finally
                {
                    sa.Leave();
                }
                break;
            case Trap trap:
                Drops.Count(Drop.AwaitingSa);
                if (!Reports.IsFull && trap.IsToBeReported(now))
                    Reports.TryAdd(new EspReport.Acquire(trap.ReqId, FlowOf(ip), now));
                break;
            case Shunt:
                Drops.Count(Drop.Shunted);
                break;
            default:
                Drops.Count(Drop.NoPolicy);
                break;
        }
    }

    static Flow FlowOf(in IpPacket ip) => new(ip.Protocol, new(ip.Source, ip.SourcePort), new(ip.Destination, ip.DestinationPort));

    void Send(OutboundSa sa, in Offload offload, in IpPacket ip, Instant now)
    {
        var route = sa.Route;
        var mtu = route.InnerMtuFor(ip.IsV6);
        // Transport mode takes whole packets only; if they do not fit, the kernel cuts the ESP packet.
        if (sa.IsTransport && ip.IsFragment)
            Drops.Count(Drop.Fragment);
        else if (!sa.IsTransport && offload.LargestPacket > mtu && ip.DontFragment)
        {
            Drops.Count(Drop.TooBig);
            AnswerTooBig(ip, mtu);
        }
        else
        {
            if (!offload.IsSuperPacket)
                offload.CompleteChecksum(Packet);
            if (sa.Map is { } map)
            {
                var translated = map.Apply(new(Packet, ip.Length), ip, transport: !offload.IsSuperPacket);
                Send(new Turn(sa, route, mtu, translated), offload, now);
            }
            else
                Send(new Turn(sa, route, mtu, ip), offload, now);
        }
    }

    void Send(Turn turn, in Offload offload, Instant now)
    {
        if (offload.IsSuperPacket)
            Segment(ref turn, offload);
        else
        {
            Tcp.ClampMss(new(Packet, turn.Ip.Length), turn.Ip, (ushort)Mtu.Mss(turn.Mtu, turn.Ip.IsV6));
            SealOrFragment(ref turn, Packet, turn.Ip.Length);
        }
        if (turn.Sealed > 0)
            turn.Sa.Usage.CountOutbound(now, turn.Sealed, turn.Octets);
        ReportWear(turn.Sa, turn.IsExhausted, now);
    }

    void Segment(ref Turn turn, in Offload offload)
    {
        var segments = new Segments(Packet, turn.Ip, offload, _memory.Start);
        while (!turn.IsExhausted && segments.TryNext(out var segment, out var length))
            SealOrFragment(ref turn, segment, length);
    }

    /// <summary>What may not be fragmented and does not fit was answered before; in IPv6 that is all.</summary>
    void SealOrFragment(ref Turn turn, byte* inner, int length)
    {
        if (length <= turn.Mtu || turn.Sa.IsTransport)
        {
            Seal(ref turn, inner, length);
            return;
        }
        var fragments = new Fragments(inner, length, turn.Mtu, _memory.Start + HeaderTemplate.MaxLength);
        while (!turn.IsExhausted && fragments.TryNext(out var fragment, out var fragmentLength))
            Seal(ref turn, fragment, fragmentLength);
    }

    /// <summary>The trailer goes behind the packet for as long as sealing takes, over what may be the next segment's payload.</summary>
    void Seal(ref Turn turn, byte* inner, int length)
    {
        var (sa, route) = (turn.Sa, turn.Route);
        if (!sa.TryNextSequence(out var sequence))
        {
            turn.IsExhausted = true;
            Drops.Count(Drop.SequenceExhausted);
            return;
        }
        if (sa.Ah is { } ah)
        {
            SealAh(ref turn, ah, inner, length, sequence);
            return;
        }
        var next = turn.Ip.IsV6 ? IpProtocol.Ipv6 : IpProtocol.Ipv4;
        if (sa.IsTransport)
        {
            // IPv6's extension headers go behind the ESP header.
            var (header, nextAt) = turn.Ip.IsV6 ? (Ipv6.Size, 6) : ((inner[0] & 15) * 4, 9);
            next = (IpProtocol)inner[nextAt];
            inner += header;
            length -= header;
        }
        var trailer = (length + EspTrailer.FixedSize + sa.Alignment - 1) / sa.Alignment * sa.Alignment - length;
        var behind = Vector256.Load(inner + length);
        EspTrailer.Write(new(inner + length, trailer), trailer - EspTrailer.FixedSize, next);
        var room = datagrams.Room(route, length + trailer + sa.Overhead);
        sa.Esp!.Seal(sa.Spi.Value, sequence, new(inner, length + trailer), room);
        behind.Store(inner + length);
        datagrams.Append(route, room.Length, turn.Ip.TypeOfService);
        turn.Sealed++;
        turn.Octets += length;
    }

    /// <summary>Nobody knows an address of ours in there, and an answer from the destination passes every reverse path filter.</summary>
    void AnswerTooBig(in IpPacket ip, int mtu)
    {
        if (ip.IsV6 && ip.Destination.Value >> 120 == 0xFF)
            return;
        var answer = _memory.Start + AnswerAt;
        new Span<byte>(answer, VirtioNetHeader.Size).Clear();
        var length = Icmp.WriteTooBig(new(Packet, ip.Length), ip, mtu, ip.Destination, new(answer + VirtioNetHeader.Size, Icmp.MaxLength));
        if (length > 0)
            tun.Write([new(answer, VirtioNetHeader.Size + length)]);
    }

    void ReportWear(OutboundSa sa, bool isExhausted, Instant now)
    {
        if (isExhausted && !sa.ExhaustionReported)
            sa.ExhaustionReported = Reports.TryAdd(new EspReport.Exhausted(sa.InboundSpi, now));
        else if (sa.IsWearing && !sa.WearReported)
            sa.WearReported = Reports.TryAdd(new EspReport.Wearing(sa.InboundSpi, now));
    }

    public void Dispose()
    {
        _memory.Dispose();
        _uncut?.Dispose();
    }

    /// <summary>What one packet or super-packet comes to.</summary>
    ref struct Turn(OutboundSa sa, Route route, int mtu, in IpPacket ip)
    {
        public readonly OutboundSa Sa = sa;
        public readonly Route Route = route;
        public readonly int Mtu = mtu;
        public readonly ref readonly IpPacket Ip = ref ip;
        public int Sealed;
        public long Octets;
        public bool IsExhausted;
    }
}
