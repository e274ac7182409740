using Kuguru.Nat;
using Kuguru.Wire;

namespace Kuguru.Ike;

/// <summary>Failures that both versions of IKE have in the same words.</summary>
static class PeerFailures
{
    /// <summary>Why an older IKE SA ends.</summary>
    public const string InitialContact = "its peer says INITIAL_CONTACT on another one";

    /// <summary>The peer is not who we want to talk to.</summary>
    public static Failure OtherPeer(Path path, Identity expected, Identity peer, NatVerdict nat) => new(FailureCode.UnknownIdentity,
        $"{path.Remote.Address} says that it is '{peer}' ({peer.TypeName}), we expect '{expected}' ({expected.TypeName})"
        + (nat.Remote && IsPrivate(peer) ? "; this is its private address behind a NAT: set 'id' in its local section, or expect that here"
            : $": set 'id' in the remote section to '{peer}', if that is the right peer"));

    public static Failure Child(FailureCode code, string name, string why) => new(code, $"child '{name}' could not be set up: {why}");

    public static Failure NoChild(uint uniqueId) => new(FailureCode.Refused, $"there is no CHILD_SA {{{uniqueId}}}");

    public static Failure NoChildToRekey(uint uniqueId) => new(FailureCode.Refused, $"there is no CHILD_SA {{{uniqueId}}} that could be rekeyed");

    /// <summary>The end of a sentence about a peer whom we do not know: the most frequent reason behind a NAT; else empty.</summary>
    public static string ItsPrivateAddress(Identity peer, NatVerdict nat) => nat.Remote && IsPrivate(peer)
        ? $"; this is its private address behind a NAT: set 'id' in its local section, or expect '{peer}' here" : "";

    /// <summary>The end of a sentence about a peer that does not know us, likewise.</summary>
    public static string OurPrivateAddress(Identity local, NatVerdict nat) => nat.Local && IsPrivate(local)
        ? $"; '{local}' is our private address behind a NAT, which the peer may not expect: set 'id' in the local section" : "";

    /// <summary>What of ours could have fitted, in one line however much there is: to whoever may be told of it by a stranger, it is told shortly.</summary>
    public static string Some<T>(IEnumerable<T> all, Func<T, string> say, string between = ", ")
    {
        const int Most = 8;
        var list = all as IReadOnlyCollection<T> ?? [.. all];
        return string.Join(between, list.Take(Most).Select(say)) + (list.Count > Most ? $"{between}{list.Count - Most} more" : "");
    }

    static bool IsPrivate(Identity identity) =>
        identity is { Type: IdType.Ipv4Addr, Data.Length: 4 } or { Type: IdType.Ipv6Addr, Data.Length: 16 } && IpAddress.Read(identity.Data).IsPrivate;
}
