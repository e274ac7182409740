using System.Collections.Immutable;
using System.Security.Cryptography;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto;
using HashAlgorithm = Org.BouncyCastle.Tls.HashAlgorithm;

namespace Kuguru.Crypto;

/// <summary>What one end of TLS needs to know.</summary>
/// <param name="Own">What we prove ourselves by; null is nothing, which only a client may have.</param>
/// <param name="Judge">Null when the other end's chain, its own certificate first, is who is expected; else why not.</param>
/// <param name="Authorities">Names (DER) of those whose certificates we believe, which helps a client to choose; may be empty.</param>
public sealed record TlsSetup(TlsIdentity? Own, Func<ImmutableArray<Blob>, string?> Judge, ImmutableArray<Blob> Authorities)
{
    /// <summary>The keys to make, in this order.</summary>
    public ImmutableArray<TlsExport> Exports { get; init; } = [];

    public TlsLimits Limits { get; init; } = TlsLimits.None;
}

/// <summary>What of TLS may be spoken (strongswan.conf <c>libtls</c>).</summary>
/// <param name="HasVersion12">TLS 1.2.</param>
/// <param name="HasVersion13">TLS 1.3.</param>
/// <param name="Suites">Names of IANA; empty is all that there are.</param>
public sealed record TlsLimits(bool HasVersion12, bool HasVersion13, ImmutableArray<string> Suites)
{
    public static TlsLimits None { get; } = new(true, true, []);

    /// <summary>The names of all cipher suites that there are: authenticated encryption with forward secrecy.</summary>
    public static IEnumerable<string> KnownSuites => TlsTerms.SuiteNames;
}

/// <summary>A certificate chain in DER, our own certificate first, and the key that goes with it.</summary>
/// <param name="Chain">Without the root, if that is known to everybody.</param>
/// <param name="Schemes">What the key can sign, as TLS SignatureScheme numbers (RFC 8446 section 4.2.3), the best first.</param>
/// <param name="Sign">Signs data by one of the schemes.</param>
public sealed record TlsIdentity(ImmutableArray<Blob> Chain, ImmutableArray<int> Schemes, Func<int, byte[], byte[]> Sign)
{
    /// <summary>Schemes of RSA keys; with PKCS#1 v1.5 only for TLS 1.2.</summary>
    public static ImmutableArray<int> RsaSchemes { get; } =
    [
        SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.rsa_pss_rsae_sha384, SignatureScheme.rsa_pss_rsae_sha512,
        SignatureScheme.rsa_pkcs1_sha256, SignatureScheme.rsa_pkcs1_sha384, SignatureScheme.rsa_pkcs1_sha512,
    ];

    public static ImmutableArray<int> Ecdsa256Schemes { get; } = [SignatureScheme.ecdsa_secp256r1_sha256];
    public static ImmutableArray<int> Ecdsa384Schemes { get; } = [SignatureScheme.ecdsa_secp384r1_sha384];
    public static ImmutableArray<int> Ecdsa521Schemes { get; } = [SignatureScheme.ecdsa_secp521r1_sha512];
    public static ImmutableArray<int> Ed25519Schemes { get; } = [SignatureScheme.ed25519];

    /// <summary>The hash of a scheme; none for Ed25519, which has its own.</summary>
    public static HashAlgorithmName HashOf(int scheme) => SignatureScheme.GetHashAlgorithm(scheme) switch
    {
        _ when SignatureScheme.IsRsaPss(scheme) => Named(SignatureScheme.GetCryptoHashAlgorithm(scheme)),
        HashAlgorithm.sha256 => HashAlgorithmName.SHA256,
        HashAlgorithm.sha384 => HashAlgorithmName.SHA384,
        HashAlgorithm.sha512 => HashAlgorithmName.SHA512,
        _ => default,
    };

    public static bool IsPss(int scheme) => SignatureScheme.IsRsaPss(scheme);

    static HashAlgorithmName Named(int cryptoHash) => cryptoHash switch
    {
        CryptoHashAlgorithm.sha256 => HashAlgorithmName.SHA256,
        CryptoHashAlgorithm.sha384 => HashAlgorithmName.SHA384,
        _ => HashAlgorithmName.SHA512,
    };
}

/// <summary>Keys that both ends make of a handshake for something outside of TLS (RFC 5705; RFC 8446 section 7.5).</summary>
/// <param name="Label13">The exporter's label in TLS 1.3.</param>
/// <param name="Context13">And its context.</param>
/// <param name="Label12">The PRF's label in TLS 1.2, over both randoms.</param>
/// <param name="Length">Octets.</param>
public sealed record TlsExport(string Label13, Blob Context13, string Label12, int Length);
