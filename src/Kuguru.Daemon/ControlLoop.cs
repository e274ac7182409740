using System.Collections.Concurrent;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Linux;

namespace Kuguru.Daemon;

// wait for a datagram, a question, a report of the packet path or the deadline; call one method of the node; obey; repeat.
//
//   packet workers -- Offer(IKE datagram) --\                         /--> World.Obey(effect)
//   VICI, scripts  -- Ask(question)  --------+--> this thread: Node --+--> Reported(event): log, VICI, scripts
//   packet path    -- EspReports  ----------/                         \--> OrderDone: the asker's task

/// <summary>The one thread that calls the <see cref="Node"/>. Everything else hands it something and goes on.</summary>
public sealed class ControlLoop : IDisposable
{
    /// <summary>IKE datagrams that wait at most; more are dropped and counted, retransmission brings them back.</summary>
    const int MaxWaiting = 4096;

    /// <summary>IKE datagrams that are taken before it is the turn of questions and timers.</summary>
    const int MaxAtOnce = 256;

    readonly Node _node;
    readonly Action<Effect> _obey;
    readonly Func<IEnumerable<Order>> _takeReports;
    readonly ConcurrentQueue<(Path Path, byte[] Bytes)> _datagrams = new();
    readonly ConcurrentQueue<Action> _questions = new();
    readonly Dictionary<ulong, TaskCompletionSource<Failure?>> _waiting = [];
    readonly List<(int Slot, Action Ready)> _watched = [];
    readonly Outbox _outbox = new();
    readonly Poller _poller = new();
    readonly WakeUp _wakeUp = new();
    readonly CancellationTokenSource _ended = new();
    readonly Thread _thread;
    readonly Func<TimeSpan> _suspended;
    TimeSpan _suspendedBefore;
    ulong _lastToken;
    int _waitingDatagrams;
    long _overflow;
    volatile bool _stopping;

    /// <param name="node">Not to be touched by anybody else from <see cref="Start"/> on.</param>
    /// <param name="obey">Called on the loop's thread for every effect but <see cref="Effect.Report"/>, in order.</param>
    /// <param name="takeReports">Called on the loop's thread when it was woken: what the packet path has to say to the node.</param>
    /// <param name="suspended">How long the machine has slept in all; <see cref="MonotonicClock.Suspended"/> if not given.</param>
    public ControlLoop(Node node, Action<Effect> obey, Func<IEnumerable<Order>> takeReports, Func<TimeSpan>? suspended = null)
    {
        (_node, _obey, _takeReports, _suspended) = (node, obey, takeReports, suspended ?? (() => MonotonicClock.Suspended));
        _suspendedBefore = _suspended();
        _poller.Watch(_wakeUp.Number);
        _thread = new Thread(Run) { Name = "control", IsBackground = true };
    }

    /// <summary>Every event, on the loop's thread, right after the turn that it belongs to. Handlers are set before <see cref="Start"/>.</summary>
    public event Action<Event>? Reported;

    /// <summary>A handler, an effect or the node failed in a way that is a bug; the loop goes on.</summary>
    public event Action<Exception>? Failed;

    /// <summary>IKE datagrams that were dropped because the loop was behind.</summary>
    public long Overflow => Volatile.Read(ref _overflow);

    public void Start() => _thread.Start();

    /// <summary>Calls back on the loop's thread whenever this descriptor is readable. Before <see cref="Start"/>.</summary>
    public void Watch(int descriptor, Action ready) => _watched.Add((_poller.Watch(descriptor), ready));

