using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Crypto;

/// <summary>
/// One proposal in strongSwan's words: keywords of any transform type with dashes between, several of a type in order of preference. The
/// rules are strongSwan's too: IKE takes its PRF from INTEG when none is named; AEAD ciphers stand alone and drop INTEG; ESP and AH drop
/// PRFs and have no ESN unless asked. Stricter than strongSwan: an ESP cipher without any integrity, and NULL in IKE, are refused.
/// </summary>
static class ProposalKeywords
{
    public static bool TryParse(
        string text, ProposalKind kind, [NotNullWhen(true)] out AlgorithmSet? proposal, [NotNullWhen(false)] out string? error)
    {
        var all = new List<Keyword>();
        proposal = null;
        foreach (var word in text.Split('-', StringSplitOptions.TrimEntries))
        {
            if (!TryFind(word, out var keyword, out error))
                return false;
            if (!all.Contains(keyword))
                all.Add(keyword);
        }
        proposal = Arrange(kind, all);
        error = Fault(proposal);
        if (error is null)
            return true;
        (proposal, error) = (null, $"'{text}': {error}");
        return false;
    }

    static AlgorithmSet Arrange(ProposalKind kind, List<Keyword> all)
    {
        var isIke = kind == ProposalKind.Ike;
        ImmutableArray<Encryption> encryption = [.. all.OfType<Keyword.Encrypts>().Select(k => k.Encryption)];
        ImmutableArray<IntegrityAlgorithm> integrity = [.. all.OfType<Keyword.Protects>().Select(k => k.Integrity)];
        ImmutableArray<PseudoRandomFunction> prf = [.. all.OfType<Keyword.Derives>().Select(k => k.Prf)];
        ImmutableArray<ExtendedSequenceNumbers> esn = [.. all.OfType<Keyword.Counts>().Select(k => k.Esn)];
        var exchange = all.OfType<Keyword.Exchanges>().Select(k => k.Method);
        return new(
            kind,
            kind == ProposalKind.Ah ? [] : encryption,
            kind != ProposalKind.Ah && encryption.Any(e => e.IsAead) ? [] : integrity,
            !isIke ? [] : prf.IsEmpty ? [.. integrity.Select(PrfOf)] : prf,
            [.. exchange.Where(e => !isIke || e != KeyExchangeMethod.None)],
            isIke ? [] : esn.IsEmpty ? [ExtendedSequenceNumbers.No] : esn);
    }

    static string? Fault(AlgorithmSet set)
    {
        if (set.Kind == ProposalKind.Ah)
            return set.Integrity.IsEmpty ? "an integrity algorithm is missing, such as sha256" : null;
        if (set.Encryption.IsEmpty)
            return "a cipher is missing, such as aes128gcm16";
        var isAead = set.Encryption.Any(e => e.IsAead);
        if (isAead && !set.Encryption.All(e => e.IsAead))
            return "combined-mode ciphers (gcm, chacha20poly1305) and others need proposals of their own";
        if (!isAead && set.Integrity.IsEmpty)
            return $"{set.Encryption[0]} needs an integrity algorithm, such as sha256";
        if (set.Kind == ProposalKind.Esp)
            return null;
        if (set.Encryption.Any(e => e.Algorithm == EncryptionAlgorithm.Null))
            return "null is for ESP only";
        if (set.Prf.IsEmpty)
            return "a PRF is missing, such as prfsha256";
        return set.KeyExchange.IsEmpty ? "a key exchange is missing, such as x25519" : null;
    }

    static PseudoRandomFunction PrfOf(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.HmacMd5_96 => PseudoRandomFunction.HmacMd5,
        IntegrityAlgorithm.HmacSha1_96 => PseudoRandomFunction.HmacSha1,
        IntegrityAlgorithm.HmacSha2_256_128 => PseudoRandomFunction.HmacSha2_256,
        IntegrityAlgorithm.HmacSha2_384_192 => PseudoRandomFunction.HmacSha2_384,
        IntegrityAlgorithm.HmacSha2_512_256 => PseudoRandomFunction.HmacSha2_512,
        IntegrityAlgorithm.AesXcbc96 => PseudoRandomFunction.Aes128Xcbc,
        IntegrityAlgorithm.AesCmac96 => PseudoRandomFunction.Aes128Cmac,
        _ => throw new NotSupportedException($"no PRF goes with {integrity.Name()}"),
    };

