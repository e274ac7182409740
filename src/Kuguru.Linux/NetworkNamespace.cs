using System.Runtime.ExceptionServices;
using System.Text;

namespace Kuguru.Linux;

/// <summary>
/// A network namespace, held open by a descriptor. Entering is a matter of one thread, so what is to happen inside runs on a thread of
/// its own; descriptors opened and threads and programs started there stay in the namespace.
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    readonly Descriptor _descriptor;

    NetworkNamespace(Descriptor descriptor) => _descriptor = descriptor;

    /// <summary>For IFLA_NET_NS_FD, to move links in.</summary>
    public int Number => _descriptor.Number;

    /// <summary>A new, unnamed one; it lives until nothing uses it any more. Its loopback is up.</summary>
    public static NetworkNamespace Create()
    {
        var created = OnOwnThread(() =>
        {
            if (Libc.unshare(Libc.CLONE_NEWNET) != 0)
            {
                var errno = Libc.Errno;
                const string doing = "make a network namespace";
                throw new LinuxException("unshare", errno, doing, LinuxException.WantsRight(errno, doing, "CAP_SYS_ADMIN"));
            }
            var entered = Open("/proc/thread-self/ns/net");
            using var netlink = Netlink.Open();
            netlink.SetUp(netlink.IndexOf("lo"));
            return entered;
        });
        return created;
    }

    /// <summary>By path: <c>/proc/PID/ns/net</c> or <c>/run/netns/NAME</c>.</summary>
    public static NetworkNamespace Open(string path) => new(Descriptor.Own(
        Libc.Open(Encoding.UTF8.GetBytes(path + '\0'), Libc.O_RDONLY), "open", $"open network namespace {path}"));

    /// <summary>Runs on a new thread inside and waits for it; an exception comes out as it was thrown.</summary>
    public T Run<T>(Func<T> inside) => OnOwnThread(() =>
    {
        if (Libc.setns(_descriptor.Number, Libc.CLONE_NEWNET) != 0)
        {
            var errno = Libc.Errno;
            const string doing = "enter a network namespace";
            throw new LinuxException("setns", errno, doing, LinuxException.WantsRight(errno, doing, "CAP_SYS_ADMIN"));
        }
        return inside();
    });

    /// <inheritdoc cref="Run{T}(Func{T})"/>
    public void Run(Action inside) => Run(() =>
    {
        inside();
        return true;
    });

    /// <summary>As the other, in the namespace of a process.</summary>
    public static T Run<T>(int process, Func<T> inside)
    {
        using var itsOwn = Open($"/proc/{process}/ns/net");
        return itsOwn.Run(inside);
    }

    static T OnOwnThread<T>(Func<T> work)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = "namespace" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    public void Dispose() => _descriptor.Dispose();
}
