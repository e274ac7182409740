using System.Runtime.InteropServices;

namespace Kuguru.Crypto;

/// <summary>OpenSSL 3's libcrypto, by function pointers.</summary>
static unsafe class Libcrypto
{
    static readonly nint Handle = NativeLibrary.TryLoad("libcrypto.so.3", out var handle) ? handle : 0;

    public static bool IsLoaded => Handle != 0;
}
