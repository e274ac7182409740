using System.Runtime.InteropServices;

namespace Kuguru.Crypto;

/// <summary>
/// OpenSSL 3's libcrypto by function pointers, found at run time: there is no import to fail when it is missing, <see cref="IsLoaded"/>
/// says so. Argument order is OpenSSL's. The calls of the packet path come twice: the plain one, and the <c>Short</c> one that skips the
/// garbage collector's bookkeeping and so must be given no more than <see cref="ShortLimit"/> octets.
/// </summary>
static unsafe class Libcrypto
{
    public const int ShortLimit = 4096;

    public const int ControlGetTag = 0x10, ControlSetTag = 0x11;
    public const int ConstantTimeFlag = 4;
    public const int CurvePrime256v1 = 415, CurveSecp384r1 = 715, CurveSecp521r1 = 716, KeyX25519 = 1034;

    static readonly nint Handle = NativeLibrary.TryLoad("libcrypto.so.3", out var handle) ? handle : 0;

    public static bool IsLoaded => Handle != 0;

    public static ReadOnlySpan<byte> TripleDesName => "DES-EDE3-CBC\0"u8;
    public static ReadOnlySpan<byte> Md5Name => "MD5\0"u8;

    /// <summary>Weak algorithms, which a provider may leave out (a FIPS one does).</summary>
    public static bool IsTripleDesThere => Weak.TripleDes;

    /// <inheritdoc cref="IsTripleDesThere"/>
    public static bool IsMd5There => Weak.Md5;

    static class Weak
    {
        public static readonly bool TripleDes = Has(TripleDesName, isDigest: false);
        public static readonly bool Md5 = Has(Md5Name, isDigest: true);
    }

    // EVP_CIPHER
    static readonly delegate* unmanaged<nint, byte*, byte*, nint> CipherFetch =
        (delegate* unmanaged<nint, byte*, byte*, nint>)Find("EVP_CIPHER_fetch");
    static readonly delegate* unmanaged<nint, byte*, byte*, nint> DigestFetch =
        (delegate* unmanaged<nint, byte*, byte*, nint>)Find("EVP_MD_fetch");
    public static readonly delegate* unmanaged<nint> CipherNew = (delegate* unmanaged<nint>)Find("EVP_CIPHER_CTX_new");
    public static readonly delegate* unmanaged<nint, void> CipherFree = (delegate* unmanaged<nint, void>)Find("EVP_CIPHER_CTX_free");
    public static readonly delegate* unmanaged<nint, int, int> CipherSetPadding =
        (delegate* unmanaged<nint, int, int>)Find("EVP_CIPHER_CTX_set_padding");
    public static readonly delegate* unmanaged<nint, nint, nint, byte*, byte*, int, int> CipherInit =
        (delegate* unmanaged<nint, nint, nint, byte*, byte*, int, int>)Find("EVP_CipherInit_ex");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, nint, nint, byte*, byte*, int, int> CipherInitShort =
        (delegate* unmanaged[SuppressGCTransition]<nint, nint, nint, byte*, byte*, int, int>)Find("EVP_CipherInit_ex");
    public static readonly delegate* unmanaged<nint, byte*, int*, byte*, int, int> CipherUpdate =
        (delegate* unmanaged<nint, byte*, int*, byte*, int, int>)Find("EVP_CipherUpdate");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, byte*, int, int> CipherUpdateShort =
        (delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, byte*, int, int>)Find("EVP_CipherUpdate");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, int> CipherFinalShort =
        (delegate* unmanaged[SuppressGCTransition]<nint, byte*, int*, int>)Find("EVP_CipherFinal_ex");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, int, int, void*, int> CipherControlShort =
        (delegate* unmanaged[SuppressGCTransition]<nint, int, int, void*, int>)Find("EVP_CIPHER_CTX_ctrl");

    // HMAC: the older interface, because to start again with the same key is well defined in all of OpenSSL 3
    public static readonly delegate* unmanaged<nint> HmacNew = (delegate* unmanaged<nint>)Find("HMAC_CTX_new");
    public static readonly delegate* unmanaged<nint, void> HmacFree = (delegate* unmanaged<nint, void>)Find("HMAC_CTX_free");
    public static readonly delegate* unmanaged<nint, byte*, int, nint, nint, int> HmacInit =
        (delegate* unmanaged<nint, byte*, int, nint, nint, int>)Find("HMAC_Init_ex");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, byte*, int, nint, nint, int> HmacInitShort =
        (delegate* unmanaged[SuppressGCTransition]<nint, byte*, int, nint, nint, int>)Find("HMAC_Init_ex");
    public static readonly delegate* unmanaged<nint, byte*, nuint, int> HmacUpdate =
        (delegate* unmanaged<nint, byte*, nuint, int>)Find("HMAC_Update");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, byte*, nuint, int> HmacUpdateShort =
        (delegate* unmanaged[SuppressGCTransition]<nint, byte*, nuint, int>)Find("HMAC_Update");
    public static readonly delegate* unmanaged[SuppressGCTransition]<nint, byte*, uint*, int> HmacFinalShort =
        (delegate* unmanaged[SuppressGCTransition]<nint, byte*, uint*, int>)Find("HMAC_Final");

