using System.Formats.Asn1;
using System.Text;
using Kuguru.Wire;

namespace Kuguru.Ike.Eap;

/// <summary>A user's name as EAP carries it: text, where IKE has types (RFC 3748 section 5.1).</summary>
static class EapIdentity
{
    /// <summary>
    /// The identity that a text of the other side stands for, read as swanctl.conf is. A name never stands for everybody. Null for what is no
    /// name: empty, or longer than any.
    /// </summary>
    public static Identity? Read(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > EapLimits.Identity)
            return null;
        if (IsSequence(name))
            return new Identity(IdType.DerAsn1Dn, Blob.Copy(name));
        return Identity.TryParse(Encoding.UTF8.GetString(name), out var identity, out _) && !identity.IsAny
            ? identity
            : new Identity(IdType.KeyId, Blob.Copy(name));
    }

    /// <summary>The same name, whatever the case of its letters; no wildcards, since both are what a peer says.</summary>
    public static bool IsSame(Identity a, Identity b) =>
        a == b || (a.Type == b.Type && string.Equals(a.ToString(), b.ToString(), StringComparison.OrdinalIgnoreCase));

    /// <summary>strongSwan sends a distinguished name as it stands in its certificate.</summary>
    static bool IsSequence(ReadOnlySpan<byte> name) =>
        AsnDecoder.TryReadEncodedValue(name, AsnEncodingRules.DER, out var tag, out _, out _, out var length) && length == name.Length
        && tag.HasSameClassAndValue(Asn1Tag.Sequence);

    /// <summary>What goes over the wire: the text of a name, and the printed form of anything else.</summary>
    public static Blob Write(Identity identity) => identity.Type switch
    {
        IdType.Fqdn or IdType.Rfc822Addr or IdType.KeyId => identity.Data,
        _ => Encoding.UTF8.GetBytes(identity.ToString()),
    };
}
