using System.Net;
using System.Net.Sockets;
using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

public sealed class TunDeviceTests
{
    [Fact]
    public void TCP_between_two_devices_comes_in_super_packets_and_arrives_unharmed()
    {
        Needs.Tun();
        using var left = new TunHost("10.7.0.1", "10.7.0.2");
        using var right = new TunHost("10.7.0.2", "10.7.0.1");
        Assert.SkipUnless(left.Device.Offload != TunOffload.None, "this kernel's TUN has no offloads");
        var sent = new byte[4 << 20];
        new Random(1).NextBytes(sent);

        using var stop = new WakeUp();
        using var wire = new TunWire(left.Device, right.Device, stop);
        using var server = right.Inside.Run(() => new TcpListener(IPAddress.Parse("10.7.0.2"), 5001));
        right.Inside.Run(server.Start);
        var received = new byte[sent.Length];
        var reading = new Thread(() =>
        {
            using var accepted = server.AcceptTcpClient();
            accepted.GetStream().ReadExactly(received);
        });
        reading.Start();
        left.Inside.Run(() =>
        {
            using var client = new TcpClient("10.7.0.2", 5001);
            client.GetStream().Write(sent);
            client.Client.Shutdown(SocketShutdown.Send);
        });
        Assert.True(reading.Join(TimeSpan.FromSeconds(20)), "the transfer ended");
        Assert.True(received.AsSpan().SequenceEqual(sent));
        Assert.True(wire.Largest > 20_000, $"the largest packet had {wire.Largest} octets");
    }

    [Fact]
    public void The_kernel_numbers_devices_and_MTU_and_state_are_set_by_netlink()
    {
        Needs.Tun();
        using var inside = NetworkNamespace.Create();
        inside.Run(() =>
        {
            using var first = TunDevice.Open(new() { Name = "kuguru%d" });
            using var second = TunDevice.Open(new() { Name = "kuguru%d", Offload = false });
            Assert.Equal(("kuguru0", "kuguru1"), (first.Name, second.Name));
            Assert.Equal(TunOffload.None, second.Offload);
            using var netlink = Netlink.Open();
            netlink.SetMtu(first.Index, 1380);
            Assert.True(netlink.ForgoLinkLocal(first.Index));
            netlink.SetUp(first.Index);
            Assert.Equal(new(first.Index, "kuguru0", 1380, IsUp: true, IsLoopback: false, "tun"), netlink.FindLink(first.Index));
            Assert.Empty(netlink.Addresses(first.Index));
            Assert.Equal(0, first.Read(new byte[TunDevice.HeaderLength + TunDevice.MaxPacket]));
            Assert.Equal(Errno.EINVAL, first.Write(new byte[TunDevice.HeaderLength + 20]));
            var packet = new byte[TunDevice.HeaderLength + 20];
            packet[TunDevice.HeaderLength] = 0x45;
            Assert.Equal(Errno.None, first.Write(packet));
            Assert.Equal(Errno.EIO, second.Write(packet));
            first.Dispose();
            Assert.Null(netlink.FindLink("kuguru0"));
        });
    }

    [Fact]
    public void A_device_in_use_or_of_another_kind_or_with_a_bad_name_is_named()
    {
        Needs.Tun();
        using var inside = NetworkNamespace.Create();
        inside.Run(() =>
        {
            using var first = TunDevice.Open(new() { Name = "ipsec0" });
            Assert.False(first.WasPersistent);
            Assert.Equal("TUN device ipsec0 is in use by another program (another Kuguru or charon?) [TUNSETIFF: EBUSY]",
                Assert.Throws<LinuxException>(() => TunDevice.Open(new() { Name = "ipsec0" })).Message);
            Assert.Equal("there is a device lo already and it is not a plain TUN device: remove it (ip link del lo) or choose another name "
                + "[TUNSETIFF: EINVAL]", Assert.Throws<LinuxException>(() => TunDevice.Open(new() { Name = "lo" })).Message);
            Assert.Equal("'a-name-of-16-oct' cannot be the name of a device: 1 to 15 octets [TUNSETIFF: EINVAL]",
                Assert.Throws<LinuxException>(() => TunDevice.Open(new() { Name = "a-name-of-16-oct" })).Message);
        });
    }

    [Fact]
    public void Without_the_right_the_message_says_which_one_is_missing()
    {
        Needs.Tun();
        Exception? thrown = null;
        var thread = new Thread(() =>
        {
            Capabilities.DropAll();
            thrown = Record.Exception(() => TunDevice.Open(new()));
        });
        thread.Start();
        thread.Join();
        Assert.Equal("no right to open TUN: run as root or give CAP_NET_ADMIN [TUNSETIFF: EPERM]", thrown?.Message);
    }

    [Fact]
    public void A_device_that_somebody_removes_is_named()
    {
        Needs.Tun();
        using var inside = NetworkNamespace.Create();
        inside.Run(() =>
        {
            using var device = TunDevice.Open(new() { Name = "ipsec0" });
            using var netlink = Netlink.Open();
            netlink.DeleteLink(device.Index);
            Assert.Equal("TUN device ipsec0 was removed by another program [read: EBADFD]",
                Assert.Throws<LinuxException>(() => device.Read(new byte[TunDevice.HeaderLength + TunDevice.MaxPacket])).Message);
        });
    }

    [Fact]
    public void A_persistent_device_is_recognised()
    {
        Needs.Tun();
        using var inside = NetworkNamespace.Create();
        inside.Run(() =>
        {
            Programs.Run("ip", "tuntap add dev ipsec0 mode tun");
            using var device = TunDevice.Open(new() { Name = "ipsec0" });
            Assert.True(device.WasPersistent);
        });
    }
}
