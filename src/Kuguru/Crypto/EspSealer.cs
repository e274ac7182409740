using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Kuguru.Crypto;

/// <summary>
/// Turns plaintext into ESP packets for one SA (RFC 4303 section 3.3). No allocation. Not thread-safe: one instance per SA and thread;
/// several of one SA share nothing but the key, so sequence numbers must be unique over all of them. Dropping the last reference is
/// enough, a finalizer wipes the keys; Dispose does it at once and must not run while another thread seals.
/// </summary>
public abstract class EspSealer : IDisposable
{
    readonly int _overhead, _alignmentMask, _ivLength;
    readonly ulong _lastSequence;
    ulong _sealed;

    private protected EspSealer(EspSuite suite)
    {
        Suite = suite;
        (_overhead, _alignmentMask, _ivLength, IcvLength) = (suite.Overhead, suite.Alignment - 1, suite.IvLength, suite.IcvLength);
        _lastSequence = suite.IsEsn ? ulong.MaxValue : uint.MaxValue;
    }

    public EspSuite Suite { get; }

    /// <summary>Copies the keys. The dice give the key that makes CBC's IVs.</summary>
    public static EspSealer Create(EspSuite suite, EspKeys keys, Dice dice)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(keys.Encryption.Length, suite.EncryptionKeyLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(keys.Integrity.Length, suite.IntegrityKeyLength);
        return suite.Encryption.IsAead ? new EspAeadSealer(suite, keys) : new EspHmacSealer(suite, keys, dice);
    }

    /// <summary>
    /// Writes <c>SPI | low 32 bits of sequence | IV | ciphertext | ICV</c> to the start of <paramref name="packet"/> and returns its
    /// length, plaintext length + <see cref="EspSuite.Overhead"/>. The plaintext is payload, padding, pad length and next header, all
    /// written by the caller, a multiple of <see cref="EspSuite.Alignment"/>. The spans must not overlap. The sequence number must be
    /// greater than in the call before, and below 2^32 without ESN: anything else is a bug and throws, since the nonce is made of it.
    /// </summary>
    [SkipLocalsInit]
    public int Seal(uint spi, ulong sequence, ReadOnlySpan<byte> plaintext, Span<byte> packet)
    {
        Span<byte> iv = stackalloc byte[16];
        iv = iv[.._ivLength];
        MakeIv(sequence, iv);
        return Seal(spi, sequence, iv, plaintext, packet);
    }

    /// <summary>With an IV from outside, for published test vectors.</summary>
    internal int Seal(uint spi, ulong sequence, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> plaintext, Span<byte> packet)
    {
        if (sequence <= _sealed || sequence > _lastSequence)
            ThrowSequence(sequence);
        if ((plaintext.Length & _alignmentMask) != 0)
            ThrowAlignment(plaintext.Length);
        _sealed = sequence;
        packet = packet[..(plaintext.Length + _overhead)];
        BinaryPrimitives.WriteUInt32BigEndian(packet, spi);
        BinaryPrimitives.WriteUInt32BigEndian(packet[4..], (uint)sequence);
        iv.CopyTo(packet[EspSuite.HeaderLength..]);
        Protect(packet, sequence, plaintext);
        return packet.Length;
    }

    public abstract void Dispose();

    private protected int IcvLength { get; }

    /// <summary>Fills all of the IV: unique per key, and for CBC unpredictable.</summary>
    private protected abstract void MakeIv(ulong sequence, Span<byte> iv);

    /// <summary>Writes ciphertext and ICV into a packet that has header and IV already.</summary>
    private protected abstract void Protect(Span<byte> packet, ulong sequence, ReadOnlySpan<byte> plaintext);

    [DoesNotReturn]
    void ThrowSequence(ulong sequence) =>
        throw new ArgumentOutOfRangeException(nameof(sequence), $"{sequence} after {_sealed} of at most {_lastSequence}");

    [DoesNotReturn]
    void ThrowAlignment(int length) =>
        throw new ArgumentException($"{length} octets are no multiple of {_alignmentMask + 1}", nameof(length));
}
