namespace Kuguru.Crypto;

/// <summary>
/// Turns ESP packets into plaintext for one SA (RFC 4303 section 3.4.4). No allocation, and no exception whatever the packet holds. Threads
/// and Dispose as with <see cref="EspSealer"/>.
/// </summary>
public abstract class EspOpener : IDisposable
{
    readonly int _overhead, _alignmentMask;

    private protected EspOpener(EspSuite suite)
    {
        Suite = suite;
        (_overhead, _alignmentMask, IcvLength) = (suite.Overhead, suite.Alignment - 1, suite.IcvLength);
    }

    public EspSuite Suite { get; }

    /// <summary>Copies the keys.</summary>
    public static EspOpener Create(EspSuite suite, EspKeys keys)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(keys.Encryption.Length, suite.EncryptionKeyLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(keys.Integrity.Length, suite.IntegrityKeyLength);
        return suite.Encryption.IsAead ? new EspAeadOpener(suite, keys) : new EspHmacOpener(suite, keys);
    }

    /// <summary>
    /// Checks the ICV of a whole ESP packet (SPI first) and writes payload, padding, pad length and next header to the start of
    /// <paramref name="plaintext"/>, which has room for packet length - <see cref="EspSuite.Overhead"/>. Returns that length, or -1 when
    /// the packet is too short, not aligned or the ICV wrong; what plaintext holds then is garbage. Of <paramref name="sequence"/> only the
    /// high half counts, and only with ESN: the receiver's guess (RFC 4303 appendix A). The spans must not overlap.
    /// </summary>
    public int Open(ReadOnlySpan<byte> packet, ulong sequence, Span<byte> plaintext)
    {
        var length = packet.Length - _overhead;
        if (length <= 0 || (length & _alignmentMask) != 0)
            return -1;
        return Verify(packet, sequence, plaintext[..length]) ? length : -1;
    }

    public abstract void Dispose();

    private protected int IcvLength { get; }

    /// <summary>Checks the ICV and decrypts a packet of possible length.</summary>
    private protected abstract bool Verify(ReadOnlySpan<byte> packet, ulong sequence, Span<byte> plaintext);
}
