using System.Collections.Immutable;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// IKE_AUTH {..., N(MOBIKE_SUPPORTED), N(ADDITIONAL_*_ADDRESS)...}  -->       RFC 4555 sections 3.3 and 3.4
//                       <--  {..., N(MOBIKE_SUPPORTED), N(NO_ADDITIONAL_ADDRESSES)}
//
// HDR, SK {N(UPDATE_SA_ADDRESSES), N(COOKIE2), N(NAT_DETECTION_*)}  -->      section 3.5: the initiator's, from its new path
//                       <--  HDR, SK {N(NAT_DETECTION_*), N(COOKIE2)}
//                       <--  HDR, SK {N(COOKIE2)}                            section 3.7: before its children move, the responder asks
// HDR, SK {N(COOKIE2)}  -->                                                  whether who seems to be there is there
//
// HDR, SK {N(ADDITIONAL_*_ADDRESS)...}  -->                                  section 3.6: either end's other addresses have changed
//                       <--  HDR, SK {}
//
// HDR, SK {N(NAT_DETECTION_*)}  -->                                          section 3.8: liveness, and what a NAT makes of us
//                       <--  HDR, SK {N(NAT_DETECTION_*)}
static class Mobike
{
    /// <summary>Octets of ours, and the most of a peer's (section 4.2.5).</summary>
    const int CookieLength = 16, MaxCookie = 64;

    /// <summary>More of a peer's addresses, and of our own, are left out.</summary>
    const int MaxAddresses = 8;

    /// <summary>What goes into an IKE_AUTH message that says that we take part.</summary>
    public static IEnumerable<Payload> Offer(Turn t)
    {
        t.Sa.Mobility.Announced = OwnOthers(t);
        return [new Payload.Notify(NotifyType.MobikeSupported), .. Addresses(t.Sa.Mobility.Announced)];
    }

    /// <summary>What an IKE_AUTH message says of it.</summary>
    public static void Hear(Turn t, IkeMessage message)
    {
        t.Sa.Mobility.IsOffered |= message.Has(NotifyType.MobikeSupported);
        HearAddresses(t, message);
    }

    /// <summary>In the last answer of IKE_AUTH: when the peer takes part and the connection does.</summary>
    public static IEnumerable<Payload> Agree(Turn t, Connection connection)
    {
        t.Sa.Mobility.IsAgreed = connection.Mobike && t.Sa.Mobility.IsOffered;
        return t.Sa.Mobility.IsAgreed ? Offer(t) : [];
    }

    /// <summary>ADDITIONAL_*_ADDRESS and NO_ADDITIONAL_ADDRESSES replace what was known before.</summary>
    public static bool HearAddresses(Turn t, IkeMessage message)
    {
        var said = message.All<Payload.Notify>().Where(IsAddress).ToList();
        if (said.Count == 0)
            return false;
        t.Sa.Mobility.PeerAddresses = [.. said.Where(notify => notify.Kind != NotifyType.NoAdditionalAddresses).Select(notify => IpAddress.Read(notify.Data.Span))
            .Where(CanBeReached).Distinct().Take(MaxAddresses)];
        return true;
    }

    /// <summary>The addresses that this host could be found at besides the path's own. Behind a NAT private ones mean nothing to the peer.</summary>
    public static ImmutableArray<IpAddress> OwnOthers(Turn t) => [.. t.Node.LocalAddresses
        .Where(address => address != t.Sa.Path.Local.Address && !(t.Sa.Nat.Local && address.IsPrivate)).Distinct().Take(MaxAddresses)];

    public static IEnumerable<Payload> Addresses(ImmutableArray<IpAddress> others) => others.IsEmpty
        ? [new Payload.Notify(NotifyType.NoAdditionalAddresses)]
        : others.Select(address => new Payload.Notify(
            address.IsV6 ? NotifyType.AdditionalIp6Address : NotifyType.AdditionalIp4Address, address.ToBytes()));

    public static IEnumerable<Payload> NatDetection(Turn t, Path path) =>
        NatNotifies.Answer(path, t.Sa.InitiatorSpi, t.Sa.ResponderSpi, t.Sa.Mobility.Claim(t.Sa.Connection!));

    public static Blob Cookie(Turn t) => t.Node.Dice.Bytes(CookieLength);

    /// <summary>What of a request concerns paths, and what is answered to it.</summary>
    public static Sequence<Payload> Answer(Turn t, Established e, IkeMessage request)
    {
        var m = t.Sa.Mobility;
        if (request.Find(NotifyType.NoNatsAllowed) is { } expected && expected.Data != PathAsSent(t.Arrived))
            return [new Payload.Notify(NotifyType.UnexpectedNatDetected)];
        if (m.IsAgreed && request.Has(NotifyType.UpdateSaAddresses) && !t.Sa.IsOriginalInitiator)
        {
            if (!t.Sa.AcceptsUpdate(t))
                return [new Payload.Notify(NotifyType.UnacceptableAddresses)];
            AnswerUpdate(t, e, request);
        }
        if (m.IsAgreed && HearAddresses(t, request) && t.Sa.IsOriginalInitiator && t.Arrived != t.Sa.Path)
            e.FollowResponder(t);
        List<Payload> answer = [];
        if (request.Has(NotifyType.NatDetectionDestinationIp))
            answer.AddRange(NatDetection(t, t.Arrived));
        if (request.Find(NotifyType.Cookie2) is { Data.Length: <= MaxCookie } cookie)
            answer.Add(new Payload.Notify(NotifyType.Cookie2, cookie.Data));
        return answer.ToSequence();
    }

