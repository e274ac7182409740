using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>
/// What a method of phase 1 means (RFC 2409 appendix A, the XAUTH and hybrid drafts): which side proves itself by what, and which side is then asked by XAUTH.
/// </summary>
static class Methods
{
    /// <summary>SKEYID comes from a pre-shared key, and both sides prove themselves by it.</summary>
    public static bool IsSharedKey(OakleyMethod method) =>
        method is OakleyMethod.PreSharedKey or OakleyMethod.XauthInitPreShared or OakleyMethod.XauthRespPreShared;

    /// <summary>That side signs. In hybrid mode the user's side has nothing to sign with, and sends a hash instead.</summary>
    public static bool Signs(OakleyMethod method, bool initiator) => method switch
    {
        OakleyMethod.RsaSignatures or OakleyMethod.EcdsaP256 or OakleyMethod.EcdsaP384 or OakleyMethod.EcdsaP521
            or OakleyMethod.XauthInitRsa or OakleyMethod.XauthRespRsa => true,
        OakleyMethod.HybridInitRsa => !initiator,
        OakleyMethod.HybridRespRsa => initiator,
        _ => false,
    };

    /// <summary>That side is a user, whom XAUTH asks for name and password.</summary>
    public static bool IsAsked(OakleyMethod method, bool initiator) => method switch
    {
        OakleyMethod.XauthInitPreShared or OakleyMethod.XauthInitRsa or OakleyMethod.HybridInitRsa => initiator,
        OakleyMethod.XauthRespPreShared or OakleyMethod.XauthRespRsa or OakleyMethod.HybridRespRsa => !initiator,
        _ => false,
    };

    public static string Name(OakleyMethod method) => method switch
    {
        OakleyMethod.PreSharedKey => "pre-shared key",
        OakleyMethod.RsaSignatures => "RSA signature",
        OakleyMethod.EcdsaP256 => "ECDSA-256 signature",
        OakleyMethod.EcdsaP384 => "ECDSA-384 signature",
        OakleyMethod.EcdsaP521 => "ECDSA-521 signature",
        OakleyMethod.HybridInitRsa => "hybrid, XAUTH of the initiator",
        OakleyMethod.HybridRespRsa => "hybrid, XAUTH of the responder",
        OakleyMethod.XauthInitPreShared => "pre-shared key, XAUTH of the initiator",
        OakleyMethod.XauthRespPreShared => "pre-shared key, XAUTH of the responder",
        OakleyMethod.XauthInitRsa => "RSA signature, XAUTH of the initiator",
        OakleyMethod.XauthRespRsa => "RSA signature, XAUTH of the responder",
        _ => $"method {(int)method}",
    };
}