    /// <summary>From a packet worker: one IKE datagram, marker included. Never waits; false when too many wait already.</summary>
    public bool Offer(in Path path, ReadOnlySpan<byte> datagram)
    {
        if (Interlocked.Increment(ref _waitingDatagrams) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waitingDatagrams);
            Interlocked.Increment(ref _overflow);
            return false;
        }
        _datagrams.Enqueue((path, datagram.ToArray()));
        return true;
    }

    /// <summary>From any thread: there is something to do (after <see cref="Offer"/> or a report of the packet path).</summary>
    public void Wake() => _wakeUp.Set();

    /// <summary>Puts a question to the node on its thread; the effects of it are obeyed before the answer is given.</summary>
    public Task<T> Ask<T>(Func<Node, Instant, Outbox, T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                var value = question(_node, MonotonicClock.Now, _outbox);
                ObeyAll();
                answer.SetResult(value);
            }
            catch (Exception e)
            {
                _outbox.Clear();
                answer.SetException(e);
            }
        });
        return answer.Task.WaitAsync(_ended.Token);
    }

    /// <summary>Gives an order and waits until it is done: null, or why it failed. Its token is made here.</summary>
    public Task<Failure?> Order(Func<ulong, Order> order)
    {
        var done = new TaskCompletionSource<Failure?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            var token = ++_lastToken;
            _waiting[token] = done;
            try
            {
                _node.Command(MonotonicClock.Now, order(token), _outbox);
                ObeyAll();
            }
            catch (Exception e)
            {
                _waiting.Remove(token);
                done.TrySetException(e);
                throw;
            }
        });
        return done.Task.WaitAsync(_ended.Token);
    }

    /// <summary>Tells the node something that nobody waits for.</summary>
    public void Tell(Order order) => Post(() =>
    {
        _node.Command(MonotonicClock.Now, order, _outbox);
        ObeyAll();
    });

    /// <summary>Ends the thread. Who still waits for an answer gets <see cref="OperationCanceledException"/>.</summary>
    public void Dispose()
    {
        _stopping = true;
        Wake();
        if (_thread.ThreadState != ThreadState.Unstarted)
            _thread.Join();
        _ended.Cancel();
        _poller.Dispose();
        _wakeUp.Dispose();
    }

    void Post(Action action)
    {
        if (_ended.IsCancellationRequested)
            return;
        _questions.Enqueue(action);
        Wake();
    }

    void Run()
    {
        while (!_stopping)
        {
            _poller.Wait(_node.Deadline);
            _wakeUp.Clear();
            Guard(NoticeSleep);
            foreach (var (slot, ready) in _watched)
            {
                if (_poller[slot] != PollEvents.None)
                    Guard(ready);
            }
            Guard(TakeReports);
            TakeDatagrams();
            while (_questions.TryDequeue(out var question))
                Guard(question);
            Guard(Tick);
        }
    }

    /// <summary>A nap of less than this changes nothing for a tunnel.</summary>
    static readonly TimeSpan Nap = TimeSpan.FromSeconds(1);

    void NoticeSleep()
    {
        var suspended = _suspended();
        var slept = suspended - _suspendedBefore > Nap;
        if (!slept)
            return;
        _suspendedBefore = suspended;
        _node.Command(MonotonicClock.Now, new Order.NetworkChanged(Resumed: true), _outbox);
        ObeyAll();
    }

    void TakeDatagrams()
    {
        for (var taken = 0; taken < MaxAtOnce; taken++)
        {
            if (!_datagrams.TryDequeue(out var datagram))
                return;
            Interlocked.Decrement(ref _waitingDatagrams);
            Guard(() => Receive(datagram.Path, datagram.Bytes));
        }
        // Perhaps there are more: come back at once.
        Wake();
    }

    void TakeReports()
    {
        foreach (var report in _takeReports())
        {
            _node.Command(MonotonicClock.Now, report, _outbox);
            ObeyAll();
        }
    }

    void Receive(Path path, byte[] bytes)
    {
        _node.Receive(MonotonicClock.Now, new Datagram(path, bytes), _outbox);
        ObeyAll();
    }

    void Tick()
    {
        _node.Tick(MonotonicClock.Now, _outbox);
        ObeyAll();
    }

    /// <summary>An exception here is a bug of ours; it costs one turn, not every tunnel.</summary>
    void Guard(Action turn)
    {
        try
        {
            turn();
        }
        catch (Exception e)
        {
            _outbox.Clear();
            Failed?.Invoke(e);
        }
    }

    void ObeyAll()
    {
        foreach (var effect in _outbox.Effects)
        {
            try
            {
                Obey(effect);
            }
            catch (Exception e)
            {
                // The rest of the turn must still happen: a route that cannot be set does not stop the answer to the peer.
                Failed?.Invoke(e);
            }
        }
        _outbox.Clear();
    }

    void Obey(Effect effect)
    {
        if (effect is not Effect.Report report)
            _obey(effect);
        else if (report.Event is Event.OrderDone done && _waiting.Remove(done.Token, out var waiting))
            waiting.SetResult(done.Failure);
        else
            Reported?.Invoke(report.Event);
    }
}
