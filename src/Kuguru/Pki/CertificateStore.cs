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

    public IReadOnlyList<Certificate> Certificates => _certificates;
    public IEnumerable<KeyValuePair<string, PrivateKey>> Keys => _keys;

    /// <summary>Those that chains may end at.</summary>
    public IEnumerable<Certificate> Authorities => _certificates.Where(certificate => certificate.IsAuthority);

    public void Add(Certificate certificate)
    {
        if (!_certificates.Contains(certificate))
            _certificates.Add(certificate);
    }

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

    public void Clear()
    {
        _certificates.Clear();
        foreach (var id in _keys.Keys.ToList())
            RemoveKey(id);
    }

    public void Dispose() => Clear();
}
