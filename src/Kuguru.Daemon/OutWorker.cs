using Kuguru.Esp;
using Kuguru.Linux;

namespace Kuguru.Daemon;

/// <summary>From the TUN device to the sockets.</summary>
sealed class OutWorker : PacketWorker
{
    /// <summary>What is read before what was made of it is sent.</summary>
    const int MaxReads = 64, MaxOctets = 256 * 1024;

    readonly TunDevice _tun;
    readonly Outbound _outbound;

    public OutWorker(PacketWorkersOptions options, WakeUp stop) : base(options, stop)
    {
        _tun = options.Tun;
        Sink = new(options.Sockets);
        Answers = new(_tun);
        _outbound = new(options.Table, Sink, Answers);
    }

    public SocketSink Sink { get; }

    /// <summary>"Too big", back to the sender.</summary>
    public TunSink Answers { get; }
    public DropCounters Drops => _outbound.Drops;
    public EspReports Reports => _outbound.Reports;

    protected override void Watch(Poller poller) => poller.Watch(_tun.Number);

    protected override void Carry(Poller poller)
    {
        var now = MonotonicClock.Now;
        try
        {
            int length;
            for (int reads = 0, octets = 0; reads < MaxReads && octets < MaxOctets; reads++, octets += length)
            {
                if ((length = _tun.Read(_outbound.Buffer)) == 0)
                    break;
                _outbound.Add(length, now);
            }
        }
        finally
        {
            Sink.Flush();
        }
        if (_outbound.Reports.Any)
            Options.Wake();
    }

    public override void Dispose()
    {
        _outbound.Dispose();
        Sink.Dispose();
    }
}
