using System.Collections.Immutable;

namespace Kuguru.Pki;

/// <summary>
/// The certificates and keys of a host: authorities that it trusts, end-entity certificates that it knows, its own private keys. One thread's, and without
/// a clock: the time is handed in where it counts.
/// </summary>
public sealed class CertificateStore : IDisposable
{
    readonly List<Certificate> _certificates = [];
    readonly Dictionary<string, PrivateKey> _keys = new(StringComparer.Ordinal);
    readonly Dictionary<string, AuthorityUris> _authorities = new(StringComparer.Ordinal);
    readonly List<PublicKey> _publicKeys = [];
    readonly List<Certificate> _ocspSigners = [];

    public IReadOnlyList<Certificate> Certificates => _certificates;
    public IEnumerable<KeyValuePair<string, PrivateKey>> Keys => _keys;

    /// <summary>Those that chains may end at.</summary>
    public IEnumerable<Certificate> Authorities => _certificates.Concat(_authorities.Values.Select(uris => uris.Authority)).Where(certificate => certificate.IsAuthority).Distinct();

    /// <summary>Public keys that are known without a certificate: their identity is their fingerprint.</summary>
    public IReadOnlyList<PublicKey> PublicKeys => _publicKeys;

    /// <summary>Certificates that are trusted to sign OCSP responses.</summary>
    public IReadOnlyList<Certificate> OcspSigners => _ocspSigners;

    /// <summary>Authorities with URIs of their own, by name.</summary>
    public IReadOnlyDictionary<string, AuthorityUris> NamedAuthorities => _authorities;

    public Revocation Revocation { get; init; } = new();

    public void Add(Certificate certificate)
    {
        if (!_certificates.Contains(certificate))
            _certificates.Add(certificate);
    }

    public void AddOcspSigner(Certificate certificate)
    {
        if (!_ocspSigners.Contains(certificate))
            _ocspSigners.Add(certificate);
    }

    public void Add(PublicKey key)
    {
        if (!_publicKeys.Contains(key))
            _publicKeys.Add(key);
    }

    /// <summary>Adds an authority with URIs, or replaces the one of that name.</summary>
    public void Add(AuthorityUris authority) => _authorities[authority.Name] = authority;

    public bool RemoveAuthority(string name) => _authorities.Remove(name);

    /// <summary>Adds a key under the name that charon gives it, the fingerprint of its public half, and gives that.</summary>
    public string Add(PrivateKey key)
    {
        var id = key.Public.KeyFingerprint.ToString();
        if (_keys.Remove(id, out var before))
            before.Dispose();
        _keys[id] = key;
        return id;
    }

    public bool RemoveKey(string id)
    {
        if (!_keys.Remove(id, out var key))
            return false;
        key.Dispose();
        return true;
    }

    public PrivateKey? KeyFor(PublicKey key) => _keys.GetValueOrDefault(key.KeyFingerprint.ToString());

    /// <summary>All but the authorities that have a name, as strongSwan's clear-creds has it.</summary>
    public void Clear()
    {
        _certificates.Clear();
        _publicKeys.Clear();
        _ocspSigners.Clear();
        Revocation.Clear();
        foreach (var id in _keys.Keys.ToList())
            RemoveKey(id);
    }

    public void Dispose()
    {
        Clear();
        _authorities.Clear();
    }
}
