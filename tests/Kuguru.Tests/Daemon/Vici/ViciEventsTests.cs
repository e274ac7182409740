using Kuguru.Daemon.Vici;
using Xunit;

namespace Kuguru.Tests.Daemon.Vici;

/// <summary>Two daemons that talk in memory, seen by VICI clients.</summary>
public sealed class ViciEventsTests : IAsyncDisposable
{
    readonly BareDaemon _moon = new("192.0.2.1"), _sun = new("192.0.2.2");

    public ViciEventsTests() => (_moon.Peer, _sun.Peer) = (_sun, _moon);

    public async ValueTask DisposeAsync()
    {
        await _moon.DisposeAsync();
        await _sun.DisposeAsync();
    }

    [Fact]
    public async Task An_order_streams_its_own_log_and_everybody_hears_of_the_SAs()
    {
        await Load();
        using var monitor = await ViciClient.Connect(_sun.Socket);
        using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using var events = (await monitor.Watch(["ike-updown", "child-updown", "child-rekey", "log"], cancel.Token)).GetAsyncEnumerator(cancel.Token);
        using var client = await ViciClient.Connect(_moon.Socket);
        var log = new List<ViciMessage>();
        var answer = await client.Call("initiate", new() { { "child", "net" }, { "timeout", "20000" } }, ["control-log"], (_, message) => log.Add(message), cancel.Token);
        Assert.Equal("yes", answer["success"]);
        Assert.All(log, line => Assert.Equal("gw", line["ikesa-name"]));
        Assert.Contains(log, line => line["group"] == "CHD" && line["level"] == "1" && line["msg"]!.Contains("CHILD_SA net{1} established", StringComparison.Ordinal));

        var ike = await Next("ike-updown");
        Assert.Equal("yes", ike["up"]);
        Assert.Equal(("ESTABLISHED", "192.0.2.1"), (ike.Section("gw")!["state"], ike.Section("gw")!["remote-host"]));
        Assert.Null(ike.Section("gw")!.Section("child-sas"));
        var child = await Next("child-updown");
        Assert.Equal("yes", child["up"]);
        Assert.Equal("INSTALLED", child.Section("gw")!.Section("child-sas")!.Section("net-1")!["state"]);

        Assert.Equal("1", (await client.Call("rekey", new() { { "child", "net" } }, cancel.Token))["matches"]);
        var rekeyed = (await Next("child-rekey")).Section("gw")!.Section("child-sas")!.Section("net")!;
        Assert.Equal(("1", "2"), (rekeyed.Section("old")!["uniqueid"], rekeyed.Section("new")!["uniqueid"]));

        answer = await client.Call("terminate", new() { { "ike", "gw" } }, cancel.Token);
        Assert.Equal(("yes", "1", "1"), (answer["success"], answer["matches"], answer["terminated"]));
        var down = await Next("ike-updown");
        Assert.Null(down["up"]);
        // As charon has it: no longer established, whoever has ended it.
        Assert.Equal(("DELETING", null), (down.Section("gw")!["state"], down.Section("gw")!["established"]));

        async Task<ViciMessage> Next(string name)
        {
            while (await events.MoveNextAsync())
            {
                if (events.Current.Name == name)
                    return events.Current.Message;
            }
            throw new InvalidOperationException("the daemon has gone");
        }
    }

    [Fact]
    public async Task A_failure_is_told_in_one_line_and_as_an_alert()
    {
        await Load(secretOfSun: "another");
        using var client = await ViciClient.Connect(_moon.Socket);
        using var monitor = await ViciClient.Connect(_moon.Socket);
        var alerts = await monitor.Watch(["alert"]);
        var answer = await client.Call("initiate", new() { { "child", "net" }, { "timeout", "20000" } });
        Assert.Equal("no", answer["success"]);
        Assert.StartsWith("establishing CHILD_SA 'net' failed: ", answer["errmsg"], StringComparison.Ordinal);
        Assert.DoesNotContain('\n', answer["errmsg"]!);
        await using var alert = alerts.GetAsyncEnumerator();
        Assert.True(await alert.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("peer-auth-failed", alert.Current.Message["type"]);
    }

    [Fact]
    public async Task A_listed_SA_can_be_filtered_by_name_and_number()
    {
        await Load();
        using var client = await ViciClient.Connect(_moon.Socket);
        Assert.Equal("yes", (await client.Call("initiate", new() { { "child", "net" } }))["success"]);
        Assert.Equal(1, await Count(new() { { "ike", "gw" } }));
        Assert.Equal(0, await Count(new() { { "ike", "other" } }));
        Assert.Equal(1, await Count(new() { { "ike-id", "1" } }));
        Assert.Equal(0, await Count(new() { { "ike-id", "2" } }));
        Assert.Equal(1, await Count(new() { { "ike-id", "0" } }));
        Assert.Equal("yes", (await client.Call("terminate", new() { { "child-id", "1" } }))["success"]);
        Assert.Equal("yes", (await client.Call("terminate", new() { { "ike-id", "1" }, { "timeout", "-1" } }))["success"]);

        async Task<int> Count(ViciMessage filter)
        {
            var count = 0;
            await client.Call("list-sas", filter, ["list-sa"], (_, _) => count++);
            return count;
        }
    }

    [Fact]
    public async Task Counters_follow_the_exchanges()
    {
        await Load();
        using var client = await ViciClient.Connect(_moon.Socket);
        await client.Call("initiate", new() { { "child", "net" } });
        var counters = (await client.Call("get-counters")).Section("counters")!.Section("")!;
        Assert.Equal(("1", "1", "1", "1", "0"), (counters["ike-init-out-req"], counters["ike-init-in-resp"], counters["ike-auth-out-req"], counters["ike-auth-in-resp"], counters["ike-init-in-req"]));
        Assert.Equal("1", (await client.Call("get-counters", new() { { "name", "gw" } })).Section("counters")!.Section("gw")!["ike-auth-in-resp"]);
        Assert.Equal("no", (await client.Call("get-counters", new() { { "name", "none" } }))["success"]);
        await client.Call("reset-counters", new() { { "all", "yes" } });
        Assert.Equal("0", (await client.Call("get-counters")).Section("counters")!.Section("")!["ike-init-out-req"]);
    }

    async Task Load(string secretOfSun = "shared")
    {
        await _moon.Load(Configuration("192.0.2.2", "moon", "sun", "shared"));
        await _sun.Load(Configuration("192.0.2.1", "sun", "moon", secretOfSun));
    }

    static string Configuration(string peer, string me, string other, string secret) => $$"""
        connections { gw {
          remote_addrs = {{peer}}
          version = 2
          proposals = aes128-sha256-x25519
          local { auth = psk
            id = {{me}} }
          remote { auth = psk
            id = {{other}} }
          children { net { esp_proposals = aes128gcm16 } }
        } }
        secrets { ike { secret = {{secret}} } }
        """;
}
