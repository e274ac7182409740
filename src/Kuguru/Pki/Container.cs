using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Org.BouncyCastle.Pkcs;

namespace Kuguru.Pki;

/// <summary>What is in a PKCS#12 file (RFC 7292): certificates in DER, and private keys as PKCS#8 without passphrase, which the caller has to wipe.</summary>
public sealed record Container(IReadOnlyList<byte[]> Certificates, IReadOnlyList<byte[]> Keys)
{
    /// <summary>Null when the passphrase is wrong or it is no such file.</summary>
    public static Container? Open(ReadOnlySpan<byte> file, string passphrase) =>
        OpenAny(file, passphrase) ?? (passphrase.All(char.IsAscii) ? null : OpenByPlatform(file, passphrase));

    /// <summary>BouncyCastle opens Ed25519 too, but takes of a passphrase beyond ASCII another form for the encryption than openssl and Windows do.</summary>
    static Container? OpenAny(ReadOnlySpan<byte> file, string passphrase)
    {
        try
        {
            var store = new Pkcs12StoreBuilder().Build();
            using var stream = new MemoryStream(file.ToArray());
            store.Load(stream, passphrase.ToCharArray());
            List<byte[]> certificates = [], keys = [];
            foreach (var alias in store.Aliases)
            {
                if (store.IsKeyEntry(alias))
                    keys.Add(PrivateKeyInfoFactory.CreatePrivateKeyInfo(store.GetKey(alias).Key).GetDerEncoded());
                foreach (var entry in store.GetCertificateChain(alias) ?? [store.GetCertificate(alias)])
                {
                    if (entry is not null && !certificates.Any(entry.Certificate.GetEncoded().SequenceEqual))
                        certificates.Add(entry.Certificate.GetEncoded());
                }
            }
            return new(certificates, keys);
        }
        catch (Exception e) when (Unreadable.Is(e))
        {
            return null;
        }
    }

    static Container? OpenByPlatform(ReadOnlySpan<byte> file, string passphrase)
    {
        try
        {
            List<byte[]> certificates = [], keys = [];
            foreach (var one in X509CertificateLoader.LoadPkcs12Collection(file, passphrase, X509KeyStorageFlags.Exportable | X509KeyStorageFlags.EphemeralKeySet))
            {
                using (one)
                using (AsymmetricAlgorithm? key = (AsymmetricAlgorithm?)one.GetRSAPrivateKey() ?? one.GetECDsaPrivateKey())
                {
                    certificates.Add(one.RawData);
                    if (key is not null)
                        keys.Add(key.ExportPkcs8PrivateKey());
                }
            }
            return new(certificates, keys);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