    // CMAC: the older interface, for the same reason
    public static readonly delegate* unmanaged<nint> CmacNew = (delegate* unmanaged<nint>)Find("CMAC_CTX_new");
    public static readonly delegate* unmanaged<nint, void> CmacFree = (delegate* unmanaged<nint, void>)Find("CMAC_CTX_free");
    public static readonly delegate* unmanaged<nint, byte*, nuint, nint, nint, int> CmacInit =
        (delegate* unmanaged<nint, byte*, nuint, nint, nint, int>)Find("CMAC_Init");
    public static readonly delegate* unmanaged<nint, byte*, nuint, int> CmacUpdate =
        (delegate* unmanaged<nint, byte*, nuint, int>)Find("CMAC_Update");
    public static readonly delegate* unmanaged<nint, byte*, nuint*, int> CmacFinal =
        (delegate* unmanaged<nint, byte*, nuint*, int>)Find("CMAC_Final");

    // BIGNUM
    public static readonly delegate* unmanaged<nint> NumberNew = (delegate* unmanaged<nint>)Find("BN_new");
    public static readonly delegate* unmanaged<nint, void> NumberClearFree = (delegate* unmanaged<nint, void>)Find("BN_clear_free");
    public static readonly delegate* unmanaged<byte*, int, nint, nint> NumberRead =
        (delegate* unmanaged<byte*, int, nint, nint>)Find("BN_bin2bn");
    public static readonly delegate* unmanaged<nint, byte*, int, int> NumberWrite =
        (delegate* unmanaged<nint, byte*, int, int>)Find("BN_bn2binpad");
    public static readonly delegate* unmanaged<nint, nint, int> NumberCompare = (delegate* unmanaged<nint, nint, int>)Find("BN_cmp");
    public static readonly delegate* unmanaged<nint, nuint, int> NumberSet = (delegate* unmanaged<nint, nuint, int>)Find("BN_set_word");
    public static readonly delegate* unmanaged<nint, nuint, int> NumberAdd = (delegate* unmanaged<nint, nuint, int>)Find("BN_add_word");
    public static readonly delegate* unmanaged<nint, nuint, int> NumberSubtract =
        (delegate* unmanaged<nint, nuint, int>)Find("BN_sub_word");
    public static readonly delegate* unmanaged<nint, nint> NumberCopy = (delegate* unmanaged<nint, nint>)Find("BN_dup");
    public static readonly delegate* unmanaged<nint, int, void> NumberSetFlags = (delegate* unmanaged<nint, int, void>)Find("BN_set_flags");
    public static readonly delegate* unmanaged<nint, nint, nint, nint, nint, int> NumberDivide =
        (delegate* unmanaged<nint, nint, nint, nint, nint, int>)Find("BN_div");
    public static readonly delegate* unmanaged<nint, nint, nint, nint, nint, nint, int> NumberPower =
        (delegate* unmanaged<nint, nint, nint, nint, nint, nint, int>)Find("BN_mod_exp_mont_consttime");
    public static readonly delegate* unmanaged<nint> ScratchNew = (delegate* unmanaged<nint>)Find("BN_CTX_secure_new");
    public static readonly delegate* unmanaged<nint, void> ScratchFree = (delegate* unmanaged<nint, void>)Find("BN_CTX_free");

