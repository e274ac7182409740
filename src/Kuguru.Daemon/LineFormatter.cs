using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Kuguru.Daemon;

/// <summary>A log line for people: <c>17:35:30.512 gw[1] established</c>, with the level where it is not just information.</summary>
sealed class LineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "kuguru";

    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        textWriter.Write(time.GetLocalNow().ToString("HH:mm:ss.fff ", CultureInfo.InvariantCulture));
        textWriter.Write(Word(entry.LogLevel));
        textWriter.Write(entry.Formatter(entry.State, entry.Exception));
        if (entry.Exception is { } exception)
            textWriter.Write($": {exception}");
        textWriter.Write('\n');
    }

    static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug: ",
        LogLevel.Information or LogLevel.None => "",
        LogLevel.Warning => "warning: ",
        LogLevel.Error => "error: ",
        LogLevel.Critical => "fatal: ",
    };
}
