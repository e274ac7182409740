using System.Collections.Immutable;
using System.Globalization;

namespace Kuguru.Pki;

/// <summary>
/// What <c>auth = pubkey-...</c> demands, in strongSwan's words: <c>pubkey</c>, <c>rsa</c>, <c>rsa/pss</c>, <c>ecdsa</c> or <c>ed25519</c>, after the middle two a
/// least strength in bits, then hashes; each such group with <c>ike:</c> in front is about AUTH alone, else about certificates too.
/// </summary>
public sealed record SignatureRules
{
    static readonly ImmutableArray<(string Name, SignatureHash Hash)> Hashes =
    [
        ("md5", SignatureHash.Md5), ("sha1", SignatureHash.Sha1), ("sha224", SignatureHash.Sha224), ("sha256", SignatureHash.Sha256),
        ("sha384", SignatureHash.Sha384), ("sha512", SignatureHash.Sha512), ("identity", SignatureHash.Identity),
    ];

    public static SignatureRules None { get; } = new();

    /// <summary>Kinds of keys; empty is any.</summary>
    public ImmutableArray<KeyKind> Kinds { get; init; } = [];

    /// <summary>The fewest bits of each kind of key that has such a rule.</summary>
    public ImmutableDictionary<KeyKind, int> Strength { get; init; } = ImmutableDictionary<KeyKind, int>.Empty;

    /// <summary>How the certificates of a chain may be signed; empty is in any way.</summary>
    public ImmutableArray<SignatureScheme> ForCertificates { get; init; } = [];

    /// <summary>How AUTH may be signed, the best first; empty is in any way.</summary>
    public ImmutableArray<SignatureScheme> ForAuth { get; init; } = [];

    /// <param name="text">After <c>auth =</c>.</param>
    /// <param name="rsaPss">Hashes without <c>rsa/pss</c> allow PSS too (charon.rsa_pss).</param>
    /// <param name="rules">What it says.</param>
    /// <param name="error">In words, what is no part of such a text.</param>
    public static bool TryParse(string text, bool rsaPss, out SignatureRules rules, out string error)
    {
        (rules, error) = (None, "");
        var kinds = new HashSet<KeyKind>();
        var (any, strength) = (false, new Dictionary<KeyKind, int>());
        List<SignatureScheme> both = [], ike = [];
        Group? group = null;
        foreach (var token in text.ToLowerInvariant().Split('-'))
        {
            if (Group.Of(token) is { } begun)
            {
                group = begun;
                if (begun.Kind is { } kind)
                    kinds.Add(kind);
                any |= begun.Kind is null;
            }
            else if (group is null)
                error = $"\"{text}\" does not begin with pubkey, rsa, ecdsa, ed25519 or ike:";
            else if (int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) && group.Kind is { } of)
                strength[of] = bits;
            else if (Hashes.FirstOrDefault(hash => hash.Name == token) is { Name: not null } hash)
                (group.IsIke ? ike : both).AddRange(group.Schemes(hash.Hash, rsaPss));
            else
                error = $"\"{token}\" in \"{text}\" is no hash (sha256, sha384, sha512, sha1) and no strength in bits";
        }
        rules = new()
        {
            Kinds = any ? [] : [.. kinds],
            Strength = strength.ToImmutableDictionary(),
            ForCertificates = [.. both.Distinct()],
            ForAuth = [.. (ike.Count > 0 ? ike : both).Distinct()],
        };
        return error.Length == 0;
    }

    /// <summary>Null when a signature in AUTH is good enough; else why not.</summary>
    public string? WhyNotAuth(PublicKey key, SignatureScheme scheme) =>
        WhyNotKey(key) ?? (ForAuth.IsEmpty || ForAuth.Any(rule => rule.Key == scheme.Key && rule.Hash == scheme.Hash && (rule.Form == SignatureForm.Pss) == (scheme.Form == SignatureForm.Pss))
            ? null : $"it signs by {scheme}, 'auth' allows {string.Join(", ", ForAuth)}");

    /// <summary>The same for a chain: each key, and each signature but the last authority's own.</summary>
    public string? WhyNotChain(IReadOnlyList<Certificate> chain)
    {
        foreach (var certificate in chain)
        {
            var isRoot = certificate.IsSelfIssued && chain.Count > 1;
            var why = (Strength.ContainsKey(certificate.Key.Kind) ? WhyNotStrength(certificate.Key) : null)
                ?? (isRoot || ForCertificates.IsEmpty || (certificate.Scheme is { } scheme && ForCertificates.Contains(scheme)) ? null
                    : $"it is signed by {certificate.Scheme?.ToString() ?? "an unknown algorithm"}, 'auth' allows {string.Join(", ", ForCertificates)}");
            if (why is not null)
                return $"certificate '{certificate.SubjectText}': {why}";
        }
        return null;
    }

    string? WhyNotKey(PublicKey key) => Kinds.IsEmpty || Kinds.Contains(key.Kind) ? WhyNotStrength(key)
        : $"its key is {key}, 'auth' wants {string.Join(" or ", Kinds.Select(kind => kind.ToString().ToUpperInvariant()))}";

    string? WhyNotStrength(PublicKey key) =>
        Strength.TryGetValue(key.Kind, out var least) && key.Bits < least ? $"its key is {key}, 'auth' wants {least} bits" : null;

    /// <summary>What hashes belong to.</summary>
    sealed record Group(KeyKind? Kind, bool IsPss, bool IsIke)
    {
        public static Group? Of(string token)
        {
            var isIke = token.StartsWith("ike:", StringComparison.Ordinal);
            return (isIke ? token[4..] : token) switch
            {
                "pubkey" => new(null, false, isIke),
                "rsa" => new(KeyKind.Rsa, false, isIke),
                "rsa/pss" => new(KeyKind.Rsa, true, isIke),
                "ecdsa" => new(KeyKind.Ecdsa, false, isIke),
                "ed25519" => new(KeyKind.Ed25519, false, isIke),
                _ => null,
            };
        }

        public IEnumerable<SignatureScheme> Schemes(SignatureHash hash, bool rsaPss)
        {
            if (hash == SignatureHash.Identity)
            {
                if (Kind is null or KeyKind.Ed25519)
                    yield return SignatureScheme.Ed25519;
                yield break;
            }
            if ((Kind is null or KeyKind.Rsa) && (IsPss || rsaPss))
                yield return SignatureScheme.Pss(hash);
            if ((Kind is null or KeyKind.Rsa) && !IsPss)
                yield return SignatureScheme.Pkcs1(hash);
            if (Kind is null or KeyKind.Ecdsa)
                yield return SignatureScheme.Ecdsa(hash);
        }
    }
}
