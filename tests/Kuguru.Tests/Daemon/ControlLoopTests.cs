using Kuguru.Daemon;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Linux;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Daemon;

/// <summary>The one thread that calls the node: nobody who waits for it waits for ever.</summary>
public sealed class ControlLoopTests
{
    static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_question_is_answered_although_datagrams_never_stop_coming()
    {
        Blob first = new IkeMessage(new IkeSpi(1), default, ExchangeType.IkeSaInit, IkeFlags.Initiator, MessageId.Zero, []).Write();
        var path = new Path(new(IpAddress.Parse("192.0.2.1"), 500), new(IpAddress.Parse("192.0.2.2"), 500));
        ControlLoop? loop = null;
        // Whatever is answered, the next one is there already.
        loop = new ControlLoop(new Node(new IkeSettings(), new SystemDice(), new SystemWallClock()), _ => loop!.Offer(path, first.Span), () => []);
        using (loop)
        {
            loop.Offer(path, first.Span);
            loop.Start();
            loop.Wake();
            Assert.Equal(0, await loop.Ask((node, _, _) => node.IkeSaCount).WaitAsync(_patience, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task An_order_that_fails_in_a_way_that_is_a_bug_fails_for_who_waits_for_it()
    {
        using var loop = new ControlLoop(new Node(new IkeSettings(), new SystemDice(), new SystemWallClock()), _ => { }, () => []);
        Exception? failed = null;
        loop.Failed += e => failed = e;
        loop.Start();
        var bug = new InvalidOperationException("a bug");
        Assert.Same(bug, await Assert.ThrowsAsync<InvalidOperationException>(() =>
            loop.Order(_ => throw bug).WaitAsync(_patience, TestContext.Current.CancellationToken)));
        Assert.Same(bug, failed);
    }

    [Fact]
    public async Task Who_still_waits_when_the_loop_ends_is_told_so()
    {
        var loop = new ControlLoop(new Node(new IkeSettings(), new SystemDice(), new SystemWallClock()), _ => { }, () => []);
        await loop.Ask((node, now, outbox) =>
        {
            node.Load(now, Ike.Configs.Connection("moon", "sun", Ike.Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16")) with
            {
                RemoteAddresses = [AddressPattern.Of(IpAddress.Parse("192.0.2.2"))],
            }, outbox);
            return loop;
        }).WaitAsync(Started(loop), TestContext.Current.CancellationToken);
        // Nobody answers the search for a path.
        var waiting = loop.Order(token => new Order.Initiate(token, "gw", "net"));
        await loop.Ask((_, _, _) => true);
        loop.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(_patience, TestContext.Current.CancellationToken));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop.Ask((_, _, _) => true).WaitAsync(_patience, TestContext.Current.CancellationToken));
    }

    static TimeSpan Started(ControlLoop loop)
    {
        loop.Start();
        return _patience;
    }

    [Theory]
    [InlineData("192.0.2.2")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("ff02::1")]
    [InlineData("fe80::1")]
    [InlineData("127.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("2001:db8::1")]
    public void A_search_is_answered_whatever_the_address(string remote)
    {
        List<Order> told = [];
        var connection = Ike.Configs.Connection("moon", "sun") with { RemoteAddresses = [AddressPattern.Of(IpAddress.Parse(remote))] };
        new PathFinder(0, 0, told.Add).Find(new Effect.FindPath(7, connection));
        Assert.Equal(7u, Assert.IsType<Order.PathFound>(Assert.Single(told)).Request);
    }
}
