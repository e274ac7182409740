namespace Kuguru.Esp;

/// <summary>
/// From packets and super-packets as the TUN device gives them to ESP packets in a sink's memory. One worker's own: not thread-safe, no
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
public sealed unsafe class Outbound(SaTable table, IDatagramSink datagrams, ITunSink tun) : IDisposable
{
    const int BufferLength = VirtioNetHeader.Size + 65535;

    readonly Arena _buffer = new(BufferLength);

    /// <summary>Where to read the next packet to: a <see cref="VirtioNetHeader"/> and up to 65535 octets behind it. Native memory.</summary>
    public Span<byte> Buffer => new(_buffer.Start, BufferLength);

    /// <summary>What was dropped; a super-packet counts as one.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>For the control loop.</summary>
    public EspReports Reports { get; } = new();

    /// <summary>Takes the packet that was read into <see cref="Buffer"/>: so many octets, header included. It is worked on in place.</summary>
    public void Add(int length, Instant now) => throw new NotImplementedException($"{table} {datagrams} {tun}");

    public void Dispose() => _buffer.Dispose();
}
