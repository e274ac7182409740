using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.OpenSsl;
using Org.BouncyCastle.Pkcs;
using Org.BouncyCastle.Security;

namespace Kuguru.Pki;

/// <summary>PEM and DER files of keys and certificates, and private keys with a passphrase (PKCS#8, or the older form with DEK-Info).</summary>
public static class KeyFile
{
    /// <summary>Octets of a file that are looked at.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>The DER inside the first PEM block that there is, else the bytes themselves.</summary>
    public static byte[] Decode(ReadOnlySpan<byte> file, out string label, int maxLength = MaxLength)
    {
        label = "";
        if (file.Length > maxLength || file.IndexOf("-----BEGIN "u8) < 0)
            return file.ToArray();
        var text = Encoding.ASCII.GetString(file).ToCharArray();
        try
        {
            if (!PemEncoding.TryFind(text, out var fields))
                return file.ToArray();
            label = new string(text[fields.Label]);
            return Convert.FromBase64CharArray(text, fields.Base64Data.GetOffsetAndLength(text.Length).Offset, fields.Base64Data.GetOffsetAndLength(text.Length).Length);
        }
        finally
        {
            text.AsSpan().Clear();
        }
    }

    /// <summary>It is a private key that needs a passphrase.</summary>
    public static bool IsEncrypted(ReadOnlySpan<byte> file)
    {
        if (file.IndexOf("-----BEGIN ENCRYPTED PRIVATE KEY-----"u8) >= 0 || file.IndexOf("DEK-Info:"u8) >= 0)
            return true;
        // EncryptedPrivateKeyInfo begins with an AlgorithmIdentifier, all others with a version.
        return file is [0x30, 0x82, _, _, 0x30, ..] or [0x30, 0x81, _, 0x30, ..];
    }

    /// <summary>The key as PKCS#8 without passphrase, which the caller has to wipe; null when the passphrase is wrong or it is no key.</summary>
    public static byte[]? Decrypt(ReadOnlySpan<byte> file, string passphrase)
    {
        try
        {
            if (file.IndexOf("-----BEGIN "u8) < 0)
                return Encode(PrivateKeyFactory.DecryptKey(passphrase.ToCharArray(), file.ToArray()));
            using var text = new StringReader(Encoding.ASCII.GetString(file));
            using var reader = new PemReader(text, new Password(passphrase));
            return reader.ReadObject() switch
            {
                AsymmetricCipherKeyPair pair => Encode(pair.Private),
                AsymmetricKeyParameter { IsPrivate: true } key => Encode(key),
                _ => null,
            };
        }
        // What BouncyCastle says of a wrong passphrase depends on what the garbage that comes out looks like.
        catch (Exception e) when (e is IOException or GeneralSecurityException or CryptoException or ArgumentException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    static byte[] Encode(AsymmetricKeyParameter key) => PrivateKeyInfoFactory.CreatePrivateKeyInfo(key).GetDerEncoded();

    sealed class Password(string text) : IPasswordFinder
    {
        public char[] GetPassword() => text.ToCharArray();
    }
}
