using Kuguru.Linux;

namespace Kuguru.Daemon;

/// <summary>A thread that waits for descriptors, carries packets, and says when something broke.</summary>
abstract class PacketWorker(PacketWorkersOptions options, WakeUp stop) : IDisposable
{
    static readonly TimeSpan _complainEvery = TimeSpan.FromSeconds(1);
    Instant? _complained;

    protected PacketWorkersOptions Options { get; } = options;

    /// <summary>The thread's body.</summary>
    public void Run()
    {
        using var poller = new Poller();
        var stopped = poller.Watch(stop.Number);
        Watch(poller);
        // The event is never cleared: it stops every worker.
        while (poller.Wait(null) && poller[stopped] == PollEvents.None)
        {
            try
            {
                Carry(poller);
            }
            catch (LinuxException e)
            {
                Options.Failed(e);
                return;
            }
            catch (Exception e)
            {
                // A bug of ours costs the packets of one batch, not every tunnel.
                Complain(e);
            }
        }
    }

    public abstract void Dispose();

    protected abstract void Watch(Poller poller);

    /// <summary>Takes what is there, up to a batch.</summary>
    protected abstract void Carry(Poller poller);

    void Complain(Exception e)
    {
        var now = MonotonicClock.Now;
        if (now - _complained < _complainEvery)
            return;
        _complained = now;
        Options.Failed(e);
    }
}