    static bool TryFind(string word, [NotNullWhen(true)] out Keyword? keyword, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (Known.TryGetValue(word, out keyword) && keyword.IsSupported)
            return true;
        if (keyword is not null)
            error = $"'{word}' is not supported without OpenSSL 3 (libcrypto.so.3) and a provider of it";
        else if (word.Length > 4 && word.StartsWith("ke", StringComparison.Ordinal) && char.IsAsciiDigit(word[2]) && word[3] == '_')
            error = $"'{word}' is not supported: there are no additional key exchanges (RFC 9370) here; leave ke1_ to ke7_ out, and let the peer offer keN_none as well";
        else if (NotOurs.TryGetValue(word, out var instead))
            error = $"'{word}' is not supported; instead: {instead}";
        else if (word.Length == 0)
            error = "an algorithm is missing; a proposal looks like aes128gcm16-prfsha256-x25519, or 'default'";
        else
            error = $"'{word}' is no algorithm; did you mean {Nearest(word)}?";
        return false;
    }

    static string Nearest(string word) =>
        Known.Keys.Concat(NotOurs.Keys).Order(StringComparer.Ordinal).MinBy(known => Distance(word, known))!;

    /// <summary>Levenshtein's: letters to insert, remove or change.</summary>
    static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }

    abstract record Keyword
    {
        public abstract bool IsSupported { get; }

        public sealed record Encrypts(Encryption Encryption) : Keyword
        {
            public override bool IsSupported => Encryption.IsSupported;
        }

        public sealed record Protects(IntegrityAlgorithm Integrity) : Keyword
        {
            public override bool IsSupported => Integrity.IsSupported();
        }

        public sealed record Derives(PseudoRandomFunction Prf) : Keyword
        {
            public override bool IsSupported => Crypto.Prf.IsSupported(Prf);
        }

        public sealed record Exchanges(KeyExchangeMethod Method) : Keyword
        {
            public override bool IsSupported => Method == KeyExchangeMethod.None || KeyExchange.IsSupported(Method);
        }

        public sealed record Counts(ExtendedSequenceNumbers Esn) : Keyword
        {
            public override bool IsSupported => true;
        }
    }

    static readonly FrozenDictionary<string, Keyword> Known = new Dictionary<string, Keyword>
    {
        ["null"] = Cipher(EncryptionAlgorithm.Null, 0),
        ["aes"] = Cipher(EncryptionAlgorithm.AesCbc, 128),
        ["aes128"] = Cipher(EncryptionAlgorithm.AesCbc, 128),
        ["aes192"] = Cipher(EncryptionAlgorithm.AesCbc, 192),
        ["aes256"] = Cipher(EncryptionAlgorithm.AesCbc, 256),
        ["aes128ctr"] = Cipher(EncryptionAlgorithm.AesCtr, 128),
        ["aes192ctr"] = Cipher(EncryptionAlgorithm.AesCtr, 192),
        ["aes256ctr"] = Cipher(EncryptionAlgorithm.AesCtr, 256),
        ["aes128gcm"] = Cipher(EncryptionAlgorithm.AesGcm16, 128),
        ["aes128gcm16"] = Cipher(EncryptionAlgorithm.AesGcm16, 128),
        ["aes128gcm128"] = Cipher(EncryptionAlgorithm.AesGcm16, 128),
        ["aes192gcm"] = Cipher(EncryptionAlgorithm.AesGcm16, 192),
        ["aes192gcm16"] = Cipher(EncryptionAlgorithm.AesGcm16, 192),
        ["aes192gcm128"] = Cipher(EncryptionAlgorithm.AesGcm16, 192),
        ["aes256gcm"] = Cipher(EncryptionAlgorithm.AesGcm16, 256),
        ["aes256gcm16"] = Cipher(EncryptionAlgorithm.AesGcm16, 256),
        ["aes256gcm128"] = Cipher(EncryptionAlgorithm.AesGcm16, 256),
        ["chacha20poly1305"] = Cipher(EncryptionAlgorithm.ChaCha20Poly1305, 0),
        ["chacha20poly1305compat"] = Cipher(EncryptionAlgorithm.ChaCha20Poly1305, 256),
        ["sha"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha1_96),
        ["sha1"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha1_96),
        ["sha256"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha2_256_128),
        ["sha2_256"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha2_256_128),
        ["sha384"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha2_384_192),
        ["sha2_384"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha2_384_192),
        ["sha512"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha2_512_256),
        ["sha2_512"] = new Keyword.Protects(IntegrityAlgorithm.HmacSha2_512_256),
        ["aesxcbc"] = new Keyword.Protects(IntegrityAlgorithm.AesXcbc96),
        ["aescmac"] = new Keyword.Protects(IntegrityAlgorithm.AesCmac96),
        ["prfaesxcbc"] = new Keyword.Derives(PseudoRandomFunction.Aes128Xcbc),
        ["prfaescmac"] = new Keyword.Derives(PseudoRandomFunction.Aes128Cmac),
        ["prfsha1"] = new Keyword.Derives(PseudoRandomFunction.HmacSha1),
        ["prfsha256"] = new Keyword.Derives(PseudoRandomFunction.HmacSha2_256),
        ["prfsha384"] = new Keyword.Derives(PseudoRandomFunction.HmacSha2_384),
        ["prfsha512"] = new Keyword.Derives(PseudoRandomFunction.HmacSha2_512),
        ["none"] = new Keyword.Exchanges(KeyExchangeMethod.None),
        ["modpnone"] = new Keyword.Exchanges(KeyExchangeMethod.None),
        ["modp2048"] = new Keyword.Exchanges(KeyExchangeMethod.Modp2048),
        // Weak, for peers that have nothing better; see Weakness.
        ["3des"] = Cipher(EncryptionAlgorithm.TripleDes, 0),
        ["md5"] = new Keyword.Protects(IntegrityAlgorithm.HmacMd5_96),
        ["prfmd5"] = new Keyword.Derives(PseudoRandomFunction.HmacMd5),
        ["modp1024"] = new Keyword.Exchanges(KeyExchangeMethod.Modp1024),
        ["modp1536"] = new Keyword.Exchanges(KeyExchangeMethod.Modp1536),
        ["modp3072"] = new Keyword.Exchanges(KeyExchangeMethod.Modp3072),
        ["modp4096"] = new Keyword.Exchanges(KeyExchangeMethod.Modp4096),
        ["modp6144"] = new Keyword.Exchanges(KeyExchangeMethod.Modp6144),
        ["modp8192"] = new Keyword.Exchanges(KeyExchangeMethod.Modp8192),
        ["ecp256"] = new Keyword.Exchanges(KeyExchangeMethod.Ecp256),
        ["ecp384"] = new Keyword.Exchanges(KeyExchangeMethod.Ecp384),
        ["ecp521"] = new Keyword.Exchanges(KeyExchangeMethod.Ecp521),
        ["curve25519"] = new Keyword.Exchanges(KeyExchangeMethod.Curve25519),
        ["x25519"] = new Keyword.Exchanges(KeyExchangeMethod.Curve25519),
        ["esn"] = new Keyword.Counts(ExtendedSequenceNumbers.Yes),
        ["noesn"] = new Keyword.Counts(ExtendedSequenceNumbers.No),
    }.ToFrozenDictionary();

    static Keyword.Encrypts Cipher(EncryptionAlgorithm algorithm, int keyBits) => new(new(algorithm, keyBits));

    /// <summary>Keywords that strongSwan has and we do not, with what to take instead.</summary>
    static readonly FrozenDictionary<string, string> NotOurs = Instead(
        ("aes256gcm16 or chacha20poly1305",
        [
            "des", "blowfish", "camellia", "cast128", "serpent", "twofish", "aes128gmac", "aes192gmac", "aes256gmac",
            .. from cipher in (string[])["blowfish", "camellia", "serpent", "twofish"] from bits in KeyBits select $"{cipher}{bits}",
            .. from bits in KeyBits select $"camellia{bits}ctr",
            .. from cipher in (string[])["aes", "camellia"] from bits in KeyBits from icv in Icvs select $"{cipher}{bits}ccm{icv}",
            .. from bits in KeyBits select $"aes{bits}ccm",
            .. from bits in KeyBits from icv in Icvs where icv is not ("16" or "128") select $"aes{bits}gcm{icv}",
        ]),
        ("sha256, sha384 or sha512", ["sha1_160", "sha256_96", "sha2_256_96", "md5_128", "camelliaxcbc"]),
        ("prfsha256, prfsha384 or prfsha512", ["prfcamelliaxcbc"]),
        ("x25519, ecp256, ecp384, ecp521 or modp2048 to modp8192",
        [
            "modpnull", "modp768", "ecp192", "ecp224", "modp1024s160", "modp2048s224", "modp2048s256",
            "ecp224bp", "ecp256bp", "ecp384bp", "ecp512bp", "curve448", "x448", "gost256", "gost512", "mlkem512", "mlkem768", "mlkem1024",
        ]));

    static string[] KeyBits => ["128", "192", "256"];
    static string[] Icvs => ["8", "64", "12", "96", "16", "128"];

    static FrozenDictionary<string, string> Instead(params (string Instead, string[] Words)[] groups) =>
        groups.SelectMany(g => g.Words.Select(w => KeyValuePair.Create(w, g.Instead))).ToFrozenDictionary();
}
