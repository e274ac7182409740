using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>
/// What one recvmmsg brings: a fixed number of slots of 64 KB in native memory, headers prepared once. Belongs to one thread and may serve
/// several sockets in turn; the bytes are good until the next receive.
/// </summary>
public sealed unsafe class ReceiveBatch : IDisposable
{
    /// <summary>Readable octets behind every slot, for ciphers that read in blocks.</summary>
    public const int Slack = 64;

    /// <summary>Writable octets in front of every slot, where an IP header is put that the kernel has taken off.</summary>
    const int Headroom = 512;

    const int MaxLength = 65536;
    const int SlotLength = Headroom + MaxLength + Slack;
    const int HeaderLength = 64 + 16 + 32 + ControlMessage.Room;

    readonly byte* _data;
    readonly byte* _headers;
    readonly MultiMessageHeader* _messages;
    readonly Received[] _received;
    bool _disposed;

    public ReceiveBatch(int slots = 8)
    {
        _received = new Received[slots];
        _data = (byte*)NativeMemory.AlignedAlloc((nuint)(slots * SlotLength), 64);
        _headers = (byte*)NativeMemory.AlignedAlloc((nuint)(slots * HeaderLength), 64);
        new Span<byte>(_headers, slots * HeaderLength).Clear();
        _messages = (MultiMessageHeader*)_headers;
        var vectors = (IoVector*)(_messages + slots);
        var names = (byte*)(vectors + slots);
        var controls = names + slots * 32;
        for (var i = 0; i < slots; i++)
        {
            vectors[i] = new(_data + i * SlotLength + Headroom, MaxLength);
            ref var header = ref _messages[i].Header;
            header.Name = names + i * 32;
            header.Vectors = vectors + i;
            header.VectorCount = 1;
            header.Control = controls + i * ControlMessage.Room;
        }
    }

    /// <summary>How many arrived.</summary>
    public int Count { get; private set; }

    /// <summary>The slot's number is below <see cref="Count"/>.</summary>
    public ref readonly Received this[int slot] => ref _received[slot];

