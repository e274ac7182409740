using Kuguru.Ah;
using Kuguru.Wire;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Esp;

// What AH protects leaves as a whole IP packet, since the ICV covers the header too: nothing of that may be left to the kernel but what is zero
// in the ICV. So a packet that is too long for the path is cut here as well, behind the ICV (RFC 4302 section 3.3.4).
public sealed unsafe partial class Outbound
{
    const int LongestPacket = ushort.MaxValue, FragmentHeaderSize = 8, TimeToLive = 64;

    /// <summary>Packets that are to be cut; rarely needed.</summary>
    Arena? _uncut;
    ushort _identification;
    uint _fragmentIdentification;

    void SealAh(ref Turn turn, AhIntegrity ah, byte* inner, int length, ulong sequence)
    {
        var route = turn.Route;
        var isTransport = turn.Sa.IsTransport;
        var packet = new ReadOnlySpan<byte>(inner, length);
        var isV6 = isTransport ? turn.Ip.IsV6 : route.Path.Remote.Address.IsV6;
        var at = isTransport ? Placement.For(packet) : isV6 ? Ipv6.Size : Ipv4.MinSize;
        var payload = isTransport ? packet[at..] : packet;
        var header = ah.Suite.HeaderLength(isV6);
        var total = at + header + payload.Length;
        if (total > LongestPacket)
        {
            Drops.Count(Drop.TooBig);
            return;
        }
        var isCut = total > route.OuterMtu;
        var whole = isCut ? Uncut(total) : datagrams.Room(route, total);
        IpProtocol next;
        if (isTransport)
        {
            packet[..at].CopyTo(whole);
            next = TakeOver(whole, at, isV6, mayBeCut: isCut);
        }
        else
        {
            next = turn.Ip.IsV6 ? IpProtocol.Ipv6 : IpProtocol.Ipv4;
            WriteOuter(whole, route, isV6, turn.Ip.TypeOfService);
        }
        payload.CopyTo(whole[(at + header)..]);
        if (!ah.Seal(whole, at, new(next, header, turn.Sa.Spi, (uint)sequence), sequence))
        {
            Drops.Count(Drop.BadPacket);
            return;
        }
        if (!isCut)
            datagrams.Append(route, total, tos: 0);
        else if (isV6)
            CutV6(route, whole, at);
        else
            CutV4(route, total);
        turn.Sealed++;
        turn.Octets += isTransport ? length - at : length;
    }

    /// <summary>Makes the packet's own header one in front of an AH; gives what it was in front of.</summary>
    IpProtocol TakeOver(Span<byte> whole, int at, bool isV6, bool mayBeCut)
    {
        ref var named = ref whole[Placement.NextHeaderAt(whole, at)];
        var next = (IpProtocol)named;
        named = (byte)IpProtocol.Ah;
        if (isV6)
        {
            _ = new Ipv6(whole) { PayloadLength = (ushort)(whole.Length - Ipv6.Size) };
            return next;
        }
        // The kernel puts a number of its own in the place of a zero, and the ICV covers it.
        var ip = new Ipv4(whole) { TotalLength = (ushort)whole.Length };
        if (ip.Identification == 0)
            ip.Identification = NextIdentification();
        if (mayBeCut)
            WriteUInt16BigEndian(whole[6..], 0);
        ip.UpdateChecksum();
        return next;
    }

    void WriteOuter(Span<byte> whole, Route route, bool isV6, byte tos)
    {
        var (local, remote) = (route.Path.Local.Address, route.Path.Remote.Address);
        if (isV6)
            Ipv6.Write(whole, local, remote, IpProtocol.Ah, whole.Length - Ipv6.Size, tos, hopLimit: TimeToLive);
        else
            Ipv4.Write(whole, local, remote, IpProtocol.Ah, whole.Length, tos, NextIdentification(), dontFragment: false, TimeToLive);
    }

    ushort NextIdentification() => ++_identification == 0 ? ++_identification : _identification;

    Span<byte> Uncut(int length)
    {
        _uncut ??= new(HeaderTemplate.MaxLength + LongestPacket);
        return new(_uncut.Start + HeaderTemplate.MaxLength, length);
    }

    void CutV4(Route route, int length)
    {
        var fragments = new Fragments(_uncut!.Start + HeaderTemplate.MaxLength, length, route.OuterMtu, _uncut.Start);
        while (fragments.TryNext(out var fragment, out var fragmentLength))
        {
            new ReadOnlySpan<byte>(fragment, fragmentLength).CopyTo(datagrams.Room(route, fragmentLength));
            datagrams.Append(route, fragmentLength, tos: 0);
        }
    }

    /// <summary>Fragment headers go behind what every fragment repeats (RFC 8200 section 4.5).</summary>
    void CutV6(Route route, ReadOnlySpan<byte> whole, int at)
    {
        var step = Math.Max(FragmentHeaderSize, (route.OuterMtu - at - FragmentHeaderSize) / 8 * 8);
        var number = ++_fragmentIdentification;
        for (var done = 0; at + done < whole.Length; done += step)
        {
            var part = whole.Slice(at + done, Math.Min(step, whole.Length - at - done));
            var room = datagrams.Room(route, at + FragmentHeaderSize + part.Length);
            whole[..at].CopyTo(room);
            room[Placement.NextHeaderAt(room, at)] = (byte)IpProtocol.Fragment;
            _ = new Ipv6(room) { PayloadLength = (ushort)(room.Length - Ipv6.Size) };
            var isLast = at + done + part.Length == whole.Length;
            WriteUInt16BigEndian(room[at..], (ushort)((byte)IpProtocol.Ah << 8));
            WriteUInt16BigEndian(room[(at + 2)..], (ushort)(done | (isLast ? 0 : 1)));
            WriteUInt32BigEndian(room[(at + 4)..], number);
            part.CopyTo(room[(at + FragmentHeaderSize)..]);
            datagrams.Append(route, room.Length, tos: 0);
        }
    }
}
