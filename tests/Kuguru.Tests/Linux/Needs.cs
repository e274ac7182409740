using Xunit;

namespace Kuguru.Tests.Linux;

/// <summary>What a test asks of the machine; without it, it is skipped by name.</summary>
static class Needs
{
    public static void Root() => Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, for a network namespace of its own");

    public static void Tun()
    {
        Root();
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "needs /dev/net/tun");
    }
}
