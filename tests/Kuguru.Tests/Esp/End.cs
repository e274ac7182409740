using System.Runtime.InteropServices;
using Kuguru.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>One end of a tunnel: table, both workers, and sinks that remember what they were given.</summary>
sealed class End : ITunSink, IDatagramSink, IDisposable
{
    readonly byte[] _room = GC.AllocateArray<byte>(70_000, pinned: true);
    int _asked;

    public End(Coalescing coalescing = Coalescing.None)
    {
        Table = new(new TestDice());
        Outbound = new(Table, this, this);
        Inbound = new(Table, this, coalescing);
    }

    public SaTable Table { get; }
    public Outbound Outbound { get; }
    public Inbound Inbound { get; }
    public Instant Now { get; set; } = new(1_000_000_000);

    /// <summary>How packets of the other end come in.</summary>
    public Path Home { get; init; } = Tunnel.PathToA;

    /// <summary>ESP packets, in order.</summary>
    public List<Sent> Sent { get; } = [];

    /// <summary>What the TUN device was given, in order.</summary>
    public List<Written> Written { get; } = [];

    /// <summary>False while only speed or memory is looked at.</summary>
    public bool Remembers { get; set; } = true;

    /// <summary>When there is one, packets go on to it at once.</summary>
    public Action<Sent>? Forward { get; set; }

    public IEnumerable<byte[]> WrittenPackets => Written.Select(written => written.Packet);

    /// <summary>A packet from the TUN device.</summary>
    public void Send(ReadOnlySpan<byte> packet, VirtioNetHeader header = default)
    {
        MemoryMarshal.Write(Outbound.Buffer, header);
        packet.CopyTo(Outbound.Buffer[VirtioNetHeader.Size..]);
        Outbound.Add(VirtioNetHeader.Size + packet.Length, Now);
    }

    /// <summary>ESP packets from the network, from where the tunnel's other end is unless it is said.</summary>
    public void Receive(ReadOnlySpan<byte> esp, Path? path = null, byte tos = 0, bool udp = true)
    {
        Inbound.Add(esp, new Arrival(path ?? Home, udp, tos, Now));
        Inbound.Flush();
    }

    /// <summary>What the other end has sent.</summary>
    public void Receive(Sent sent)
    {
        if (sent.Route.Protocol == IpProtocol.Ah)
            ReceiveAh(sent.Bytes, sent.Route.Path.Reversed());
        else
            Receive(sent.Bytes, sent.Route.Path.Reversed(), sent.Tos, sent.Route.UdpEncapsulated);
    }

    /// <summary>A whole IP packet with an AH.</summary>
    public void ReceiveAh(ReadOnlySpan<byte> packet, Path? path = null, byte tos = 0)
    {
        Inbound.AddAh(packet, new Arrival(path ?? Home, false, tos, Now));
        Inbound.Flush();
    }

    public List<EspReport> Reports()
    {
        List<EspReport> all = [];
        while (Outbound.Reports.TryTake(out var report) || Inbound.Reports.TryTake(out report))
            all.Add(report);
        return all;
    }

    /// <summary>What was dropped, as a sentence.</summary>
    public string Drops => string.Join(
        ", ", DropCounters.Sum([Outbound.Drops, Inbound.Drops]).Where(drop => drop.Value > 0).Select(drop => $"{drop.Key} {drop.Value}"));

    public void Dispose()
    {
        Outbound.Dispose();
        Inbound.Dispose();
        Table.Dispose();
    }

    void ITunSink.Write(ReadOnlySpan<Piece> packet)
    {
        if (!Remembers)
            return;
        List<byte> bytes = [];
        foreach (var piece in packet)
            bytes.AddRange(piece.Bytes);
        Written.Add(new(MemoryMarshal.Read<VirtioNetHeader>(CollectionsMarshal.AsSpan(bytes)), [.. bytes[VirtioNetHeader.Size..]]));
    }

    Span<byte> IDatagramSink.Room(Route route, int length) => _room.AsSpan(0, _asked = length);

    void IDatagramSink.Append(Route route, int length, byte tos)
    {
        // Not Assert.Equal, which allocates.
        if (_asked != length)
            Assert.Fail($"room for {_asked} octets was asked, {length} are sent");
        if (!Remembers)
            return;
        var sent = new Sent(route, _room[..length], tos);
        Sent.Add(sent);
        Forward?.Invoke(sent);
    }
}

sealed record Sent(Route Route, byte[] Bytes, byte Tos);

sealed record Written(VirtioNetHeader Header, byte[] Packet);

/// <summary>The same numbers in every run.</summary>
sealed class TestDice(int seed = 1) : Dice
{
    readonly Random _random = new(seed);
    public override void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
}
