using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Kuguru.Crypto;
using Kuguru.Wire;

namespace Kuguru.Ah;

/// <summary>
/// Makes and checks the ICV of AH packets of one SA in one direction (RFC 4302 sections 3.3.3 and 3.4.4). No allocation, and no exception whatever
/// a packet holds. Not thread-safe. Dispose wipes the key, and must not run while another thread is inside.
/// </summary>
sealed class AhIntegrity(AhSuite suite, EspKeys keys) : IDisposable
{
    static readonly byte[] _zeros = new byte[64];

    readonly IntegrityContext _integrity = IntegrityContext.Create(suite.Integrity, keys.Integrity);
    readonly int _icvLength = suite.IcvLength;

    public AhSuite Suite { get; } = suite;

    /// <summary>
    /// Writes AH and ICV into a packet whose IP header is as it will be sent, whose AH at <paramref name="at"/> is room only, and whose payload is
    /// in place. False when the IP header is none that AH can cover.
    /// </summary>
    public bool Seal(Span<byte> packet, int at, AhHeader header, ulong sequence)
    {
        header.Write(packet[at..]);
        packet[(at + AhHeader.FixedSize)..(at + header.Length)].Clear();
        if (!Cover(packet, at, sequence))
            return false;
        _integrity.Finish(packet.Slice(at + AhHeader.FixedSize, _icvLength));
        return true;
    }

    /// <summary>
    /// Checks the ICV of a whole IP packet with its AH at <paramref name="at"/>. Any padding is taken that the length field has room for: some send
    /// 8 octets alignment over IPv4. Of <paramref name="sequence"/> only the high half counts, and only with ESN.
    /// </summary>
    public bool Verify(ReadOnlySpan<byte> packet, int at, in AhHeader header, ulong sequence) =>
        header.Length >= AhHeader.FixedSize + _icvLength
        && Cover(packet, at, sequence)
        && _integrity.FinishMatches(packet.Slice(at + AhHeader.FixedSize, _icvLength));

    /// <summary>IP header, AH with zeros for its ICV, padding, payload, and with ESN the sequence number's high half.</summary>
    [SkipLocalsInit]
    bool Cover(ReadOnlySpan<byte> packet, int at, ulong sequence)
    {
        Span<byte> covered = stackalloc byte[CoveredHeader.MaxLength];
        if (!CoveredHeader.TryWrite(packet[..at], covered))
            return false;
        var rest = packet[at..];
        _integrity.Begin();
        _integrity.Append(covered[..at]);
        _integrity.Append(rest[..AhHeader.FixedSize]);
        _integrity.Append(_zeros.AsSpan(0, _icvLength));
        _integrity.Append(rest[(AhHeader.FixedSize + _icvLength)..]);
        if (Suite.IsEsn)
        {
            Span<byte> high = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(high, (uint)(sequence >> 32));
            _integrity.Append(high);
        }
        return true;
    }

    public void Dispose() => _integrity.Dispose();
}
