using System.Reflection;
using Kuguru.Daemon.Settings;
using Kuguru.Daemon.Vici;
using Kuguru.Engine;
using Kuguru.Esp;
using Kuguru.Ike;
using Kuguru.Linux;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon;

// Start: settings -> sockets, TUN device -> node, world, control loop -> swanctl.conf -> packet workers -> VICI.
// Stop: peers are told (for a few seconds at most) -> VICI -> packet workers -> routes, addresses, name servers put back -> device and sockets.

/// <summary>The daemon: everything that <c>kuguru run</c> puts together, and takes apart again in the opposite order.</summary>
public sealed class DaemonService(DaemonOptions options, TimeProvider time, ILogger<DaemonService> log) : IHostedService, IAsyncDisposable
{
    const string DefaultSettings = "/etc/strongswan.conf", DefaultConfiguration = "/etc/swanctl/swanctl.conf", DefaultState = "/var/lib/kuguru";

    /// <summary>How long peers may take to say that they have understood.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>How long an updown script may run.</summary>
    static readonly TimeSpan ScriptPatience = TimeSpan.FromSeconds(30);

    /// <summary>On every packet of our own, so that policy routing keeps it out of the tunnel.</summary>
    const uint Mark = RoutesOptions.DefaultMark;

    readonly Stack<IDisposable> _parts = new();
    ControlLoop? _loop;
    ViciDoor? _vici;
    UpDownScripts? _scripts;

