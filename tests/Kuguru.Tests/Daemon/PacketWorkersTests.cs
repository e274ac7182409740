using System.Net;
using System.Net.Sockets;
using Kuguru.Esp;
using Kuguru.Linux;
using Kuguru.Tests.Linux;
using Xunit;

namespace Kuguru.Tests.Daemon;

public sealed class PacketWorkersTests
{
    const string InnerA4 = "10.3.0.1", InnerB4 = "10.4.0.1", InnerA6 = "fd03::1", InnerB6 = "fd04::1";

    [Theory]
    [InlineData(false, false, true)]
    [InlineData(false, true, true)]
    [InlineData(true, false, true)]
    [InlineData(true, true, true)]
    [InlineData(false, false, false)]
    [InlineData(true, true, false)]
    public async Task TCP_goes_through_the_tunnel_unharmed_both_ways(bool innerIsV6, bool outerIsV6, bool udp)
    {
        Needs.Tun();
        using var hosts = new TwoHosts();
        using var a = new TunnelHost(hosts.A, IpAddress.Parse(innerIsV6 ? InnerA6 : InnerA4));
        using var b = new TunnelHost(hosts.B, IpAddress.Parse(innerIsV6 ? InnerB6 : InnerB4));
        TunnelHost.Connect(a, b, outerIsV6, udp);
        var sent = new byte[4 << 20];
        new Random(1).NextBytes(sent);

        var (there, back) = await Echo(a, b, sent);

        Assert.True(there.AsSpan().SequenceEqual(sent), "what B received is what A sent");
        Assert.True(back.AsSpan().SequenceEqual(sent), "what came back is what A sent");
        Assert.Empty(a.Failures);
        Assert.Empty(b.Failures);
        Assert.True(a.Workers.Counters.EspSent > sent.Length / 1500, $"{a.Workers.Counters.EspSent} ESP packets sent");
        Assert.Equal(0, a.Workers.Counters.EspUnsent);
        Assert.All(b.Workers.Drops, drop => Assert.True(drop.Value == 0 || drop.Key is Drop.NoPolicy, $"{drop.Key}: {drop.Value}"));
        // Super-packets: fewer writes than packets.
        if (udp)
            Assert.True(b.Workers.Counters.TunWritten < a.Workers.Counters.EspSent / 2, $"{b.Workers.Counters}");
    }

    [Fact]
    public void IKE_goes_to_the_control_loop_and_everything_else_on_the_NAT_port_is_counted()
    {
        Needs.Tun();
        using var hosts = new TwoHosts();
        using var b = new TunnelHost(hosts.B, IpAddress.Parse(InnerB4));
        using var stranger = hosts.A.Run(() => UdpPort.Open(new()));
        using var batch = new SendBatch();
        Path to500 = new(new(IpAddress.AnyV4, stranger.Port), new(TwoHosts.B4, 500)), to4500 = to500 with { Remote = new(TwoHosts.B4, 4500) };
        byte[] ike = [1, 2, 3, 4, 5, 6, 7, 8], marked = [0, 0, 0, 0, .. ike];
        batch.Append(to500, ike);
        // One run of three kinds, which the receiver's kernel hands over as one.
        batch.Append(to4500, marked);
        batch.Append(to4500, [0, 0, 0, 9, .. ike]);
        batch.Append(to4500, [9, 9, 9, 9, .. ike]);
        batch.Append(to4500, marked);
        batch.Append(to4500, [0xff]);
        Assert.Equal(6, stranger.Send(batch).Sent);

        Await(() => b.Workers.Counters is { IkeReceived: 3, Keepalives: 1, Malformed: 1 } && b.Workers.Drops[Drop.UnknownSpi] == 1, () => $"{b.Workers.Counters}");
        Assert.True(b.Woken.Clear());
        Path from500 = new(to500.Remote, new(TwoHosts.A4, stranger.Port)), from4500 = new(to4500.Remote, from500.Remote);
        Assert.Equal([(from500, ike), (from4500, marked), (from4500, marked)], b.Ike.OrderBy(each => each.Path.Local.Port));

        b.TakesIke = false;
        batch.Append(to500, ike);
        stranger.Send(batch);
        Await(() => b.Workers.Counters.IkeDropped == 1, () => $"{b.Workers.Counters}");
    }

    [Fact]
    public void A_move_is_reported_and_then_followed()
    {
        Needs.Tun();
        using var hosts = new TwoHosts();
        using var a = new TunnelHost(hosts.A, IpAddress.Parse(InnerA4), 501, 4501);
        using var b = new TunnelHost(hosts.B, IpAddress.Parse(InnerB4));
        TunnelHost.Connect(a, b, outerIsV6: false, udp: true);
        var elsewhere = new Path(new(TwoHosts.B4, 4500), new(TwoHosts.A4, 501));
        b.Table.Move(new(0xb001), elsewhere, udpEncapsulated: true);
        b.Woken.Clear();

        a.Run(() =>
        {
            using var ping = new UdpClient();
            ping.Send("x"u8, new IPEndPoint(IPAddress.Parse(InnerB4), 9));
        });
        Waiting.Until(b.Woken.Number);
        List<EspReport> reports = [];
        Await(() =>
        {
            reports.AddRange(b.Workers.TakeReports());
            return reports.Count >= 2;
        }, () => string.Join('\n', reports));
        Assert.Contains(reports, report => report is EspReport.FirstInbound { InboundSpi.Value: 0xb001 });
        Assert.Contains(reports, report => report is EspReport.Moved { InboundSpi.Value: 0xb001, From: var from } && from == new Path(elsewhere.Local, new(TwoHosts.A4, 4501)));
    }

    [Fact]
    public void A_device_that_is_taken_away_ends_its_worker_with_a_word()
    {
        Needs.Tun();
        using var hosts = new TwoHosts();
        using var a = new TunnelHost(hosts.A, IpAddress.Parse(InnerA4));
        a.Run(() =>
        {
            using var netlink = Netlink.Open();
            netlink.DeleteLink(a.Tun.Index);
        });
        Await(() => a.Failures.Count > 0, () => "no failure was told");
        Assert.Equal("TUN device ipsec0 was removed by another program [read: EBADFD]", a.Failures[0].Message);
    }

    /// <summary>Sends to a server that sends everything back; both sides' harvest.</summary>
    static async Task<(byte[] There, byte[] Back)> Echo(TunnelHost a, TunnelHost b, byte[] sent)
    {
        var limit = TimeSpan.FromSeconds(20);
        var (there, back) = (new byte[sent.Length], new byte[sent.Length]);
        var server = new IPEndPoint(IPAddress.Parse(b.Inner.ToString()), 5001);
        using var listener = b.Run(() => new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(server);
        listener.Listen();
        // A socket stays in the namespace where it was made.
        using var client = a.Run(() => new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        await client.ConnectAsync(server).WaitAsync(limit);
        using var accepted = await listener.AcceptAsync().WaitAsync(limit);
        using NetworkStream ours = new(client), theirs = new(accepted);
        await Task.WhenAll(Serve(), ours.WriteAsync(sent).AsTask(), ours.ReadExactlyAsync(back).AsTask()).WaitAsync(limit);
        return (there, back);

        async Task Serve()
        {
            await theirs.ReadExactlyAsync(there);
            await theirs.WriteAsync(there);
        }
    }

    static void Await(Func<bool> condition, Func<string> why) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(5)), why());
}
