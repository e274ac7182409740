using Kuguru.Ike;
using Kuguru.Ike.V1;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Engine;

// First messages of IKEv1. There are no cookies that a responder could ask for without keeping anything: so what is kept is little, and bounded.
public sealed partial class Node
{
    /// <summary>Responders that have heard one message of main mode, and have not been asked to compute anything: the oldest makes room for the next.</summary>
    const int MaxFirstMessages = 1000;

    readonly LinkedList<IkeSession> _firstMessages = [];

    /// <summary>Neither header flags nor anything else says who sent it: the cookie that is ours is one of the two.</summary>
    IkeSession? WhoseV1(in IkeHeader header, Path path)
    {
        if ((_sessions.TryFind(header.ResponderSpi, out var session) || _sessions.TryFind(header.InitiatorSpi, out session)) && session.Version == IsakmpMessage.MajorVersion)
            return session;
        return header.ResponderSpi.IsZero && _sessions.TryFindFirst(header.InitiatorSpi, path.Remote, out session) && session.Version == IsakmpMessage.MajorVersion
            ? session : null;
    }

    void MeetV1(Instant now, in IkeHeader header, in Datagram d, Outbox outbox)
    {
        if (!header.ResponderSpi.IsZero || (ExchangeKind)header.Exchange is not (ExchangeKind.IdentityProtection or ExchangeKind.Aggressive)
            || header.InitiatorSpi.IsZero)
            Counters.Count(Drop.UnknownSpi);
        else if (!IsakmpMessage.TryParse(d.Bytes, out var first, out _) || first.IsEncrypted || first.Find<Payload.SA>() is null)
            Counters.Count(Drop.Malformed);
        // Aggressive mode computes at once: not for a stranger while the house is full.
        else if (IsClosedTo(d.Path.Remote.Address) || (first.Exchange == ExchangeKind.Aggressive && WantsCookie(d.Path.Remote.Address)))
            Counters.Count(Drop.Closed);
        else if (IkeV1Session.Answer(now, this, d, first, _turn) is { } session)
        {
            Remember(session, now, outbox);
            _sessions.AddHalfOpen(session, first.InitiatorCookie, d.Path.Remote);
            Settle(session, outbox);
        }
        else
            FlushOfStranger(now, outbox);
    }

    void Remember(IkeSession session, Instant now, Outbox outbox)
    {
        while (_firstMessages.First is { Value: var oldest } && (_firstMessages.Count >= MaxFirstMessages || oldest.IsGone || !IkeV1Session.HasHeardOnlyOne(oldest)))
        {
            _firstMessages.RemoveFirst();
            if (oldest.IsGone || !IkeV1Session.HasHeardOnlyOne(oldest))
                continue;
            var unheard = new Outbox();
            oldest.TerminateIke(now, PendingOrders.NoToken, force: true, unheard);
            _sessions.Settle(oldest);
        }
        if (IkeV1Session.HasHeardOnlyOne(session))
            _firstMessages.AddLast(session);
    }
}
