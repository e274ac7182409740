using System.Security.Cryptography;
using System.Text;
using Kuguru.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;

namespace Kuguru.Ike.Eap;

/// <summary>
/// What MS-CHAP-V2 computes (RFC 2759 section 8), and the keys made of it (RFC 3079 section 3). MD4 and DES are what the protocol is made of,
/// and no protection: an eavesdropper on the conversation could find the password, which is why it runs inside IKE, behind a certificate.
/// </summary>
static class MsChapV2
{
    public const int ChallengeLength = 16, NtResponseLength = 24, HashLength = 16, MskLength = 64;

    const int PaddedHashLength = 21, DesKeyLength = 7, DesBlock = 8, StartKeyLength = 16, ShaPadLength = 40;

    /// <summary>NtPasswordHash, section 8.3: of the password in UTF-16.</summary>
    public static Secret NtPasswordHash(Secret password)
    {
        var characters = new char[Encoding.UTF8.GetCharCount(password.Span)];
        Encoding.UTF8.GetChars(password.Span, characters);
        using var unicode = new Secret(2 * characters.Length);
        Encoding.Unicode.GetBytes(characters, unicode.Buffer);
        Array.Clear(characters);
        return Md4(unicode);
    }

    /// <summary>HashNtPasswordHash, section 8.4.</summary>
    public static Secret HashNtPasswordHash(Secret ntHash) => Md4(ntHash);

    /// <summary>GenerateNTResponse, section 8.1, for a name without its domain.</summary>
    public static byte[] NtResponse(ReadOnlySpan<byte> authenticator, ReadOnlySpan<byte> peer, ReadOnlySpan<byte> name, Secret ntHash) =>
        ChallengeResponse(ChallengeHash(authenticator, peer, name), ntHash);

    /// <summary>GenerateAuthenticatorResponse, section 8.7, without the letters S=.</summary>
    public static byte[] AuthenticatorResponse(
        ReadOnlySpan<byte> authenticator, ReadOnlySpan<byte> peer, ReadOnlySpan<byte> name, Secret ntHash, ReadOnlySpan<byte> ntResponse)
    {
        using var hashHash = HashNtPasswordHash(ntHash);
        var digest = Sha1(hashHash, ntResponse, "Magic server to client signing constant"u8);
        return Sha1(digest, ChallengeHash(authenticator, peer, name), "Pad to make it do more than one iteration"u8);
    }

    /// <summary>GetMasterKey, RFC 3079 section 3.4.</summary>
    public static Secret MasterKey(Secret ntHash, ReadOnlySpan<byte> ntResponse)
    {
        using var hashHash = HashNtPasswordHash(ntHash);
        return Start(Sha1(hashHash, ntResponse, "This is the MPPE Master Key"u8));
    }

    /// <summary>What the client sends with and the server receives with, RFC 3079 section 3.4.</summary>
    public static Secret FromClient(Secret masterKey) => StartKey(masterKey,
        "On the client side, this is the send key; on the server side, it is the receive key."u8);

    public static Secret FromServer(Secret masterKey) => StartKey(masterKey,
        "On the client side, this is the receive key; on the server side, it is the send key."u8);

    /// <summary>The master session key: both keys, the server's receiving one first, and zeros ([MS-CHAP] section 3.1.5.1).</summary>
    public static Secret Msk(Secret ntHash, ReadOnlySpan<byte> ntResponse)
    {
        using var master = MasterKey(ntHash, ntResponse);
        using var fromClient = FromClient(master);
        using var fromServer = FromServer(master);
        var msk = new Secret(MskLength);
        fromClient.Span.CopyTo(msk.Buffer);
        fromServer.Span.CopyTo(msk.Buffer[StartKeyLength..]);
        return msk;
    }

    /// <summary>The name that the hashes are made of: what follows the domain of DOMAIN\name.</summary>
    public static ReadOnlySpan<byte> WithoutDomain(ReadOnlySpan<byte> name) => name[(name.IndexOf((byte)'\\') + 1)..];

    static byte[] ChallengeHash(ReadOnlySpan<byte> authenticator, ReadOnlySpan<byte> peer, ReadOnlySpan<byte> name) =>
        Sha1(peer, authenticator, name)[..DesBlock];

    static byte[] ChallengeResponse(ReadOnlySpan<byte> challenge, Secret ntHash)
    {
        using var padded = new Secret(PaddedHashLength);
        ntHash.Span.CopyTo(padded.Buffer);
        var response = new byte[NtResponseLength];
        for (var i = 0; i < 3; i++)
            DesEncrypt(padded.Span.Slice(i * DesKeyLength, DesKeyLength), challenge, response.AsSpan(i * DesBlock));
        return response;
    }

    /// <summary>DesEncrypt, section 8.6: the seven octets are 56 bits of key, after each seventh of which DES wants one of parity.</summary>
    static void DesEncrypt(ReadOnlySpan<byte> key, ReadOnlySpan<byte> clear, Span<byte> cipher)
    {
        var spread = new byte[DesBlock];
        for (var i = 0; i < DesBlock; i++)
        {
            var before = i == 0 ? 0 : key[i - 1] << (8 - i);
            var after = i == DesKeyLength ? 0 : key[i] >> i;
            spread[i] = (byte)((before | after) & 0xfe);
        }
        var des = new DesEngine();
        des.Init(true, new KeyParameter(spread));
        des.ProcessBlock(clear, cipher);
        CryptographicOperations.ZeroMemory(spread);
    }

    static Secret StartKey(Secret masterKey, ReadOnlySpan<byte> magic)
    {
        Span<byte> ones = stackalloc byte[ShaPadLength];
        ones.Fill(0xf2);
        return Start(Sha1(masterKey, new byte[ShaPadLength], magic, ones));
    }

    static Secret Start(byte[] digest)
    {
        var key = Secret.Copy(digest.AsSpan(0, StartKeyLength));
        CryptographicOperations.ZeroMemory(digest);
        return key;
    }

    static Secret Md4(Secret data)
    {
        var md4 = new MD4Digest();
        md4.BlockUpdate(data.Span);
        var digest = new Secret(HashLength);
        md4.DoFinal(digest.Buffer);
        return digest;
    }

    static byte[] Sha1(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c, ReadOnlySpan<byte> d = default)
    {
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        sha1.AppendData(a);
        sha1.AppendData(b);
        sha1.AppendData(c);
        sha1.AppendData(d);
        return sha1.GetHashAndReset();
    }
}