    /// <summary>One call; <see cref="Errno.None"/> with <see cref="Count"/> 0 means that nothing is there now.</summary>
    internal Errno Receive(int socket)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Count = 0;
        for (var i = 0; i < _received.Length; i++)
        {
            ref var header = ref _messages[i].Header;
            header.NameLength = SocketAddress.MaxLength;
            header.ControlLength = ControlMessage.Room;
        }
        int count;
        while ((count = Libc.recvmmsg(socket, _messages, (uint)_received.Length, Libc.MSG_DONTWAIT, null)) < 0)
        {
            var errno = Libc.Errno;
            if (errno != Errno.EINTR)
                return errno == Errno.EAGAIN ? Errno.None : errno;
        }
        Count = count;
        return Errno.None;
    }

    /// <summary>Fills slot <paramref name="i"/> from its headers, for a UDP socket whose own port is <paramref name="port"/>.</summary>
    internal void Decode(int i, IpAddress boundTo, ushort port)
    {
        ref var message = ref _messages[i];
        var length = (int)message.Length;
        var local = boundTo;
        var segment = length;
        byte tos = 0;
        for (var control = ControlMessage.Read(message.Header); control.Next();)
        {
            if (control.Is(Libc.IPPROTO_IP, Libc.IP_PKTINFO))
                local = IpAddress.Read(new(((PacketInformationV4*)control.Data)->LocalAddress, 4));
            else if (control.Is(Libc.IPPROTO_IPV6, Libc.IPV6_PKTINFO))
                local = IpAddress.Read(new(((PacketInformationV6*)control.Data)->Address, 16));
            else if (control.Is(Libc.IPPROTO_UDP, Libc.UDP_GRO))
                segment = *(int*)control.Data;
            else if (control.Is(Libc.IPPROTO_IP, Libc.IP_TOS))
                tos = *control.Data;
            else if (control.Is(Libc.IPPROTO_IPV6, Libc.IPV6_TCLASS))
                tos = (byte)*(int*)control.Data;
        }
        var path = new Path(new(local, port), SocketAddress.Read(message.Header.Name));
        _received[i] = new(path, message.Header.Vectors->Data, length, Math.Max(segment, 1), tos);
    }

    /// <summary>As the last, for a raw IPv4 socket: the IP header comes with it and says all there is to know (RFC 791 section 3.1).</summary>
    internal void DecodeRawV4(int i)
    {
        ref var message = ref _messages[i];
        var packet = message.Header.Vectors->Data;
        var length = (int)message.Length;
        var header = length < 20 ? 0 : (packet[0] & 15) * 4;
        if (header < 20 || header > length)
        {
            _received[i] = default;
            return;
        }
        var path = new Path(new(IpAddress.Read(new(packet + 16, 4)), 0), new(IpAddress.Read(new(packet + 12, 4)), 0));
        _received[i] = new(path, packet + header, length - header, Math.Max(length - header, 1), packet[1]);
    }

    /// <summary>
    /// Whole IP packets, for a raw socket of AH. IPv4's come as such. Of IPv6's the kernel gives what is behind the headers in front, and these by the
    /// piece: they are put together again, as far as AH covers them.
    /// </summary>
    internal void DecodeWhole(int i, bool isV6)
    {
        ref var message = ref _messages[i];
        var packet = message.Header.Vectors->Data;
        var length = (int)message.Length;
        if (!isV6)
        {
            DecodeRawV4(i);
            if (_received[i].Length > 0)
                _received[i] = new(_received[i].Path, packet, length, Math.Max(length, 1), _received[i].Tos);
            return;
        }
        Span<byte> extensions = stackalloc byte[Headroom - Ipv6HeaderLength];
        var (used, first) = (0, Libc.IPPROTO_AH);
        var (local, tos) = (IpAddress.AnyV6, (byte)0);
        for (var control = ControlMessage.Read(message.Header); control.Next();)
        {
            if (control.Is(Libc.IPPROTO_IPV6, Libc.IPV6_PKTINFO))
                local = IpAddress.Read(new(((PacketInformationV6*)control.Data)->Address, 16));
            else if (control.Is(Libc.IPPROTO_IPV6, Libc.IPV6_TCLASS))
                tos = (byte)*(int*)control.Data;
            else if (control.Level == Libc.IPPROTO_IPV6 && ExtensionNumber(control.Type) is { } number)
            {
                var extension = new ReadOnlySpan<byte>(control.Data, control.Length);
                if (!extension.TryCopyTo(extensions[used..]))
                {
                    _received[i] = default;
                    return;
                }
                if (used == 0)
                    first = number;
                used += extension.Length;
            }
        }
        var sender = SocketAddress.Read(message.Header.Name);
        var whole = packet - used - Ipv6HeaderLength;
        var header = new Span<byte>(whole, Ipv6HeaderLength);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header, 6u << 28 | (uint)tos << 20);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)Math.Min(used + length, ushort.MaxValue));
        (header[6], header[7]) = ((byte)first, RebuiltHopLimit);
        sender.Address.Write(header[8..]);
        local.Write(header[24..]);
        extensions[..used].CopyTo(new(whole + Ipv6HeaderLength, used));
        var total = Ipv6HeaderLength + used + length;
        _received[i] = new(new(new(local, 0), sender with { Port = 0 }), whole, total, total, tos);
    }

    const int Ipv6HeaderLength = 40;
    const byte RebuiltHopLimit = 64;

    /// <summary>The kernel gives extension headers in their order, each as it was.</summary>
    static int? ExtensionNumber(int control) => control switch
    {
        Libc.IPV6_HOPOPTS => 0,
        Libc.IPV6_RTHDR => 43,
        Libc.IPV6_DSTOPTS => 60,
        _ => null,
    };

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Count = 0;
        NativeMemory.AlignedFree(_data);
        NativeMemory.AlignedFree(_headers);
    }
}

/// <summary>
/// One arrival: a datagram, or several of one flow that the kernel handed over as one (UDP_GRO). All segments have
/// <see cref="SegmentLength"/> octets, only the last may be shorter.
/// </summary>
public readonly unsafe struct Received(Path path, byte* data, int length, int segmentLength, byte tos)
{
    /// <summary>Ports are 0 for plain ESP and AH.</summary>
    public Path Path { get; } = path;

    /// <summary>Native memory; <see cref="ReceiveBatch.Slack"/> octets behind the end may be read.</summary>
    public byte* Data { get; } = data;

    public int Length { get; } = length;
    public int SegmentLength { get; } = segmentLength;

    /// <summary>DSCP and ECN of the outer header.</summary>
    public byte Tos { get; } = tos;

    public int SegmentCount => Length <= SegmentLength ? 1 : (Length + SegmentLength - 1) / SegmentLength;
    public ReadOnlySpan<byte> Bytes => new(Data, Length);

    /// <summary>Neighbouring segments, back to back.</summary>
    public ReadOnlySpan<byte> Segments(int first, int end) =>
        new(Data + first * SegmentLength, Math.Min(end * SegmentLength, Length) - first * SegmentLength);

    /// <summary>Segments count from 0 to <see cref="SegmentCount"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Segment(int number)
    {
        var start = number * SegmentLength;
        return new(Data + start, Math.Min(SegmentLength, Length - start));
    }
}
