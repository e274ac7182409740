using System.Buffers.Binary;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR*, HASH(1), N or D  -->                   RFC 2409 section 5.7: one message, not answered
//
// HDR*, HASH(1), N(R-U-THERE)  -->             RFC 3706: are you there?
//                              <--  HDR*, HASH(1), N(R-U-THERE-ACK)
static class Informational
{
    /// <summary>An authentic message that came while phase 1 was still going on at our end.</summary>
    public static Opened? Open(Turn t, Keying keying, IsakmpMessage message) =>
        Opened.Read(keying, keying.FirstIv(message.Id), message) is { } opened && Keying.IsSame(keying.Hash1(opened.Id, opened.Rest), opened.Hash) ? opened : null;

    public static Payload.Delete DeleteIsakmp(Turn t) => new(IsakmpProtocol.Isakmp, 16, [Cookies(t)]);

    /// <summary>Of ESP or AH, by the SPIs that we receive with.</summary>
    public static Payload.Delete DeleteChild(IsakmpProtocol protocol, params IEnumerable<Spi> inbound) =>
        new(protocol, 4, inbound.Select(spi => spi.ToBlob()).ToSequence());

    public static Payload.Delete DeleteChild(ChildSa sa) => DeleteChild(ChildNumbers.ProtocolOf(sa.Suite), sa.InboundSpi);

    public static Payload.Notification AreYouThere(Turn t, uint sequence) => new(IsakmpProtocol.Isakmp, Cookies(t), NotifyKind.RUThere, Number(sequence));

    public static void Take(Turn t, Established e, Opened opened)
    {
        foreach (var payload in opened.Payloads)
        {
            if (t.Sa.IsGone)
                return;
            if (payload is Payload.Delete delete)
                Take(t, e, delete);
            else if (payload is Payload.Notification notification)
                Take(t, e, notification);
        }
    }

    static void Take(Turn t, Established e, Payload.Delete delete)
    {
        if (delete.Protocol == IsakmpProtocol.Isakmp && delete.Spis.Contains(Cookies(t)))
        {
            t.Note(Severity.Info, Subject.Ike, $"received DELETE for IKE_SA {e.Connection.Name}[{t.Sa.UniqueId}]");
            t.Sa.Enter(e.End(t, "deleted by the peer", child => child.CloseAction, new Failure(FailureCode.Aborted, "the peer deleted the IKE SA")));
        }
        else if (delete.Protocol is IsakmpProtocol.Esp or IsakmpProtocol.Ah)
        {
            foreach (var spi in delete.Spis)
            {
                if (Spi.From(spi) is not { } outbound || e.Children.FirstOrDefault(child => child.Sa.OutboundSpi == outbound && ChildNumbers.ProtocolOf(child.Sa.Suite) == delete.Protocol) is not { } child)
                    continue;
                t.Note(Severity.Info, Subject.Child, $"received DELETE for {(delete.Protocol == IsakmpProtocol.Ah ? "AH" : "ESP")} CHILD_SA with SPI {outbound}");
                e.Remove(t, child, child.Sa.Config.CloseAction);
            }
        }
    }

    static void Take(Turn t, Established e, Payload.Notification notification)
    {
        switch (notification.Kind)
        {
            case NotifyKind.RUThere:
                PhaseOne.Tell(t, t.Arrived, e.Keying, new Payload.Notification(IsakmpProtocol.Isakmp, Cookies(t), NotifyKind.RUThereAck, notification.Data));
                break;
            case NotifyKind.RUThereAck:
                if (notification.Data.Length == 4)
                    e.PeerIsThere(t, BinaryPrimitives.ReadUInt32BigEndian(notification.Data));
                break;
            case NotifyKind.ResponderLifetime:
                e.LifetimeTold(t, notification);
                break;
            case NotifyKind.InitialContact:
                // Those of the same identity go, no neighbour behind the same NAT.
                e.LetGoWhatWasTakenOver(t);
                t.Node.Authenticated(t.Now, t.Sa, initialContact: true, t.Outbox);
                break;
            default:
                // Not only the errors that have a name: the number is the peer's.
                if (notification.IsError)
                    e.Refused(t, notification);
                break;
        }
    }

    static Blob Cookies(Turn t) => (byte[])[.. t.Sa.InitiatorSpi.ToBlob().Span, .. t.Sa.ResponderSpi.ToBlob().Span];

    static Blob Number(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }
}
