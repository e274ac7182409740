using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>Reads the trailer of an authentic packet, more strictly than <see cref="EspTrailer"/>: the padding is looked at as well.</summary>
static class Trailer
{
    /// <summary>1, 2, 3 ... 255.</summary>
    static readonly byte[] _padding = [.. Enumerable.Range(1, EspTrailer.MaxPadding).Select(i => (byte)i)];

    /// <summary>False when the padding is not what RFC 4303 section 2.4 asks for, or longer than what is there.</summary>
    public static bool TryRead(ReadOnlySpan<byte> decrypted, out int payloadLength, out IpProtocol next)
    {
        if (!EspTrailer.TryRead(decrypted, out payloadLength, out next))
            return false;
        var padding = decrypted[payloadLength..^EspTrailer.FixedSize];
        return padding.SequenceEqual(_padding.AsSpan(0, padding.Length));
    }
}
