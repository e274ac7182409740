using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Kuguru.Crypto;

// ESP with a combined mode: AES-GCM (RFC 4106) and ChaCha20-Poly1305 (RFC 7634).
//
//   nonce  = salt 4 | IV 8, and our IV is the sequence number
//   AAD    = SPI | sequence number, the latter with its high half before the low one when ESN is used
//   packet = SPI | low half | IV | ciphertext | tag

sealed class EspAeadSealer : EspSealer
{
    readonly Aead _aead;
    readonly EspNonce _nonce;

    public EspAeadSealer(EspSuite suite, EspKeys keys) : base(suite)
    {
        var keyLength = suite.Encryption.CipherKeyLength;
        _nonce = new(keys.Encryption.Span[keyLength..], suite.IsEsn);
        _aead = Aead.Create(suite.Encryption.Algorithm, keys.Encryption.Span[..keyLength], encrypt: true);
    }

    private protected override void MakeIv(ulong sequence, Span<byte> iv) => BinaryPrimitives.WriteUInt64BigEndian(iv, sequence);

    [SkipLocalsInit]
    private protected override void Protect(Span<byte> packet, ulong sequence, ReadOnlySpan<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[EspNonce.Length], associated = stackalloc byte[EspNonce.LongestAssociated];
        associated = _nonce.Fill(packet, sequence, nonce, associated);
        _aead.Seal(nonce, associated, plaintext, packet[EspNonce.TextStart..]);
    }

    public override void Dispose() => _aead.Dispose();
}

sealed class EspAeadOpener : EspOpener
{
    readonly Aead _aead;
    readonly EspNonce _nonce;

    public EspAeadOpener(EspSuite suite, EspKeys keys) : base(suite)
    {
        var keyLength = suite.Encryption.CipherKeyLength;
        _nonce = new(keys.Encryption.Span[keyLength..], suite.IsEsn);
        _aead = Aead.Create(suite.Encryption.Algorithm, keys.Encryption.Span[..keyLength], encrypt: false);
    }

    [SkipLocalsInit]
    private protected override bool Verify(ReadOnlySpan<byte> packet, ulong sequence, Span<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[EspNonce.Length], associated = stackalloc byte[EspNonce.LongestAssociated];
        associated = _nonce.Fill(packet, sequence, nonce, associated);
        return _aead.Open(nonce, associated, packet[EspNonce.TextStart..], plaintext);
    }

    public override void Dispose() => _aead.Dispose();
}

/// <summary>Nonce and associated data of a packet. The salt is no key: it only makes nonces differ (RFC 4106 section 10).</summary>
readonly struct EspNonce(ReadOnlySpan<byte> salt, bool isEsn)
{
    public const int Length = Aead.NonceLength, LongestAssociated = 12, IvLength = 8, TextStart = EspSuite.HeaderLength + IvLength;

    readonly uint _salt = BinaryPrimitives.ReadUInt32BigEndian(salt);

    public Span<byte> Fill(ReadOnlySpan<byte> packet, ulong sequence, Span<byte> nonce, Span<byte> associated)
    {
        BinaryPrimitives.WriteUInt32BigEndian(nonce, _salt);
        packet.Slice(EspSuite.HeaderLength, IvLength).CopyTo(nonce[4..]);
        if (!isEsn)
        {
            packet[..8].CopyTo(associated);
            return associated[..8];
        }
        packet[..4].CopyTo(associated);
        BinaryPrimitives.WriteUInt32BigEndian(associated[4..], (uint)(sequence >> 32));
        packet.Slice(4, 4).CopyTo(associated[8..]);
        return associated[..12];
    }
}
