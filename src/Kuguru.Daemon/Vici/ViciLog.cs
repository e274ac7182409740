using Microsoft.Extensions.Logging;

namespace Kuguru.Daemon.Vici;

static partial class ViciLog
{
    [LoggerMessage(LogLevel.Debug, "VICI client {Id} has gone")]
    public static partial void ClientGone(this ILogger log, int id);

    [LoggerMessage(LogLevel.Warning, "VICI client {Id} has {Max} events unread: connection closed")]
    public static partial void ClientTooSlow(this ILogger log, int id, int max);

    [LoggerMessage(LogLevel.Warning, "a VICI client was turned away: {Max} are connected")]
    public static partial void TooManyClients(this ILogger log, int max);

    [LoggerMessage(LogLevel.Warning, "VICI client {Id} sent {What}: ignored")]
    public static partial void BadPacket(this ILogger log, int id, string what);

    [LoggerMessage(LogLevel.Information, "VICI client {Id} asked for an unknown command: {Name}")]
    public static partial void UnknownCommand(this ILogger log, int id, string name);

    [LoggerMessage(LogLevel.Error, "VICI command {Name} failed")]
    public static partial void CommandFailed(this ILogger log, Exception exception, string name);

    [LoggerMessage(LogLevel.Error, "VICI event {Name} failed")]
    public static partial void EventFailed(this ILogger log, Exception exception, string name);

    [LoggerMessage(LogLevel.Error, "a VICI event {Name} is longer than the protocol allows: not sent")]
    public static partial void EventTooLong(this ILogger log, string name);

    [LoggerMessage(LogLevel.Error, "cannot accept VICI clients: {Why}")]
    public static partial void AcceptFailed(this ILogger log, string why);
}
