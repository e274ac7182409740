using System.Security.Cryptography;

namespace Kuguru.Crypto;

/// <summary>
/// Group 31 (RFC 8031): X25519 with 32 octets of public value and of secret. Any 32 octets are a public value; what is refused is a shared
/// secret of zero, which only points of small order give.
/// </summary>
sealed unsafe class Curve25519Exchange : KeyExchange
{
    public const int Length = 32;

    readonly Key _key;

    public Curve25519Exchange(Secret scalar) : base(KeyExchangeMethod.Curve25519, scalar)
    {
        // Kept for the derivation: libcrypto computes the public value whenever it is given a private one.
        fixed (byte* s = scalar.Span)
            _key = new(Libcrypto.Need(Libcrypto.PrivateKeyNew(Libcrypto.KeyX25519, 0, s, Length), "EVP_PKEY_new_raw_private_key"));
        var bytes = new byte[Length];
        nuint length = Length;
        fixed (byte* b = bytes)
            Libcrypto.Check(Libcrypto.PublicKeyGet(_key.Pointer, b, &length), "EVP_PKEY_get_raw_public_key");
        PublicValue = bytes;
    }

    public override Blob PublicValue { get; }

    private protected override PublicValueFault Derive(ReadOnlySpan<byte> peerPublic, out Secret? shared)
    {
        ObjectDisposedException.ThrowIf(_key.Pointer == 0, this);
        nint peer = 0, derivation = 0;
        shared = null;
        try
        {
            fixed (byte* p = peerPublic)
                peer = Libcrypto.Need(Libcrypto.PublicKeyNew(Libcrypto.KeyX25519, 0, p, Length), "EVP_PKEY_new_raw_public_key");
            derivation = Libcrypto.Need(Libcrypto.DeriveNew(_key.Pointer, 0), "EVP_PKEY_CTX_new");
            Libcrypto.Check(Libcrypto.DeriveInit(derivation), "EVP_PKEY_derive_init");
            Libcrypto.Check(Libcrypto.DeriveSetPeer(derivation, peer), "EVP_PKEY_derive_set_peer");
            return Derive(derivation, out shared);
        }
        finally
        {
            Libcrypto.DeriveFree(derivation);
            Libcrypto.KeyFree(peer);
            GC.KeepAlive(_key);
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

    public override void Dispose()
    {
        _key.Dispose();
        base.Dispose();
    }

    sealed class Key(nint handle) : NativeContext(handle)
    {
        public nint Pointer => Handle;

        protected override void Free(nint handle) => Libcrypto.KeyFree(handle);
    }
}
