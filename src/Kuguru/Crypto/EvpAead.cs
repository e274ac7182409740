using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Crypto;

/// <summary>AES-GCM and ChaCha20-Poly1305 on a context of libcrypto that keeps its key; a packet brings the rest.</summary>
sealed unsafe class EvpAead : Aead
{
    readonly Context _context;
    readonly bool _encrypt;

    EvpAead(Context context, bool encrypt) => (_context, _encrypt) = (context, encrypt);

    public static new EvpAead Create(EncryptionAlgorithm algorithm, ReadOnlySpan<byte> key, bool encrypt)
    {
        var cipher = (algorithm, key.Length) switch
        {
            (EncryptionAlgorithm.AesGcm16, 16) => Algorithms.Gcm128,
            (EncryptionAlgorithm.AesGcm16, 24) => Algorithms.Gcm192,
            (EncryptionAlgorithm.AesGcm16, 32) => Algorithms.Gcm256,
            (EncryptionAlgorithm.ChaCha20Poly1305, 32) => Algorithms.ChaCha20Poly1305,
            _ => throw new NotSupportedException($"{algorithm.Name()} with a key of {key.Length} octets"),
        };
        var context = new Context(Libcrypto.Need(Libcrypto.CipherNew(), "EVP_CIPHER_CTX_new"));
        fixed (byte* k = key)
            Libcrypto.Check(Libcrypto.CipherInit(context.Pointer, cipher, 0, k, null, encrypt ? 1 : 0), "EVP_CipherInit_ex");
        return new(context, encrypt);
    }

    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> plaintext, Span<byte> sealedText)
    {
        Expect(_encrypt, nonce, sealedText.Length, plaintext.Length + TagLength);
        fixed (byte* n = nonce, a = associated, i = plaintext, o = sealedText)
        {
            var handle = _context.Pointer;
            byte unused;
            int written;
            Start(handle, n, a, associated.Length);
            Text(handle, i, plaintext.Length, o);
            Libcrypto.Check(Libcrypto.CipherFinalShort(handle, &unused, &written), "EVP_CipherFinal_ex");
            var tag = o + plaintext.Length;
            Libcrypto.Check(Libcrypto.CipherControlShort(handle, Libcrypto.ControlGetTag, TagLength, tag), "EVP_CTRL_AEAD_GET_TAG");
        }
        GC.KeepAlive(_context);
    }

    public override bool Open(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> sealedText, Span<byte> plaintext)
    {
        var length = sealedText.Length - TagLength;
        Expect(!_encrypt && length >= 0, nonce, plaintext.Length, length);
        bool refused;
        fixed (byte* n = nonce, a = associated, i = sealedText, o = plaintext)
        {
            var handle = _context.Pointer;
            byte unused;
            int written;
            Start(handle, n, a, associated.Length);
            Libcrypto.Check(Libcrypto.CipherControlShort(handle, Libcrypto.ControlSetTag, TagLength, i + length), "EVP_CTRL_AEAD_SET_TAG");
            Text(handle, i, length, o);
            refused = Libcrypto.Refused(Libcrypto.CipherFinalShort(handle, &unused, &written));
        }
        GC.KeepAlive(_context);
        return !refused;
    }

    public override void Dispose() => _context.Dispose();

    static void Start(nint handle, byte* nonce, byte* associated, int length)
    {
        int written;
        Libcrypto.Check(Libcrypto.CipherInitShort(handle, 0, 0, null, nonce, -1), "EVP_CipherInit_ex");
        if (length == 0)
            return;
        Libcrypto.Check(
            length <= Libcrypto.ShortLimit
                ? Libcrypto.CipherUpdateShort(handle, null, &written, associated, length)
                : Libcrypto.CipherUpdate(handle, null, &written, associated, length),
            "EVP_CipherUpdate");
    }

    static void Text(nint handle, byte* input, int length, byte* output)
    {
        int written;
        if (length == 0)
            return;
        Libcrypto.Check(
            length <= Libcrypto.ShortLimit
                ? Libcrypto.CipherUpdateShort(handle, output, &written, input, length)
                : Libcrypto.CipherUpdate(handle, output, &written, input, length),
            "EVP_CipherUpdate");
    }

    static void Expect(bool direction, ReadOnlySpan<byte> nonce, int room, int needed)
    {
        if (!direction || nonce.Length != NonceLength || room < needed)
            Throw(nonce.Length, room, needed);
    }

    [DoesNotReturn]
    static void Throw(int nonce, int room, int needed) =>
        throw new ArgumentException($"wrong direction, {nonce} octets of nonce, or room for {room} octets where {needed} are needed");

    sealed class Context(nint handle) : NativeContext(handle)
    {
        public nint Pointer => Handle;

        protected override void Free(nint handle) => Libcrypto.CipherFree(handle);
    }

    static class Algorithms
    {
        public static readonly nint Gcm128 = Libcrypto.Cipher("AES-128-GCM\0"u8);
        public static readonly nint Gcm192 = Libcrypto.Cipher("AES-192-GCM\0"u8);
        public static readonly nint Gcm256 = Libcrypto.Cipher("AES-256-GCM\0"u8);
        public static readonly nint ChaCha20Poly1305 = Libcrypto.Cipher("ChaCha20-Poly1305\0"u8);
    }
}
