namespace Kuguru.Crypto;

/// <summary>
/// Turns ESP packets into plaintext for one SA (RFC 4303 section 3.4.4). No allocation, and no exception whatever the packet holds. Threads
/// and Dispose as with <see cref="EspSealer"/>.
/// </summary>
public abstract class EspOpener(EspSuite suite) : IDisposable
{
    public EspSuite Suite { get; } = suite;

    /// <summary>Copies the keys.</summary>
    public static EspOpener Create(EspSuite suite, EspKeys keys) => throw new NotImplementedException();

    /// <summary>
    /// Checks the ICV of a whole ESP packet (SPI first) and writes payload, padding, pad length and next header to the start of
    /// <paramref name="plaintext"/>, which has room for packet length - <see cref="EspSuite.Overhead"/>. Returns that length, or -1 when the
    /// packet is too short, not aligned or the ICV wrong; what plaintext holds then is garbage. <paramref name="sequence"/> is the full number:
    /// with ESN its high half is the receiver's guess (RFC 4303 appendix A), its low half is what the packet says. The spans must not overlap.
    /// </summary>
    public abstract int Open(ReadOnlySpan<byte> packet, ulong sequence, Span<byte> plaintext);

    public abstract void Dispose();
}
