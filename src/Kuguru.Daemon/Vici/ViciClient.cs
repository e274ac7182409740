using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Kuguru.Daemon.Vici;

/// <summary>The daemon cannot be reached, or answered what it should not. The message is a sentence for the user.</summary>
public sealed class ViciException : IOException
{
    public ViciException(string message) : base(message) { }
    public ViciException(string message, Exception inner) : base(message, inner) { }
    public ViciException() { }
}

/// <summary>
/// One connection to a VICI daemon, ours or charon. One caller at a time: commands wait for their response, <see cref="Watch"/> owns
/// the connection while it runs.
/// </summary>
public sealed class ViciClient : IDisposable
{
    const int MaxTries = 100;

    readonly NetworkStream _stream;
    readonly string _path;

    ViciClient(Socket socket, string path) => (_stream, _path) = (new NetworkStream(socket, ownsSocket: true), path);

    /// <exception cref="ViciException">Nobody listens there, or we may not connect.</exception>
    public static async Task<ViciClient> Connect(string path = ViciServer.DefaultPath, CancellationToken cancel = default)
    {
        for (var tries = 1; ; tries++)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
                return new ViciClient(socket, path);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock && tries < MaxTries)
            {
                // Too many connect at the same moment; on a Unix socket that does not wait by itself.
                socket.Dispose();
                await Task.Delay(TimeSpan.FromMilliseconds(20), cancel);
            }
            catch (Exception e) when (e is SocketException or ArgumentException)
            {
                socket.Dispose();
                throw new ViciException(WhyNot(path, e), e);
            }
        }
    }

    /// <summary>Sends a command and returns its response.</summary>
    public Task<ViciMessage> Call(string command, ViciMessage? request = null, CancellationToken cancel = default) =>
        Call(command, request, [], (_, _) => { }, cancel);

    /// <summary>As above, with the events that the command streams given to <paramref name="onEvent"/> by name while it runs.</summary>
    public async Task<ViciMessage> Call(string command, ViciMessage? request, IReadOnlyCollection<string> events,
        Action<string, ViciMessage> onEvent, CancellationToken cancel = default)
    {
        foreach (var name in events)
            await Register(ViciOperation.EventRegister, name, onEvent, cancel);
        await Send(new ViciPacket(ViciOperation.CommandRequest, command, request ?? []), cancel);
        var answer = await Answer(onEvent, cancel);
        foreach (var name in events)
            await Register(ViciOperation.EventUnregister, name, onEvent, cancel);
        return answer.Operation switch
        {
            ViciOperation.CommandResponse => answer.Message,
            ViciOperation.CommandUnknown => throw new ViciException($"the daemon on {_path} does not know the command '{command}'"),
            ViciOperation.CommandRequest or ViciOperation.EventRegister or ViciOperation.EventUnregister or ViciOperation.EventConfirm
                or ViciOperation.EventUnknown or ViciOperation.Event => throw Confused(answer),
        };
    }

    /// <summary>Registers for events; what is returned gives them as they come, until cancelled or the daemon ends.</summary>
    public async Task<IAsyncEnumerable<ViciPacket>> Watch(IReadOnlyCollection<string> events, CancellationToken cancel = default)
    {
        var early = new Queue<ViciPacket>();
        foreach (var name in events)
            await Register(ViciOperation.EventRegister, name, (n, m) => early.Enqueue(new(ViciOperation.Event, n, m)), cancel);
        return Events(early, cancel);
    }

    public void Dispose() => _stream.Dispose();

    async IAsyncEnumerable<ViciPacket> Events(Queue<ViciPacket> early, [EnumeratorCancellation] CancellationToken cancel)
    {
        while (early.TryDequeue(out var packet))
            yield return packet;
        while (await Receive(cancel) is { } packet)
            yield return packet;
    }

    async Task Register(ViciOperation operation, string name, Action<string, ViciMessage> onEvent, CancellationToken cancel)
    {
        await Send(new ViciPacket(operation, name, []), cancel);
        var answer = await Answer(onEvent, cancel);
        if (answer.Operation == ViciOperation.EventUnknown)
            throw new ViciException($"the daemon on {_path} does not know the event '{name}'");
        if (answer.Operation != ViciOperation.EventConfirm)
            throw Confused(answer);
    }

    async Task<ViciPacket> Answer(Action<string, ViciMessage> onEvent, CancellationToken cancel)
    {
        while (true)
        {
            var packet = await Receive(cancel) ?? throw new ViciException($"the daemon on {_path} closed the connection");
            if (packet.Operation != ViciOperation.Event)
                return packet;
            onEvent(packet.Name, packet.Message);
        }
    }

    async Task Send(ViciPacket packet, CancellationToken cancel)
    {
        if (!packet.TryWrite(out var frame))
            throw new ViciException($"the request {packet.Name} is longer than VICI allows ({ViciPacket.MaxLength} octets, {ViciEncoding.MaxValue} for a value)");
        try
        {
            await _stream.WriteAsync(frame, cancel);
        }
        catch (IOException e)
        {
            throw new ViciException($"the daemon on {_path} closed the connection", e);
        }
        CryptographicOperations.ZeroMemory(frame);
    }

    /// <summary>The next packet, null when the daemon has closed the connection.</summary>
    async Task<ViciPacket?> Receive(CancellationToken cancel)
    {
        var header = new byte[ViciPacket.HeaderLength];
        try
        {
            await _stream.ReadExactlyAsync(header, cancel);
            var length = BinaryPrimitives.ReadUInt32BigEndian(header);
            if (length > ViciPacket.MaxLength)
                throw new ViciException($"what listens on {_path} does not speak VICI");
            var bytes = new byte[length];
            await _stream.ReadExactlyAsync(bytes, cancel);
            return ViciPacket.TryParse(bytes, out var packet, out var error)
                ? packet
                : throw new ViciException($"the daemon on {_path} sent what is no VICI packet: {error}");
        }
        catch (Exception e) when (e is EndOfStreamException || e is IOException { InnerException: SocketException })
        {
            return null;
        }
    }

    ViciException Confused(ViciPacket packet) => new($"the daemon on {_path} answered with a {packet.Operation}");

    static string WhyNot(string path, Exception e) => e switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => $"no daemon listens on {path} any more: start it with 'kuguru run'",
        SocketException { SocketErrorCode: SocketError.AccessDenied } => $"no right to connect to {path}: run as root or as a member of its group",
        SocketException when !File.Exists(path) => $"no daemon listens on {path}: start it with 'kuguru run', or give its socket with --vici",
        _ => $"cannot connect to {path}: {e.Message}",
    };
}
