namespace Kuguru.Ike.V1;

/// <summary>
/// Pre-shared keys where the peer's identity comes too late: main mode needs the key to read the identity (RFC 2409 section 5.4). An initiator knows whom it
/// wants; a responder takes every key that a peer at this address may have, and finds out which one opens the message.
/// </summary>
static class SharedKeys
{
    /// <summary>An initiator's key, for the identity that it expects, else for the address that it speaks to.</summary>
    public static PresharedKey? ForInitiator(INode node, Connection connection, Path path) => Of(node, connection, path).FirstOrDefault();

    /// <summary>What a responder tries, the likeliest first.</summary>
    public static IReadOnlyList<PresharedKey> ForResponder(INode node, IEnumerable<Connection> candidates, Path path, int most) =>
        [.. candidates.SelectMany(connection => Of(node, connection, path)).Distinct().Take(most)];

    static IEnumerable<PresharedKey> Of(INode node, Connection connection, Path path)
    {
        var (local, remote) = (PhaseOne.LocalId(connection, path), PhaseOne.RemoteId(connection));
        IEnumerable<PresharedKey> byIdentity = remote.IsExact ? node.SharedKeysFor(local, remote) : [];
        var byAddress = node.SharedKeysFor(local, Identity.Of(path.Remote.Address));
        return byIdentity.Concat(byAddress).Concat(remote.IsExact ? [] : node.SharedKeysAmong(remote));
    }

    /// <summary>This key is one that such a peer has: nobody may pass for somebody who has another one.</summary>
    public static bool IsFor(INode node, PresharedKey key, Identity local, Identity remote, Path path) =>
        node.SharedKeysFor(local, remote).Contains(key)
        || (node.SharedKeysFor(local, remote).IsEmpty && node.SharedKeysFor(local, Identity.Of(path.Remote.Address)).Contains(key));
}
