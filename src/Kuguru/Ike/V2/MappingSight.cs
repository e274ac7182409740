using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// How long does the NAT in front of us let a silent mapping live, seen by a peer that takes no MappingProbe? It speaks to a port only when it has just been
// spoken to from there, which gives the mapping new life. But by its answer it says, as a hash, which port the NAT has given (RFC 4555 section 3.8):
//
//   port P     HDR, SK {N(NAT_DETECTION_*)}  -->                              twice, so that the mapping has seen both directions for a while
//   port P                     <--  HDR, SK {N(NAT_DETECTION_DESTINATION_IP)...}
//              ... silence, on that port only; meanwhile anything may be asked ...
//   port P     HDR, SK {N(NAT_DETECTION_*)}  -->
//   port P                     <--  HDR, SK {N(NAT_DETECTION_DESTINATION_IP)...}     the same: the mapping lives, if this NAT gives others to new mappings
//
// SeenLife judges. With MOBIKE the peer does not take P for a move (section 3.8: MUST NOT); should it do that, the check from 4500 that follows each
// sight, by which a NAT that was restarted is noticed too, calls it back at once.

/// <summary>What does the peer see the other port as?</summary>
sealed class MappingSight : Errand
{
    Instant _askedAt;

    public override string Task => "IKE_DPD";

    public override bool Ask(Turn t, Established e)
    {
        if (!e.MaySee(t.Sa) || !e.TakeProbeLine(t))
            return false;
        _askedAt = t.Now;
        var path = MappingProbe.ProbePath(t);
        e.Ask(t, ExchangeType.Informational, Mobike.NatDetection(t, path).ToSequence(), path);
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response) =>
        e.Saw(t, _askedAt, t.Arrived.Local.Port == t.Settings.ProbePort ? response.Find(NotifyType.NatDetectionDestinationIp)?.Data : null);
}
