using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Crypto;

/// <summary>
/// The protection of SK and SKF payloads in one direction (RFC 7296 section 3.14, RFC 5282). The body of the payload is
/// <c>IV | encrypted (inner payloads | padding | pad length) | ICV</c>; "before" is everything in the message in front of it, from the
/// first octet of the IKE header to the end of the SK generic header (of SKF: to Total Fragments), with the lengths already final.
/// One instance per key: its counter keeps AEAD and CTR nonces from repeating. Not thread-safe.
/// </summary>
public abstract class IkeCipher : IDisposable
{
    ulong? _counter;

    private protected IkeCipher(Encryption encryption, int icvLength) =>
        (IvLength, IcvLength, BlockLength) = (encryption.IvLength, icvLength, encryption.BlockLength);

    public int IvLength { get; }
    public int IcvLength { get; }
    public int BlockLength { get; }

    /// <summary>For sending; copies the keys. <paramref name="skA"/> is empty with an AEAD.</summary>
    public static IkeCipher ForSealing(IkeSuite suite, Secret skE, Secret skA) => Create(suite, skE, skA, encrypt: true);

    /// <summary>For receiving; copies the keys. <paramref name="skA"/> is empty with an AEAD.</summary>
    public static IkeCipher ForOpening(IkeSuite suite, Secret skE, Secret skA) => Create(suite, skE, skA, encrypt: false);

    static IkeCipher Create(IkeSuite suite, Secret skE, Secret skA, bool encrypt)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(skE.Length, suite.Encryption.KeyLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(skA.Length, suite.Integrity.KeyLength());
        return suite.Encryption.IsAead ? new IkeAead(suite, skE, encrypt) : new IkeHmac(suite, skE, skA, encrypt);
    }

    /// <summary>Octets of the body that holds this many octets of inner payloads.</summary>
    public int BodyLength(int plaintext) => IvLength + PaddedLength(plaintext) + IcvLength;

    /// <summary>The most inner payload octets that fit a body of at most this length; negative when not even none.</summary>
    public int MaxPlaintext(int body)
    {
        var room = body - IvLength - IcvLength;
        return room < BlockLength ? -1 : room / BlockLength * BlockLength - 1;
    }

    /// <summary>Writes the body, exactly <see cref="BodyLength"/> octets. The dice give CBC's IV and the counter's start.</summary>
    public void Seal(Dice dice, ReadOnlySpan<byte> before, ReadOnlySpan<byte> plaintext, Span<byte> body)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(body.Length, BodyLength(plaintext.Length));
        MakeIv(dice, body[..IvLength]);
        SealWithIv(before, plaintext, body);
    }

    /// <summary>With the IV in place already, for published test vectors.</summary>
    internal void SealWithIv(ReadOnlySpan<byte> before, ReadOnlySpan<byte> plaintext, Span<byte> body)
    {
        using var padded = new Secret(PaddedLength(plaintext.Length));
        plaintext.CopyTo(padded.Buffer);
        padded.Buffer[^1] = (byte)(padded.Length - plaintext.Length - 1);
        Protect(before, padded, body);
    }

    /// <summary>The inner payloads, padding removed; false when the body is too short, its ICV wrong or its padding impossible.</summary>
    public bool TryOpen(ReadOnlySpan<byte> before, ReadOnlySpan<byte> body, [NotNullWhen(true)] out byte[]? plaintext)
    {
        plaintext = null;
        var length = body.Length - IvLength - IcvLength;
        if (length < 1 || length % BlockLength != 0)
            return false;
        using var padded = new Secret(length);
        if (!Verify(before, body, padded.Buffer) || padded.Span[^1] >= length)
            return false;
        plaintext = padded.Span[..(length - 1 - padded.Span[^1])].ToArray();
        return true;
    }

    public abstract void Dispose();

    private protected abstract void Protect(ReadOnlySpan<byte> before, ReadOnlySpan<byte> padded, Span<byte> body);
    private protected abstract bool Verify(ReadOnlySpan<byte> before, ReadOnlySpan<byte> body, Span<byte> padded);

    int PaddedLength(int plaintext) => (plaintext + 1 + BlockLength - 1) / BlockLength * BlockLength;

    // CBC's IV is random. The others count, from a start that makes even a key that got two instances by mistake an unlikely disaster.
    void MakeIv(Dice dice, Span<byte> iv)
    {
        if (BlockLength > 1)
        {
            dice.Fill(iv);
            return;
        }
        _counter = _counter is { } last ? last + 1 : dice.UInt64();
        BinaryPrimitives.WriteUInt64BigEndian(iv, _counter.Value);
    }
}
