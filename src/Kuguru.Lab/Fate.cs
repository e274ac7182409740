namespace Kuguru.Lab;

/// <summary>What may happen to a packet on its way; each has its word in the transcript and its counter in the world.</summary>
public enum Fate
{
    Delivered,

    /// <summary>The link lost it, by chance or by order.</summary>
    Lost,
    Duplicated,

    /// <summary>The link held it back, so that later ones may overtake it.</summary>
    Late,

    /// <summary>Over the link's MTU and not to be fragmented.</summary>
    TooBig,

    /// <summary>It travelled in fragments, and this link or router drops those.</summary>
    FragmentsDropped,

    /// <summary>Nobody has that address here, and no router leads on.</summary>
    NoRoute,
    HopLimitReached,

    /// <summary>Nobody listens on that port or to that protocol.</summary>
    PortClosed,

    /// <summary>From outside to a port of the NAT that belongs to no mapping (any more).</summary>
    NoMapping,

    /// <summary>There is a mapping, but not for this sender (RFC 4787 section 5), or a stateful firewall knows no such flow.</summary>
    Filtered,

    /// <summary>A rule forbids this port.</summary>
    Blocked,

    /// <summary>The NAT does not let ESP (protocol 50) through, or not for a second client (<c>esp-no-ports</c>).</summary>
    EspDropped,

    /// <summary>"VPN passthrough" serves another client to the same gateway (<c>passthrough</c>).</summary>
    PassthroughTaken,

    /// <summary>No free port for another mapping, or the host has its share.</summary>
    PortsExhausted,

    /// <summary>From inside to an own public address, and the NAT does not hairpin (RFC 4787 section 6).</summary>
    NoHairpinning,
}

static class Fates
{
    public static string Word(this Fate fate) => fate switch
    {
        Fate.Delivered => "",
        Fate.Lost => "lost",
        Fate.Duplicated => "twice",
        Fate.Late => "late",
        Fate.TooBig => "too big",
        Fate.FragmentsDropped => "fragments dropped",
        Fate.NoRoute => "no route",
        Fate.HopLimitReached => "hop limit",
        Fate.PortClosed => "port closed",
        Fate.NoMapping => "no mapping",
        Fate.Filtered => "filtered",
        Fate.Blocked => "blocked",
        Fate.EspDropped => "ESP dropped",
        Fate.PassthroughTaken => "passthrough taken",
        Fate.PortsExhausted => "no port left",
        Fate.NoHairpinning => "no hairpinning",
    };

    public static bool IsDrop(this Fate fate) => fate is not (Fate.Delivered or Fate.Duplicated or Fate.Late);
}
