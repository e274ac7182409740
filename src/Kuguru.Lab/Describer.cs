using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Lab;

/// <summary>Says in the RFC's words what a packet is: an IKE message, ESP with SPI and sequence number, a keepalive.</summary>
public static class Describer
{
    const ushort IkePort = 500, NatPort = 4500;

    public static string Describe(Packet packet) => packet.Protocol switch
    {
        IpProtocol.Esp => $"plain {Esp(packet.Payload)}",
        IpProtocol.Udp => Udp(packet),
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

    static string Udp(Packet packet)
    {
        if (TryIke(packet, out var message))
            return IkeMessage.TryParse(message, out var ike, out var error) ? ike.ToString() : $"no IKE message ({error})";
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
}
