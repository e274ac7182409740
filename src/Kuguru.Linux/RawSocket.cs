namespace Kuguru.Linux;

/// <summary>How a <see cref="RawSocket"/> is opened; the meanings are those of <see cref="UdpPortOptions"/>.</summary>
public sealed record RawSocketOptions
{
    public IpAddress Address { get; init; } = IpAddress.AnyV4;
    public uint Mark { get; init; }
    public PathMtu PathMtu { get; init; } = PathMtu.Dont;
    public int BufferOctets { get; init; } = 16 << 20;
}

/// <summary>One IP protocol of one family, without ports: those in paths are 0. Threads as for <see cref="UdpPort"/>.</summary>
public abstract class RawSocket : IDisposable
{
    const int SendPatience = 50;

    readonly Descriptor _socket;
    readonly string _name;

    /// <param name="options">Its address and how it is set up.</param>
    /// <param name="protocol">Its IP protocol number.</param>
    /// <param name="name">The protocol's name, for errors.</param>
    private protected RawSocket(RawSocketOptions options, int protocol, string name)
    {
        (Address, _name) = (options.Address, name);
        _socket = SocketOption.Open(IsV6, Libc.SOCK_RAW, protocol, $"open a raw socket for {name}", "CAP_NET_RAW");
        try
        {
            SocketOption.Mark(_socket, options.Mark);
            SocketOption.PathMtu(_socket, IsV6, options.PathMtu);
            if (IsV6)
                SocketOption.PacketInformation(_socket, IsV6);
            SetUp(_socket);
            SocketOption.Buffers(_socket, options.BufferOctets);
            if (!Address.IsAny)
                SocketOption.Bind(_socket, Address, name);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    public IpAddress Address { get; }
    public bool IsV6 => Address.IsV6;

    /// <summary>For a <see cref="Poller"/>.</summary>
    public int Number => _socket.Number;

    /// <summary>Takes what is there, one call; 0 when nothing is.</summary>
    public int Receive(ReceiveBatch batch)
    {
        var errno = batch.Receive(_socket.Number);
        if (errno != Errno.None)
            throw new LinuxException("recvmmsg", errno, $"receive {_name}");
        for (var i = 0; i < batch.Count; i++)
            Decode(batch, i);
        return batch.Count;
    }

    /// <inheritdoc cref="UdpPort.Send"/>
    public SendOutcome Send(SendBatch batch)
    {
        var segmentation = false;
        return batch.Send(_socket.Number, ref segmentation, icmp: false, SendPatience);
    }

    public void Dispose()
    {
        _socket.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What the protocol needs besides; called before the socket is bound.</summary>
    private protected abstract void SetUp(Descriptor socket);

    /// <summary>Makes of one slot what the protocol's readers take.</summary>
    private protected abstract void Decode(ReceiveBatch batch, int slot);
}
