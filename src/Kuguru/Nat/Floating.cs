namespace Kuguru.Nat;

/// <summary>
/// From which port to which an initiator speaks (RFC 7296 section 2.23). It moves from 500 to 4500 at most once, before IKE_AUTH, and never
/// back. A responder decides nothing: it answers to where a request came from.
/// </summary>
public static class Floating
{
    /// <summary>
    /// The path of the first message: a peer that listens anywhere but on 500 is spoken to from the NAT port from the first octet, so that the
    /// ports never change afterwards.
    /// </summary>
    public static Path First(Path path, ushort port, ushort natPort) =>
        path.Remote.Port != Ports.Ike && path.Local.Port == port ? path with { Local = path.Local with { Port = natPort } } : path;

    /// <summary>The path of IKE_AUTH and all that follows.</summary>
    /// <param name="path">The one that IKE_SA_INIT took.</param>
    /// <param name="verdict">What its answer said.</param>
    /// <param name="always">Move even without a NAT, as MOBIKE's initiators do.</param>
    /// <param name="port">Our port without marker.</param>
    /// <param name="natPort">Our port with it.</param>
    public static Path AfterInit(Path path, NatVerdict verdict, bool always, ushort port, ushort natPort)
    {
        var moves = verdict.Encapsulate || (always && verdict.Supported);
        if (!moves || path.Local.Port != port)
            return path;
        return new(path.Local with { Port = natPort }, path.Remote with { Port = Ports.NatTraversal });
    }
}
