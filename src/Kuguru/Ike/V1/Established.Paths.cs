using Kuguru.Nat;

namespace Kuguru.Ike.V1;

// Where an ISAKMP SA goes on when the host's network has changed. There is no MOBIKE: who has been seen behind a NAT goes on from another address, since
// the peer follows what is authentic (RFC 3947 section 7); anybody else whose address is gone comes anew.
sealed partial class Established
{
    public override void NetworkChanged(Turn t, bool resumed)
    {
        if (_isReplaced)
            return;
        if (resumed)
            CheckSoon(t);
        t.Add(new Effect.FindPaths(t.Sa.UniqueId, t.Sa.Path, [t.Sa.Path.Remote.Address]));
    }

    public override void PathsFound(Turn t, PathFacts facts)
    {
        switch (Roaming.Judge(t.Sa.Path, facts, prefersBest: false))
        {
            case RoamPlan.Stay when t.Sa.IsInitiator && !_isReplaced:
                CheckSoon(t);
                break;
            case RoamPlan.Switch { To: [var to, ..] } when t.Sa.Nat.Local && !_isReplaced:
                t.Report(new Event.Moved(t.Sa.Path, to, MoveCause.Us));
                t.Sa.CurrentPath = to;
                MoveChildren(t);
                CheckSoon(t);
                break;
            case RoamPlan.Switch when t.Sa.IsInitiator && !_isReplaced:
                StartOver(t, $"our address {t.Sa.Path.Local.Address} is gone, and IKEv1 has no way to say where we are now");
                break;
        }
    }

    void StartOver(Turn t, string why)
    {
        t.Note(Severity.Warning, Subject.Ike, $"{why}: starting over with a new IKE SA");
        t.Sa.Enter(End(t, why, _ => CloseAction.Start, new Failure(FailureCode.Aborted, why)));
    }

    void CheckSoon(Turn t)
    {
        if (_peer.DeadPeerDetection && !_liveness.IsAsking)
            AskLiveness(t);
    }
}
