using System.Net;
using System.Net.Sockets;
using System.Text;
using Kuguru.Daemon;
using Kuguru.Engine;
using Kuguru.Pki;
using Xunit;

namespace Kuguru.Tests.Daemon;

/// <summary>CRLs and OCSP responses out of a network that may be slow, long or wrong.</summary>
public class FetcherTests
{
    static readonly CancellationToken Cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_question_is_posted_and_its_answer_comes_back()
    {
        var (answer, request) = await Fetch("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", new byte[] { 1, 2 });
        Assert.Equal("abc", Encoding.ASCII.GetString(answer.Bytes!.Value));
        Assert.StartsWith("POST /it HTTP/1.1", request, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/ocsp-request", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_CRL_is_got() => Assert.StartsWith("GET /it HTTP/1.1", (await Fetch("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")).Request, StringComparison.Ordinal);

    [Fact]
    public async Task What_is_not_there_says_so()
    {
        var (answer, _) = await Fetch("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        Assert.Null(answer.Bytes);
        Assert.Equal("HTTP status 404", answer.Why);
    }

    [Fact]
    public async Task What_is_too_long_is_not_read_to_its_end()
    {
        var (answer, _) = await Fetch($"HTTP/1.1 200 OK\r\nContent-Length: {RevocationList.MaxLength + 1}\r\n\r\nabc");
        Assert.Null(answer.Bytes);
        Assert.Contains($"{RevocationList.MaxLength}", answer.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_megabyte_that_trickles_is_given_up_in_time()
    {
        var (answer, _) = await Fetch("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n", trickles: true);
        Assert.Null(answer.Bytes);
        Assert.Equal("not done in 0.5 s", answer.Why);
    }

    [Fact]
    public async Task Many_at_once_wait_for_their_turn()
    {
        const int Count = 60;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var uri = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/";
        var (done, open) = (new CountdownEvent(Count), 0);
        var answers = new System.Collections.Concurrent.ConcurrentBag<Order.Fetched>();
        using var fetcher = new Fetcher(order =>
        {
            answers.Add((Order.Fetched)order);
            done.Signal();
        });
        for (var i = 0u; i < Count; i++)
            fetcher.Fetch(new Kuguru.Ike.Effect.Fetch(i, new FetchRequest($"{uri}{i}", Blob.Empty)));
        // As many as there may be have come; nobody else does before one of them is answered.
        var first = new List<TcpClient>();
        while (first.Count < 16)
            first.Add(await listener.AcceptTcpClientAsync(Cancel));
        Assert.False(listener.Pending());
        foreach (var client in first)
            await Answer(client);
        while (open++ < Count - 16)
            await Answer(await listener.AcceptTcpClientAsync(Cancel));
        Assert.True(done.Wait(TimeSpan.FromSeconds(20), Cancel));
        Assert.All(answers, answer => Assert.Equal("abc", Encoding.ASCII.GetString(answer.Bytes!.Value)));
        Assert.Equal(Count, answers.Select(answer => answer.Request).Distinct().Count());

        static async Task Answer(TcpClient client)
        {
            var stream = client.GetStream();
            var bytes = new byte[8192];
            Assert.NotEqual(0, await stream.ReadAsync(bytes, Cancel));
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"u8.ToArray(), Cancel);
            client.Dispose();
        }
    }

    [Fact]
    public async Task A_file_is_read_and_a_missing_one_named()
    {
        var file = System.IO.Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "abc", Cancel);
        Assert.Equal("abc", Encoding.ASCII.GetString((await Fetch(new FetchRequest($"file://{file}", Blob.Empty))).Bytes!.Value));
        File.Delete(file);
        Assert.Contains(file, (await Fetch(new FetchRequest($"file://{file}", Blob.Empty))).Why, StringComparison.Ordinal);
    }

    /// <summary>Half a second where it has to pass, else more than a busy machine takes.</summary>
    internal static async Task<Order.Fetched> Fetch(FetchRequest what, double limit = 15)
    {
        var done = new TaskCompletionSource<Order.Fetched>();
        using var fetcher = new Fetcher(order => done.SetResult((Order.Fetched)order), TimeSpan.FromSeconds(limit));
        fetcher.Fetch(new Kuguru.Ike.Effect.Fetch(7, what));
        var answer = await done.Task.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        Assert.Equal(7u, answer.Request);
        return answer;
    }

    static async Task<(Order.Fetched Answer, string Request)> Fetch(string response, Blob body = default, bool trickles = false)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = Serve(listener, response, trickles);
        var answer = await Fetch(new FetchRequest($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/it", body), trickles ? 0.5 : 15);
        return (answer, await server);
    }

    static async Task<string> Serve(TcpListener listener, string response, bool trickles)
    {
        using var client = await listener.AcceptTcpClientAsync(Cancel);
        var stream = client.GetStream();
        var bytes = new byte[8192];
        var length = await stream.ReadAsync(bytes, Cancel);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(response), Cancel);
        try
        {
            while (trickles)
            {
                await stream.WriteAsync("x"u8.ToArray(), Cancel);
                await Task.Delay(20, Cancel);
            }
            // Until the client has had enough.
            while (await stream.ReadAsync(bytes.AsMemory(length), Cancel) is > 0 and var more)
                length += more;
        }
        catch (IOException)
        {
            return Encoding.ASCII.GetString(bytes, 0, length);
        }
        return Encoding.ASCII.GetString(bytes, 0, length);
    }
}
