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

    /// <summary>The DER inside the first PEM block that there is, else the bytes themselves. Parameters, which openssl writes in front of a key, are passed over.</summary>
    public static byte[] Decode(ReadOnlySpan<byte> file, out string label, int maxLength = MaxLength)
    {
        label = "";
        if (file.Length > maxLength || file.IndexOf("-----BEGIN "u8) < 0)
            return file.ToArray();
        var text = Encoding.ASCII.GetString(file).ToCharArray();
        try
        {
            for (var at = 0; PemEncoding.TryFind(text.AsSpan(at), out var fields); at += fields.Location.End.GetOffset(text.Length - at))
            {
                label = new string(text.AsSpan(at)[fields.Label]);
                if (label == "EC PARAMETERS")
                    continue;
                var (start, length) = fields.Base64Data.GetOffsetAndLength(text.Length - at);
                return Convert.FromBase64CharArray(text, at + start, length);
            }
            return file.ToArray();
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
                return Encode(PrivateKeyFactory.DecryptKey(Octets(passphrase), file.ToArray()));
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
        catch (Exception e) when (Unreadable.Is(e))
        {
            return null;
        }
    }

    static byte[] Encode(AsymmetricKeyParameter key) => PrivateKeyInfoFactory.CreatePrivateKeyInfo(key).GetDerEncoded();

    /// <summary>A passphrase is its octets in UTF-8, as for openssl; BouncyCastle makes one octet of each character.</summary>
    static char[] Octets(string passphrase) => Encoding.Latin1.GetChars(Encoding.UTF8.GetBytes(passphrase));

    sealed class Password(string text) : IPasswordFinder
    {
        public char[] GetPassword() => Octets(text);
    }
}
