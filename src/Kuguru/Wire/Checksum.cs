using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Kuguru.Wire;

/// <summary>
/// The internet checksum (RFC 1071). A sum here is the folded 16-bit one's complement sum, not yet inverted, as a number (not in network
/// order); what stands in a header is its complement. Sums of parts that begin at even offsets add up by <see cref="Add"/>.
/// </summary>
public static class Checksum
{
    /// <summary>The sum of octets; an odd last one counts as if a zero followed.</summary>
    public static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        // One's complement addition does not mind the order of octets, so whole words are added as the machine reads them and the
        // result is swapped once at the end. 32-bit words are added in 64-bit lanes: no carry is lost below 16 GB.
        ulong sum = 0;
        if (Vector256.IsHardwareAccelerated && bytes.Length >= Vector256<byte>.Count)
            sum = SumVectors256(ref bytes);
        if (Vector128.IsHardwareAccelerated && bytes.Length >= Vector128<byte>.Count)
            sum += SumVectors128(ref bytes);
        foreach (var word in MemoryMarshal.Cast<byte, uint>(bytes))
            sum += word;
        var tail = bytes[(bytes.Length & ~3)..];
        if (tail.Length >= 2)
            sum += MemoryMarshal.Read<ushort>(tail);
        if ((tail.Length & 1) != 0)
            sum += BitConverter.IsLittleEndian ? tail[^1] : (uint)tail[^1] << 8;
        var folded = Fold(sum);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded;
    }

    /// <summary>What goes into a header whose checksum field is zero in these octets.</summary>
    public static ushort Of(ReadOnlySpan<byte> bytes) => (ushort)~Sum(bytes);

    /// <summary>One's complement addition.</summary>
    public static ushort Add(ushort a, ushort b)
    {
        var sum = (uint)a + b;
        return (ushort)(sum + (sum >> 16));
    }

    /// <summary>The sum of the pseudo header of TCP, UDP and ICMPv6 (RFC 793 section 3.1, RFC 8200 section 8.1); the length in octets.</summary>
    public static ushort Pseudo(IpAddress source, IpAddress destination, IpProtocol protocol, int length) =>
        Fold(SumOf(source) + SumOf(destination) + (uint)protocol + (uint)length);

    /// <summary>
    /// The checksum of TCP, UDP or ICMPv6 over pseudo header and segment, whose checksum field is zero. If that field is not zero, the
    /// result is 0 exactly when it is right.
    /// </summary>
    public static ushort OfSegment(IpAddress source, IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> segment) =>
        (ushort)~Add(Pseudo(source, destination, protocol, segment.Length), Sum(segment));

    /// <summary>A header's checksum after one 16-bit word of what it covers has changed (RFC 1624, equation 3).</summary>
    public static ushort Update(ushort checksum, ushort oldWord, ushort newWord) =>
        (ushort)~Fold((ulong)(ushort)~checksum + (ushort)~oldWord + newWord);

    /// <summary>The same after an address has changed to another of its family.</summary>
    public static ushort Update(ushort checksum, IpAddress oldAddress, IpAddress newAddress) =>
        Update(checksum, Fold(SumOf(oldAddress)), Fold(SumOf(newAddress)));

    static ulong SumOf(IpAddress address) =>
        (ulong)(uint)address.Value + (uint)(address.Value >> 32) + (uint)(address.Value >> 64) + (uint)(address.Value >> 96);

    static ushort Fold(ulong sum)
    {
        sum = (sum & 0xFFFFFFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + ((sum >> 16) & 0xFFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)(sum + (sum >> 16));
    }

    static ulong SumVectors256(ref ReadOnlySpan<byte> bytes)
    {
        var vectors = MemoryMarshal.Cast<byte, Vector256<ulong>>(bytes);
        var low = Vector256.Create(0xFFFFFFFFul);
        Vector256<ulong> even = default, odd = default;
        foreach (var words in vectors)
        {
            even += words & low;
            odd += words >>> 32;
        }
        bytes = bytes[(vectors.Length * Vector256<byte>.Count)..];
        return Vector256.Sum(even + odd);
    }

    static ulong SumVectors128(ref ReadOnlySpan<byte> bytes)
    {
        var vectors = MemoryMarshal.Cast<byte, Vector128<ulong>>(bytes);
        var low = Vector128.Create(0xFFFFFFFFul);
        Vector128<ulong> even = default, odd = default;
        foreach (var words in vectors)
        {
            even += words & low;
            odd += words >>> 32;
        }
        bytes = bytes[(vectors.Length * Vector128<byte>.Count)..];
        return Vector128.Sum(even + odd);
    }
}
