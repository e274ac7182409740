using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

public sealed class DescriptorTests
{
    [Fact]
    public void No_program_that_we_start_inherits_a_descriptor()
    {
        Needs.Tun();
        using var inside = NetworkNamespace.Create();
        inside.Run(() =>
        {
            using var tun = TunDevice.Open(new());
            using var udp = UdpPort.Open(new());
            using var raw = RawEspSocket.Open(new());
            using var netlink = Netlink.Open();
            using var monitor = NetlinkMonitor.Open();
            using var wakeUp = new WakeUp();
            using var poller = new Poller();
            var inherited = Programs.Run("ls", "-l /proc/self/fd");
            Assert.DoesNotContain("/dev/net/tun", inherited);
            Assert.DoesNotContain("socket:", inherited);
            Assert.DoesNotContain("anon_inode:", inherited);
            Assert.DoesNotContain("net:[", inherited);
        });
    }
}
