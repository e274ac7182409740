namespace Kuguru;

/// <summary>
/// What becomes of the packets that a child's selectors take. Into an SA goes all of a packet (tunnel), or what is behind its IP header
/// (transport; RFC 4301 section 4.1); a shunt lets them pass in the clear or drops them.
/// </summary>
public enum ChildMode { Tunnel, Transport, Pass, Drop }

public static class ChildModes
{
    extension(ChildMode mode)
    {
        /// <summary>No SA, no peer.</summary>
        public bool IsShunt => mode is ChildMode.Pass or ChildMode.Drop;
    }
}

/// <summary>
/// Who talks in transport mode, whose packets carry no addresses inside. Through a NAT the two ends name each other differently
/// (RFC 7296 section 2.23.1), and the peer's TCP and UDP checksums are over the names that the peer uses.
/// </summary>
/// <param name="Local">Our address, as it is on this host.</param>
/// <param name="Remote">The peer's address as we see it: behind a NAT, the NAT's.</param>
/// <param name="PeerSource">What the peer takes for its own address (NAT-OA, or what it put in its selectors).</param>
/// <param name="PeerDestination">What the peer takes for our address.</param>
public readonly record struct TransportEnds(IpAddress Local, IpAddress Remote, IpAddress PeerSource, IpAddress PeerDestination)
{
    /// <summary>Without a NAT both ends use the same names.</summary>
    public static TransportEnds Between(IpAddress local, IpAddress remote) => new(local, remote, remote, local);
}
