using System.Runtime.InteropServices;
using Kuguru.Esp;
using Kuguru.Wire;

namespace Kuguru.Lab;

/// <summary>An ESP packet, or a whole IP packet with AH, that is to leave, and by which route.</summary>
readonly record struct SealedPacket(Route Route, Blob Bytes);

/// <summary>
/// The real packet path (<see cref="Kuguru.Esp"/>) of one simulated host, both workers on one virtual thread: whole packets in, whole packets out.
/// The workers are made when the first packet comes, so that hosts which only shake hands cost little.
/// </summary>
sealed class PathWorker(Dice dice) : ITunSink, IDatagramSink, IDisposable
{
    readonly List<SealedPacket> _sealed = [];
    readonly List<Packet> _opened = [];
    Inbound? _inbound;
    Outbound? _outbound;
    byte[] _room = [];

    public SaTable Table { get; } = new(dice);
    public DropCounters InboundDrops => Inbound.Drops;
    public DropCounters OutboundDrops => Outbound.Drops;

    Inbound Inbound => _inbound ??= new(Table, this, Coalescing.None);
    Outbound Outbound => _outbound ??= new(Table, this, this);

    /// <summary>One inner packet toward the tunnels; answers ("too big") come back in the second list.</summary>
    public (IReadOnlyList<SealedPacket> Sealed, IReadOnlyList<Packet> Answers) Seal(Instant now, Packet packet)
    {
        var bytes = packet.ToBytes();
        Outbound.Buffer[..VirtioNetHeader.Size].Clear();
        bytes.CopyTo(Outbound.Buffer[VirtioNetHeader.Size..]);
        Outbound.Add(VirtioNetHeader.Size + bytes.Length, now);
        return (Take(_sealed), Take(_opened));
    }

    /// <summary>One ESP packet from the network; what was inside, if it was good.</summary>
    public IReadOnlyList<Packet> Open(ReadOnlySpan<byte> packet, in Arrival arrival)
    {
        Inbound.Add(packet, arrival);
        Inbound.Flush();
        return Take(_opened);
    }

    /// <summary>One IP packet with AH from the network; what was inside, if it was good.</summary>
    public IReadOnlyList<Packet> OpenAh(ReadOnlySpan<byte> packet, in Arrival arrival)
    {
        Inbound.AddAh(packet, arrival);
        Inbound.Flush();
        return Take(_opened);
    }

    /// <summary>What the packet path has to say to the node.</summary>
    public IEnumerable<EspReport> Reports()
    {
        while (_inbound?.Reports.TryTake(out var report) ?? false)
            yield return report;
        while (_outbound?.Reports.TryTake(out var report) ?? false)
            yield return report;
    }

    public void Dispose()
    {
        _inbound?.Dispose();
        _outbound?.Dispose();
        Table.Dispose();
    }

    void ITunSink.Write(ReadOnlySpan<Piece> packet)
    {
        var bytes = new List<byte>();
        foreach (var piece in packet)
            bytes.AddRange(piece.Bytes);
        var whole = CollectionsMarshal.AsSpan(bytes);
        var header = MemoryMarshal.Read<VirtioNetHeader>(whole);
        var ip = whole[VirtioNetHeader.Size..];
        if ((header.Flags & VirtioNetHeader.NeedsChecksum) != 0)
            Finish(ip, header);
        if (!Packet.TryRead(ip, out var opened))
            throw new InvalidOperationException($"the packet path wrote what is no IP packet: {Convert.ToHexStringLower(ip)}");
        if (!HasRightChecksum(ip))
            throw new InvalidOperationException($"the packet path wrote a datagram with a wrong checksum: {Convert.ToHexStringLower(ip)}");
        _opened.Add(opened);
    }

    /// <summary>All that hosts of the lab send has one; if it is wrong here, somebody has translated addresses and not mended it.</summary>
    static bool HasRightChecksum(ReadOnlySpan<byte> bytes) => !IpPacket.TryRead(bytes, out var ip) || ip.IsFragment || ip.Protocol != IpProtocol.Udp
        || Checksum.OfSegment(ip.Source, ip.Destination, ip.Protocol, bytes[ip.TransportAt..ip.Length]) == 0;

    Span<byte> IDatagramSink.Room(Route route, int length) => _room = new byte[length];

    void IDatagramSink.Append(Route route, int length, byte tos) => _sealed.Add(new(route, _room));

    /// <summary>What a network card would do: the checksum over the part whose pseudo header's sum stands in the field already.</summary>
    static void Finish(Span<byte> ip, in VirtioNetHeader header)
    {
        var segment = ip[header.ChecksumStart..];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(segment[header.ChecksumOffset..], Checksum.Of(segment));
    }

    static List<T> Take<T>(List<T> list)
    {
        List<T> taken = [.. list];
        list.Clear();
        return taken;
    }
}
