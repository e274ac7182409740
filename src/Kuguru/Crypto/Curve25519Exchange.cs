using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// Group 31 (RFC 8031): X25519 with 32 octets of public value and of secret. Any 32 octets are a public value; what is refused is a shared
/// secret of zero, which only points of small order give.
/// </summary>
sealed unsafe class Curve25519Exchange : KeyExchange
{
    public const int Length = 32;

    public Curve25519Exchange(Secret scalar) : base(KeyExchangeMethod.Curve25519, scalar)
    {
        var bytes = new byte[Length];
        nuint length = Length;
        var key = PrivateKey();
        try
        {
            fixed (byte* b = bytes)
                Libcrypto.Check(Libcrypto.PublicKeyGet(key, b, &length), "EVP_PKEY_get_raw_public_key");
        }
        finally
        {
            Libcrypto.KeyFree(key);
        }
        PublicValue = bytes;
    }

    public override Blob PublicValue { get; }

    private protected override PublicValueFault Derive(ReadOnlySpan<byte> peerPublic, out Secret? shared)
    {
        nint key = 0, peer = 0, derivation = 0;
        shared = null;
        try
        {
            key = PrivateKey();
            fixed (byte* p = peerPublic)
                peer = Libcrypto.Need(Libcrypto.PublicKeyNew(Libcrypto.KeyX25519, 0, p, Length), "EVP_PKEY_new_raw_public_key");
            derivation = Libcrypto.Need(Libcrypto.DeriveNew(key, 0), "EVP_PKEY_CTX_new");
            Libcrypto.Check(Libcrypto.DeriveInit(derivation), "EVP_PKEY_derive_init");
            Libcrypto.Check(Libcrypto.DeriveSetPeer(derivation, peer), "EVP_PKEY_derive_set_peer");
            return Derive(derivation, out shared);
        }
        finally
        {
            Libcrypto.DeriveFree(derivation);
            Libcrypto.KeyFree(peer);
            Libcrypto.KeyFree(key);
        }
    }

    // libcrypto refuses a secret of zero by itself; should a build of it not, we do.
    static PublicValueFault Derive(nint derivation, out Secret? shared)
    {
        shared = new Secret(Length);
        nuint length = Length;
        bool refused;
        fixed (byte* s = shared.Buffer)
            refused = Libcrypto.Refused(Libcrypto.Derive(derivation, s, &length));
        if (!refused && !CryptographicOperations.FixedTimeEquals(shared, stackalloc byte[Length]))
            return PublicValueFault.None;
        shared.Dispose();
        shared = null;
        return PublicValueFault.SmallOrder;
    }

    nint PrivateKey()
    {
        fixed (byte* s = PrivateValue.Span)
            return Libcrypto.Need(Libcrypto.PrivateKeyNew(Libcrypto.KeyX25519, 0, s, Length), "EVP_PKEY_new_raw_private_key");
    }
}
