using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

public sealed class RawEspSocketTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Plain_ESP_goes_over_without_IP_header_and_says_where_it_came_to(bool isV6)
    {
        using var hosts = new TwoHosts();
        using var a = hosts.A.Run(() => RawEspSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var b = hosts.B.Run(() => RawEspSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var batch = new SendBatch();
        var path = new Path(new(TwoHosts.AddressOfA(isV6), 0), new(TwoHosts.OtherOfB(isV6), 0));
        for (var i = 0; i < 10; i++)
        {
            batch.Room(1000).Fill((byte)(i + 1));
            batch.Append(path, 1000, tos: 4);
        }

        Assert.Equal(10, a.Send(batch).Sent);
        var next = 1;
        Waiting.Receive(b.Number, b.Receive, 10, (received, segment) =>
        {
            Assert.Equal(1000, received.Segment(segment).Length);
            Assert.Equal(-1, received.Segment(segment).IndexOfAnyExcept((byte)next++));
            Assert.Equal(new(path.Remote, path.Local), received.Path);
            Assert.Equal(4, received.Tos);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kernel_puts_fragments_together(bool isV6)
    {
        using var hosts = new TwoHosts(mtu: 1280);
        using var a = hosts.A.Run(() => RawEspSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var b = hosts.B.Run(() => RawEspSocket.Open(new() { Address = TwoHosts.Any(isV6) }));
        using var batch = new SendBatch();
        batch.Room(3000).Fill(7);
        batch.Append(new(new(TwoHosts.Any(isV6), 0), new(TwoHosts.AddressOfB(isV6), 0)), 3000);
        Assert.Equal(1, a.Send(batch).Sent);
        Waiting.Receive(b.Number, b.Receive, 1, (received, _) => Assert.Equal(3000, received.Length));
    }
}
