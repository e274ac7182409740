using System.Buffers.Binary;

namespace Kuguru.Crypto;

/// <summary>SK with a combined mode (RFC 5282, RFC 7634 section 2.1): nonce = salt | IV, associated data is all before the body.</summary>
sealed class IkeAead : IkeCipher
{
    readonly Aead _aead;
    readonly byte[] _salt;

    public IkeAead(IkeSuite suite, Secret skE, bool encrypt) : base(suite.Encryption, suite.Encryption.IcvLength)
    {
        var keyLength = suite.Encryption.CipherKeyLength;
        _salt = skE.Span[keyLength..].ToArray();
        _aead = Aead.Create(suite.Encryption.Algorithm, skE.Span[..keyLength], encrypt);
    }

    private protected override void Protect(ReadOnlySpan<byte> before, ReadOnlySpan<byte> padded, Span<byte> body) =>
        _aead.Seal([.. _salt, .. body[..IvLength]], before, padded, body[IvLength..]);

    private protected override bool Verify(ReadOnlySpan<byte> before, ReadOnlySpan<byte> body, Span<byte> padded) =>
        _aead.Open([.. _salt, .. body[..IvLength]], before, body[IvLength..], padded);

    public override void Dispose() => _aead.Dispose();
}

/// <summary>SK with AES-CBC or AES-CTR and an HMAC over the whole message up to the ICV (RFC 7296 section 3.14, RFC 5930).</summary>
sealed class IkeHmac : IkeCipher
{
    readonly CipherContext _cipher;
    readonly IntegrityContext _integrity;
    readonly uint? _nonce;

    public IkeHmac(IkeSuite suite, Secret skE, Secret skA, bool encrypt) : base(suite.Encryption, suite.Integrity.IcvLength())
    {
        var keyLength = suite.Encryption.CipherKeyLength;
        if (suite.Encryption.Algorithm == EncryptionAlgorithm.AesCtr)
            _nonce = BinaryPrimitives.ReadUInt32BigEndian(skE.Span[keyLength..]);
        _cipher = CipherContext.Create(suite.Encryption, skE.Span[..keyLength], encrypt);
        _integrity = IntegrityContext.Create(suite.Integrity, skA);
    }

    private protected override void Protect(ReadOnlySpan<byte> before, ReadOnlySpan<byte> padded, Span<byte> body)
    {
        var icvStart = body.Length - IcvLength;
        Run(body[..IvLength], padded, body[IvLength..icvStart]);
        _integrity.Compute(before, body[..icvStart], body[icvStart..]);
    }

    private protected override bool Verify(ReadOnlySpan<byte> before, ReadOnlySpan<byte> body, Span<byte> padded)
    {
        var icvStart = body.Length - IcvLength;
        if (!_integrity.Matches(before, body[..icvStart], body[icvStart..]))
            return false;
        Run(body[..IvLength], body[IvLength..icvStart], padded);
        return true;
    }

    void Run(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (_nonce is not { } nonce)
        {
            _cipher.Run(iv, input, output);
            return;
        }
        Span<byte> block = stackalloc byte[CounterBlock.Length];
        CounterBlock.Fill(block, nonce, iv);
        _cipher.Run(block, input, output);
    }

    public override void Dispose()
    {
        _cipher.Dispose();
        _integrity.Dispose();
    }
}
