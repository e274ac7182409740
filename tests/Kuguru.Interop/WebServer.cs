using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Kuguru.Interop;

/// <summary>Answers HTTP requests of its own host by their paths, one after the other.</summary>
sealed class WebServer : IDisposable
{
    const int Port = 8080;

    readonly TcpListener _listener = new(IPAddress.Loopback, Port);
    readonly Dictionary<string, byte[]> _pages;
    readonly string _slow;
    readonly TaskCompletionSource _hurry = new();

    /// <param name="pages">By their paths; others are not found.</param>
    /// <param name="slow">A path that is not answered before <see cref="Hurry"/>.</param>
    public WebServer(Dictionary<string, byte[]> pages, string slow = "")
    {
        (_pages, _slow) = (pages, slow);
        _listener.Start();
        _ = Serve();
    }

    public static string? Uri(string? path) => path is null ? null : $"http://127.0.0.1:{Port}/{path}";

    public void Hurry() => _hurry.TrySetResult();

    public void Dispose() => _listener.Dispose();

    async Task Serve()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await Answer(client.GetStream());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"the web server ends: {e.Message}");
        }
    }

    async Task Answer(NetworkStream stream)
    {
        var request = new byte[8192];
        var length = 0;
        do
            length += await stream.ReadAsync(request.AsMemory(length));
        while (request.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0);
        var path = Encoding.ASCII.GetString(request, 0, length).Split(' ')[1];
        if (path == _slow)
            await _hurry.Task;
        var page = _pages.GetValueOrDefault(path);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(page is null ? "404 Not Found" : "200 OK")}\r\nConnection: close\r\nContent-Length: {page?.Length ?? 0}\r\n\r\n"));
        await stream.WriteAsync(page ?? []);
    }
}
