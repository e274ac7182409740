using System.Security.Cryptography;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>What both sides have told each other before there are keys. Dispose wipes the shared secret.</summary>
sealed record Exchanged(Secret Shared, Blob PublicI, Blob PublicR, Blob NonceI, Blob NonceR, IkeSpi CookieI, IkeSpi CookieR) : IDisposable
{
    public void Dispose() => Shared.Dispose();
}

/// <summary>
/// The keys of one ISAKMP SA and what is done with them (RFC 2409 section 5, appendix B): encryption with its chain of IVs, the hashes that prove an identity
/// or make a message authentic, keys for children. Owns them; Dispose wipes them.
/// </summary>
sealed class Keying : IDisposable
{
    readonly Prf _prf;
    readonly IkeV1Keys _keys;
    readonly IkeV1Cipher _cipher;
    readonly Blob _publics, _publicsBack;
    readonly Blob _cookieI, _cookieR;

    Keying(IkeSuite suite, Prf prf, Secret skeyId, Exchanged e)
    {
        (Suite, _prf) = (suite, prf);
        (_cookieI, _cookieR) = (e.CookieI.ToBlob(), e.CookieR.ToBlob());
        _keys = IkeV1Derivation.Keys(prf, skeyId, e.Shared, _cookieI, _cookieR);
        using var key = IkeV1Derivation.CipherKey(prf, _keys.SkeyIdE, suite.Encryption.KeyLength);
        _cipher = new IkeV1Cipher(suite.Encryption, key);
        _publics = (byte[])[.. e.PublicI.Span, .. e.PublicR.Span];
        _publicsBack = (byte[])[.. e.PublicR.Span, .. e.PublicI.Span];
        LastBlock = prf.Hash(_publics)[.._cipher.BlockLength];
    }

    public IkeSuite Suite { get; }

    /// <summary>The IV of the next message of phase 1, and in the end what the IVs of phase 2 are made from.</summary>
    public Blob LastBlock { get; set; }

    public static Keying OfSharedKey(IkeSuite suite, Secret key, Exchanged e)
    {
        var prf = Prf.Of(suite.Prf);
        return new(suite, prf, IkeV1Derivation.SkeyIdOfSharedKey(prf, key, e.NonceI, e.NonceR), e);
    }

    public static Keying OfSignatures(IkeSuite suite, Exchanged e)
    {
        var prf = Prf.Of(suite.Prf);
        return new(suite, prf, IkeV1Derivation.SkeyIdOfSignatures(prf, e.NonceI, e.NonceR, e.Shared), e);
    }

    /// <summary>HASH_I or HASH_R: what proves the initiator's or responder's identity, or what it signs.</summary>
    /// <param name="byInitiator">Whose proof it is.</param>
    /// <param name="offer">The body of the initiator's SA payload, SAi_b.</param>
    /// <param name="id">The body of the ID payload of whoever proves.</param>
    /// <param name="prf">Of a signature that is tied to a hash; else the one that was agreed.</param>
    public byte[] Prove(bool byInitiator, Blob offer, Blob id, Prf? prf = null) => byInitiator
        ? (prf ?? _prf).Compute(_keys.SkeyId, _publics, (byte[])[.. _cookieI.Span, .. _cookieR.Span], offer, id)
        : (prf ?? _prf).Compute(_keys.SkeyId, _publicsBack, (byte[])[.. _cookieR.Span, .. _cookieI.Span], offer, id);

    /// <summary>The IV of the first message under an ID of phase 2.</summary>
    public Blob FirstIv(MessageId id) => _prf.Hash(LastBlock, Octets(id))[.._cipher.BlockLength];

    /// <summary>HASH(1) over all that follows it in the message, and that of single messages and Transaction exchanges.</summary>
    public byte[] Hash1(MessageId id, ReadOnlySpan<byte> rest) => _prf.Compute(_keys.SkeyIdA, Octets(id), rest);

    /// <summary>HASH(2), which proves that the responder is alive by the initiator's nonce.</summary>
    public byte[] Hash2(MessageId id, Blob nonceI, ReadOnlySpan<byte> rest) => _prf.Compute(_keys.SkeyIdA, Octets(id), nonceI, rest);

    /// <summary>HASH(3), which proves the same of the initiator.</summary>
    public byte[] Hash3(MessageId id, Blob nonceI, Blob nonceR) => _prf.Compute(_keys.SkeyIdA, [0], Octets(id), nonceI, nonceR);

    public static bool IsSame(ReadOnlySpan<byte> computed, Blob claimed) => CryptographicOperations.FixedTimeEquals(computed, claimed.Span);

    public Payload.Encrypted Seal(Blob iv, PayloadKind first, ReadOnlySpan<byte> plaintext) => new(first, _cipher.Seal(iv, plaintext));

    public byte[]? Open(Blob iv, Payload.Encrypted encrypted) => _cipher.Open(iv, encrypted.Ciphertext);

    public Blob NextIv(Payload.Encrypted encrypted) => _cipher.NextIv(encrypted.Ciphertext);

    /// <summary>Keys of one direction of a child: of the SPI that its packets carry.</summary>
    public EspKeys DeriveChild(ChildSuite suite, Secret? shared, Spi spi, Blob nonceI, Blob nonceR) =>
        IkeV1Derivation.ChildKeys(suite, _prf, _keys.SkeyIdD, shared, (byte)ChildNumbers.ProtocolOf(suite), spi.ToBlob(), nonceI, nonceR);

    /// <summary>The line of Wireshark's table.</summary>
    public string Reveal(IkeSpi initiator)
    {
        using var key = IkeV1Derivation.CipherKey(_prf, _keys.SkeyIdE, Suite.Encryption.KeyLength);
        return Wireshark.IkeV1(initiator, key);
    }

    public void Dispose()
    {
        _cipher.Dispose();
        _keys.Dispose();
    }

    static Blob Octets(MessageId id)
    {
        var w = new WireWriter(4);
        w.U32(id.Value);
        return w.ToArray();
    }
}
