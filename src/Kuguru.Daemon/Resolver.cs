using System.ComponentModel;
using System.Diagnostics;

namespace Kuguru.Daemon;

/// <summary>Who keeps the host's list of DNS servers.</summary>
public enum ResolverKind
{
    /// <summary>Nobody that we know how to ask.</summary>
    None,

    /// <summary>systemd-resolved, by <c>resolvectl</c>: the servers belong to the TUN device and are asked for every name.</summary>
    Resolved,

    /// <summary><c>resolvconf</c>, Debian's or openresolv.</summary>
    Resolvconf,
}

/// <summary>
/// The DNS servers that gateways gave us, made known to the host for as long as their IKE SA lives. Programs do the work, one at a time and
/// in order; the caller does not wait for them.
/// </summary>
public sealed class Resolver : IDisposable
{
    static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    readonly string _device;
    readonly string? _program;
    readonly Action<string> _complain;
    readonly List<(uint User, IpAddress[] Servers)> _users = [];
    Task _last = Task.CompletedTask;
    bool _isSet;

    /// <param name="device">The TUN device's name.</param>
    /// <param name="complain">Told in a sentence what could not be done. Called by any thread.</param>
    /// <param name="places">Where programs are looked for; null is PATH.</param>
    /// <param name="resolvedRuntime">There while systemd-resolved runs.</param>
    public Resolver(string device, Action<string> complain, string? places = null, string resolvedRuntime = "/run/systemd/resolve")
    {
        (_device, _complain) = (device, complain);
        places ??= Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin";
        if (Directory.Exists(resolvedRuntime) && Find("resolvectl", places) is { } resolvectl)
            (Kind, _program) = (ResolverKind.Resolved, resolvectl);
        else if (Find("resolvconf", places) is { } resolvconf)
            (Kind, _program) = (ResolverKind.Resolvconf, resolvconf);
        // What resolved knows goes away with the device; what resolvconf knows stays behind after a crash.
        if (Kind == ResolverKind.Resolvconf)
            Queue(Forget);
    }

    public ResolverKind Kind { get; }

    /// <summary>This IKE SA's peer wants these servers to be asked; they come after those of older IKE SAs.</summary>
    public void Assign(uint user, IEnumerable<IpAddress> servers)
    {
        _users.RemoveAll(each => each.User == user);
        _users.Add((user, [.. servers]));
        if (Kind == ResolverKind.None)
            _complain($"cannot use the DNS servers that the peer gave ({string.Join(", ", servers)}): neither systemd-resolved (resolvectl) nor resolvconf is here; "
                + "install one, or write them into /etc/resolv.conf");
        else
            Apply();
    }

    /// <summary>They are not wanted any more.</summary>
    public void Release(uint user)
    {
        if (_users.RemoveAll(each => each.User == user) > 0)
            Apply();
    }

    /// <summary>Puts the host's list back and waits for that.</summary>
    public void Dispose()
    {
        if (_users.Count > 0)
        {
            _users.Clear();
            Apply();
        }
        _last.Wait();
    }

    void Apply()
    {
        IpAddress[] servers = [.. _users.SelectMany(each => each.Servers).Distinct()];
        if (Kind == ResolverKind.None || (servers.Length == 0 && !_isSet))
            return;
        _isSet = servers.Length > 0;
        Queue(servers.Length == 0 ? Forget : () => Set(servers));
    }

    void Queue(Action work) => _last = _last.ContinueWith(_ => work(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    /// <summary>Debian's resolvconf puts records of <c>lo</c> before those of other devices.</summary>
    string Record => $"lo.kuguru-{_device}";

    void Set(IpAddress[] servers)
    {
        if (Kind == ResolverKind.Resolved)
        {
            Run(["dns", _device, .. servers.Select(server => server.ToString())]);
            Run(["domain", _device, "~."]);
        }
        else
            Run(["-a", Record], string.Concat(servers.Select(server => $"nameserver {server}\n")));
    }

    void Forget() => Run(Kind == ResolverKind.Resolved ? ["revert", _device] : ["-d", Record]);

    void Run(string[] arguments, string input = "")
    {
        var what = $"{System.IO.Path.GetFileName(_program)} {string.Join(' ', arguments)}";
        try
        {
            var start = new ProcessStartInfo(_program!, arguments) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            if (!process.WaitForExit(_patience))
            {
                process.Kill(entireProcessTree: true);
                _complain($"cannot set DNS servers: '{what}' did not end within {_patience.TotalSeconds} s");
            }
            else if (process.ExitCode != 0)
                _complain($"cannot set DNS servers: '{what}' failed ({process.ExitCode}): {error.Result.Trim()}{output.Result.Trim()}");
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            _complain($"cannot set DNS servers: '{what}': {e.Message}");
        }
    }

    static string? Find(string program, string places) => places.Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(place => System.IO.Path.Join(place, program)).FirstOrDefault(File.Exists);
}
