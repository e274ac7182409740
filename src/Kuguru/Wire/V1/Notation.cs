using System.Globalization;
using System.Text;

namespace Kuguru.Wire.V1;

/// <summary>Messages as charon's log and the RFCs write them.</summary>
static class Notation
{
    public static string Of(IsakmpMessage m)
    {
        var text = new StringBuilder(Name(m.Exchange));
        if (m.Id != MessageId.Zero)
            text.Append(CultureInfo.InvariantCulture, $" {m.Id.Value:x8}");
        return m.Payloads.IsEmpty ? text.Append(" { }").ToString()
            : text.Append(" { ").AppendJoin(", ", m.Payloads.Select(Of)).Append(" }").ToString();
    }

    static string Of(Payload payload) => payload switch
    {
        Payload.Encrypted => "...",
        Payload.Cert => "CERT",
        Payload.CertReq => "CERTREQ",
        Payload.Hash => "HASH",
        Payload.Signature => "SIG",
        Payload.Nonce => "No",
        Payload.Notification notification => $"N({Name(notification.Kind)})",
        Payload.Delete => "D",
        Payload.VendorId => "V",
        Payload.Attributes attributes => $"CP({Name(attributes.Kind)})",
        Payload.NatD => "NAT-D",
        Payload.NatOa => "NAT-OA",
        Payload.Fragment fragment => $"FRAG({fragment.Number}{(fragment.IsLast ? "/" + fragment.Number.ToString(CultureInfo.InvariantCulture) : "")})",
        Payload.Unknown unknown => $"{(byte)unknown.Kind}",
        _ => payload.Type.ToString(),
    };

    /// <summary>charon's names of exchanges; a bare number without one.</summary>
    public static string Name(ExchangeKind exchange) => exchange switch
    {
        ExchangeKind.IdentityProtection => "ID_PROT",
        ExchangeKind.Aggressive => "AGGRESSIVE",
        ExchangeKind.Informational => "INFORMATIONAL_V1",
        ExchangeKind.Transaction => "TRANSACTION",
        ExchangeKind.QuickMode => "QUICK_MODE",
        _ => ((byte)exchange).ToString(CultureInfo.InvariantCulture),
    };

    public static string Name(ConfigKind kind) => kind switch
    {
        ConfigKind.Request => "CFG_REQUEST",
        ConfigKind.Reply => "CFG_REPLY",
        ConfigKind.Set => "CFG_SET",
        ConfigKind.Ack => "CFG_ACK",
        _ => ((byte)kind).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>NO_PROPOSAL_CHOSEN, or the bare number.</summary>
    public static string Name(NotifyKind kind) => kind switch
    {
        NotifyKind.RUThere => "DPD",
        NotifyKind.RUThereAck => "DPD_ACK",
        _ when !Enum.IsDefined(kind) => ((ushort)kind).ToString(CultureInfo.InvariantCulture),
        _ => string.Concat(kind.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}")),
    };
}
