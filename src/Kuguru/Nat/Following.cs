namespace Kuguru.Nat;

/// <summary>Whether a peer's endpoint follows its packets (RFC 7296 section 2.23), where neither side uses MOBIKE.</summary>
public static class Following
{
    /// <summary>
    /// True if an authentic packet that is newer than all before it may move the peer. Only a peer behind a NAT changes its endpoint without
    /// knowing. Who is behind one himself does not follow, since whoever is on the way could break the SA with one packet; but a gateway behind
    /// a port forward or a cloud's one-to-one NAT has to, or its clients are lost when their NAT forgets them. So what counts there is who
    /// opened the first IKE SA: the client keeps the address that it was told.
    /// </summary>
    /// <param name="verdict">Where the NATs are.</param>
    /// <param name="isOriginalInitiator">We opened the first IKE SA of this line, before all rekeying.</param>
    public static bool MayMove(NatVerdict verdict, bool isOriginalInitiator) => verdict.Remote && !(verdict.Local && isOriginalInitiator);
}
