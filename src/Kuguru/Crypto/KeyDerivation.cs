namespace Kuguru.Crypto;

/// <summary>The seven keys of an IKE SA (RFC 7296 section 2.14). SK_e ends with any salt; SK_a is empty with AEAD.</summary>
public sealed class IkeKeys : IDisposable
{
    internal IkeKeys(Secret skD, Secret skAi, Secret skAr, Secret skEi, Secret skEr, Secret skPi, Secret skPr) =>
        (SkD, SkAi, SkAr, SkEi, SkEr, SkPi, SkPr) = (skD, skAi, skAr, skEi, skEr, skPi, skPr);

    public Secret SkD { get; }
    public Secret SkAi { get; }
    public Secret SkAr { get; }
    public Secret SkEi { get; }
    public Secret SkEr { get; }
    public Secret SkPi { get; }
    public Secret SkPr { get; }

    /// <summary>The same keys, three of them mixed with a postquantum pre-shared key (RFC 8784 section 3).</summary>
    public IkeKeys Mixed(Prf prf, Secret ppk) => new(
        KeyDerivation.MixPpk(prf, ppk, SkD), SkAi.Copy(), SkAr.Copy(), SkEi.Copy(), SkEr.Copy(),
        KeyDerivation.MixPpk(prf, ppk, SkPi), KeyDerivation.MixPpk(prf, ppk, SkPr));

    public void Dispose()
    {
        foreach (var key in (ReadOnlySpan<Secret>)[SkD, SkAi, SkAr, SkEi, SkEr, SkPi, SkPr])
            key.Dispose();
    }
}

/// <summary>The keys of one direction of a child SA: the cipher's with its salt, and INTEG's, which is empty with an AEAD.</summary>
public sealed record EspKeys(Secret Encryption, Secret Integrity) : IDisposable
{
    public EspKeys Copy() => new(Encryption.Copy(), Integrity.Copy());

    public void Dispose()
    {
        Encryption.Dispose();
        Integrity.Dispose();
    }
}

/// <summary>KEYMAT of a child SA: what the exchange's initiator sends with, and what its responder does (RFC 7296 section 2.17).</summary>
public sealed record ChildKeys(EspKeys FromInitiator, EspKeys FromResponder) : IDisposable
{
    public void Dispose()
    {
        FromInitiator.Dispose();
        FromResponder.Dispose();
    }
}

/// <summary>IKEv2's key schedule. What goes in stays its owner's; what comes out is the caller's to dispose.</summary>
public static class KeyDerivation
{
    /// <summary>SKEYSEED = prf(Ni | Nr, g^ir), section 2.14.</summary>
    public static Secret SkeySeed(Prf prf, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr, Secret gir) =>
        prf.Derive([.. ni[..Math.Min(ni.Length, prf.SeedNonceLength)], .. nr[..Math.Min(nr.Length, prf.SeedNonceLength)]], gir);

    /// <summary>SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), section 2.18; the PRF is that of the old IKE SA.</summary>
    public static Secret RekeySkeySeed(Prf oldPrf, Secret oldSkD, Secret gir, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr) =>
        oldPrf.Derive(oldSkD, gir, ni, nr);

    /// <summary>
    /// {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr), section 2.14, the SPIs as 8 octets.
    /// </summary>
    public static IkeKeys IkeKeys(
        IkeSuite suite, Secret skeySeed, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr, ReadOnlySpan<byte> spiI, ReadOnlySpan<byte> spiR)
    {
        var prf = Prf.Of(suite.Prf);
        var (d, a, e) = (prf.Length, suite.Integrity.KeyLength(), suite.Encryption.KeyLength);
        using var all = prf.Plus(3 * d + 2 * a + 2 * e, skeySeed, ni, nr, spiI, spiR);
        var rest = all.Span;
        return new(
            Take(ref rest, d), Take(ref rest, a), Take(ref rest, a), Take(ref rest, e), Take(ref rest, e),
            Take(ref rest, d), Take(ref rest, d));
    }

    /// <summary>SK_d = prf+(PPK, SK_d'), and so SK_pi and SK_pr: as long as before (RFC 8784 section 3).</summary>
    public static Secret MixPpk(Prf prf, Secret ppk, Secret key) => prf.Plus(key.Length, ppk, key);

    /// <summary>
    /// KEYMAT = prf+(SK_d, [g^ir (new)] | Ni | Nr), section 2.17; <paramref name="gir"/> only when the child SA had its own key exchange.
    /// The initiator's direction comes first, and in each the cipher's key before INTEG's.
    /// </summary>
    public static ChildKeys ChildKeys(ChildSuite suite, Prf prf, Secret skD, Secret? gir, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr)
    {
        var (e, a) = (suite.EncryptionKeyLength, suite.IntegrityKeyLength);
        using var all = prf.Plus(2 * (e + a), skD, gir is null ? default : gir.Span, ni, nr);
        var rest = all.Span;
        return new(new(Take(ref rest, e), Take(ref rest, a)), new(Take(ref rest, e), Take(ref rest, a)));
    }

    static Secret Take(ref ReadOnlySpan<byte> rest, int length)
    {
        var key = Secret.Copy(rest[..length]);
        rest = rest[length..];
        return key;
    }
}
