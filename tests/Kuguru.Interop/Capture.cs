using System.Diagnostics;
using Kuguru.Cli.Namespaces;

namespace Kuguru.Interop;

/// <summary>What passes a device of a host, from construction to <see cref="End"/>, and what tshark reads in it.</summary>
sealed class Capture : IDisposable
{
    static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(300);

    readonly Job _tcpdump;
    readonly string _file;

    public Capture(Host host, string device, string filter = "")
    {
        _file = System.IO.Path.Combine(host.Network.Folder, $"{host.Name}-{device}.pcap");
        _tcpdump = host.Start($"tcpdump-{device}", "tcpdump", "-n", "-U", "--immediate-mode", "-Z", "root", "-i", device, "-w", _file, filter);
        Wait.Until("tcpdump listens", TimeSpan.FromSeconds(10),
            () => _tcpdump.Log.Contains("listening", StringComparison.Ordinal) || _tcpdump.HasEnded);
        if (_tcpdump.HasEnded)
            throw new InvalidOperationException($"tcpdump on {host.Name}: {_tcpdump.Log}");
    }

    /// <summary>Ends it when tcpdump, which lags behind the kernel, has written nothing for a while.</summary>
    public void End()
    {
        var (length, since) = (-1L, Stopwatch.GetTimestamp());
        Wait.Until("the capture is quiet", TimeSpan.FromSeconds(30), () =>
        {
            if (new FileInfo(_file).Length is var now && now != length)
                (length, since) = (now, Stopwatch.GetTimestamp());
            return Stopwatch.GetElapsedTime(since) > Quiet;
        });
        _tcpdump.Stop();
    }

    /// <summary>The number of frames that a display filter of Wireshark fits.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="keys">A folder with Wireshark's key tables.</param>
    /// <param name="preferences">More settings of Wireshark, as <c>name:value</c>.</param>
    public int Count(string filter, string? keys = null, params string[] preferences) => Read(filter, keys, preferences, "frame.number").Count;

    /// <summary>These fields of the frames that a display filter fits; <paramref name="keys"/> is a folder with Wireshark's key tables.</summary>
    public IReadOnlyList<string[]> Fields(string filter, string? keys, params string[] fields) => Read(filter, keys, [], fields);

    List<string[]> Read(string filter, string? keys, string[] preferences, params string[] fields)
    {
        // tshark looks for its tables in XDG_CONFIG_HOME/wireshark.
        var home = System.IO.Path.Combine(_tcpdump.Host.Network.Folder, "tshark");
        var tables = Directory.CreateDirectory(System.IO.Path.Combine(home, "wireshark")).FullName;
        foreach (var table in keys is null ? [] : Directory.GetFiles(keys))
            File.Copy(table, System.IO.Path.Combine(tables, System.IO.Path.GetFileName(table)), overwrite: true);
        var decode = preferences.Prepend("esp.enable_encryption_decode:TRUE").Prepend("esp.enable_authentication_check:TRUE")
            .SelectMany(preference => new[] { "-o", preference });
        var wanted = fields.SelectMany(field => new[] { "-e", field });
        string[] command = ["tshark", "-n", "-r", _file, "-Y", filter, .. decode, "-T", "fields", .. wanted];
        var text = Outcome.Of(command, environment: new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = home }).Text();
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t'))];
    }

    public void Dispose() => _tcpdump.Dispose();
}
