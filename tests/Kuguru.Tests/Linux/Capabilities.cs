using System.Runtime.InteropServices;
using Xunit;

namespace Kuguru.Tests.Linux;

/// <summary>Gives up every right of the calling thread, and of no other (capset(2)).</summary>
static unsafe partial class Capabilities
{
    const uint Version3 = 0x20080522;

    public static void DropAll()
    {
        var header = stackalloc uint[] { Version3, 0 };
        var none = stackalloc uint[6];
        Assert.Equal(0, Set(header, none));
    }

    [LibraryImport("libc", EntryPoint = "capset")]
    private static partial int Set(uint* header, uint* data);
}
