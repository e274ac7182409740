using System.Diagnostics;
using System.Globalization;
using Kuguru.Ike;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon;

/// <summary>A child that came up or goes down, with what its script has to know.</summary>
public sealed record UpDownEvent(bool IsUp, IkeSaStatus Sa, ChildSaStatus Child)
{
    /// <summary>The interface that packets to the peer leave by, where that is known.</summary>
    public string? Interface { get; init; }
}

/// <summary>The environment in which strongSwan runs an <c>updown</c> script: the <c>PLUTO_</c> variables, one set for each pair of selectors.</summary>
public static class UpDownEnvironment
{
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Of(UpDownEvent what) =>
    [
        .. from local in what.Child.LocalSelectors
           from remote in StandIn.See(what.Child.RemoteSelectors, what.Child.StandIns)
           where local.Range.First.IsV6 == remote.Range.First.IsV6
               && (local.Protocol == remote.Protocol || local.Protocol == 0 || remote.Protocol == 0)
           select Of(what, local, remote),
    ];

    static Dictionary<string, string> Of(UpDownEvent what, Selector local, Selector remote)
    {
        var (sa, child) = (what.Sa, what.Child);
        var (me, peer) = (sa.Path.Local, sa.Path.Remote);
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PLUTO_VERSION"] = "1.1",
            ["PLUTO_VERB"] = Verb(what.IsUp, local, me.Address),
            ["PLUTO_CONNECTION"] = child.Name,
            ["PLUTO_INTERFACE"] = what.Interface ?? "unknown",
            ["PLUTO_REQID"] = Text(child.ReqId),
            ["PLUTO_PROTO"] = "esp",
            ["PLUTO_UNIQUEID"] = Text(sa.UniqueId),
            ["PLUTO_ME"] = me.Address.ToString(),
            ["PLUTO_MY_ID"] = (sa.LocalId ?? Identity.Any).ToString(),
            ["PLUTO_MY_CLIENT"] = Subnet(local.Range),
            ["PLUTO_MY_PORT"] = Port(local, remote, isLocal: true),
            ["PLUTO_MY_PROTOCOL"] = Text(local.Protocol),
            ["PLUTO_PEER"] = peer.Address.ToString(),
            ["PLUTO_PEER_ID"] = (sa.RemoteId ?? Identity.Any).ToString(),
            ["PLUTO_PEER_CLIENT"] = Subnet(remote.Range),
            ["PLUTO_PEER_PORT"] = Port(local, remote, isLocal: false),
            ["PLUTO_PEER_PROTOCOL"] = Text(remote.Protocol),
        };
        AddAddresses(variables, "PLUTO_MY_SOURCEIP", sa.LocalVirtualAddresses);
        AddAddresses(variables, "PLUTO_PEER_SOURCEIP", sa.RemoteVirtualAddresses);
        if (sa.RemoteEapId is { } user && user != sa.RemoteId)
            variables["PLUTO_XAUTH_ID"] = user.ToString();
        if (child.UdpEncapsulated)
            variables["PLUTO_UDP_ENC"] = Text(peer.Port);
        if (child.Config.HostAccess)
            variables["PLUTO_HOST_ACCESS"] = "1";
        return variables;
    }

    /// <summary>"host" when the tunnel's end is all that is in it.</summary>
    static string Verb(bool isUp, Selector local, IpAddress me) =>
        (isUp ? "up" : "down") + (local.Range == AddressRange.Single(me) ? "-host" : "-client") + (local.Range.First.IsV6 ? "-v6" : "");

    /// <summary>The prefix, or the smallest one around a range that is none.</summary>
    static string Subnet(AddressRange range)
    {
        var bits = range.First.Bits;
        while (range.First.First(bits) != range.Last.First(bits))
            bits--;
        return string.Create(CultureInfo.InvariantCulture, $"{range.First.First(bits)}/{bits}");
    }

    /// <summary>A port, a range FIRST:LAST, 0 for any; for ICMP the type here and the code there.</summary>
    static string Port(Selector local, Selector remote, bool isLocal)
    {
        if (Math.Max(local.Protocol, remote.Protocol) is 1 or 58)
        {
            var typeAndCode = Math.Max(local.FirstPort, remote.FirstPort);
            return Text((uint)(isLocal ? typeAndCode >> 8 : typeAndCode & 0xff));
        }
        var selector = isLocal ? local : remote;
        return selector.IsAnyPort || selector.FirstPort == selector.LastPort
            ? Text(selector.FirstPort)
            : $"{Text(selector.FirstPort)}:{Text(selector.LastPort)}";
    }

    /// <summary>The first address under the plain name, all of them numbered by family.</summary>
    static void AddAddresses(Dictionary<string, string> variables, string name, IReadOnlyList<IpAddress> addresses)
    {
        if (addresses.Count > 0)
            variables[name] = addresses[0].ToString();
        foreach (var family in addresses.GroupBy(a => a.IsV6))
        {
            foreach (var (index, address) in family.Index())
                variables[string.Create(CultureInfo.InvariantCulture, $"{name}{(family.Key ? 6 : 4)}_{index + 1}")] = address.ToString();
        }
    }

    static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Runs <c>updown</c> scripts: by the shell, as the configuration says, with nothing of the peer but in the environment. Scripts of one
