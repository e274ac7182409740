using Kuguru.Cli.Namespaces;
using Xunit;

namespace Kuguru.Interop;

/// <summary>The networks that the other stories and the demo stand on do what they say.</summary>
public sealed class NamespacesTests : IDisposable
{
    readonly RoadWarriors _world;

    public NamespacesTests()
    {
        Peers.NeedRoot();
        _world = new();
    }

    Host Client => _world.Clients[0];

    public void Dispose() => _world.Dispose();

    [Theory, InlineData("192.0.2.2"), InlineData("2001:db8::2")]
    public void A_file_crosses_the_nat(string gateway)
    {
        var transfer = Transfer.Tcp(Client, _world.Gateway, gateway, 1_000_000);
        Assert.True(transfer.IsIntact);
        Assert.Equal(1_000_000, transfer.Received);
    }

    [Fact]
    public void The_nat_rewrites_source_ports_and_moves_when_told()
    {
        using var capture = new Capture(_world.Gateway, "eth0", "udp");
        Send(4500);
        _world.Nat!.Remap(1024, 1100);
        Send(4500);
        var mapping = Assert.Single(_world.Nat.Table());
        Assert.StartsWith("10.1.0.10[", mapping.Inside);
        Assert.StartsWith("192.0.2.1[10", mapping.Outside);
        Assert.Equal("192.0.2.2[4500]", mapping.Remote);
        capture.End();
        var ports = capture.Fields("udp", null, "udp.srcport").Select(row => int.Parse(row[0])).ToArray();
        Assert.Equal(2, ports.Length);
        Assert.InRange(ports[0], 20000, 29999);
        Assert.InRange(ports[1], 1024, 1100);
    }

    [Fact]
    public void A_filtered_port_and_fragments_do_not_pass()
    {
        string[] big = ["ping", "-c1", "-W1", "-s3000", _world.GatewayAddress];
        Assert.Equal(0, Client.Try(big).Status);
        _world.Nat!.DropFragments();
        _world.Nat.Drop("udp dport 4500");
        Assert.NotEqual(0, Client.Try(big).Status);
        using var capture = new Capture(_world.Gateway, "eth0", "udp");
        Send(4500);
        Send(500);
        capture.End();
        Assert.Equal("500", Assert.Single(capture.Fields("udp", null, "udp.dstport"))[0]);
    }

    [Fact]
    public void What_a_host_writes_and_starts_goes_with_it()
    {
        var job = Client.Start("sleep", "sleep", "1000");
        Assert.Equal("x\n", Client.Run("bash", "-c", "kill -0 $(cat /run/sleep.pid) && echo x >/etc/kuguru-was-here; cat /etc/kuguru-was-here"));
        _world.Dispose();
        Wait.Until("the job is gone", TimeSpan.FromSeconds(5), () => job.HasEnded);
        Assert.False(File.Exists("/etc/kuguru-was-here"));
        Assert.False(Directory.Exists(_world.Network.Folder));
    }

    void Send(int port) => Client.Run("bash", "-c", $"echo x >/dev/udp/{_world.GatewayAddress}/{port}");
}
