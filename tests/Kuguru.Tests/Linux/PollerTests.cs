using Kuguru.Linux;
using Xunit;

namespace Kuguru.Tests.Linux;

public sealed class PollerTests
{
    [Fact]
    public void A_wake_up_from_another_thread_ends_the_wait()
    {
        using var wakeUp = new WakeUp();
        using var poller = new Poller();
        var slot = poller.Watch(wakeUp.Number);
        new Thread(wakeUp.Set).Start();
        Assert.True(poller.Wait(null));
        Assert.Equal(PollEvents.Readable, poller[slot]);
        Assert.True(wakeUp.Clear());
        Assert.False(wakeUp.Clear());
    }

    [Fact]
    public void A_deadline_in_the_past_is_due_at_once_each_time()
    {
        using var poller = new Poller();
        var past = MonotonicClock.Now - TimeSpan.FromHours(1);
        Assert.False(poller.Wait(past));
        Assert.False(poller.Wait(past));
        Assert.False(poller.Wait(new Instant(0)));
    }

    [Fact]
    public void The_wait_lasts_until_the_deadline_and_no_longer()
    {
        using var poller = new Poller();
        var deadline = MonotonicClock.Now + TimeSpan.FromMilliseconds(20);
        Assert.False(poller.Wait(deadline));
        Assert.InRange(MonotonicClock.Now - deadline, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void What_is_ready_is_told_even_when_the_deadline_has_come_too()
    {
        using var wakeUp = new WakeUp();
        using var poller = new Poller();
        poller.Watch(wakeUp.Number);
        wakeUp.Set();
        Assert.True(poller.Wait(MonotonicClock.Now - TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_slot_may_stop_watching()
    {
        using var wakeUp = new WakeUp();
        using var poller = new Poller();
        var slot = poller.Watch(wakeUp.Number);
        poller.Change(slot, PollEvents.None);
        wakeUp.Set();
        Assert.False(poller.Wait(MonotonicClock.Now));
        Assert.Equal(PollEvents.None, poller[slot]);
    }
}
