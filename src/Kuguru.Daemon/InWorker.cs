using Kuguru.Esp;
using Kuguru.Linux;
using Kuguru.Nat;

namespace Kuguru.Daemon;

/// <summary>From the sockets to the TUN device, and to the control loop.</summary>
sealed class InWorker : PacketWorker
{
    /// <summary>Calls for one socket before it is the next one's turn.</summary>
    const int MaxReceives = 8;

    readonly Sockets _sockets;
    readonly Inbound _inbound;
    readonly ReceiveBatch _batch = new();
    readonly List<int> _udpSlots = [], _rawSlots = [], _ahSlots = [];
    bool _toldControl;
    long _ikeReceived, _ikeDropped, _keepalives, _malformed;

    public InWorker(PacketWorkersOptions options, WakeUp stop) : base(options, stop)
    {
        _sockets = options.Sockets;
        Sink = new(options.Tun);
        _inbound = new(options.Table, Sink, options.Tun.Offload switch
        {
            TunOffload.None => Coalescing.None,
            TunOffload.Tcp => Coalescing.Tcp,
            TunOffload.TcpAndUdp => Coalescing.TcpAndUdp,
        });
    }

    public TunSink Sink { get; }
    public DropCounters Drops => _inbound.Drops;
    public EspReports Reports => _inbound.Reports;
    public long IkeReceived => Volatile.Read(ref _ikeReceived);
    public long IkeDropped => Volatile.Read(ref _ikeDropped);
    public long Keepalives => Volatile.Read(ref _keepalives);
    public long Malformed => Volatile.Read(ref _malformed);

    protected override void Watch(Poller poller)
    {
        _udpSlots.AddRange(_sockets.Udp.Select(port => poller.Watch(port.Number)));
        _rawSlots.AddRange(_sockets.Raw.Select(socket => poller.Watch(socket.Number)));
        _ahSlots.AddRange(_sockets.Ah.Select(socket => poller.Watch(socket.Number)));
    }

    protected override void Carry(Poller poller)
    {
        try
        {
            for (var i = 0; i < _udpSlots.Count; i++)
            {
                if (poller[_udpSlots[i]] != PollEvents.None)
                    Drain(_sockets.Udp[i]);
            }
            for (var i = 0; i < _rawSlots.Count; i++)
            {
                if (poller[_rawSlots[i]] != PollEvents.None)
                    Drain(_sockets.Raw[i]);
            }
            for (var i = 0; i < _ahSlots.Count; i++)
            {
                if (poller[_ahSlots[i]] != PollEvents.None)
                    Drain(_sockets.Ah[i]);
            }
        }
        finally
        {
            _inbound.Flush();
        }
        if (_toldControl || _inbound.Reports.Any)
            Options.Wake();
        _toldControl = false;
    }

    void Drain(UdpPort port)
    {
        var esp = port.Port == _sockets.NatPort || port.Port == _sockets.ProbePort;
        for (var k = 0; k < MaxReceives && port.Receive(_batch) is var count and > 0; k++)
        {
            var now = MonotonicClock.Now;
            for (var i = 0; i < count; i++)
            {
                if (esp)
                    TakeMixed(_batch[i], now);
                else
                    TakeIke(_batch[i], 0, _batch[i].SegmentCount);
            }
            _inbound.Flush();
        }
        // A socket that reports ICMP errors stays ready until they are read.
        while (port.TryReadError(out var error))
            Options.Icmp?.Invoke(error);
    }

    void Drain(RawSocket socket)
    {
        var isAh = socket is RawAhSocket;
        for (var k = 0; k < MaxReceives && socket.Receive(_batch) is var count and > 0; k++)
        {
            var now = MonotonicClock.Now;
            for (var i = 0; i < count; i++)
            {
                ref readonly var received = ref _batch[i];
                var arrival = new Arrival(received.Path, UdpEncapsulated: false, received.Tos, now);
                if (isAh)
                    _inbound.AddAh(received.Bytes, arrival);
                else
                    _inbound.Add(received.Bytes, arrival);
            }
            _inbound.Flush();
        }
    }

    /// <summary>What the kernel took together is of one flow, but not always of one kind: each segment says itself what it is.</summary>
    void TakeMixed(in Received received, Instant now)
    {
        var count = received.SegmentCount;
        for (var first = 0; first < count;)
        {
            var kind = Demux.Classify(received.Segment(first));
            var end = first + 1;
            while (end < count && Demux.Classify(received.Segment(end)) == kind)
                end++;
            switch (kind)
            {
                case Port4500.Esp:
                    _inbound.Add(received.Segments(first, end), received.SegmentLength, new Arrival(received.Path, UdpEncapsulated: true, received.Tos, now));
                    break;
                case Port4500.Ike:
                    TakeIke(received, first, end);
                    break;
                case Port4500.Keepalive:
                    Volatile.Write(ref _keepalives, _keepalives + end - first);
                    break;
                case Port4500.Empty or Port4500.TooShort or Port4500.ReservedSpi:
                    Volatile.Write(ref _malformed, _malformed + end - first);
                    break;
            }
            first = end;
        }
    }

    void TakeIke(in Received received, int first, int end)
    {
        for (var i = first; i < end; i++)
        {
            if (Options.Ike(received.Path, received.Segment(i)))
            {
                Volatile.Write(ref _ikeReceived, _ikeReceived + 1);
                _toldControl = true;
            }
            else
                Volatile.Write(ref _ikeDropped, _ikeDropped + 1);
        }
    }

    public override void Dispose()
    {
        _inbound.Dispose();
        _batch.Dispose();
    }
}
