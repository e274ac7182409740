using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>
/// The kernel refused. The message says what was being done or what to do about it, then the call and the error by name:
/// <c>udp/500 on 0.0.0.0 is in use by another program (another IKE daemon?) [bind: EADDRINUSE]</c>.
/// </summary>
public sealed class LinuxException : IOException
{
    /// <param name="call">The system call, as in its manual page.</param>
    /// <param name="errno">What it said.</param>
    /// <param name="doing">What it was for, as in "cannot ...": <c>add route 10.1.0.0/16 dev ipsec0</c>.</param>
    /// <param name="advice">A whole sentence to say instead, where the cause is known.</param>
    public LinuxException(string call, Errno errno, string doing, string? advice = null)
        : base($"{advice ?? $"cannot {doing}: {Marshal.GetPInvokeErrorMessage((int)errno)}"} [{call}: {errno}]")
    {
        Call = call;
        Errno = errno;
        Doing = doing;
        HResult = (int)errno;
    }

    public string Call { get; }
    public Errno Errno { get; }
    public string Doing { get; }

    /// <summary>The sentence for want of a capability, null for any other error.</summary>
    internal static string? WantsRight(Errno errno, string doing, string capability) => errno is Errno.EPERM or Errno.EACCES
        ? $"no right to {doing}: run as root or give {capability}"
        : null;
}
