using System.Net.Sockets;
using Kuguru.Daemon.Vici;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Kuguru.Tests.Daemon.Vici;

public sealed class ViciServerTests : IAsyncDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("vici-").FullName;
    readonly ViciServer _server = new(NullLogger.Instance);

    string Socket => System.IO.Path.Combine(_folder, "vici");

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_command_gets_its_request_and_the_client_its_response()
    {
        _server.Command("echo", (call, _) => Task.FromResult(new ViciMessage { { "said", call.Request["say"] } }));
        _server.Listen(Socket);
        using var client = await ViciClient.Connect(Socket);
        Assert.Equal("hello", (await client.Call("echo", new() { { "say", "hello" } }))["said"]);
        Assert.Equal("again", (await client.Call("echo", new() { { "say", "again" } }))["said"]);
    }

    [Fact]
    public async Task An_unknown_command_and_an_unknown_event_are_named()
    {
        _server.Listen(Socket);
        using var client = await ViciClient.Connect(Socket);
        Assert.Contains("'nonsense'", (await Assert.ThrowsAsync<ViciException>(() => client.Call("nonsense"))).Message, StringComparison.Ordinal);
        Assert.Contains("'nothing'", (await Assert.ThrowsAsync<ViciException>(() => client.Call("x", null, ["nothing"], (_, _) => { }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_command_streams_comes_before_its_response_and_only_to_who_registered()
    {
        _server.Event("item");
        _server.Command("count", async (call, gone) =>
        {
            for (var i = 1; i <= 3; i++)
                await call.Stream("item", new() { { "n", i } }, gone);
            return [];
        });
        _server.Listen(Socket);
        using var registered = await ViciClient.Connect(Socket);
        using var other = await ViciClient.Connect(Socket);
        var got = new List<string?>();
        await registered.Call("count", null, ["item"], (_, message) => got.Add(message["n"]));
        Assert.Equal(["1", "2", "3"], got);
        var none = 0;
        await other.Call("count", null, [], (_, _) => none++);
        await registered.Call("count", null, [], (_, _) => none++);
        Assert.Equal(0, none);
    }

    [Fact]
    public async Task A_raised_event_reaches_every_client_that_registered()
    {
        _server.Event("log");
        _server.Listen(Socket);
        using var ended = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var clients = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ViciClient.Connect(Socket)));
        var watched = await Task.WhenAll(clients.Select(c => c.Watch(["log"], ended.Token)));
        _server.Raise("log", new() { { "msg", "here" } });
        foreach (var events in watched)
        {
            await using var enumerator = events.GetAsyncEnumerator(ended.Token);
            Assert.True(await enumerator.MoveNextAsync());
            Assert.Equal("here", enumerator.Current.Message["msg"]);
        }
        foreach (var client in clients)
            client.Dispose();
    }

    [Fact]
    public async Task Many_clients_are_served_at_once_and_one_that_waits_holds_up_nobody()
    {
        var release = new TaskCompletionSource();
        _server.Command("wait", async (_, gone) => { await release.Task.WaitAsync(gone); return []; });
        _server.Command("now", (_, _) => Task.FromResult<ViciMessage>([]));
        _server.Listen(Socket);
        using var slow = await ViciClient.Connect(Socket);
        var waiting = slow.Call("wait");
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            using var client = await ViciClient.Connect(Socket);
            for (var i = 0; i < 20; i++)
                await client.Call("now");
        }));
        Assert.False(waiting.IsCompleted);
        release.SetResult();
        await waiting;
    }

    [Fact]
    public async Task A_command_of_a_client_that_has_gone_is_cancelled()
    {
        var cancelled = new TaskCompletionSource();
        _server.Command("wait", async (_, gone) =>
        {
            using var registration = gone.Register(cancelled.SetResult);
            await Task.Delay(Timeout.Infinite, gone);
            return [];
        });
        _server.Listen(Socket);
        var client = await ViciClient.Connect(Socket);
        var call = client.Call("wait");
        client.Dispose();
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAnyAsync<Exception>(() => call);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_off_and_the_server_serves_on()
    {
        _server.Event("log");
        _server.Command("now", (_, _) => Task.FromResult<ViciMessage>([]));
        _server.Listen(Socket);
        using var deaf = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await deaf.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
        Assert.True(new ViciPacket(ViciOperation.EventRegister, "log", []).TryWrite(out var register));
        await deaf.SendAsync(register);
        await deaf.ReceiveAsync(new byte[5]);
        var line = new ViciMessage { { "msg", new string('x', 1000) } };
        for (var i = 0; _server.Listens("log"); i++)
        {
            Assert.True(i < 1_000_000, "the deaf client is still there");
            _server.Raise("log", line);
        }
        using var client = await ViciClient.Connect(Socket);
        await client.Call("now");
    }

    [Fact]
    public async Task A_command_that_fails_inside_says_so_and_the_connection_lives()
    {
        _server.Command("bug", (_, _) => throw new InvalidOperationException("a bug"));
        _server.Command("now", (_, _) => Task.FromResult(new ViciMessage { { "ok", "yes" } }));
        _server.Listen(Socket);
        using var client = await ViciClient.Connect(Socket);
        var answer = await client.Call("bug");
        Assert.Equal("no", answer["success"]);
        Assert.Contains("a bug", answer["errmsg"], StringComparison.Ordinal);
        Assert.Equal("yes", (await client.Call("now"))["ok"]);
    }

    [Theory]
    [InlineData("00080001")]
    [InlineData("00000000")]
    [InlineData("0000000163")]
    [InlineData("00000003000578")]
    public async Task A_client_that_speaks_nonsense_is_cut_off(string hex)
    {
        _server.Listen(Socket);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(Socket));
        await client.SendAsync(Convert.FromHexString(hex));
        Assert.Equal(0, await client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task The_socket_of_a_dead_daemon_is_replaced()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            dead.Bind(new UnixDomainSocketEndPoint(Socket + ".dead"));
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(Socket));
        _server.Listen(Socket);
        using var client = await ViciClient.Connect(Socket);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute,
            File.GetUnixFileMode(Socket));
    }

    [Fact]
    public async Task The_socket_of_a_living_daemon_is_not_taken()
    {
        _server.Command("now", (_, _) => Task.FromResult<ViciMessage>([]));
        _server.Listen(Socket);
        await using var second = new ViciServer(NullLogger.Instance);
        Assert.Contains("another daemon", Assert.Throws<IOException>(() => second.Listen(Socket)).Message, StringComparison.Ordinal);
        using var client = await ViciClient.Connect(Socket);
        await client.Call("now");
    }

    [Fact]
    public void A_file_in_the_way_is_left_alone()
    {
        File.WriteAllText(Socket, "precious");
        Assert.Contains("no socket", Assert.Throws<IOException>(() => _server.Listen(Socket)).Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(Socket));
    }

    [Fact]
    public async Task A_client_without_a_daemon_is_told_what_to_do()
    {
        var error = await Assert.ThrowsAsync<ViciException>(() => ViciClient.Connect(Socket));
        Assert.Equal($"no daemon listens on {Socket}: start it with 'kuguru run', or give its socket with --vici", error.Message);
    }

    [Fact]
    public async Task The_socket_goes_with_the_server()
    {
        _server.Listen(Socket);
        await _server.DisposeAsync();
        Assert.False(System.IO.Path.Exists(Socket));
    }
}
