using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Kuguru.Cli.Namespaces;

/// <summary>A file sent over TCP from one host to another: what each side counted and hashed (SHA-256), and how long it took.</summary>
public sealed record Transfer(long Sent, Blob SentHash, long Received, Blob ReceivedHash, TimeSpan Duration)
{
    const int BlockLength = 64 * 1024;
    static readonly TimeSpan Stall = TimeSpan.FromSeconds(15);

    public bool IsIntact => Sent == Received && SentHash == ReceivedHash;

    public double MegabitsPerSecond => Received * 8 / Duration.TotalSeconds / 1e6;

    /// <summary>
    /// Sends <paramref name="length"/> octets of noise; the sockets live in the hosts' networks, the bytes in this process.
    /// </summary>
    /// <exception cref="IOException">No connection, or no octet moved for 15 s.</exception>
    public static Transfer Tcp(Host from, Host to, string address, long length) => Tcp(from, to, address, address, length);

    /// <summary>The same to a host that its peer <paramref name="called"/> by another address than that which it is <paramref name="bound"/> to.</summary>
    /// <inheritdoc cref="Tcp(Host, Host, string, long)"/>
    public static Transfer Tcp(Host from, Host to, string called, string bound, long length)
    {
        try
        {
            using var listener = to.Inside(() => Listen(new(IPAddress.Parse(bound), port: 0)));
            var endpoint = new IPEndPoint(IPAddress.Parse(called), ((IPEndPoint)listener.LocalEndPoint!).Port);
            var begin = Stopwatch.GetTimestamp();
            var receiving = Task.Factory.StartNew(() => Receive(listener), TaskCreationOptions.LongRunning);
            using var sender = from.Inside(() => new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
            Connect(sender, endpoint);
            var sentHash = Send(sender, length);
            var (received, receivedHash) = receiving.GetAwaiter().GetResult();
            return new(length, sentHash, received, receivedHash, Stopwatch.GetElapsedTime(begin));
        }
        catch (SocketException e)
        {
            throw new IOException($"TCP from {from.Name} to {to.Name} at {called}: {e.Message}", e);
        }
    }

    static void Connect(Socket socket, IPEndPoint endpoint)
    {
        var connecting = socket.ConnectAsync(endpoint);
        if (!((IAsyncResult)connecting).AsyncWaitHandle.WaitOne(Stall))
            throw new IOException($"no TCP connection to {endpoint} within {Stall.TotalSeconds} s");
        connecting.GetAwaiter().GetResult();
        socket.SendTimeout = (int)Stall.TotalMilliseconds;
    }

    static Socket Listen(IPEndPoint endpoint)
    {
        var listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(endpoint);
        listener.Listen();
        return listener;
    }

    static Blob Send(Socket socket, long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[BlockLength];
        for (var left = length; left > 0; left -= block.Length)
        {
            RandomNumberGenerator.Fill(block);
            var part = block.AsSpan(0, (int)Math.Min(left, block.Length));
            hash.AppendData(part);
            for (var sent = 0; sent < part.Length;)
                sent += socket.Send(part[sent..]);
        }
        socket.Shutdown(SocketShutdown.Send);
        return hash.GetHashAndReset();
    }

    static (long Length, Blob Hash) Receive(Socket listener)
    {
        if (!listener.Poll(Stall, SelectMode.SelectRead))
            throw new IOException($"nobody connected to {listener.LocalEndPoint} within {Stall.TotalSeconds} s");
        using var socket = listener.Accept();
        socket.ReceiveTimeout = (int)Stall.TotalMilliseconds;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[BlockLength];
        var length = 0L;
        for (var got = socket.Receive(block); got > 0; got = socket.Receive(block))
        {
            hash.AppendData(block, 0, got);
            length += got;
        }
        return (length, hash.GetHashAndReset());
    }
}
