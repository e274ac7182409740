namespace Kuguru.Crypto;

/// <summary>The seven keys of an IKE SA (RFC 7296 section 2.14). SK_e holds the salt of an AEAD or CTR cipher; SK_a is empty with an AEAD.</summary>
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

/// <summary>KEYMAT of a child SA: what the exchange's initiator sends with, and what its responder sends with (RFC 7296 section 2.17).</summary>
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
    public static Secret SkeySeed(Prf prf, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr, Secret gir) => throw new NotImplementedException();

    /// <summary>SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), section 2.18; the PRF is that of the old IKE SA.</summary>
    public static Secret RekeySkeySeed(Prf oldPrf, Secret oldSkD, Secret gir, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr) => throw new NotImplementedException();

    /// <summary>{SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr), section 2.14. SPIs as their 8 octets.</summary>
    public static IkeKeys IkeKeys(
        IkeSuite suite, Secret skeySeed, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr, ReadOnlySpan<byte> spiI, ReadOnlySpan<byte> spiR) =>
        throw new NotImplementedException();

    /// <summary>KEYMAT = prf+(SK_d, [g^ir (new)] | Ni | Nr), section 2.17; <paramref name="gir"/> only when the child SA had its own key exchange.</summary>
    public static ChildKeys ChildKeys(EspSuite suite, Prf prf, Secret skD, Secret? gir, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr) => throw new NotImplementedException();
}