    /// <summary>The IKE SA goes along at once; the children when the peer has shown that it is there.</summary>
    static void AnswerUpdate(Turn t, Established e, IkeMessage request)
    {
        var m = t.Sa.Mobility;
        // It went to an address that we have no longer: the peer will hear where we are, and update again.
        if (!m.Tried.IsEmpty && !t.Node.LocalAddresses.Contains(t.Arrived.Local.Address))
            return;
        // It is the initiator that decides about paths; whatever we have tried is over.
        (m.Tried, m.OwesUpdate) = ([], false);
        var verdict = NatNotifies.Judge(request, t.Arrived, e.Connection.Encapsulation);
        t.Sa.Relocate(t, t.Arrived, verdict.Supported ? verdict : t.Sa.Verdict, MoveCause.Update);
        e.EndAhBehindNat(t);
        if (e.HasToMove(t))
            e.EnqueueFirst(new ReturnRoutability());
    }

    /// <summary>Source and destination address, source and destination port, as the peer sent it (section 4.2.6).</summary>
    static Blob PathAsSent(Path arrived)
    {
        var w = new WireWriter(2 * 16 + 2 * 2);
        w.Address(arrived.Remote.Address);
        w.Address(arrived.Local.Address);
        w.U16(arrived.Remote.Port);
        w.U16(arrived.Local.Port);
        return w.Written.ToArray();
    }

    /// <summary>Neither "any", loopback nor multicast.</summary>
    static bool CanBeReached(IpAddress address) => address.IsV6
        ? address.Value > 1 && (byte)(address.Value >> 120) != 0xff
        : (uint)address.Value >> 24 is not (0 or 127) and < 224;

    static bool IsAddress(Payload.Notify notify) => notify switch
    {
        { Kind: NotifyType.AdditionalIp4Address, Data.Length: 4 } or { Kind: NotifyType.AdditionalIp6Address, Data.Length: 16 } => true,
        { Kind: NotifyType.NoAdditionalAddresses } => true,
        _ => false,
    };
}

/// <summary>Our new path, from the original initiator to its peer.</summary>
sealed class UpdateAddresses : Errand
{
    Path _path;
    Blob _cookie;

    public override string Task => "IKE_MOBIKE";
    public override bool IsUrgent => true;

    public override bool Ask(Turn t, Established e)
    {
        var m = t.Sa.Mobility;
        if (!m.IsAgreed || !m.OwesUpdate)
            return false;
        m.OwesUpdate = false;
        (_path, _cookie) = (t.Sa.Path, Mobike.Cookie(t));
        List<Payload> payloads = [new Payload.Notify(NotifyType.UpdateSaAddresses), new Payload.Notify(NotifyType.Cookie2, _cookie)];
        if (t.Sa.Verdict.Supported)
            payloads.AddRange(Mobike.NatDetection(t, _path));
        e.Ask(t, ExchangeType.Informational, payloads.ToSequence());
        return true;
    }

    public override bool TakeAlong(Turn t) => t.Sa.Mobility.OwesUpdate = true;

    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        // We have gone on meanwhile, and what this answer says is of a path that we have left.
        if (t.Sa.Mobility.OwesUpdate || t.Sa.Path.Local != _path.Local)
            return;
        if (response.Find(NotifyType.Cookie2)?.Data != _cookie)
            e.Close(t, $"{t.Sa.Path.Remote} answers an address update without its COOKIE2");
        else if (CreateChildSa.Error(response) is { } error)
            e.StartOver(t, $"{t.Sa.Path.Remote} does not accept our new address {_path.Local.Address}: {Notation.Name(error.Kind)}");
        else
        {
            var verdict = NatNotifies.Judge(response, t.Arrived, t.Sa.Mobility.Claim(e.Connection));
            t.Sa.Relocate(t, t.Sa.Path, verdict.Supported ? verdict : t.Sa.Verdict, MoveCause.Us);
            e.LearnMapping(t, response);
            e.MoveChildren(t);
            e.Announce(t);
        }
    }
}

/// <summary>Is who asks from there there? The children move when it answers (RFC 4555 section 3.7).</summary>
sealed class ReturnRoutability : Errand
{
    Path _path;
    Blob _cookie;

    public override string Task => "IKE_MOBIKE";
    public override bool IsUrgent => true;
    public override bool TakeAlong(Turn t) => true;

    public override bool Ask(Turn t, Established e)
    {
        if (!e.HasToMove(t))
            return false;
        (_path, _cookie) = (t.Sa.Path, Mobike.Cookie(t));
        e.Ask(t, ExchangeType.Informational, [new Payload.Notify(NotifyType.Cookie2, _cookie)]);
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        if (response.Find(NotifyType.Cookie2)?.Data != _cookie)
            e.Close(t, $"{t.Sa.Path.Remote} answers a return routability check without its COOKIE2");
        else if (t.Sa.Path == _path)
            e.MoveChildren(t);
        else
            e.EnqueueFirst(new ReturnRoutability());
    }
}

/// <summary>Our other addresses are others than before, or a responder is somewhere else.</summary>
sealed class AnnounceAddresses : Errand
{
    bool _isAgain;

    public override string Task => "IKE_MOBIKE";
    public override bool IsUrgent => true;
    public override bool TakeAlong(Turn t) => _isAgain = true;

    public override bool Ask(Turn t, Established e)
    {
        var (m, others) = (t.Sa.Mobility, Mobike.OwnOthers(t));
        if (!m.IsAgreed || (!_isAgain && others.SequenceEqual(m.Announced) && (!m.OwesUpdate || t.Sa.IsOriginalInitiator)))
            return false;
        _isAgain = false;
        m.Announced = others;
        m.OwesUpdate &= t.Sa.IsOriginalInitiator;
        e.Ask(t, ExchangeType.Informational, [.. Mobike.Addresses(others)]);
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response) { }
}
