using System.Net;
using System.Net.Sockets;
using System.Text;
using Kuguru.Cli.Namespaces;

namespace Kuguru.Interop;

/// <summary>A question in one datagram and the answer to it; the sockets live in the hosts' networks.</summary>
static class Udp
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>What comes back from a server that answers "... and back".</summary>
    /// <param name="from">Who asks.</param>
    /// <param name="to">Who answers.</param>
    /// <param name="called">The server's address as the client knows it.</param>
    /// <param name="bound">The server's address as it has it.</param>
    /// <param name="text">What is said.</param>
    /// <param name="port">The server's port.</param>
    /// <param name="sourcePort">The client's; 0 is any.</param>
    public static string Ask(Host from, Host to, string called, string bound, string text, int port = 5005, int sourcePort = 0)
    {
        using var server = to.Inside(() => Bound(new(IPAddress.Parse(bound), port)));
        var remote = new IPEndPoint(IPAddress.Parse(called), port);
        using var client = from.Inside(() => Bound(new(remote.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, sourcePort)));
        client.SendTo(Encoding.ASCII.GetBytes(text), remote);
        var (asked, asker) = Receive(server);
        server.SendTo(Encoding.ASCII.GetBytes($"{asked} and back"), asker);
        return Receive(client).Text;
    }

    public static Socket Bound(IPEndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = (int)Patience.TotalMilliseconds };
        socket.Bind(endpoint);
        return socket;
    }

    public static (string Text, EndPoint From) Receive(Socket socket)
    {
        var buffer = new byte[65536];
        EndPoint from = new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        var length = socket.ReceiveFrom(buffer, ref from);
        return (Encoding.ASCII.GetString(buffer, 0, length), from);
    }
}
