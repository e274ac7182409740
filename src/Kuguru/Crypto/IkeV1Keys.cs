namespace Kuguru.Crypto;

/// <summary>
/// The keys of an ISAKMP SA (RFC 2409 section 5). SKEYID_e is what the cipher's key is made from, not always the key itself.
/// </summary>
public sealed class IkeV1Keys : IDisposable
{
    internal IkeV1Keys(Secret skeyId, Secret skeyIdD, Secret skeyIdA, Secret skeyIdE) =>
        (SkeyId, SkeyIdD, SkeyIdA, SkeyIdE) = (skeyId, skeyIdD, skeyIdA, skeyIdE);

    public Secret SkeyId { get; }
    public Secret SkeyIdD { get; }
    public Secret SkeyIdA { get; }
    public Secret SkeyIdE { get; }

    public void Dispose()
    {
        foreach (var key in (ReadOnlySpan<Secret>)[SkeyId, SkeyIdD, SkeyIdA, SkeyIdE])
            key.Dispose();
    }
}

/// <summary>IKEv1's key schedule (RFC 2409 sections 5 and 5.5, appendix B). What goes in stays its owner's; what comes out is the caller's to dispose.</summary>
public static class IkeV1Derivation
{
    /// <summary>SKEYID = prf(pre-shared-key, Ni_b | Nr_b).</summary>
    public static Secret SkeyIdOfSharedKey(Prf prf, Secret key, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr) => prf.Derive(key, ni, nr);

    /// <summary>SKEYID = prf(Ni_b | Nr_b, g^xy), with signatures.</summary>
    public static Secret SkeyIdOfSignatures(Prf prf, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr, Secret gxy) => prf.Derive([.. ni, .. nr], gxy);

    /// <summary>
    /// SKEYID_d, _a and _e, each prf(SKEYID, the one before | g^xy | CKY-I | CKY-R | 0, 1, 2). Takes SKEYID over.
    /// </summary>
    public static IkeV1Keys Keys(Prf prf, Secret skeyId, Secret gxy, ReadOnlySpan<byte> ckyI, ReadOnlySpan<byte> ckyR)
    {
        var d = prf.Derive(skeyId, gxy, ckyI, ckyR, [0]);
        var a = prf.Derive(skeyId, d, gxy, [.. ckyI, .. ckyR], [1]);
        var e = prf.Derive(skeyId, a, gxy, [.. ckyI, .. ckyR], [2]);
        return new(skeyId, d, a, e);
    }

    /// <summary>
    /// The cipher's key: the first octets of SKEYID_e, or when that is too short of K1 | K2 | ..., K1 = prf(SKEYID_e, 0), K2 = prf(SKEYID_e, K1) (appendix B).
    /// </summary>
    public static Secret CipherKey(Prf prf, Secret skeyIdE, int length)
    {
        if (length <= skeyIdE.Length)
            return Secret.Copy(skeyIdE.Span[..length]);
        var key = new Secret(length);
        using var block = new Secret(prf.Length);
        for (var made = 0; made < length; made += prf.Length)
        {
            using var next = prf.Derive(skeyIdE, made == 0 ? [0] : block.Span);
            next.Span.CopyTo(block.Buffer);
            block.Span[..Math.Min(prf.Length, length - made)].CopyTo(key.Buffer[made..]);
        }
        return key;
    }

    /// <summary>
    /// KEYMAT of one SA of phase 2 (section 5.5): K1 = prf(SKEYID_d, seed), K2 = prf(SKEYID_d, K1 | seed), ..., with
    /// seed = [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b.
    /// </summary>
    public static EspKeys ChildKeys(
        ChildSuite suite, Prf prf, Secret skeyIdD, Secret? gxy, byte protocol, ReadOnlySpan<byte> spi, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr)
    {
        using var all = Keymat(suite.EncryptionKeyLength + suite.IntegrityKeyLength, prf, skeyIdD, gxy, [protocol, .. spi, .. ni, .. nr]);
        return new(Secret.Copy(all.Span[..suite.EncryptionKeyLength]), Secret.Copy(all.Span[suite.EncryptionKeyLength..]));
    }

    internal static Secret Keymat(int length, Prf prf, Secret skeyIdD, Secret? gxy, ReadOnlySpan<byte> seed)
    {
        var key = new Secret(length);
        using var block = new Secret(prf.Length);
        for (var made = 0; made < length; made += prf.Length)
        {
            using var next = prf.Derive(skeyIdD, made == 0 ? default : block.Span, gxy is null ? default : gxy.Span, seed);
            next.Span.CopyTo(block.Buffer);
            block.Span[..Math.Min(prf.Length, length - made)].CopyTo(key.Buffer[made..]);
        }
        return key;
    }
}

/// <summary>
/// The protection of ISAKMP messages (RFC 2409 appendix B): CBC, where the last block of one message of an exchange is the IV of the next.
/// It says nothing of authenticity; that is the HASH payload's inside. One key, both directions. Not thread-safe.
/// </summary>
public sealed class IkeV1Cipher : IDisposable
{
    readonly CipherContext _sealing, _opening;

    /// <summary>Copies the key.</summary>
    public IkeV1Cipher(Encryption encryption, Secret key)
    {
        BlockLength = encryption.BlockLength;
        _sealing = CipherContext.Create(encryption, key, encrypt: true);
        _opening = CipherContext.Create(encryption, key, encrypt: false);
    }

    public int BlockLength { get; }

    /// <summary>Encrypts, with zeros behind up to a whole block.</summary>
    public byte[] Seal(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> plaintext)
    {
        using var padded = new Secret((plaintext.Length + BlockLength - 1) / BlockLength * BlockLength);
        plaintext.CopyTo(padded.Buffer);
        var ciphertext = new byte[padded.Length];
        _sealing.Run(iv, padded, ciphertext);
        return ciphertext;
    }

    /// <summary>Decrypts, padding and all; null when these are no whole blocks.</summary>
    public byte[]? Open(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> ciphertext)
    {
        if (ciphertext.IsEmpty || ciphertext.Length % BlockLength != 0)
            return null;
        var plaintext = new byte[ciphertext.Length];
        _opening.Run(iv, ciphertext, plaintext);
        return plaintext;
    }

    /// <summary>What the next message of the exchange begins with.</summary>
    public byte[] NextIv(ReadOnlySpan<byte> ciphertext) => ciphertext[^BlockLength..].ToArray();

    public void Dispose()
    {
        _sealing.Dispose();
        _opening.Dispose();
    }
}
