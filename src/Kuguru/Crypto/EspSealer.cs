namespace Kuguru.Crypto;

/// <summary>
/// Turns plaintext into ESP packets for one SA (RFC 4303 section 3.3). No allocation. Not thread-safe: one instance per SA and thread; several
/// of one SA share nothing but the key, so sequence numbers must be unique over all of them. Dropping the last reference is enough, a
/// finalizer wipes the keys; Dispose does it at once and must not run while another thread seals.
/// </summary>
public abstract class EspSealer(EspSuite suite) : IDisposable
{
    public EspSuite Suite { get; } = suite;

    /// <summary>Copies the keys. The dice give the key that makes CBC's IVs.</summary>
    public static EspSealer Create(EspSuite suite, EspKeys keys, Dice dice) => throw new NotImplementedException();

    /// <summary>
    /// Writes <c>SPI | low 32 bits of sequence | IV | ciphertext | ICV</c> to the start of <paramref name="packet"/> and returns its length,
    /// plaintext length + <see cref="EspSuite.Overhead"/>. The plaintext is payload, padding, pad length and next header, all written by the
    /// caller, a multiple of <see cref="EspSuite.Alignment"/>. The spans must not overlap. The sequence number must be greater than in the
    /// call before, and below 2^32 without ESN: anything else is a bug and throws, since the nonce is made of it.
    /// </summary>
    public abstract int Seal(uint spi, ulong sequence, ReadOnlySpan<byte> plaintext, Span<byte> packet);

    public abstract void Dispose();
}
