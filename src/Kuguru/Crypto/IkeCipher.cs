using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Crypto;

/// <summary>
/// The protection of SK and SKF payloads in one direction (RFC 7296 section 3.14, RFC 5282). The body of the payload is
/// <c>IV | encrypted (inner payloads | padding | pad length) | ICV</c>; "before" is everything in the message in front of it, from the first
/// octet of the IKE header to the end of the SK generic header (of SKF: to Total Fragments), with the lengths already final.
/// One instance per key: its counter keeps AEAD and CTR nonces from repeating. Not thread-safe.
/// </summary>
public abstract class IkeCipher : IDisposable
{
    /// <summary>Copies the keys. <paramref name="skA"/> is empty with an AEAD.</summary>
    public static IkeCipher Create(Encryption encryption, IntegrityAlgorithm integrity, Secret skE, Secret skA) => throw new NotImplementedException();

    public abstract int IvLength { get; }
    public abstract int IcvLength { get; }
    public abstract int BlockLength { get; }

    /// <summary>Octets of the body that holds this many octets of inner payloads.</summary>
    public int BodyLength(int plaintext) => throw new NotImplementedException();

    /// <summary>The most inner payload octets that fit a body of at most this length; negative when not even none.</summary>
    public int MaxPlaintext(int body) => throw new NotImplementedException();

    /// <summary>Writes the body, exactly <see cref="BodyLength"/> octets. The dice give CBC's IV and the counter's start.</summary>
    public abstract void Seal(Dice dice, ReadOnlySpan<byte> before, ReadOnlySpan<byte> plaintext, Span<byte> body);

    /// <summary>The inner payloads, padding removed; false when the body is too short, its ICV wrong or its padding impossible.</summary>
    public abstract bool TryOpen(ReadOnlySpan<byte> before, ReadOnlySpan<byte> body, [NotNullWhen(true)] out byte[]? plaintext);

    public abstract void Dispose();
}
