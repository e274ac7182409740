using System.Collections.Concurrent;
using Kuguru.Ike;

namespace Kuguru.Daemon.Vici;

/// <summary>Who waits for which order: hands out the tokens of <see cref="Engine.Order"/> and completes the waiters when the node reports them.</summary>
public sealed class OrderBook
{
    readonly ConcurrentDictionary<ulong, TaskCompletionSource<Failure?>> _waiters = new();
    ulong _last;

    /// <summary>A new token, and the task that ends when its order does: null is success.</summary>
    public (ulong Token, Task<Failure?> Done) Begin()
    {
        var token = Interlocked.Increment(ref _last);
        var waiter = new TaskCompletionSource<Failure?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiters[token] = waiter;
        return (token, waiter.Task);
    }

    public void Complete(Event.OrderDone done)
    {
        if (_waiters.TryRemove(done.Token, out var waiter))
            waiter.SetResult(done.Failure);
    }
}
