using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

/// <summary>Waits for descriptors with a limit, so that a lost packet fails the test and does not hang it.</summary>
static class Waiting
{
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Receives until there are so many datagrams; gives each to <paramref name="take"/>.</summary>
    public static void Receive(int number, Func<ReceiveBatch, int> receive, int datagrams, Action<Received, int> take)
    {
        using var batch = new ReceiveBatch();
        using var poller = new Poller();
        poller.Watch(number);
        var deadline = MonotonicClock.Now + Limit;
        for (var have = 0; have < datagrams;)
        {
            Assert.True(poller.Wait(deadline), $"{have} of {datagrams} datagrams came");
            var count = receive(batch);
            for (var i = 0; i < count; i++)
            {
                for (var k = 0; k < batch[i].SegmentCount; k++, have++)
                    take(batch[i], k);
            }
        }
    }

    public static void Until(int number, PollEvents events = PollEvents.Readable)
    {
        using var poller = new Poller();
        poller.Watch(number, events);
        Assert.True(poller.Wait(MonotonicClock.Now + Limit), "nothing came");
    }
}
