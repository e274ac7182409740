namespace Kuguru.Ike.V2;

/// <summary>Who we are, and whether there is a key between two identities.</summary>
static class Psk
{
    /// <summary>As configured, else our address: behind a NAT the private one, as strongSwan does.</summary>
    public static Identity LocalId(Connection connection, Path path) =>
        connection.Local[0].Id is { IsAny: false } id ? id : Identity.Of(path.Local.Address);

    /// <summary>Null when there is a key. As initiator we may not know who the peer will be.</summary>
    public static Failure? WhyNoKey(INode node, Identity local, Identity? remote) =>
        node.SharedKeysFor(local, remote ?? Identity.Any).IsEmpty ? Failures.NoSharedKey(local, remote ?? Identity.Any) : null;
}