/// IKE SA run one after the other, in the order of <see cref="Post"/>; several IKE SAs' at once. A script that does not end is killed.
/// </summary>
public sealed class UpDownScripts(TimeSpan patience, ILogger log) : IDisposable
{
    /// <summary>Ours: a host does not gain by more.</summary>
    const int AtOnce = 8;

    readonly Dictionary<uint, Task> _last = [];
    readonly SemaphoreSlim _places = new(AtOnce);

    /// <summary>Queues the script of a child that has one. Never waits.</summary>
    public void Post(UpDownEvent what)
    {
        if (what.Child.Config.UpDown is not { } command)
            return;
        lock (_last)
        {
            var before = _last.GetValueOrDefault(what.Sa.UniqueId, Task.CompletedTask);
            var mine = After(before, what, command);
            _last[what.Sa.UniqueId] = mine;
            _ = mine.ContinueWith(_ => Forget(what.Sa.UniqueId, mine), TaskScheduler.Default);
        }
    }

    /// <summary>Ends when all scripts queued so far have.</summary>
    public Task Drain()
    {
        lock (_last)
            return Task.WhenAll([.. _last.Values]);
    }

    public void Dispose() => _places.Dispose();

    void Forget(uint ikeUniqueId, Task task)
    {
        lock (_last)
        {
            if (_last.GetValueOrDefault(ikeUniqueId) == task)
                _last.Remove(ikeUniqueId);
        }
    }

    async Task After(Task before, UpDownEvent what, string command)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _places.WaitAsync();
        try
        {
            foreach (var variables in UpDownEnvironment.Of(what))
                await Run(what.Child.Name, command, variables);
        }
        finally
        {
            _places.Release();
        }
    }

    async Task Run(string child, string command, IReadOnlyDictionary<string, string> variables)
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "exec 2>&1; " + command },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            log.UpDownNotStarted(child, command, e.Message);
            return;
        }
        await Watch(process, child, command, variables["PLUTO_VERB"]);
    }

    async Task Watch(Process process, string child, string command, string verb)
    {
        using var impatience = new CancellationTokenSource(patience);
        try
        {
            process.StandardInput.Close();
            while (await process.StandardOutput.ReadLineAsync(impatience.Token) is { } line)
                log.UpDownSaid(child, line);
            await process.WaitForExitAsync(impatience.Token);
            if (process.ExitCode != 0)
                log.UpDownFailed(child, verb, command, process.ExitCode);
        }
        catch (OperationCanceledException)
        {
            log.UpDownKilled(child, verb, command, patience.TotalSeconds);
            process.Kill(entireProcessTree: true);
        }
    }
}

static partial class UpDownLog
{
    [LoggerMessage(LogLevel.Information, "updown of {Child}: {Line}")]
    public static partial void UpDownSaid(this ILogger log, string child, string line);

    [LoggerMessage(LogLevel.Warning, "updown of {Child} ({Verb}): '{Command}' ended with exit code {Code}")]
    public static partial void UpDownFailed(this ILogger log, string child, string verb, string command, int code);

    [LoggerMessage(LogLevel.Warning, "updown of {Child} ({Verb}): '{Command}' did not end within {Seconds} s: killed")]
    public static partial void UpDownKilled(this ILogger log, string child, string verb, string command, double seconds);

    [LoggerMessage(LogLevel.Error, "updown of {Child}: cannot run '{Command}': {Why}")]
    public static partial void UpDownNotStarted(this ILogger log, string child, string command, string why);
}
