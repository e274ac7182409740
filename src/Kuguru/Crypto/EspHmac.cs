using System.Buffers.Binary;

namespace Kuguru.Crypto;

// ESP with a cipher and an HMAC: AES-CBC (RFC 3602), 3DES-CBC (RFC 2451), AES-CTR (RFC 3686) or NULL (RFC 2410), encrypt then MAC.
//
//   packet = SPI | low half of the sequence number | IV | ciphertext | ICV
//   ICV over all before it, and with ESN over the sequence number's high half behind it, which is not sent (RFC 4303 section 2.2.1)

sealed class EspHmacSealer : EspSealer
{
    const int IvKeyLength = 16;

    readonly EspCipher _cipher;
    readonly IntegrityContext _integrity;
    readonly CipherContext? _ivCipher;

    public EspHmacSealer(EspSuite suite, EspKeys keys, Dice dice) : base(suite)
    {
        _cipher = new(suite, keys.Encryption, encrypt: true);
        _integrity = IntegrityContext.Create(suite.Integrity, keys.Integrity);
        if (suite.Encryption.BlockLength == 1)
            return;
        using var ivKey = Secret.Random(IvKeyLength, dice);
        _ivCipher = CipherContext.CreateBlockCipher(ivKey);
    }

    // CBC's IV must not be foreseen (RFC 3602 section 3): the sequence number encrypted with a key that nobody else has.
    private protected override void MakeIv(ulong sequence, Span<byte> iv)
    {
        if (iv.IsEmpty)
            return;
        if (_ivCipher is null)
        {
            BinaryPrimitives.WriteUInt64BigEndian(iv, sequence);
            return;
        }
        Span<byte> counter = stackalloc byte[16];
        counter.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(counter, sequence);
        _ivCipher.Run(default, counter, counter);
        counter[..iv.Length].CopyTo(iv);
    }

    private protected override void Protect(Span<byte> packet, ulong sequence, ReadOnlySpan<byte> plaintext)
    {
        var icvStart = packet.Length - IcvLength;
        _cipher.Run(packet, plaintext, packet[_cipher.TextStart..icvStart]);
        Span<byte> high = stackalloc byte[4];
        _integrity.Compute(packet[..icvStart], EspCipher.HighHalf(Suite, sequence, high), packet[icvStart..]);
    }

    public override void Dispose()
    {
        _cipher.Dispose();
        _integrity.Dispose();
        _ivCipher?.Dispose();
    }
}

sealed class EspHmacOpener : EspOpener
{
    readonly EspCipher _cipher;
    readonly IntegrityContext _integrity;

    public EspHmacOpener(EspSuite suite, EspKeys keys) : base(suite)
    {
        _cipher = new(suite, keys.Encryption, encrypt: false);
        _integrity = IntegrityContext.Create(suite.Integrity, keys.Integrity);
    }

    private protected override bool Verify(ReadOnlySpan<byte> packet, ulong sequence, Span<byte> plaintext)
    {
        var icvStart = packet.Length - IcvLength;
        Span<byte> high = stackalloc byte[4];
        if (!_integrity.Matches(packet[..icvStart], EspCipher.HighHalf(Suite, sequence, high), packet[icvStart..]))
            return false;
        _cipher.Run(packet, packet[_cipher.TextStart..icvStart], plaintext);
        return true;
    }

    public override void Dispose()
    {
        _cipher.Dispose();
        _integrity.Dispose();
    }
}

/// <summary>The cipher of a packet whose IV stands behind its header; NULL copies.</summary>
readonly struct EspCipher : IDisposable
{
    readonly CipherContext? _context;
    readonly uint? _nonce;
    readonly int _ivLength;

    public EspCipher(EspSuite suite, Secret key, bool encrypt)
    {
        var encryption = suite.Encryption;
        _ivLength = suite.IvLength;
        if (encryption.Algorithm == EncryptionAlgorithm.Null)
            return;
        var keyLength = encryption.CipherKeyLength;
        if (encryption.Algorithm == EncryptionAlgorithm.AesCtr)
            _nonce = BinaryPrimitives.ReadUInt32BigEndian(key.Span[keyLength..]);
        _context = CipherContext.Create(encryption, key.Span[..keyLength], encrypt);
    }

    public int TextStart => EspSuite.HeaderLength + _ivLength;

    public void Run(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> input, Span<byte> output)
    {
        var iv = packet.Slice(EspSuite.HeaderLength, _ivLength);
        if (_context is null)
        {
            input.CopyTo(output);
        }
        else if (_nonce is { } nonce)
        {
            Span<byte> block = stackalloc byte[CounterBlock.Length];
            CounterBlock.Fill(block, nonce, iv);
            _context.Run(block, input, output);
        }
        else
        {
            _context.Run(iv, input, output);
        }
    }

    /// <summary>What the ICV covers behind the packet: with ESN the high half of the sequence number.</summary>
    public static ReadOnlySpan<byte> HighHalf(EspSuite suite, ulong sequence, Span<byte> buffer)
    {
        if (!suite.IsEsn)
            return default;
        BinaryPrimitives.WriteUInt32BigEndian(buffer, (uint)(sequence >> 32));
        return buffer;
    }

    public void Dispose() => _context?.Dispose();
}
