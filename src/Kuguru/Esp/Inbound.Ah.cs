using Kuguru.Ah;
using Kuguru.Wire;

namespace Kuguru.Esp;

public sealed unsafe partial class Inbound
{
    /// <summary>
    /// Opens one AH packet: the whole IP packet as it arrived, since the ICV covers its header (RFC 4302 section 3.4). What came in fragments has been
    /// put together before.
    /// </summary>
    public void AddAh(ReadOnlySpan<byte> packet, scoped in Arrival arrival)
    {
        if (!IpPacket.TryRead(packet, out var outer) || outer.Protocol != IpProtocol.Ah || outer.IsFragment
            || !AhHeader.TryRead(packet[outer.TransportAt..outer.Length], out var header))
            Drops.Count(Drop.BadLength);
        else if (!table.TryFind(header.Spi.Value, out var sa) || sa.Ah is not { } ah || !sa.TryEnter())
            ReportUnknown(header.Spi, packet.Length, arrival);
        else
        {
            var turn = new Turn(sa, sa.Route, arrival);
            try
            {
                OpenAh(ref turn, ah, packet[..outer.Length], outer.TransportAt, header);
                if (turn.Packets > 0)
                    sa.Usage.CountInbound(arrival.Now, turn.Packets, turn.Octets);
            }
            finally
            {
                sa.Leave();
            }
        }
    }

    void OpenAh(ref Turn turn, AhIntegrity ah, ReadOnlySpan<byte> packet, int at, in AhHeader header)
    {
        if (!IsFresh(turn.Sa, header.Sequence, out var sequence))
            return;
        if (!ah.Verify(packet, at, header, sequence))
        {
            Drops.Count(Drop.NotAuthentic);
            return;
        }
        turn.Packets++;
        Report(ref turn, isNewest: turn.Sa.Replay.Accept(sequence));
        var payload = packet[(at + header.Length)..];
        var kept = turn.Sa.Transport is null ? default : packet[..at];
        var length = kept.Length + payload.Length;
        if (_memory.Free < Headroom + length + Headroom)
            Flush();
        var inner = _memory.End + Headroom;
        kept.CopyTo(new(inner, kept.Length));
        payload.CopyTo(new(inner + kept.Length, payload.Length));
        if (header.Next == IpProtocol.NoNext)
            Drops.Count(Drop.Dummy);
        else if (turn.Sa.Transport is null)
            DeliverTunnel(ref turn, inner, length, header.Next);
        else
            DeliverTransportAh(ref turn, inner, length, at, header.Next);
    }

    /// <summary>The header that it came with is its own: it only loses the AH.</summary>
    void DeliverTransportAh(ref Turn turn, byte* packet, int length, int at, IpProtocol next)
    {
        var bytes = new Span<byte>(packet, length);
        bytes[Placement.NextHeaderAt(bytes, at)] = (byte)next;
        if (bytes[0] >> 4 == 6)
            _ = new Ipv6(bytes) { PayloadLength = (ushort)(length - Ipv6.Size) };
        else
        {
            var ip = new Ipv4(bytes) { TotalLength = (ushort)length };
            ip.UpdateChecksum();
        }
        if (!IpPacket.TryRead(bytes, out var read))
            Drops.Count(Drop.BadInnerPacket);
        else if (!turn.Sa.Takes(read))
            Drops.Count(Drop.OutsideSelectors);
        else
            Write(ref turn, packet, read);
    }
}
