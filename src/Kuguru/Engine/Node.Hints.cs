using System.Buffers.Binary;
using Kuguru.Ike;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Engine;

// After a restart a peer may go on using SAs that we have no memory of. He is told so in clear, which proves nothing:
//
//   ESP with an SPI that is not ours   -->
//                                      <--  HDR(0, 0, INFORMATIONAL request), N(INVALID_SPI)               RFC 7296 section 1.5
//   request with IKE SPIs not ours     -->
//                                      <--  HDR(as asked, response), N(INVALID_IKE_SPI)                    sections 1.5 and 2.21.4
//
// Who gets such a hint believes nothing of it. It makes him ask, under protection, whether the peer is alive; and if several questions in a row are
// answered by nothing but such hints, all of which know our SPIs and message ID, that is the silence of section 2.4.
public sealed partial class Node
{
    /// <summary>Hints that we give, and hints that we look at: so many a second, however many ask for them.</summary>
    readonly ReportLimit _given = new(burst: 40, TimeSpan.FromMilliseconds(20)), _taken = new(burst: 40, TimeSpan.FromMilliseconds(20));

    /// <summary>The answer to ESP that is not ours: never longer than what came, and not to a peer whom an IKE SA could tell.</summary>
    void HintAtLostChild(Instant now, Order.EspUnknown unknown, Outbox outbox)
    {
        if (_closing || !_given.Allows(now) || _sessions.All.Any(session => !session.IsGone && session.Path.Remote.Address == unknown.Path.Remote.Address
            && session.State is IkeState.Established or IkeState.Rekeying && session.Path.Remote.Port == (unknown.UdpEncapsulated ? unknown.Path.Remote.Port : session.Path.Remote.Port)))
            return;
        var path = unknown.UdpEncapsulated ? unknown.Path
            : new Path(unknown.Path.Local with { Port = Settings.Port }, unknown.Path.Remote with { Port = Ports.Ike });
        var notify = new Payload.Notify(NotifyType.InvalidSpi, unknown.Spi.ToBlob());
        var hint = NonEspMarker.Frame(
            new IkeMessage(default, default, ExchangeType.Informational, IkeFlags.Initiator, default, [notify]).Write(), path, Settings.NatPort);
        if (hint.Length > unknown.Octets)
            return;
        _turn.Add(new Effect.Transmit(path, hint));
        Flush(null, outbox);
    }

    /// <summary>No IKE SA of ours: perhaps a hint, perhaps a peer who needs one.</summary>
    void Unknown(Instant now, in Datagram d, in IkeHeader header, Outbox outbox)
    {
        Counters.Count(Drop.UnknownSpi);
        if (header.IsResponse)
            return;
        if (header is { Exchange: ExchangeType.Informational, FirstPayload: PayloadType.Notify })
            TakeHint(now, d, outbox);
        else if (header.FirstPayload is PayloadType.SK or PayloadType.SKF && !_closing && _given.Allows(now))
            HintAtLostIkeSa(d, header, outbox);
    }

    void HintAtLostIkeSa(in Datagram d, in IkeHeader header, Outbox outbox)
    {
        var flags = IkeFlags.Response | (header.IsFromInitiator ? IkeFlags.None : IkeFlags.Initiator);
        var hint = new IkeMessage(header.InitiatorSpi, header.ResponderSpi, header.Exchange, flags, header.MessageId, [new Payload.Notify(NotifyType.InvalidIkeSpi)]).Write();
        if (hint.Length > d.Bytes.Length)
            return;
        _turn.Add(new Effect.Transmit(d.Path, NonEspMarker.Frame(hint, d.Path, Settings.NatPort)));
        Flush(null, outbox);
    }

    /// <summary>A peer of ours may say that he has lost a child; anybody can say so.</summary>
    void TakeHint(Instant now, in Datagram d, Outbox outbox)
    {
        if (!_taken.Allows(now) || !IkeMessage.TryParse(d.Bytes, out var hint, out _) || hint.Find(NotifyType.InvalidSpi) is not { Data.Length: 4 } notify)
            return;
        var (lost, from) = (new Spi(BinaryPrimitives.ReadUInt32BigEndian(notify.Data.Span)), d.Path.Remote.Address);
        if (_sessions.All.FirstOrDefault(session => session.Path.Remote.Address == from && session.SendsWith(lost)) is not { } doubtful)
            return;
        doubtful.Doubt(now, outbox: _turn);
        Settle(doubtful, outbox);
    }
}
