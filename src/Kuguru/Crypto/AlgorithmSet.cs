using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Crypto;

/// <summary>What a proposal is for; decides which transform types it has.</summary>
public enum ProposalKind
{
    Ike,
    Esp,
    Ah,
}

/// <summary>
/// One proposal as configured: for each transform type the algorithms in order of preference. An empty list is a type that the proposal
/// does not have (INTEG with AEAD, PRF of ESP). For ESP and AH an empty <see cref="KeyExchange"/>, or None in it, is "needs none".
/// Prints as charon logs it, <c>ESP:AES_GCM_16_128/NO_EXT_SEQ</c>.
/// </summary>
public sealed record AlgorithmSet(
    ProposalKind Kind,
    ImmutableArray<Encryption> Encryption,
    ImmutableArray<IntegrityAlgorithm> Integrity,
    ImmutableArray<PseudoRandomFunction> Prf,
    ImmutableArray<KeyExchangeMethod> KeyExchange,
    ImmutableArray<ExtendedSequenceNumbers> Esn)
{
    /// <summary>
    /// strongSwan's keywords, such as <c>aes128gcm16-prfsha256-x25519</c>; <c>default</c> gives the default proposals (one with AEAD, one
    /// without), and several may stand in one string with commas between. The error names the word, says whether it is unknown or only not
    /// supported here, and what would be right.
    /// </summary>
    public static bool TryParse(
        string keywords, ProposalKind kind, out ImmutableArray<AlgorithmSet> proposals, [NotNullWhen(false)] out string? error)
    {
        var parsed = ImmutableArray.CreateBuilder<AlgorithmSet>();
        proposals = [];
        foreach (var one in keywords.Split(',', StringSplitOptions.TrimEntries))
        {
            if (one == "default")
            {
                parsed.AddRange(Defaults(kind));
                continue;
            }
            if (!ProposalKeywords.TryParse(one, kind, out var proposal, out error))
                return false;
            parsed.Add(proposal);
        }
        proposals = parsed.ToImmutable();
        error = null;
        return true;
    }

    /// <summary>
    /// strongSwan 6's default proposals, as far as they are supported here. AEAD and other ciphers cannot be in one proposal, so there are
    /// two: IKE has the one without AEAD first, ESP the one with. MACs and PRFs of AES are offered by name only.
    /// </summary>
    public static ImmutableArray<AlgorithmSet> Defaults(ProposalKind kind)
    {
        var aead = Supported.Encryption.Where(e => e.IsAead);
        var classic = Supported.Encryption.Where(e => !e.IsAead && e.Algorithm != EncryptionAlgorithm.Null);
        ImmutableArray<IntegrityAlgorithm> integrity = [.. Supported.Integrity.Where(i => i is not (IntegrityAlgorithm.AesXcbc96 or IntegrityAlgorithm.AesCmac96))];
        ImmutableArray<PseudoRandomFunction> prf = [.. Supported.Prf.Where(p => p is not (PseudoRandomFunction.Aes128Xcbc or PseudoRandomFunction.Aes128Cmac))];
        return kind switch
        {
            ProposalKind.Ike =>
            [
                new(kind, [.. classic], integrity, prf, Supported.KeyExchange, []),
                new(kind, [.. aead], [], prf, Supported.KeyExchange, []),
            ],
            ProposalKind.Esp =>
            [
                Child(kind, aead.Where(e => e.Algorithm == EncryptionAlgorithm.AesGcm16), []),
                Child(kind, classic.Where(e => e.Algorithm == EncryptionAlgorithm.AesCbc), integrity),
            ],
            ProposalKind.Ah => [Child(kind, [], integrity)],
        };
    }

    static AlgorithmSet Child(ProposalKind kind, IEnumerable<Encryption> encryption, ImmutableArray<IntegrityAlgorithm> integrity) =>
        new(kind, [.. encryption], integrity, [], [.. Supported.KeyExchange, KeyExchangeMethod.None], [ExtendedSequenceNumbers.No]);

    public bool Equals(AlgorithmSet? other) => other is not null && Kind == other.Kind
        && Encryption.SequenceEqual(other.Encryption) && Integrity.SequenceEqual(other.Integrity) && Prf.SequenceEqual(other.Prf)
        && KeyExchange.SequenceEqual(other.KeyExchange) && Esn.SequenceEqual(other.Esn);

    public override int GetHashCode() =>
        HashCode.Combine(Kind, Encryption.Length, Integrity.Length, Prf.Length, KeyExchange.Length, Esn.Length);

    public override string ToString() => $"{Kind.ToString().ToUpperInvariant()}:" + string.Join('/',
    [
        .. Encryption.Select(e => e.ToString()), .. Integrity.Select(i => i.Name()), .. Prf.Select(p => p.Name()),
        .. KeyExchange.Select(k => k.Name()), .. Esn.Select(e => e.Name()),
    ]);
}
