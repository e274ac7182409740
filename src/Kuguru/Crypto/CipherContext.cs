using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Crypto;

/// <summary>
/// A keyed cipher of libcrypto in one direction, set up once; a packet brings only its IV. Serves AES-CBC and 3DES-CBC (whole blocks, no padding),
/// AES-CTR (RFC 3686 counter block as IV) and AES-ECB. Not thread-safe.
/// </summary>
sealed unsafe class CipherContext : NativeContext
{
    CipherContext(nint handle) : base(handle) { }

    public static CipherContext Create(Encryption encryption, ReadOnlySpan<byte> key, bool encrypt) =>
        Create(Algorithms.Of(encryption), key, encrypt);

    /// <summary>One block at a time, for making IVs.</summary>
    public static CipherContext CreateBlockCipher(ReadOnlySpan<byte> key) => Create(Algorithms.Ecb128, key, encrypt: true);

    static CipherContext Create(nint cipher, ReadOnlySpan<byte> key, bool encrypt)
    {
        var context = new CipherContext(Libcrypto.Need(Libcrypto.CipherNew(), "EVP_CIPHER_CTX_new"));
        fixed (byte* k = key)
            Libcrypto.Check(Libcrypto.CipherInit(context.Handle, cipher, 0, k, null, encrypt ? 1 : 0), "EVP_CipherInit_ex");
        Libcrypto.Check(Libcrypto.CipherSetPadding(context.Handle, 0), "EVP_CIPHER_CTX_set_padding");
        return context;
    }

    /// <summary>Transforms input to the start of output; they overlap exactly or not at all. An empty IV is none (ECB).</summary>
    public void Run(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> input, Span<byte> output)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(output.Length, input.Length);
        int written;
        fixed (byte* v = iv, i = input, o = output)
        {
            if (v != null)
                Libcrypto.Check(Libcrypto.CipherInitShort(Handle, 0, 0, null, v, -1), "EVP_CipherInit_ex");
            Libcrypto.Check(
                input.Length <= Libcrypto.ShortLimit
                    ? Libcrypto.CipherUpdateShort(Handle, o, &written, i, input.Length)
                    : Libcrypto.CipherUpdate(Handle, o, &written, i, input.Length),
                "EVP_CipherUpdate");
        }
        if (written != input.Length)
            Throw(input.Length);
        GC.KeepAlive(this);
    }

    [DoesNotReturn]
    static void Throw(int length) => throw new InvalidOperationException($"{length} octets are no whole number of blocks");

    protected override void Free(nint handle) => Libcrypto.CipherFree(handle);

    static class Algorithms
    {
        public static readonly nint Ecb128 = Libcrypto.Cipher("AES-128-ECB\0"u8);

        static readonly nint Cbc128 = Libcrypto.Cipher("AES-128-CBC\0"u8);
        static readonly nint Cbc192 = Libcrypto.Cipher("AES-192-CBC\0"u8);
        static readonly nint Cbc256 = Libcrypto.Cipher("AES-256-CBC\0"u8);
        static readonly nint TripleDes = Libcrypto.IsTripleDesThere ? Libcrypto.Cipher(Libcrypto.TripleDesName) : 0;
        static readonly nint Ctr128 = Libcrypto.Cipher("AES-128-CTR\0"u8);
        static readonly nint Ctr192 = Libcrypto.Cipher("AES-192-CTR\0"u8);
        static readonly nint Ctr256 = Libcrypto.Cipher("AES-256-CTR\0"u8);

        public static nint Of(Encryption encryption) => (encryption.Algorithm, encryption.KeyBits) switch
        {
            (EncryptionAlgorithm.AesCbc, 128) => Cbc128,
            (EncryptionAlgorithm.AesCbc, 192) => Cbc192,
            (EncryptionAlgorithm.AesCbc, 256) => Cbc256,
            (EncryptionAlgorithm.AesCtr, 128) => Ctr128,
            (EncryptionAlgorithm.AesCtr, 192) => Ctr192,
            (EncryptionAlgorithm.AesCtr, 256) => Ctr256,
            (EncryptionAlgorithm.TripleDes, 0) when Libcrypto.IsTripleDesThere => TripleDes,
            _ => throw new NotSupportedException($"{encryption} is no AES-CBC, AES-CTR or 3DES-CBC"),
        };
    }
}

/// <summary>AES-CTR's block for the first 16 octets: <c>nonce 4 | IV 8 | 1</c> (RFC 3686 section 4, RFC 5930).</summary>
static class CounterBlock
{
    public const int Length = 16;

    public static void Fill(Span<byte> block, uint nonce, ReadOnlySpan<byte> iv)
    {
        BinaryPrimitives.WriteUInt32BigEndian(block, nonce);
        iv.CopyTo(block[4..]);
        BinaryPrimitives.WriteUInt32BigEndian(block[12..], 1);
    }
}
