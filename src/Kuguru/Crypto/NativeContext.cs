using System.Runtime.ConstrainedExecution;

namespace Kuguru.Crypto;

/// <summary>
/// A context of libcrypto that holds a key. It is freed, and its key with it wiped, by Dispose or after the last reference is gone; so a
/// method that uses <see cref="Handle"/> keeps the object alive until it is done.
/// </summary>
abstract class NativeContext(nint handle) : CriticalFinalizerObject, IDisposable
{
    protected nint Handle { get; private set; } = handle;

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    ~NativeContext() => Release();

    protected abstract void Free(nint handle);

    void Release()
    {
        if (Handle != 0)
            Free(Handle);
        Handle = 0;
    }
}
