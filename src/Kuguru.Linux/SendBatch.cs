using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>
/// What one sendmmsg takes: datagrams written one behind the other into native memory. Neighbours of one path and one length
/// become a run, which the kernel takes as one message where it can (UDP_SEGMENT). Belongs to one thread and one socket's family.
/// <code>
/// var room = batch.Room(1500);           // empty: full, send first
/// var length = Seal(packet, room);
/// batch.Append(path, length, tos);
/// ...
/// port.Send(batch);                      // empties it
/// </code>
/// </summary>
public sealed unsafe class SendBatch : IDisposable
{
    /// <summary>The kernel's limits on one segmented message: 64 segments, and the payload of the largest IPv4 UDP datagram.</summary>
    public const int MaxSegments = 64, MaxRunLength = 65507;

    /// <summary>Writable octets behind the room that was asked for, for ciphers that write in blocks.</summary>
    public const int Slack = 64;

    const int MaxDatagram = 65535;
    const int RunHeaderLength = 32 + ControlRoom;
    const int ControlRoom = 96;

    readonly byte* _data;
    readonly int _capacity;
    readonly byte* _headers;
    readonly Run[] _runs;
    readonly MultiMessageHeader* _messages;
    readonly MultiMessageHeader* _pieces;
    int _used;
    int _count;
    bool _disposed;

    struct Run
    {
        public Path Path;
        public int Offset;
        public int Length;
        public int SegmentLength;
        public int Segments;
        public byte Tos;
    }

    public SendBatch(int capacity = 4 * 65536, int maxRuns = 64)
    {
        _capacity = capacity;
        _runs = new Run[maxRuns];
        _data = (byte*)NativeMemory.AlignedAlloc((nuint)(capacity + Slack), 64);
        var total = (maxRuns + MaxSegments) * (sizeof(MultiMessageHeader) + sizeof(IoVector)) + maxRuns * RunHeaderLength;
        _headers = (byte*)NativeMemory.AlignedAlloc((nuint)total, 64);
        new Span<byte>(_headers, total).Clear();
        _messages = (MultiMessageHeader*)_headers;
        _pieces = _messages + maxRuns;
        var vectors = (IoVector*)(_pieces + MaxSegments);
        var names = (byte*)(vectors + maxRuns + MaxSegments);
        for (var i = 0; i < maxRuns + MaxSegments; i++)
        {
            _messages[i].Header.Vectors = vectors + i;
            _messages[i].Header.VectorCount = 1;
        }
        for (var i = 0; i < maxRuns; i++)
        {
            _messages[i].Header.Name = names + i * RunHeaderLength;
            _messages[i].Header.Control = names + i * RunHeaderLength + 32;
        }
    }

    public bool IsEmpty => _count == 0;

    /// <summary>How many were appended.</summary>
    public int Datagrams { get; private set; }

    /// <summary>How many messages the kernel would be given, were segmentation taken.</summary>
    public int Runs => _count;

