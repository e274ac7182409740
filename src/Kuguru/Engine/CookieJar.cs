using System.Security.Cryptography;
using Kuguru.Wire.V2;
using Kuguru.Wire;

namespace Kuguru.Engine;

/// <summary>
/// Stateless cookies (RFC 7296 section 2.6): HMAC-SHA256 over Ni, SPIi and the address, under a secret that changes every minute; the one before
/// still counts, so a cookie lives between one and two minutes. The port is left out: a NAT may change it between two messages.
/// </summary>
sealed class CookieJar(Dice dice)
{
    static readonly TimeSpan Life = TimeSpan.FromMinutes(1);

    byte[] _secret = dice.Bytes(32), _before = dice.Bytes(32);
    Instant? _since;

    public Blob For(Instant now, IkeMessage request, Endpoint remote)
    {
        Rotate(now);
        return Make(_secret, request, remote);
    }

    /// <summary>The request brings a cookie that we made for its sender.</summary>
    public bool Accepts(Instant now, IkeMessage request, Endpoint remote)
    {
        if (request.Find(NotifyType.Cookie) is not { Data: var cookie })
            return false;
        Rotate(now);
        return CryptographicOperations.FixedTimeEquals(cookie, Make(_secret, request, remote))
            || CryptographicOperations.FixedTimeEquals(cookie, Make(_before, request, remote));
    }

    void Rotate(Instant now)
    {
        if (_since is { } since && now - since < Life)
            return;
        (_secret, _before) = (dice.Bytes(32), _since is { } last && now - last < 2 * Life ? _secret : dice.Bytes(32));
        _since = now;
    }

    static byte[] Make(byte[] secret, IkeMessage request, Endpoint remote)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        if (request.Find<Payload.Nonce>() is { Data: var nonce })
            mac.AppendData(nonce);
        mac.AppendData(request.InitiatorSpi.ToBlob());
        mac.AppendData(remote.Address.ToBytes());
        return mac.GetHashAndReset();
    }
}
