using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>Which subkeys close the last block.</summary>
enum AesMacKind { Xcbc, Cmac }

// Both are CBC-MAC with AES-128 whose last block is closed with a subkey, a whole one with the first, a padded one with the second:
//
//             chain with   whole block        block | 10..0
//   XCBC      E(K, 01..)   E(K, 02..)         E(K, 03..)               RFC 3566 section 4
//   CMAC      K            2 * E(K, 0)        4 * E(K, 0)              RFC 4493 section 2.4, in GF(2^128)

/// <summary>AES-XCBC-MAC and AES-CMAC, for INTEG (RFC 3566, RFC 4494) and for PRFs (RFC 4434, RFC 4615), which take all 16 octets.</summary>
sealed unsafe class AesMac : IntegrityContext
{
    public const int Length = 16;

    /// <summary>What is encrypted at once; the ciphertext is of no interest.</summary>
    const int Chunk = 1024;

    readonly byte[] _pending = new byte[Length];
    readonly byte[] _whole = new byte[Length], _padded = new byte[Length];
    int _held;

    public AesMac(AesMacKind kind, ReadOnlySpan<byte> key, int outputLength) : base(Libcrypto.Need(Libcrypto.CipherNew(), "EVP_CIPHER_CTX_new"), outputLength)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, Length);
        Span<byte> chain = stackalloc byte[Length];
        key.CopyTo(chain);
        using (var block = CipherContext.CreateBlockCipher(key))
        {
            if (kind == AesMacKind.Xcbc)
            {
                Encrypt(block, 1, chain);
                Encrypt(block, 2, _whole);
                Encrypt(block, 3, _padded);
            }
            else
            {
                Encrypt(block, 0, _whole);
                Double(_whole, _whole);
                Double(_whole, _padded);
            }
        }
        fixed (byte* k = chain)
            Libcrypto.Check(Libcrypto.CipherInit(Handle, Cbc, 0, k, null, 1), "EVP_CipherInit_ex");
        Libcrypto.Check(Libcrypto.CipherSetPadding(Handle, 0), "EVP_CIPHER_CTX_set_padding");
        CryptographicOperations.ZeroMemory(chain);
    }

    static nint Cbc { get; } = Libcrypto.Cipher("AES-128-CBC\0"u8);

    public override void Begin()
    {
        var zero = stackalloc byte[Length];
        new Span<byte>(zero, Length).Clear();
        Libcrypto.Check(Libcrypto.CipherInitShort(Handle, 0, 0, null, zero, -1), "EVP_CipherInit_ex");
        _held = 0;
    }

    /// <summary>The last block, whole or not, is held back: only the end knows that it is the last.</summary>
    [SkipLocalsInit]
    public override void Append(ReadOnlySpan<byte> part)
    {
        if (part.IsEmpty)
            return;
        Span<byte> scrap = stackalloc byte[Chunk];
        if (_held > 0)
        {
            if (_held == Length)
                Take(_pending, scrap);
            else
            {
                var missing = Math.Min(Length - _held, part.Length);
                part[..missing].CopyTo(_pending.AsSpan(_held));
                _held += missing;
                part = part[missing..];
                if (part.IsEmpty)
                    return;
                Take(_pending, scrap);
            }
        }
        for (var whole = (part.Length - 1) / Length * Length; whole > 0; whole = (part.Length - 1) / Length * Length)
        {
            var now = Math.Min(whole, Chunk);
            Take(part[..now], scrap);
            part = part[now..];
        }
        part.CopyTo(_pending);
        _held = part.Length;
    }

    private protected override void End(Span<byte> full)
    {
        var last = _pending.AsSpan();
        if (_held < Length)
        {
            last[_held..].Clear();
            last[_held] = 0x80;
        }
        var subkey = _held == Length ? _whole : _padded;
        for (var i = 0; i < Length; i++)
            last[i] ^= subkey[i];
        Take(last, full);
        last.Clear();
        GC.KeepAlive(this);
    }

    void Take(ReadOnlySpan<byte> blocks, Span<byte> output)
    {
        int written;
        fixed (byte* i = blocks, o = output[..blocks.Length])
            Libcrypto.Check(Libcrypto.CipherUpdateShort(Handle, o, &written, i, blocks.Length), "EVP_CipherUpdate");
    }

    static void Encrypt(CipherContext block, byte repeated, Span<byte> output)
    {
        Span<byte> input = stackalloc byte[Length];
        input.Fill(repeated);
        block.Run(default, input, output);
    }

    /// <summary>Times x in GF(2^128), without a branch on the key.</summary>
    static void Double(ReadOnlySpan<byte> value, Span<byte> doubled)
    {
        var carry = 0;
        var reduce = -(value[0] >> 7) & 0x87;
        for (var i = Length - 1; i >= 0; i--)
        {
            var next = value[i] >> 7;
            doubled[i] = (byte)(value[i] << 1 | carry);
            carry = next;
        }
        doubled[^1] ^= (byte)reduce;
    }

    protected override void Free(nint handle)
    {
        Libcrypto.CipherFree(handle);
        CryptographicOperations.ZeroMemory(_whole);
        CryptographicOperations.ZeroMemory(_padded);
        CryptographicOperations.ZeroMemory(_pending);
    }
}
