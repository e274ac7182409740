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

    [Fact]
    public async Task After_the_machine_has_slept_a_tunnel_looks_for_its_path_at_once()
    {
        Node node() => new(new IkeSettings(), new SystemDice(), new SystemWallClock());
        var (moon, sun, outbox) = (node(), node(), new Outbox());
        var (here, there) = (IpAddress.Parse("192.0.2.1"), IpAddress.Parse("192.0.2.2"));
        var (looks, asleep) = (new TaskCompletionSource<Effect.FindPaths>(TaskCreationOptions.RunContinuationsAsynchronously), 0L);
        moon.Credentials.Load(Ike.Configs.Key("secret"));
        sun.Credentials.Load(Ike.Configs.Key("secret"));
        sun.Load(MonotonicClock.Now, Ike.Configs.Connection("sun", "moon", Ike.Configs.Child("net", "10.2.0.0/16", "10.1.0.0/16")), outbox);
        ControlLoop? loop = null;
        using var _ = loop = new ControlLoop(moon, Obey, () => [], () => TimeSpan.FromSeconds(Interlocked.Read(ref asleep)));
        loop.Start();
        await loop.Ask((node, now, effects) =>
        {
            node.Load(now, Ike.Configs.Connection("moon", "sun", Ike.Configs.Child("net", "10.1.0.0/16", "10.2.0.0/16")) with { RemoteAddresses = [AddressPattern.Of(there)] }, effects);
            return true;
        });
        Assert.Null(await loop.Order(token => new Order.Initiate(token, "gw", "net")).WaitAsync(_patience, TestContext.Current.CancellationToken));
        loop.Wake();
        Assert.Single(await loop.Ask((node, now, _) => node.Status(now).ToList()));
        Assert.False(looks.Task.IsCompleted);

        Interlocked.Exchange(ref asleep, 8 * 3600);
        loop.Wake();
        Assert.Equal(there, (await looks.Task.WaitAsync(_patience, TestContext.Current.CancellationToken)).Current.Remote.Address);

        void Obey(Effect effect)
        {
            if (effect is Effect.FindPath way)
                loop!.Tell(new Order.PathFound(way.Request, new(new(here, 0), new(there, 0)), ""));
            else if (effect is Effect.FindPaths ways)
                looks.TrySetResult(ways);
            else if (effect is Effect.Transmit sent)
            {
                sun.Receive(MonotonicClock.Now, new Datagram(new(sent.Path.Remote, sent.Path.Local), sent.Bytes.Span), outbox);
                foreach (var answer in outbox.Effects.OfType<Effect.Transmit>())
                    loop!.Offer(new(answer.Path.Remote, answer.Path.Local), answer.Bytes.Span);
                outbox.Clear();
                loop!.Wake();
            }
        }
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
