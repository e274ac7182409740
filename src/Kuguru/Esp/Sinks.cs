using System.Runtime.InteropServices;

namespace Kuguru.Esp;

/// <summary>
/// Where inner packets go: the TUN device, or a host of the simulated network. Implementations must not call back into the object that
/// calls them.
/// </summary>
public interface ITunSink
{
    /// <summary>
    /// One packet or super-packet in pieces, to be written at once (<c>writev</c>). The first piece begins with a
    /// <see cref="VirtioNetHeader"/>. The memory is valid during the call only.
    /// </summary>
    void Write(ReadOnlySpan<Piece> packet);
}

/// <summary>
/// Where ESP and AH packets go: the batches of UDP ports and raw sockets, or the simulated network. ESP packets are written straight into the
/// sink's memory: <see cref="Room"/>, then <see cref="Append"/>, for one packet after the other. Neighbours on one route mostly have one
/// length, so that the kernel can take them as one (UDP_SEGMENT). Implementations must not call back into the object that calls them.
/// </summary>
public interface IDatagramSink
{
    /// <summary>Exactly this many octets to write the next packet to. A sink that is full sends what it holds first.</summary>
    Span<byte> Room(Route route, int length);

    /// <summary>The room that was given last holds a whole packet now.</summary>
    /// <param name="route">
    /// Where to, and whether as UDP payload or as IP protocol 50 (then only the addresses of its path count), or as a whole IP packet (AH).
    /// </param>
    /// <param name="length">What was asked of <see cref="Room"/>.</param>
    /// <param name="tos">
    /// For the outer header: DSCP and ECN of the inner one (RFC 4301 section 5.1.2, RFC 6040 section 4.1). A whole IP packet has it in itself.
    /// </param>
    void Append(Route route, int length, byte tos);
}

/// <summary>A piece of native memory, laid out as the kernel's <c>struct iovec</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly unsafe struct Piece(byte* start, int length)
{
    public readonly byte* Start = start;
    readonly nint _length = length;

    public int Length => (int)_length;
    public ReadOnlySpan<byte> Bytes => new(Start, Length);
}

/// <summary>How ESP and AH packets came in.</summary>
/// <param name="Path">Both endpoints; the ports are 0 where they came as IP protocol 50 or 51.</param>
/// <param name="UdpEncapsulated">As UDP payload.</param>
/// <param name="Tos">Type of service or traffic class of the outer header; 0 where it is not known.</param>
/// <param name="Now">When they were read.</param>
public readonly record struct Arrival(Path Path, bool UdpEncapsulated, byte Tos, Instant Now);
