using Kuguru.Crypto;
using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Lab;

/// <summary>
/// Says in the RFC's words what a packet is: an IKE message, ESP with SPI and sequence number, a keepalive. Protected IKE messages are opened
/// where a peer revealed the keys (<see cref="IkeSettings.RevealKeys"/>).
/// </summary>
public sealed class Describer
{
    const ushort IkePort = 500, NatPort = 4500;

    readonly Dictionary<(IkeSpi, IkeSpi), SessionKeys> _keys = [];

    public string Describe(Packet packet) => packet.Protocol switch
    {
        IpProtocol.Esp => $"plain {Esp(packet.Payload)}",
        IpProtocol.Udp => Udp(packet),
        IpProtocol.Ah when AhHeader.TryRead(packet.Payload.Span, out var ah) => $"AH {ah.Spi} #{ah.Sequence}",
        _ => $"{packet.Protocol}",
    };

    /// <summary>The IKE message in a UDP packet, whichever port it uses.</summary>
    public static bool TryIke(Packet packet, out ReadOnlySpan<byte> message)
    {
        message = packet.Payload.Span;
        if (packet.Protocol != IpProtocol.Udp)
            return false;
        if (packet.From.Port == IkePort || packet.To.Port == IkePort)
            return true;
        if (Demux.Classify(message) != Port4500.Ike)
            return false;
        message = NonEspMarker.Strip(message);
        return true;
    }

    /// <summary>The message with its protected payloads open, as far as keys are known.</summary>
    public IkeMessage Open(IkeMessage message, ReadOnlySpan<byte> bytes)
    {
        if (message.Encrypted is not Payload.SK sk || !_keys.TryGetValue((message.InitiatorSpi, message.ResponderSpi), out var keys))
            return message;
        using var cipher = IkeCipher.ForOpening(keys.Suite, message.IsFromInitiator ? keys.Ei : keys.Er, message.IsFromInitiator ? keys.Ai : keys.Ar);
        if (!cipher.TryOpen(bytes[..sk.BodyAt(bytes.Length)], sk.Body, out var plaintext)
            || !Payload.TryReadChain(sk.FirstInner, plaintext, out var inner, out _))
            return message;
        return message with { Payloads = inner };
    }

    /// <summary>
    /// Takes a row that a peer revealed for Wireshark's ikev2_decryption_table: SPIi, SPIr, SK_ei, SK_er, ENCR, SK_ai, SK_ar, INTEG. The
    /// algorithms are looked up in the status of the IKE SA that it belongs to.
    /// </summary>
    public void Learn(KeyTable row, IEnumerable<IkeSaStatus> status)
    {
        if (row is not KeyTable.Ike ike)
            return;
        var fields = ike.Line.Split(',');
        var (spiI, spiR) = (new IkeSpi(Convert.ToUInt64(fields[0], 16)), new IkeSpi(Convert.ToUInt64(fields[1], 16)));
        if (status.FirstOrDefault(sa => sa.InitiatorSpi == spiI && sa.ResponderSpi == spiR)?.Suite is { } suite)
            _keys[(spiI, spiR)] = new(suite, Key(fields[2]), Key(fields[3]), Key(fields[5]), Key(fields[6]));
    }

    string Udp(Packet packet)
    {
        if (TryIke(packet, out var message) && Wire.V1.IsakmpMessage.TryParse(message, out var isakmp, out _))
            return isakmp.ToString();
        if (TryIke(packet, out message))
            return IkeMessage.TryParse(message, out var ike, out var error) ? Open(ike, message).ToString() : $"no IKE message ({error})";
        return Demux.Classify(packet.Payload) switch
        {
            Port4500.Keepalive => "keepalive",
            Port4500.Esp when packet.From.Port == NatPort || packet.To.Port == NatPort => Esp(packet.Payload),
            Port4500.Empty or Port4500.TooShort or Port4500.Ike or Port4500.Esp or Port4500.ReservedSpi => $"UDP ({packet.Payload.Length} octets)",
        };
    }

    static string Esp(Blob bytes)
    {
        var r = new WireReader(bytes);
        var (spi, sequence) = (new Spi(r.U32()), r.U32());
        return r.Failed ? $"ESP ({bytes.Length} octets)" : $"ESP {spi} #{sequence}";
    }

    static Secret Key(string hex) => Secret.Copy(Convert.FromHexString(hex));

    sealed record SessionKeys(IkeSuite Suite, Secret Ei, Secret Er, Secret Ai, Secret Ar);
}
