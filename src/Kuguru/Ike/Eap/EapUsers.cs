using System.Collections.Immutable;
using Kuguru.Crypto;

namespace Kuguru.Ike.Eap;

/// <summary>
/// The passwords that a method may ask for, by user. They belong to the node and may be replaced between two packets, so that nobody keeps
/// what he is lent longer than for one packet.
/// </summary>
/// <param name="secrets">Finds them: <see cref="INode.SecretsOf"/> with what it asks for in this conversation.</param>
sealed class EapUsers(Func<SharedKeyKind, Identity, ImmutableArray<PresharedKey>> secrets)
{
    /// <summary>As a server: the users of this node.</summary>
    public static EapUsers Of(INode node) => new((kind, user) => node.SecretsOf(kind, user));

    /// <summary>As a client of this server.</summary>
    public static EapUsers For(INode node, Identity server) => new((kind, user) => node.SecretsOf(kind, user, server));

    public IEnumerable<Secret> Passwords(Identity user) => secrets(SharedKeyKind.Eap, user).Select(key => key.Secret);

    public bool Has(Identity user) => !secrets(SharedKeyKind.Eap, user).IsEmpty || !secrets(SharedKeyKind.NtHash, user).IsEmpty;

    /// <summary>NT hashes of the user's passwords, the stored ones first; each is the caller's to dispose.</summary>
    public IEnumerable<Secret> NtHashes(Identity user) => secrets(SharedKeyKind.NtHash, user).Select(key => key.Secret.Copy())
        .Concat(Passwords(user).Select(MsChapV2.NtPasswordHash));
}