    // EC_GROUP, EC_POINT
    public static readonly delegate* unmanaged<int, nint> GroupNew = (delegate* unmanaged<int, nint>)Find("EC_GROUP_new_by_curve_name");
    public static readonly delegate* unmanaged<nint, nint> GroupOrder = (delegate* unmanaged<nint, nint>)Find("EC_GROUP_get0_order");
    public static readonly delegate* unmanaged<nint, nint> GroupField = (delegate* unmanaged<nint, nint>)Find("EC_GROUP_get0_field");
    public static readonly delegate* unmanaged<nint, nint> PointNew = (delegate* unmanaged<nint, nint>)Find("EC_POINT_new");
    public static readonly delegate* unmanaged<nint, void> PointClearFree = (delegate* unmanaged<nint, void>)Find("EC_POINT_clear_free");
    public static readonly delegate* unmanaged<nint, nint, nint, nint, nint, int> PointSet =
        (delegate* unmanaged<nint, nint, nint, nint, nint, int>)Find("EC_POINT_set_affine_coordinates");
    public static readonly delegate* unmanaged<nint, nint, nint, nint, nint, int> PointGet =
        (delegate* unmanaged<nint, nint, nint, nint, nint, int>)Find("EC_POINT_get_affine_coordinates");
    public static readonly delegate* unmanaged<nint, nint, nint, nint, nint, nint, int> PointMultiply =
        (delegate* unmanaged<nint, nint, nint, nint, nint, nint, int>)Find("EC_POINT_mul");

    // EVP_PKEY
    public static readonly delegate* unmanaged<int, nint, byte*, nuint, nint> PrivateKeyNew =
        (delegate* unmanaged<int, nint, byte*, nuint, nint>)Find("EVP_PKEY_new_raw_private_key");
    public static readonly delegate* unmanaged<int, nint, byte*, nuint, nint> PublicKeyNew =
        (delegate* unmanaged<int, nint, byte*, nuint, nint>)Find("EVP_PKEY_new_raw_public_key");
    public static readonly delegate* unmanaged<nint, byte*, nuint*, int> PublicKeyGet =
        (delegate* unmanaged<nint, byte*, nuint*, int>)Find("EVP_PKEY_get_raw_public_key");
    public static readonly delegate* unmanaged<nint, void> KeyFree = (delegate* unmanaged<nint, void>)Find("EVP_PKEY_free");
    public static readonly delegate* unmanaged<nint, nint, nint> DeriveNew =
        (delegate* unmanaged<nint, nint, nint>)Find("EVP_PKEY_CTX_new");
    public static readonly delegate* unmanaged<nint, void> DeriveFree = (delegate* unmanaged<nint, void>)Find("EVP_PKEY_CTX_free");
    public static readonly delegate* unmanaged<nint, int> DeriveInit = (delegate* unmanaged<nint, int>)Find("EVP_PKEY_derive_init");
    public static readonly delegate* unmanaged<nint, nint, int> DeriveSetPeer =
        (delegate* unmanaged<nint, nint, int>)Find("EVP_PKEY_derive_set_peer");
    public static readonly delegate* unmanaged<nint, byte*, nuint*, int> Derive =
        (delegate* unmanaged<nint, byte*, nuint*, int>)Find("EVP_PKEY_derive");

    static readonly delegate* unmanaged<void> ErrorClear = (delegate* unmanaged<void>)Find("ERR_clear_error");

    /// <summary>A cipher by OpenSSL's name; kept for the life of the process.</summary>
    public static nint Cipher(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = name)
            return Need(CipherFetch(0, text, null), "EVP_CIPHER_fetch");
    }

    static bool Has(ReadOnlySpan<byte> name, bool isDigest)
    {
        if (!IsLoaded)
            return false;
        fixed (byte* text = name)
        {
            var found = (isDigest ? DigestFetch : CipherFetch)(0, text, null) != 0;
            if (!found)
                ErrorClear();
            return found;
        }
    }

    /// <inheritdoc cref="Cipher"/>
    public static nint Digest(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = name)
            return Need(DigestFetch(0, text, null), "EVP_MD_fetch");
    }

    /// <summary>A prime by the name of the function that gives it; kept for the life of the process.</summary>
    public static nint ModpPrime(string function) => Need(((delegate* unmanaged<nint, nint>)Find(function))(0), function);

    /// <summary>For calls that only fail when memory is short or the call is wrong.</summary>
    public static void Check(int result, string call)
    {
        if (result <= 0)
            Fail(call);
    }

    /// <inheritdoc cref="Check"/>
    public static nint Need(nint pointer, string call)
    {
        if (pointer == 0)
            Fail(call);
        return pointer;
    }

    /// <summary>A refusal that a stranger's bytes caused leaves nothing in the thread's error queue.</summary>
    public static bool Refused(int result)
    {
        if (result > 0)
            return false;
        ErrorClear();
        return true;
    }

    static void Fail(string call)
    {
        ErrorClear();
        throw new InvalidOperationException($"libcrypto refused {call}");
    }

    static nint Find(string name) => IsLoaded ? NativeLibrary.GetExport(Handle, name) : 0;
}
