using System.ComponentModel;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>Entering another process's network namespace; needs CAP_SYS_ADMIN (root).</summary>
public static partial class NetworkNamespace
{
    const int CloneNewNet = 0x40000000;

    /// <summary>
    /// Calls <paramref name="function"/> on a thread of its own that is in the namespace of the process; a descriptor made there
    /// (socket, TUN device) keeps its namespace after the thread is gone.
    /// </summary>
    /// <exception cref="Win32Exception">The namespace cannot be entered.</exception>
    public static T Run<T>(int process, Func<T> function)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        // A namespace is a property of a thread: this one is never given back to a pool.
        var thread = new Thread(() =>
        {
            try
            {
                Enter(process);
                result = function();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    static void Enter(int process)
    {
        using var file = File.OpenHandle($"/proc/{process}/ns/net", share: FileShare.ReadWrite | FileShare.Delete);
        if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"cannot enter the network namespace of process {process}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);
}
