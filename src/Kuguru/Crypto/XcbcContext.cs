using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// AES-XCBC-MAC (RFC 3566 section 4), for INTEG and for the PRF (RFC 4434), which takes all 16 octets. Neither libcrypto nor the BCL has it, so it is
/// made of libcrypto's AES-128-CBC: a CBC-MAC keyed with E(K, 01..), whose last block is closed with E(K, 02..) when whole, else padded and closed
/// with E(K, 03..).
/// </summary>
sealed unsafe class XcbcContext : IntegrityContext
{
    public const int Length = 16;

    /// <summary>What is encrypted at once; the ciphertext is of no interest.</summary>
    const int Chunk = 1024;

    readonly byte[] _pending = new byte[Length];
    readonly byte[] _whole = new byte[Length], _padded = new byte[Length];
    int _held;

    public XcbcContext(ReadOnlySpan<byte> key, int outputLength) : base(Libcrypto.Need(Libcrypto.CipherNew(), "EVP_CIPHER_CTX_new"), outputLength)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, Length);
        Span<byte> chain = stackalloc byte[Length];
        using (var block = CipherContext.CreateBlockCipher(key))
        {
            Encrypt(block, 1, chain);
            Encrypt(block, 2, _whole);
            Encrypt(block, 3, _padded);
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

    protected override void Free(nint handle)
    {
        Libcrypto.CipherFree(handle);
        CryptographicOperations.ZeroMemory(_whole);
        CryptographicOperations.ZeroMemory(_padded);
        CryptographicOperations.ZeroMemory(_pending);
    }
}
