using Kuguru.Ike;
using Kuguru.Linux;
using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon;

/// <summary>The daemon's own log lines, and how events of the node become log lines.</summary>
static partial class Log
{
    public static void Event(this ILogger log, Event @event)
    {
        var level = LevelOf(@event.Severity);
        if (!log.IsEnabled(level))
            return;
        var sentence = @event.Sentence;
        if (@event.Sa is { } sa)
            log.Said(level, sa, sentence);
        else
            log.Said(level, sentence);
    }

    static LogLevel LevelOf(Severity severity) => severity switch
    {
        Severity.Debug => LogLevel.Debug,
        Severity.Info => LogLevel.Information,
        Severity.Warning => LogLevel.Warning,
        Severity.Error => LogLevel.Error,
    };

    [LoggerMessage("{Sa} {Sentence}")]
    static partial void Said(this ILogger log, LogLevel level, SaName sa, string sentence);

    [LoggerMessage("{Sentence}")]
    static partial void Said(this ILogger log, LogLevel level, string sentence);

    [LoggerMessage(LogLevel.Information, "Kuguru {Version} listens on udp/{IkePort} and udp/{NatPort}, VICI on {Vici}, tunnel device {Tun}")]
    public static partial void Started(this ILogger log, string version, ushort ikePort, ushort natPort, string vici, string tun);

    [LoggerMessage(LogLevel.Warning, "{What}")]
    public static partial void Missing(this ILogger log, string what);

    [LoggerMessage(LogLevel.Warning, "keys are saved to {Folder}: whoever reads them reads the traffic (--save-keys)")]
    public static partial void SavesKeys(this ILogger log, string folder);

    [LoggerMessage(LogLevel.Information, "CRLs that are fetched are kept in {Folder} (cache_crls)")]
    public static partial void KeepsCrls(this ILogger log, string folder);

    [LoggerMessage(LogLevel.Information, "written crl file '{File}' ({Octets} bytes)")]
    public static partial void WroteCrl(this ILogger log, string file, int octets);

    [LoggerMessage(LogLevel.Warning, "writing crl file '{File}' failed, it will be fetched again after a restart (cache_crls): {Why}")]
    public static partial void CrlNotWritten(this ILogger log, string file, string why);

    [LoggerMessage(LogLevel.Error, "{Complaint}")]
    public static partial void ConfigWrong(this ILogger log, string complaint);

    [LoggerMessage(LogLevel.Warning, "{Complaint}")]
    public static partial void ConfigDoubtful(this ILogger log, string complaint);

    [LoggerMessage(LogLevel.Information, "{File}: {Result}")]
    public static partial void Loaded(this ILogger log, string file, string result);

    [LoggerMessage(LogLevel.Error, "a turn of the control loop failed: this is a bug")]
    public static partial void TurnFailed(this ILogger log, Exception exception);

    [LoggerMessage(LogLevel.Error, "{Problem}")]
    public static partial void SystemRefused(this ILogger log, string problem);

    [LoggerMessage(LogLevel.Information, "stopping: telling the peers of {Count} IKE SAs")]
    public static partial void Stopping(this ILogger log, int count);

    [LoggerMessage(LogLevel.Warning, "cannot send to {Path}: no socket of that family and port")]
    public static partial void NoSocket(this ILogger log, Path path);

    [LoggerMessage(LogLevel.Warning, "cannot send to {Path}: {Errno}")]
    public static partial void NotSent(this ILogger log, Path path, Errno errno);
}
