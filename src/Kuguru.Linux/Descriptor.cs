using Microsoft.Win32.SafeHandles;

namespace Kuguru.Linux;

/// <summary>A file descriptor that is closed once. Always opened close-on-exec, so that no child program inherits it.</summary>
sealed class Descriptor : SafeHandleMinusOneIsInvalid
{
    public Descriptor(int number) : base(ownsHandle: true) => SetHandle(number);

    public int Number
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return (int)handle;
        }
    }

    /// <summary>Takes over what a call returned; -1 becomes an exception.</summary>
    public static Descriptor Own(int returned, string call, string doing, Func<Errno, string?>? advice = null)
    {
        if (returned >= 0)
            return new(returned);
        var errno = Libc.Errno;
        throw new LinuxException(call, errno, doing, advice?.Invoke(errno));
    }

    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
