using Kuguru.Pki;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>The identities that a certificate is for: its subject, the names in its subjectAltName, the fingerprints of its key and the name that its authority gives that.</summary>
public static class PeerNames
{
    public static IEnumerable<Identity> Of(Certificate certificate)
    {
        yield return new(IdType.DerAsn1Dn, certificate.Subject);
        foreach (var name in certificate.AltNames)
        {
            yield return name.Kind switch
            {
                AltNameKind.Dns => new(IdType.Fqdn, name.Data),
                AltNameKind.Email => new(IdType.Rfc822Addr, name.Data),
                AltNameKind.Directory => new(IdType.DerAsn1Dn, name.Data),
                AltNameKind.Address => new(name.Data.Length == 4 ? IdType.Ipv4Addr : IdType.Ipv6Addr, name.Data),
            };
        }
        yield return new(IdType.KeyId, certificate.Key.Fingerprint);
        yield return new(IdType.KeyId, certificate.Key.KeyFingerprint);
        if (!certificate.KeyId.IsEmpty)
            yield return new(IdType.KeyId, certificate.KeyId);
    }

    /// <summary>Subject and alternative names, for messages.</summary>
    public static string Text(Certificate certificate) =>
        string.Join(", ", Of(certificate).Take(1 + certificate.AltNames.Length).Take(8).Select(name => $"'{name}'"));

    /// <summary>The certificate is for this identity. A name in it with a "*" is not taken for a pattern, as strongSwan has it.</summary>
    public static bool Has(Certificate certificate, Identity identity) => Of(certificate).Any(name => name.IsSameAs(identity));
}
