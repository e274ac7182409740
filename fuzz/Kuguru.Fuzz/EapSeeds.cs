using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Ike.Eap;
using Kuguru.Wire.Eap;

namespace Kuguru.Fuzz;

/// <summary>Both sides of each EAP method, for one user with one password, and for nobody who has a certificate.</summary>
static class EapSeeds
{
    static readonly EapUsers Users = new((kind, _) => kind == SharedKeyKind.Eap ? [new PresharedKey("eap", Secret.Copy("password"u8), [])] : []);
    static readonly TlsSetup Tls = new(null, _ => "nobody is trusted", []);
    static readonly Fixed Numbers = new();

    public static EapMethod Server(EapType type, Identity user) =>
        type == EapType.Md5Challenge ? new EapMd5.Server(user, Users, Numbers)
        : type == EapType.GenericTokenCard ? new EapGtc.Server(user, Users, Numbers)
        : type == EapType.MsChapV2 ? new EapMsChapV2.Server(user, isNamed: false, Users, Numbers)
        : EapTls.Server(Tls, Numbers);

    public static EapMethod Peer(EapType type) =>
        type == EapType.Md5Challenge ? new EapMd5.Peer(Identity.Parse("carol"), Users)
        : type == EapType.GenericTokenCard ? new EapGtc.Peer(Identity.Parse("carol"), Users)
        : type == EapType.MsChapV2 ? new EapMsChapV2.Peer(Identity.Parse("carol"), Users, Numbers)
        : EapTls.Peer(Tls, Numbers);

    /// <summary>The same numbers every time, so that a finding can be repeated.</summary>
    sealed class Fixed : Dice
    {
        public override void Fill(Span<byte> bytes)
        {
            for (var i = 0; i < bytes.Length; i++)
                bytes[i] = (byte)(i + 1);
        }
    }
}
