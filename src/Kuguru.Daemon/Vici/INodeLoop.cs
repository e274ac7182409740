using Kuguru.Daemon.Settings;
using Kuguru.Engine;
using Kuguru.Ike;

namespace Kuguru.Daemon.Vici;

/// <summary>The daemon's loop as its doors see it. Implemented by the daemon, and by a small one in tests.</summary>
public interface INodeLoop
{
    CharonSettings Settings { get; }

    /// <summary>Runs a turn on the loop's thread, between others, and obeys the effects before the task ends. What the turn returns must not refer to the node.</summary>
    Task<T> Turn<T>(Func<Node, Instant, Outbox, T> turn);

    /// <summary>Reads strongswan.conf again; null is success, else why not.</summary>
    Task<string?> ReloadSettings();
}
