using System.Security.Cryptography;

namespace Kuguru.Tests.Ah;

/// <summary>RFC 4302 in plain words, by nothing of the library: which octets an ICV covers, and HMAC over them.</summary>
static class Reference
{
    /// <summary>The ICV that a whole IP packet with its AH at <paramref name="at"/> should have.</summary>
    public static byte[] Icv(byte[] packet, int at, byte[] key, HashAlgorithmName hash, int icvLength, uint? highSequence = null)
    {
        byte[] covered = [.. packet];
        if (packet[0] >> 4 == 4)
            Blank4(covered, at);
        else
            Blank6(covered, at);
        for (var i = 0; i < icvLength; i++)
            covered[at + 12 + i] = 0;
        if (highSequence is { } high)
            covered = [.. covered, (byte)(high >> 24), (byte)(high >> 16), (byte)(high >> 8), (byte)high];
        using var hmac = IncrementalHash.CreateHMAC(hash, key);
        hmac.AppendData(covered);
        return hmac.GetHashAndReset()[..icvLength];
    }

    static void Blank4(byte[] packet, int at)
    {
        foreach (var mutable in (int[])[1, 6, 7, 8, 10, 11])
            packet[mutable] = 0;
        // NOP, end, and what appendix A1 lists as immutable stay.
        for (var i = 20; i < at && packet[i] != 0;)
        {
            if (packet[i] == 1)
            {
                i++;
                continue;
            }
            int length = packet[i + 1];
            if (packet[i] is not (130 or 133 or 134 or 148 or 149))
                Array.Clear(packet, i, length);
            i += length;
        }
    }

    static void Blank6(byte[] packet, int at)
    {
        (packet[0], packet[1], packet[2], packet[3], packet[7]) = (0x60, 0, 0, 0, 0);
        int next = packet[6];
        for (var i = 40; i < at;)
        {
            var length = 8 + packet[i + 1] * 8;
            for (var o = i + 2; next is 0 or 60 && o < i + length;)
            {
                if (packet[o] == 0)
                {
                    o++;
                    continue;
                }
                if ((packet[o] & 0x20) != 0)
                    Array.Clear(packet, o + 2, packet[o + 1]);
                o += 2 + packet[o + 1];
            }
            next = packet[i];
            i += length;
        }
    }
}