    /// <exception cref="DaemonStartException">With one line that says what is in the way.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Start(ReadSettings());
        }
        catch (LinuxException e)
        {
            TakeApart();
            throw new DaemonStartException(e.Message, isConfiguration: false, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TakeApart();
            throw new DaemonStartException(e.Message, isConfiguration: false, e);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_loop is { } loop && _vici is { } vici)
        {
            var count = await loop.Ask((node, _, _) => node.IkeSaCount);
            if (count > 0)
                log.Stopping(count);
            await Task.WhenAny(loop.Order(token => new Order.ShutDown(token)), Task.Delay(Patience, time, CancellationToken.None));
            await Task.WhenAny(_scripts!.Drain(), Task.Delay(Patience, time, CancellationToken.None));
        }
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_vici is { } vici)
            await vici.DisposeAsync();
        TakeApart();
    }

    async Task Start(CharonSettings settings)
    {
        var sockets = Keep(Sockets.Open(settings.Port, settings.PortNatT, Mark));
        foreach (var missing in sockets.Missing)
            log.Missing(missing);
        var tun = Keep(TunDevice.Open(new TunOptions()));
        var dice = new SystemDice();
        var table = Keep(new SaTable(dice));
        var keys = OpenKeyLog();
        var networks = new NetworkFile(options.State ?? Environment.GetEnvironmentVariable("STATE_DIRECTORY") ?? DefaultState);
        settings = settings with { StandInRanges = FreeRanges(settings) };
        var node = new Node(ToIkeSettings(settings, sockets, revealKeys: keys is not null), dice, new SystemWallClock());

        PacketWorkers? workers = null;
        World? world = null;
        var loop = new ControlLoop(node, effect => world!.Obey(effect), () => workers!.TakeReports().Select(report => report.ToOrder()));
        workers = new PacketWorkers(new PacketWorkersOptions
        {
            Tun = tun,
            Sockets = sockets,
            Table = table,
            Ike = loop.Offer,
            Wake = loop.Wake,
            Failed = Failed,
        });
        var crls = Keep(new CrlFolder(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Configuration) ?? "", CredentialFiles.Crls), log));
        if (settings.KeepsCrls)
            log.KeepsCrls(crls.Path);
        world = Keep(new World(settings, sockets, table, tun, new PathFinder(Mark, tun.Index, loop.Tell), Keep(new Fetcher(loop.Tell)), crls, keys, networks, Mark, log));
        var addresses = Keep(new AddressWatch(tun.Index, RoutesOptions.OwnProtocol, loop.Tell));
        loop.Watch(addresses.Number, addresses.Ready);
        addresses.Changed += world.NetworkChanged;
        _scripts = Keep(new UpDownScripts(ScriptPatience, log));
        loop.Reported += log.Event;
        loop.Reported += what => RunScript(what, tun.Name);
        loop.Failed += Failed;
        _vici = new ViciDoor(loop, settings, () => Drops(workers, loop), ReloadSettings, time, log);
        _loop = Keep(loop);
        Keep(workers);
        foreach (var known in networks.Networks)
            loop.Tell(new Order.Recall(known));
        addresses.TellAddresses();
        addresses.TellNetwork();
        loop.Start();

        // Before anybody else can load: this load takes away what is not in the file. And before anybody is listened to: a peer that comes back
        // while we start would be told that there is nothing for it, which some believe for good; so its request waits in the socket.
        await LoadConfiguration(_vici);
        workers.Start();
        var socket = options.Vici ?? settings.ViciSocket;
        _vici.Listen(socket);
        log.Started(Version, sockets.IkePort, sockets.NatPort, socket, tun.Name);
    }

    /// <summary>A range that the host has a route into is somebody's network already.</summary>
    List<AddressRange> FreeRanges(CharonSettings settings)
    {
        using var netlink = Netlink.Open();
        var routes = netlink.Routes().Where(route => route.Table != settings.RoutingTable).ToList();
        List<AddressRange> free = [];
        foreach (var range in settings.StandInRanges)
        {
            if (RoutePlan.FirstInto(range, routes) is { } route)
                log.SystemRefused($"charon.stand_in_ranges: {range} collides with route {route}: nobody gets a stand-in from it; set another range");
            else
                free.Add(range);
        }
        return free;
    }

    KeyLog? OpenKeyLog()
    {
        if (options.SaveKeys is not { } folder)
            return null;
        log.SavesKeys(folder);
        return new KeyLog(folder);
    }

    /// <summary>Where packets were lost, by the name of the reason; what did not happen is left out.</summary>
    static IEnumerable<(string Why, long Count)> Drops(PacketWorkers workers, ControlLoop loop)
    {
        var counters = workers.Counters;
        return workers.Drops.Select(drop => ($"esp-{drop.Key}", drop.Value)).Concat(
        [
            ("esp-Unsent", counters.EspUnsent),
            ("tun-Refused", counters.TunRefused),
            ("nat-port-Malformed", counters.Malformed),
            ("ike-Overflow", loop.Overflow),
        ]).Where(drop => drop.Item2 > 0);
    }

    void RunScript(Event what, string tun)
    {
        if (what is Event.ChildUp up)
            _scripts!.Post(new UpDownEvent(IsUp: true, up.Status, up.Child) { Interface = tun });
        else if (what is Event.ChildDown down)
            _scripts!.Post(new UpDownEvent(IsUp: false, down.Status, down.Child) { Interface = tun });
    }

    /// <summary>What strongswan.conf says is read when the daemon starts.</summary>
    static Task<string?> ReloadSettings() => Task.FromResult<string?>("settings are read when the daemon starts: restart it to change them");

    CharonSettings ReadSettings()
    {
        var file = options.Settings ?? Environment.GetEnvironmentVariable("STRONGSWAN_CONF");
        if (file is null && !File.Exists(DefaultSettings))
            return CharonSettings.Default;
        var complaints = new Complaints();
        var settings = CharonSettings.Load(file ?? DefaultSettings, complaints);
        foreach (var warning in complaints.All.Where(complaint => !complaint.IsError))
            log.ConfigDoubtful(warning.ToString());
        return settings ?? throw new DaemonStartException(string.Join('\n', complaints.All.Where(complaint => complaint.IsError)), isConfiguration: true);
    }

    /// <summary>The swanctl.conf that is loaded at the start, and beside which credentials lie.</summary>
    string Configuration => options.Configuration
        ?? (Environment.GetEnvironmentVariable("SWANCTL_DIR") is { } folder ? System.IO.Path.Combine(folder, "swanctl.conf") : DefaultConfiguration);

    /// <summary>What is wrong in swanctl.conf is told and left out; the daemon stays up for the rest.</summary>
    async Task LoadConfiguration(ViciDoor vici)
    {
        var file = Configuration;
        if (options.Configuration is null && !File.Exists(file))
            return;
        var complaints = new Complaints();
        if (SwanctlConf.Load(file, complaints) is { } conf)
            log.Loaded(file, (await vici.Load(conf, complaints)).ToString());
        foreach (var complaint in complaints.All)
        {
            if (complaint.IsError)
                log.ConfigWrong(complaint.ToString());
            else
                log.ConfigDoubtful(complaint.ToString());
        }
    }

    internal static IkeSettings ToIkeSettings(CharonSettings settings, Sockets sockets, bool revealKeys) => new()
    {
        Port = sockets.IkePort,
        NatPort = sockets.NatPort,
        KeepAlive = settings.KeepAlive,
        ProbePort = sockets.ProbePort,
        PreferBestPath = settings.PreferBestPath,
        RetransmitTimeout = settings.RetransmitTimeout,
        RetransmitBase = settings.RetransmitBase,
        RetransmitTries = settings.RetransmitTries,
        RetransmitJitter = settings.RetransmitJitter,
        RetransmitLimit = settings.RetransmitLimit,
        HalfOpenTimeout = settings.HalfOpenTimeout,
        CookieThreshold = settings.DosProtection ? settings.CookieThreshold : 0,
        CookieThresholdPerAddress = settings.DosProtection ? settings.CookieThresholdIp : 0,
        BlockThreshold = settings.DosProtection ? settings.BlockThreshold : 0,
        HalfOpenLimit = settings.InitLimitHalfOpen,
        FragmentSizeV4 = settings.FragmentSizeV4,
        FragmentSizeV6 = settings.FragmentSizeV6,
        MaxPacket = settings.MaxPacket,
        ReuseIkeSa = settings.ReuseIkeSa,
        IkeSaLimit = settings.IkeSaLimit,
        InitiatorOnly = settings.InitiatorOnly,
        AggressiveSharedKey = settings.AggressiveSharedKey,
        CiscoUnity = settings.CiscoUnity,
        MakeBeforeBreak = settings.MakeBeforeBreak,
        CloseIkeOnChildFailure = settings.CloseIkeOnChildFailure,
        InactivityCloseIke = settings.InactivityCloseIke,
        MultipleAuthentication = settings.MultipleAuthentication,
        ForceEapOnlyAuthentication = settings.ForceEapOnlyAuthentication,
        DeleteRekeyedDelay = settings.DeleteRekeyedDelay,
        RetryInitiateInterval = settings.RetryInitiateInterval,
        FirstEspSpi = settings.SpiMin,
        LastEspSpi = settings.SpiMax,
        FirstReqId = settings.ReqIdBase,
        DnsServers = [.. settings.DnsServers],
        WinsServers = [.. settings.WinsServers],
        StandInRanges = [.. settings.StandInRanges],
        RsaPss = settings.RsaPss,
        Tls = settings.Tls,
        UsesOcsp = settings.UsesOcsp,
        UsesCrls = settings.UsesCrls,
        KeepsCrls = settings.KeepsCrls,
        RevealKeys = revealKeys,
    };

    static string Version => typeof(DaemonService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    void Failed(Exception exception)
    {
        if (exception is LinuxException refused)
            log.SystemRefused(refused.Message);
        else
            log.TurnFailed(exception);
    }

    T Keep<T>(T part) where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }

    /// <summary>What cannot be put back is told, and does not keep the rest from it.</summary>
    void TakeApart()
    {
        while (_parts.TryPop(out var part))
        {
            try
            {
                part.Dispose();
            }
            catch (LinuxException e)
            {
                Failed(e);
            }
        }
    }
}
