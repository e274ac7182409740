using System.Collections.Immutable;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

/// <summary>The methods that there are, and which of them a round allows.</summary>
public static class EapMethods
{
    /// <summary>All, the best first for a server that may choose: what every system's client has, then certificates, then what proves only the user.</summary>
    static readonly ImmutableArray<EapType> All = [EapType.MsChapV2, EapType.Tls, EapType.Md5Challenge, EapType.GenericTokenCard];

    /// <summary>
    /// Those that may stand for the responder's own proof (RFC 5998 section 4): mutual, with a key, and no help for who tries out passwords, as
    /// MSCHAPv2 would be.
    /// </summary>
    static readonly ImmutableArray<EapType> Mutual = [EapType.Tls];

    /// <param name="configured">The method of the round; null is any.</param>
    /// <param name="isAlone">There is no other proof of the responder.</param>
    public static ImmutableArray<EapType> Allowed(EapType? configured, bool isAlone) =>
        [.. (isAlone ? Mutual : All).Where(type => configured is null || configured == type)];

    /// <summary>As <c>auth</c> of swanctl.conf has it behind "eap-"; null for a method that there is not.</summary>
    public static EapType? Named(string name) => name switch
    {
        "md5" => EapType.Md5Challenge,
        "gtc" => EapType.GenericTokenCard,
        "mschapv2" => EapType.MsChapV2,
        "tls" => EapType.Tls,
        _ => null,
    };
}
