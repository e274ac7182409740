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
public sealed class Inbound(SaTable table, ITunSink tun, Coalescing coalescing) : IDisposable
{
    readonly Arena _arena = new(1 << 19);

    /// <summary>What was dropped.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>For the control loop.</summary>
    public EspReports Reports { get; } = new();

    /// <summary>
    /// Opens ESP packets of one sender that lie back to back, each beginning with its SPI: all of <paramref name="segmentSize"/> octets but
    /// the last, which may be shorter.
    /// </summary>
    public void Add(ReadOnlySpan<byte> packets, int segmentSize, in Arrival arrival) => throw new NotImplementedException($"{table} {tun} {coalescing}");

    /// <summary>Opens one ESP packet.</summary>
    public void Add(ReadOnlySpan<byte> packet, in Arrival arrival) => Add(packet, Math.Max(packet.Length, 1), arrival);

    /// <summary>Writes what was kept back for coalescing.</summary>
    public void Flush() => _arena.Clear();

    public void Dispose() => _arena.Dispose();
}

/// <summary>Which neighbouring inner packets are written to the TUN device as one super-packet.</summary>
public enum Coalescing
{
    None,
    Tcp,

    /// <summary>Needs a kernel that knows VIRTIO_NET_HDR_GSO_UDP_L4 on TUN, 6.2 or later.</summary>
    TcpAndUdp,
}