    /// <summary>
    /// Where the next datagram is to be written: exactly <paramref name="length"/> octets, and <see cref="Slack"/> more may be
    /// scribbled on behind them. Empty when the batch is full: send it and ask again.
    /// </summary>
    public Span<byte> Room(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Math.Min(MaxDatagram, _capacity));
        return _used + length > _capacity || _count == _runs.Length ? default : new(_data + _used, length);
    }

    /// <summary>The first <paramref name="length"/> octets of the room are a datagram for this path. A local address of "any" lets the kernel choose.</summary>
    public void Append(in Path path, int length, byte tos = 0)
    {
        if (length <= 0 || _used + length > _capacity)
            throw new ArgumentOutOfRangeException(nameof(length), length, "not what was given room for");
        if (_count > 0 && Extends(in _runs[_count - 1], path, length, tos))
        {
            ref var run = ref _runs[_count - 1];
            run.Length += length;
            run.Segments++;
        }
        else
        {
            if (_count == _runs.Length)
                throw new InvalidOperationException("the batch is full: ask for room first");
            _runs[_count++] = new() { Path = path, Offset = _used, Length = length, SegmentLength = length, Segments = 1, Tos = tos };
        }
        _used += length;
        Datagrams++;
    }

    /// <summary>Copies a datagram in; false when the batch is full.</summary>
    public bool Append(in Path path, ReadOnlySpan<byte> datagram, byte tos = 0)
    {
        var room = Room(datagram.Length);
        if (room.IsEmpty)
            return false;
        datagram.CopyTo(room);
        Append(path, datagram.Length, tos);
        return true;
    }

    /// <summary>Forgets what was not sent.</summary>
    public void Clear() => (_used, _count, Datagrams) = (0, 0, 0);

    /// <summary>Segments are equal, only the last may be shorter; so a shorter one ends its run.</summary>
    static bool Extends(in Run run, in Path path, int length, byte tos) =>
        length <= run.SegmentLength && run.Length == run.Segments * run.SegmentLength
        && run.Segments < MaxSegments && run.Length + length <= MaxRunLength
        && run.Tos == tos && run.Path == path;

    /// <summary>
    /// Sends everything and empties the batch. A full socket buffer is waited for, up to <paramref name="patience"/> milliseconds in all;
    /// the kernel's refusals are counted.
    /// <paramref name="segmentation"/> is switched off for good when the kernel says that the device cannot.
    /// With <paramref name="icmp"/> the socket reports ICMP errors: a call may fail for an earlier datagram's sake, so each is tried twice.
    /// </summary>
    internal SendOutcome Send(int socket, ref bool segmentation, bool icmp, int patience)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (var i = 0; i < _count; i++)
            Prepare(i, segmentation);
        var outcome = new SendOutcome();
        var attempts = new Attempts(socket, icmp, patience);
        for (var i = 0; i < _count;)
        {
            if (_runs[i].Segments > 1 && !segmentation)
            {
                SendPieces(socket, i++, ref outcome, ref attempts);
                continue;
            }
            var end = i + 1;
            while (end < _count && (segmentation || _runs[end].Segments == 1))
                end++;
            var sent = Libc.sendmmsg(socket, _messages + i, (uint)(end - i), Libc.MSG_DONTWAIT);
            var errno = sent < 0 ? Libc.Errno : Errno.None;
            for (var k = 0; k < sent; k++, i++)
                outcome.Sent += _runs[i].Segments;
            if (sent > 0 || attempts.Again(i, errno))
                continue;
            if (_runs[i].Segments == 1)
            {
                outcome.Fail(errno, 1);
                i++;
                continue;
            }
            // EIO: the device cannot checksum for us. Else (EINVAL, EMSGSIZE) the path MTU is below the segment: single datagrams get fragmented.
            segmentation &= errno != Errno.EIO;
            SendPieces(socket, i++, ref outcome, ref attempts);
        }
        Clear();
        return outcome;
    }

    void Prepare(int i, bool segmentation)
    {
        ref readonly var run = ref _runs[i];
        ref var header = ref _messages[i].Header;
        header.NameLength = SocketAddress.Write(header.Name, run.Path.Remote);
        *header.Vectors = new(_data + run.Offset, run.Length);
        var at = header.Control;
        if (!run.Path.Local.Address.IsAny)
            at = ControlMessage.PutSource(at, run.Path.Local.Address);
        if (run.Tos != 0)
            at = run.Path.Remote.Address.IsV6
                ? ControlMessage.Put<int>(at, Libc.IPPROTO_IPV6, Libc.IPV6_TCLASS, run.Tos)
                : ControlMessage.Put<int>(at, Libc.IPPROTO_IP, Libc.IP_TOS, run.Tos);
        // Last, so that single datagrams share what stands before it.
        if (segmentation && run.Segments > 1)
            at = ControlMessage.Put(at, Libc.IPPROTO_UDP, Libc.UDP_SEGMENT, (ushort)run.SegmentLength);
        header.ControlLength = (nuint)(at - header.Control);
    }

    /// <summary>One run as single datagrams.</summary>
    void SendPieces(int socket, int i, ref SendOutcome outcome, ref Attempts attempts)
    {
        Prepare(i, segmentation: false);
        ref readonly var run = ref _runs[i];
        for (var k = 0; k < run.Segments; k++)
        {
            var vectors = _pieces[k].Header.Vectors;
            _pieces[k].Header = _messages[i].Header;
            _pieces[k].Header.Vectors = vectors;
            var start = k * run.SegmentLength;
            *vectors = new(_data + run.Offset + start, Math.Min(run.SegmentLength, run.Length - start));
        }
        for (var k = 0; k < run.Segments;)
        {
            var sent = Libc.sendmmsg(socket, _pieces + k, (uint)(run.Segments - k), Libc.MSG_DONTWAIT);
            if (sent > 0)
            {
                k += sent;
                outcome.Sent += sent;
                continue;
            }
            var errno = Libc.Errno;
            if (attempts.Again(~(i * MaxSegments + k), errno))
                continue;
            k++;
            outcome.Fail(errno, 1);
        }
    }

    /// <summary>Says whether the same message is to be tried again.</summary>
    struct Attempts(int socket, bool icmp, int patience)
    {
        const int Step = 5;
        int _patience = patience;
        int _last = -1;

        /// <summary><paramref name="message"/> is any number that tells messages apart.</summary>
        public bool Again(int message, Errno errno)
        {
            if (errno == Errno.EINTR)
                return true;
            if (errno == Errno.EAGAIN)
                return WaitForRoom();
            var again = icmp && _last != message && IcmpError.IsPending(errno);
            _last = message;
            return again;
        }

        bool WaitForRoom()
        {
            if (_patience <= 0)
                return false;
            PollDescriptor writable = new() { Descriptor = socket, Events = Libc.POLLOUT };
            _ = Libc.poll(&writable, 1, Step);
            _patience -= Step;
            return true;
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        NativeMemory.AlignedFree(_data);
        NativeMemory.AlignedFree(_headers);
    }
}

/// <summary>What became of a batch, in datagrams; <see cref="Error"/> is the last one's that the kernel refused.</summary>
public struct SendOutcome
{
    public int Sent { get; internal set; }
    public int Unsent { get; internal set; }
    public Errno Error { get; internal set; }

    internal void Fail(Errno errno, int datagrams)
    {
        Unsent += datagrams;
        Error = errno;
    }
}
