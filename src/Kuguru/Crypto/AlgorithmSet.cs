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
/// does not have (INTEG with AEAD, PRF of ESP). For ESP and AH an empty <see cref="KeyExchange"/>, or None in it, is "no key exchange of its own".
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
    /// strongSwan's keywords, such as <c>aes128gcm16-prfsha256-x25519</c>; <c>default</c> gives two proposals (AEAD and not), and several
    /// may stand in one string with commas between. The error names the word, and whether it is unknown or only not supported here.
    /// </summary>
    public static bool TryParse(string keywords, ProposalKind kind, out ImmutableArray<AlgorithmSet> proposals, [NotNullWhen(false)] out string? error) =>
        throw new NotImplementedException();

    /// <summary>strongSwan's default proposals, as far as they are supported here.</summary>
    public static ImmutableArray<AlgorithmSet> Defaults(ProposalKind kind) => throw new NotImplementedException();

    public bool Equals(AlgorithmSet? other) => other is not null && Kind == other.Kind
        && Encryption.SequenceEqual(other.Encryption) && Integrity.SequenceEqual(other.Integrity) && Prf.SequenceEqual(other.Prf)
        && KeyExchange.SequenceEqual(other.KeyExchange) && Esn.SequenceEqual(other.Esn);

    public override int GetHashCode() => HashCode.Combine(Kind, Encryption.Length, Integrity.Length, Prf.Length, KeyExchange.Length, Esn.Length);

    public override string ToString() => $"{Kind.ToString().ToUpperInvariant()}:" + string.Join('/',
    [
        .. Encryption.Select(e => e.ToString()), .. Integrity.Select(i => i.Name()), .. Prf.Select(p => p.Name()),
        .. KeyExchange.Select(k => k.Name()), .. Esn.Select(e => e.Name()),
    ]);
}
