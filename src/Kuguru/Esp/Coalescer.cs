using Kuguru.Wire;

namespace Kuguru.Esp;

/// <summary>Which neighbouring inner packets are written to the TUN device as one super-packet.</summary>
public enum Coalescing
{
    None,
    Tcp,

    /// <summary>Needs a kernel that knows VIRTIO_NET_HDR_GSO_UDP_L4 on TUN, 6.2 or later.</summary>
    TcpAndUdp,
}

/// <summary>
/// Makes super-packets of neighbouring TCP segments, or UDP datagrams, of one flow, as the kernel's GRO does: a write to TUN costs the same
/// for one and for forty. Everything else is written at once. Within a flow the order stays. Kept packets lie where they are until
/// <see cref="Flush"/>, with a <see cref="VirtioNetHeader"/>'s room in front of them.
/// </summary>
sealed unsafe class Coalescer : IDisposable
{
    /// <summary>Conversations that are kept open at a time.</summary>
    const int Flows = 8;

    readonly ITunSink _tun;
    readonly Coalescing _coalescing;
    readonly OpenFlow[] _flows = new OpenFlow[Flows];
    int _open, _nextVictim;

    public Coalescer(ITunSink tun, Coalescing coalescing)
    {
        (_tun, _coalescing) = (tun, coalescing);
        foreach (ref var flow in _flows.AsSpan())
            flow = new();
    }

    /// <summary>Nothing is kept.</summary>
    public bool IsEmpty => _open == 0;

    /// <summary>True when the packet is kept and has to stay where it is.</summary>
    public bool Add(byte* packet, in IpPacket ip)
    {
        if (!Segment.TryRead(packet, ip, _coalescing, out var segment))
        {
            WriteSingle(packet, ip.Length);
            return false;
        }
        var flow = Find(segment.Flow);
        if (flow is not null)
        {
            if (flow.TryAppend(segment))
            {
                if (flow.IsFull)
                    Close(flow);
                // Kept, or just written: then what it lies in is free as soon as nothing is open.
                return flow.IsOpen;
            }
            Close(flow);
        }
        if (!segment.MayBegin)
        {
            WriteSingle(packet, ip.Length);
            return false;
        }
        flow ??= FreeFlow();
        flow.Begin(segment);
        _open++;
        return true;
    }

    public void Flush()
    {
        foreach (var flow in _flows)
        {
            if (flow.IsOpen)
                Close(flow);
        }
    }

    public void Dispose()
    {
        foreach (var flow in _flows)
            flow.Dispose();
    }

    OpenFlow? Find(ulong key)
    {
        if (_open == 0)
            return null;
        foreach (var flow in _flows)
        {
            if (flow.IsOpen && flow.Key == key)
                return flow;
        }
        return null;
    }

    OpenFlow FreeFlow()
    {
        foreach (var flow in _flows)
        {
            if (!flow.IsOpen)
                return flow;
        }
        var victim = _flows[_nextVictim++ % Flows];
        Close(victim);
        return victim;
    }

    void Close(OpenFlow flow)
    {
        _open--;
        _tun.Write(flow.Close());
    }

    void WriteSingle(byte* packet, int length)
    {
        new Span<byte>(packet - VirtioNetHeader.Size, VirtioNetHeader.Size).Clear();
        _tun.Write([new(packet - VirtioNetHeader.Size, VirtioNetHeader.Size + length)]);
    }
}
