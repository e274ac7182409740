using System.Globalization;
using Kuguru.Daemon.Settings;
using Kuguru.Engine;
using Kuguru.Ike;

namespace Kuguru.Daemon.Vici;

/// <summary>
/// What orders the node about: initiate, terminate, rekey, install, uninstall, reload-settings. While an order runs, its client gets control-log.
/// </summary>
sealed class ControlCommands(ControlLoop loop, ViciEvents events, Func<Task<string?>> reloadSettings)
{
    public void Register(ViciServer server)
    {
        server.Command("initiate", Initiate);
        server.Command("terminate", Terminate);
        server.Command("rekey", (call, _) => Rekey(call.Request));
        server.Command("install", (call, gone) => Install(call.Request, gone));
        server.Command("uninstall", (call, gone) => Uninstall(call.Request, gone));
        server.Command("redirect", (_, _) => Task.FromResult(Reply.Failed("redirect is not supported")));
        server.Command("reload-settings", async (_, _) => await reloadSettings() is { } why ? Reply.Failed(why) : Reply.Success);
    }

    async Task<ViciMessage> Initiate(ViciCall call, CancellationToken gone)
    {
        var (child, ike) = (call.Request["child"], call.Request["ike"]);
        if (child is null && ike is null)
            return Reply.Failed("missing configuration name");
        var connection = await loop.Ask((node, _, _) => child is null ? node.Connections.Find(ike!)?.Name : node.Connections.FindChild(ike, child)?.Connection.Name);
        var what = child is null ? $"IKE_SA '{ike}'" : $"CHILD_SA '{child}'";
        if (connection is null)
        {
            return Reply.Failed(child is null
                ? $"IKE_SA config '{ike}' not found: load it (swanctl --load-conns, kuguru load)"
                : $"CHILD_SA config '{child}' not found: load it (swanctl --load-conns, kuguru load)");
        }
        if (Timeout(call.Request) is not { } patience)
        {
            loop.Tell(new Order.Initiate(0, connection, child));
            return Reply.Success;
        }
        using var watch = events.Watch(call, Level(call.Request), sa => sa.Name == connection);
        var done = loop.Order(token => new Order.Initiate(token, connection, child));
        if (!await EndsIn(done, patience, gone))
            return Reply.Failed(string.Create(CultureInfo.InvariantCulture, $"{what} not established after {patience.TotalMilliseconds}ms"));
        return await done is { } failure ? Reply.Failed($"establishing {what} failed: {failure.Sentence}") : Reply.Success;
    }

    async Task<ViciMessage> Terminate(ViciCall call, CancellationToken gone)
    {
        if (Filter(call.Request) is not { } filter)
            return Reply.Failed("missing terminate selector");
        var matches = await Matches(filter, _ => true, _ => true);
        if (matches.Count == 0)
            return Terminated(0, 0, "no matching SAs to terminate found");
        var force = SettingsText.Bool(call.Request["force"] ?? "no") ?? false;
        if (Timeout(call.Request) is not { } patience)
        {
            loop.Tell(new Order.Terminate(0, filter, force));
            return Terminated(matches.Count, matches.Count, null);
        }
        var names = matches.Select(m => m.Ike).ToHashSet();
        using var watch = events.Watch(call, Level(call.Request), names.Contains);
        var done = loop.Order(token => new Order.Terminate(token, filter, force));
        if (await EndsIn(done, patience, gone) && await done is null)
            return Terminated(matches.Count, matches.Count, null);
        var left = (await Matches(filter, _ => true, _ => true)).Intersect(matches).Count();
        return Terminated(matches.Count, matches.Count - left, matches.Count == 1 ? "terminating SA failed" : "not all matching SAs could be terminated");
    }

    async Task<ViciMessage> Rekey(ViciMessage request)
    {
        if (Filter(request) is not { } filter)
            return Reply.Failed("missing rekey selector");
        var reauthenticate = SettingsText.Bool(request["reauth"] ?? "no") == true;
        if (reauthenticate && filter.MeansChildren)
            return Reply.Failed("reauth is about an IKE_SA: name one with ike or ike-id");
        var matches = await Matches(filter, sa => sa.State == IkeState.Established, child => child.State == ChildState.Installed);
        if (matches.Count > 0)
            loop.Tell(new Order.Rekey(0, filter, reauthenticate));
        return new ViciMessage
        {
            { "success", matches.Count > 0 ? "yes" : "no" },
            { "matches", matches.Count },
            { "errmsg", matches.Count > 0 ? null : "no matching SAs to rekey found" },
        };
    }

    async Task<ViciMessage> Install(ViciMessage request, CancellationToken gone)
    {
        if (request["child"] is not { } child)
            return Reply.Failed("missing configuration name");
        var done = loop.Order(token => new Order.Install(token, request["ike"], child));
        return await done.WaitAsync(gone) is { } failure ? Reply.Failed($"installing policy '{child}' failed: {failure.Sentence}") : Reply.Success;
    }

    async Task<ViciMessage> Uninstall(ViciMessage request, CancellationToken gone)
    {
        if (request["child"] is not { } child)
            return Reply.Failed("missing configuration name");
        var done = loop.Order(token => new Order.Uninstall(token, request["ike"], child));
        return await done.WaitAsync(gone) is null ? Reply.Success : Reply.Failed($"policy '{child}' not found");
    }

    /// <summary>The SAs that a filter means: whole IKE SAs, or children of them (then <c>Child</c> is set).</summary>
    Task<List<(SaName Ike, uint? Child)>> Matches(SaFilter filter, Func<IkeSaStatus, bool> ike, Func<ChildSaStatus, bool> child) =>
        loop.Ask((node, now, _) => node.Status(now).Where(sa => filter.Fits(sa) && ike(sa)).SelectMany(sa => filter.MeansChildren
            ? sa.Children.Where(c => filter.Fits(c) && child(c)).Select(c => (new SaName(sa.UniqueId, sa.Name), (uint?)c.UniqueId))
            : [(new SaName(sa.UniqueId, sa.Name), null)]).ToList());

    static SaFilter? Filter(ViciMessage request)
    {
        var filter = new SaFilter(request["ike"], Id(request["ike-id"]), request["child"], Id(request["child-id"]));
        return filter == new SaFilter() ? null : filter;
    }

    /// <summary>0 and what is no number mean none, as charon has it.</summary>
    static uint? Id(string? text) => text is not null && SettingsText.Number(text, 1u, uint.MaxValue) is { } id ? id : null;

    static ViciMessage Terminated(int matches, int terminated, string? why) => new()
    {
        { "success", why is null ? "yes" : "no" },
        { "matches", matches },
        { "terminated", terminated },
        { "errmsg", why },
    };

    /// <summary>How long to wait: milliseconds, 0 for ever; null (-1) not at all.</summary>
    static TimeSpan? Timeout(ViciMessage request)
    {
        var milliseconds = int.TryParse(request["timeout"], CultureInfo.InvariantCulture, out var given) ? given : 0;
        return milliseconds < 0 ? null : milliseconds == 0 ? System.Threading.Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(milliseconds);
    }

    static int Level(ViciMessage request) => int.TryParse(request["loglevel"], CultureInfo.InvariantCulture, out var level) ? level : 1;

    /// <summary>False when patience ran out first.</summary>
    static async Task<bool> EndsIn(Task done, TimeSpan patience, CancellationToken gone)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(gone);
        var first = await Task.WhenAny(done, Task.Delay(patience, waiting.Token));
        await waiting.CancelAsync();
        gone.ThrowIfCancellationRequested();
        return first == done;
    }
}
