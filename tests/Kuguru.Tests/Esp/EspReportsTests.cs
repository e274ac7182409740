using Kuguru.Esp;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

public sealed class EspReportsTests
{
    static EspReport.FirstInbound Report(int i) => new EspReport.FirstInbound(new((uint)i), default);

    [Fact]
    public void Reports_come_out_in_order_and_what_does_not_fit_is_refused()
    {
        var reports = new EspReports();
        var added = 0;
        while (reports.TryAdd(Report(added)))
            added++;
        Assert.True(reports.IsFull);
        Assert.Equal(256, added);
        for (var i = 0; i < added; i++)
        {
            Assert.True(reports.TryTake(out var report));
            Assert.Equal(Report(i), report);
        }
        Assert.False(reports.Any);
        Assert.False(reports.TryTake(out _));
    }

    [Fact]
    public void One_thread_adds_while_another_takes()
    {
        const int count = 200_000;
        var reports = new EspReports();
        var adder = new Thread(() =>
        {
            for (var i = 0; i < count;)
            {
                if (reports.TryAdd(Report(i)))
                    i++;
                else
                    Thread.Yield();
            }
        });
        adder.Start();
        for (var i = 0; i < count;)
        {
            if (reports.TryTake(out var report))
                Assert.Equal(new Spi((uint)i++), ((EspReport.FirstInbound)report).InboundSpi);
            else
                Thread.Yield();
        }
        adder.Join();
        Assert.False(reports.Any);
    }

    [Fact]
    public void A_report_that_did_not_fit_is_made_again()
    {
        using var tunnel = Tunnel.Between();
        while (tunnel.B.Inbound.Reports.TryAdd(Report(1)))
        {
        }
        for (var i = 0; i < 3; i++)
            tunnel.A.Send(Packets.Udp(Packets.A4, Packets.B4, []));
        tunnel.B.Receive(tunnel.A.Sent[0].Bytes);
        Assert.Equal(256, tunnel.B.Reports().Count);
        tunnel.B.Receive(tunnel.A.Sent[1].Bytes);
        tunnel.B.Receive(tunnel.A.Sent[2].Bytes);
        Assert.Equal([new EspReport.FirstInbound(Tunnel.SpiOfB, tunnel.B.Now)], tunnel.B.Reports());
    }
}
