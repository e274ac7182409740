using Kuguru.Wire;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Kuguru.Ah;

// What a router may change on the way is zero in the ICV, everything else is covered (RFC 4302 section 3.3.3.1, appendix A):
//
//   IPv4    zero: TOS, flags, fragment offset, TTL, checksum           options: only those of the table below are covered, others are zero
//   IPv6    zero: traffic class, flow label, hop limit                 options with the third bit set: their data is zero

/// <summary>The IP header in front of an AH, with its extension headers and options, as its ICV sees it.</summary>
static class CoveredHeader
{
    /// <summary>Longer headers than this are refused: 60 octets are all that IPv4 has, and nobody sends so many extensions.</summary>
    public const int MaxLength = 512;

    /// <summary>
    /// Writes what the ICV covers of <paramref name="header"/>, which is all that stands before the AH, to the start of
    /// <paramref name="covered"/>. False for what is too long, malformed, or a source route that is not at its end: with that, addresses change on
    /// the way.
    /// </summary>
    public static bool TryWrite(ReadOnlySpan<byte> header, Span<byte> covered)
    {
        if (header.Length < Ipv4.MinSize || header.Length > MaxLength)
            return false;
        header.CopyTo(covered);
        return header[0] >> 4 == 4 ? TryBlankV4(covered[..header.Length]) : header.Length >= Ipv6.Size && TryBlankV6(covered[..header.Length]);
    }

    static bool TryBlankV4(Span<byte> header)
    {
        header[1] = 0;
        header.Slice(6, 3).Clear();
        header.Slice(10, 2).Clear();
        var options = header[Ipv4.MinSize..];
        while (!options.IsEmpty && options[0] != Ipv4Options.End)
        {
            if (options[0] == Ipv4Options.NoOperation)
            {
                options = options[1..];
                continue;
            }
            var length = options.Length > 1 ? options[1] : 0;
            if (length < 2 || length > options.Length || Ipv4Options.IsOpenRoute(options[..length]))
                return false;
            if (!Ipv4Options.IsCovered(options[0]))
                options[..length].Clear();
            options = options[length..];
        }
        return true;
    }

    static bool TryBlankV6(Span<byte> header)
    {
        WriteUInt32BigEndian(header, 6u << 28);
        var next = (IpProtocol)header[6];
        header[7] = 0;
        for (var rest = header[Ipv6.Size..]; !rest.IsEmpty;)
        {
            if (rest.Length < 8)
                return false;
            var length = 8 + rest[1] * 8;
            if (length > rest.Length || !TryBlankExtension(next, rest[..length]))
                return false;
            next = (IpProtocol)rest[0];
            rest = rest[length..];
        }
        return next == IpProtocol.Ah;
    }

    static bool TryBlankExtension(IpProtocol kind, Span<byte> extension) => kind switch
    {
        // Hop-by-hop options have the number that selectors use for any.
        IpProtocol.Any or IpProtocol.DestinationOptions => TryBlankOptions(extension[2..]),
        IpProtocol.Routing => extension[3] == 0,
        _ => false,
    };

    static bool TryBlankOptions(Span<byte> options)
    {
        const byte padOne = 0, mayChange = 0x20;
        while (!options.IsEmpty)
        {
            if (options[0] == padOne)
            {
                options = options[1..];
                continue;
            }
            if (options.Length < 2 || options.Length < 2 + options[1])
                return false;
            var length = 2 + options[1];
            if ((options[0] & mayChange) != 0)
                options[2..length].Clear();
            options = options[length..];
        }
        return true;
    }
}

/// <summary>IPv4's options as AH sees them (RFC 4302 appendix A1).</summary>
static class Ipv4Options
{
    public const byte End = 0, NoOperation = 1;
    const byte Security = 130, ExtendedSecurity = 133, CommercialSecurity = 134, RouterAlert = 148, MultiDestination = 149;
    const byte LooseRoute = 131, StrictRoute = 137;

    public static bool IsCovered(byte option) =>
        option is Security or ExtendedSecurity or CommercialSecurity or RouterAlert or MultiDestination;

    /// <summary>A source route of which something is still to go: its pointer is not behind its end (RFC 791 section 3.1).</summary>
    public static bool IsOpenRoute(ReadOnlySpan<byte> option) =>
        option[0] is LooseRoute or StrictRoute && (option.Length < 3 || option[2] <= option[1]);
}
