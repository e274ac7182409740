namespace Kuguru;

/// <summary>
/// What has gone through a pair of ESP SAs. Written by the packet path (one writer a direction), read by anybody; a reader may be a packet behind.
/// </summary>
public sealed class SaUsage
{
    long _inBytes, _inPackets, _inLast, _outBytes, _outPackets, _outLast;

    public long InboundBytes => Volatile.Read(ref _inBytes);
    public long InboundPackets => Volatile.Read(ref _inPackets);
    public long OutboundBytes => Volatile.Read(ref _outBytes);
    public long OutboundPackets => Volatile.Read(ref _outPackets);

    /// <summary>When the last authentic packet came in; null before the first.</summary>
    public Instant? LastInbound => Volatile.Read(ref _inLast) is var last and not 0 ? new Instant(last) : null;

    /// <summary>When the last packet went out; null before the first.</summary>
    public Instant? LastOutbound => Volatile.Read(ref _outLast) is var last and not 0 ? new Instant(last) : null;

    /// <summary>By the packet path: <paramref name="bytes"/> of inner packets, as charon counts them.</summary>
    public void CountInbound(Instant now, int packets, long bytes)
    {
        Volatile.Write(ref _inPackets, _inPackets + packets);
        Volatile.Write(ref _inBytes, _inBytes + bytes);
        Volatile.Write(ref _inLast, now.Nanoseconds);
    }

    /// <inheritdoc cref="CountInbound"/>
    public void CountOutbound(Instant now, int packets, long bytes)
    {
        Volatile.Write(ref _outPackets, _outPackets + packets);
        Volatile.Write(ref _outBytes, _outBytes + bytes);
        Volatile.Write(ref _outLast, now.Nanoseconds);
    }
}
