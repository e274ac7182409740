using Kuguru.Esp;
using Kuguru.Linux;

namespace Kuguru.Daemon;

/// <summary>What arrives for IKE, marker included; false when it was not taken. Called by a worker: it must not wait.</summary>
public delegate bool IkeReceiver(in Path path, ReadOnlySpan<byte> datagram);

/// <summary>How the packet workers and the rest of the daemon are connected.</summary>
public sealed record PacketWorkersOptions
{
    public required TunDevice Tun { get; init; }
    public required Sockets Sockets { get; init; }
    public required SaTable Table { get; init; }

    /// <summary>Takes IKE datagrams.</summary>
    public required IkeReceiver Ike { get; init; }

    /// <summary>There is something to do for the control loop: IKE datagrams or reports. Once a batch.</summary>
    public required Action Wake { get; init; }

    /// <summary>ICMP errors of UDP ports that report them. Anybody can send one: a hint, no fact. Called by a worker.</summary>
    public Action<IcmpError>? Icmp { get; init; }

    /// <summary>
    /// A worker met an exception. It goes on, unless the exception is a <see cref="LinuxException"/>: then its device or socket is gone, and so is
    /// it. At most once a second.
    /// </summary>
    public required Action<Exception> Failed { get; init; }
}

// Two threads, nothing handed from one to the other:
//
//   out    TunDevice.Read --> Outbound.Add --> SocketSink --> UDP_SEGMENT, raw
//   in     recvmmsg --> Demux --> Inbound.Add --> TunSink --> writev
//                         \--> IKE: the control loop
//
// Each drains what is there, then has what it holds sent or written, then waits.

/// <summary>The threads that carry packets, from <see cref="Start"/> to <see cref="Dispose"/>. Sockets and device are disposed of by their owner, after this.</summary>
public sealed class PacketWorkers : IDisposable
{
    readonly WakeUp _stop = new();
    readonly OutWorker _out;
    readonly InWorker _in;
    readonly Thread[] _threads;

    public PacketWorkers(PacketWorkersOptions options)
    {
        _out = new(options, _stop);
        _in = new(options, _stop);
        _threads = [new(_out.Run) { Name = "out", IsBackground = true }, new(_in.Run) { Name = "in", IsBackground = true }];
    }

    /// <summary>What the packet path dropped, by reason.</summary>
    public IReadOnlyDictionary<Drop, long> Drops => DropCounters.Sum([_out.Drops, _in.Drops]);

    public PacketCounters Counters => new()
    {
        EspSent = _out.Sink.Sent,
        EspUnsent = _out.Sink.Unsent,
        LastSendError = _out.Sink.LastError,
        TunWritten = _in.Sink.Written + _out.Answers.Written,
        TunRefused = _in.Sink.Refused + _out.Answers.Refused,
        LastTunError = _in.Sink.LastError,
        IkeReceived = _in.IkeReceived,
        IkeDropped = _in.IkeDropped,
        Keepalives = _in.Keepalives,
        Malformed = _in.Malformed,
    };

    /// <summary>Takes what the workers have to say to the control plane. For the control loop's thread, after it was woken.</summary>
    public IEnumerable<EspReport> TakeReports()
    {
        while (_in.Reports.TryTake(out var report) || _out.Reports.TryTake(out report))
            yield return report;
    }

    public void Start()
    {
        foreach (var thread in _threads)
            thread.Start();
    }

    public void Dispose()
    {
        _stop.Set();
        foreach (var thread in _threads)
        {
            if (thread.ThreadState != ThreadState.Unstarted)
                thread.Join();
        }
        _out.Dispose();
        _in.Dispose();
        _stop.Dispose();
    }
}

/// <summary>What the workers did, in packets; what the packet path dropped for its own reasons is in <see cref="PacketWorkers.Drops"/>.</summary>
public sealed record PacketCounters
{
    public long EspSent { get; init; }

    /// <summary>Refused by the kernel (<see cref="LastSendError"/> says why, the last time), or there is no socket for them.</summary>
    public long EspUnsent { get; init; }
    public Errno LastSendError { get; init; }

    /// <summary>Super-packets count as one.</summary>
    public long TunWritten { get; init; }
    public long TunRefused { get; init; }
    public Errno LastTunError { get; init; }
    public long IkeReceived { get; init; }

    /// <summary>Not taken by the control loop, which is behind.</summary>
    public long IkeDropped { get; init; }

    /// <summary>NAT keepalives received.</summary>
    public long Keepalives { get; init; }

    /// <summary>Datagrams on the NAT port that are neither IKE nor ESP nor a keepalive.</summary>
    public long Malformed { get; init; }
}
