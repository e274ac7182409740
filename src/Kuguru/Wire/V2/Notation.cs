using System.Buffers.Binary;
using System.Text;

namespace Kuguru.Wire.V2;

/// <summary>Messages as the RFCs write them.</summary>
static class Notation
{
    public static string Of(IkeMessage m)
    {
        var side = m.IsResponse ? 'r' : 'i';
        var text = new StringBuilder();
        text.Append(Name(m.Exchange)).Append(m.IsResponse ? " response " : " request ").Append(m.Id);
        if (m.Payloads.IsEmpty)
            return text.Append(" { }").ToString();
        return text.Append(" { ").AppendJoin(", ", m.Payloads.Select(payload => Of(payload, side))).Append(" }").ToString();
    }

    static string Of(Payload payload, char side) => payload switch
    {
        Payload.KE => $"KE{side}",
        Payload.Nonce => $"N{side}",
        Payload.Notify notify => $"N({Name(notify.Kind)})",
        Payload.Delete => "D",
        Payload.VendorId => "V",
        Payload.CP cp => $"CP({ConfigName(cp.Kind)})",
        Payload.SKF fragment => $"SKF({fragment.Number}/{fragment.Total})",
        Payload.Cert => "CERT",
        Payload.CertReq => "CERTREQ",
        Payload.Auth => "AUTH",
        Payload.Eap => "EAP",
        Payload.Unknown unknown => $"{(byte)unknown.Kind}{(unknown.Critical ? "!" : "")}",
        _ => payload.Type.ToString(),
    };

    static string ConfigName(ConfigType kind) => Enum.IsDefined(kind) ? $"CFG_{kind.ToString().ToUpperInvariant()}" : $"{(byte)kind}";

    /// <summary>IKE_SA_INIT, or the bare number.</summary>
    public static string Name<T>(T value) where T : struct, Enum => Enum.IsDefined(value) ? Snake(value.ToString()) : value.ToString();

    /// <summary>A notify's kind, and the error code in Microsoft's: <c>MS_STATUS(13868)</c>.</summary>
    public static string Name(Payload.Notify notify) => notify is { Kind: NotifyType.MsStatus, Data.Length: 4 }
        ? $"{Name(notify.Kind)}({BinaryPrimitives.ReadUInt32BigEndian(notify.Data.Span)})" : Name(notify.Kind);

    /// <summary>NatDetectionSourceIp as NAT_DETECTION_SOURCE_IP.</summary>
    static string Snake(string pascal)
    {
        var text = new StringBuilder();
        for (var i = 0; i < pascal.Length; i++)
        {
            if (i > 0 && char.IsUpper(pascal[i]))
                text.Append('_');
            text.Append(char.ToUpperInvariant(pascal[i]));
        }
        return text.ToString();
    }
}
