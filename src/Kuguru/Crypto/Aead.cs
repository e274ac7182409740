using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// A keyed AEAD in one direction, as ESP and IKE use it: 12 octets of nonce, 16 of tag behind the ciphertext. Nothing is allocated and a
/// forged tag is a false, on libcrypto; the portable GCM (<see cref="PortableGcm"/>) does what the BCL lets it. Not thread-safe.
/// </summary>
abstract class Aead : IDisposable
{
    public const int NonceLength = 12, TagLength = 16;

    public static Aead Create(EncryptionAlgorithm algorithm, ReadOnlySpan<byte> key, bool encrypt) => Libcrypto.IsLoaded
        ? EvpAead.Create(algorithm, key, encrypt)
        : algorithm == EncryptionAlgorithm.AesGcm16
            ? new PortableGcm(key)
            : throw new NotSupportedException($"{algorithm.Name()} needs OpenSSL 3 (libcrypto.so.3)");

    /// <summary>Writes ciphertext and tag.</summary>
    public abstract void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> plaintext, Span<byte> sealedText);

    /// <summary>False when the tag is wrong, and then what plaintext holds must not be used.</summary>
    public abstract bool Open(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> sealedText, Span<byte> plaintext);

    public abstract void Dispose();
}

/// <summary>AES-GCM where there is no libcrypto 3: slower, and a forged tag costs an exception inside.</summary>
sealed class PortableGcm(ReadOnlySpan<byte> key) : Aead
{
    readonly AesGcm _gcm = new(key, TagLength);

    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> plaintext, Span<byte> sealedText)
    {
        var length = plaintext.Length;
        _gcm.Encrypt(nonce, plaintext, sealedText[..length], sealedText.Slice(length, TagLength), associated);
    }

    public override bool Open(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> sealedText, Span<byte> plaintext)
    {
        var length = sealedText.Length - TagLength;
        try
        {
            _gcm.Decrypt(nonce, sealedText[..length], sealedText[length..], plaintext[..length], associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public override void Dispose() => _gcm.Dispose();
}
