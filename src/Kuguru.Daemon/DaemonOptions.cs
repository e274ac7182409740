namespace Kuguru.Daemon;

/// <summary>What <c>kuguru run</c> is told on its command line.</summary>
public sealed record DaemonOptions
{
    /// <summary>strongswan.conf; null: the one that STRONGSWAN_CONF names, else /etc/strongswan.conf where there is one.</summary>
    public string? Settings { get; init; }

    /// <summary>swanctl.conf; null: /etc/swanctl/swanctl.conf where there is one.</summary>
    public string? Configuration { get; init; }

    /// <summary>Where VICI is served; null: as the settings say.</summary>
    public string? Vici { get; init; }

    /// <summary>Where Wireshark's key tables go; null: nowhere.</summary>
    public string? SaveKeys { get; init; }

    /// <summary>Where is kept what outlives the daemon; null: where STATE_DIRECTORY says, which systemd sets, else /var/lib/kuguru.</summary>
    public string? State { get; init; }

    /// <summary>Log steps that are for diagnosis, too.</summary>
    public bool Verbose { get; init; }
}

/// <summary>The daemon cannot start; the message is the one line that says what, where and what to do.</summary>
public sealed class DaemonStartException(string message, bool isConfiguration, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>A file is wrong, not the machine.</summary>
    public bool IsConfiguration { get; } = isConfiguration;
}
