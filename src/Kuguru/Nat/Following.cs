namespace Kuguru.Nat;

/// <summary>What is done with an authentic packet, newer than all before it, that came from elsewhere than the peer is known to be.</summary>
public enum FollowVerdict
{
    /// <summary>The peer stays where it is.</summary>
    Stay,

    /// <summary>The peer is there now.</summary>
    Move,

    /// <summary>The endpoint that is known is asked first; the peer is there only if that one is silent.</summary>
    ProbeFirst,

    /// <summary>Too many places within a second: the packet is looked at as usual, but it says nothing of where the peer is.</summary>
    TooMany,
}

/// <summary>What is remembered of a peer's moves when it seems to move once more.</summary>
/// <param name="SinceLastMove">Null: it has never moved.</param>
/// <param name="IsReturn">Back to where it was before that move.</param>
/// <param name="MovesInARow">Moves of which each came within <see cref="Following.Restless"/> of the one before.</param>
/// <param name="ClaimsThisSecond">Other places that its packets have come from within this second.</param>
public readonly record struct Restlessness(TimeSpan? SinceLastMove, bool IsReturn, int MovesInARow, int ClaimsThisSecond);

/// <summary>Whether a peer's endpoint follows its packets (RFC 7296 section 2.23, RFC 3947 section 7).</summary>
public static class Following
{
    /// <summary>Who moves again within this time is asked before it is believed.</summary>
    public static readonly TimeSpan Restless = TimeSpan.FromSeconds(10);

    /// <summary>How long the known endpoint may take to answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Places within a second beyond which a peer is not listened to.</summary>
    public const int MaxClaims = 8;

    /// <summary>
    /// True if an authentic packet that is newer than all before it may move the peer. Only a peer behind a NAT changes its endpoint without
    /// knowing. Who is behind one himself does not follow, since whoever is on the way could break the SA with one packet; but a gateway behind
    /// a port forward or a cloud's one-to-one NAT has to, or its clients are lost when their NAT forgets them. So what counts there is who
    /// opened the first IKE SA: the client keeps the address that it was told.
    /// </summary>
    /// <param name="verdict">Where the NATs are.</param>
    /// <param name="isOriginalInitiator">We opened the first IKE SA of this line, before all rekeying.</param>
    public static bool MayMove(NatVerdict verdict, bool isOriginalInitiator) => verdict.Remote && !(verdict.Local && isOriginalInitiator);

    /// <summary>
    /// For a peer that may move at all. A NAT that restarts gives one new endpoint, which is believed at once. Whoever is on the way can do the same
    /// with a packet that he catches and sends from elsewhere; then the peer's next packet brings it back, at once as well. A third move so soon
    /// means that packets come from two places, and only one of them can be where the peer answers.
    /// </summary>
    public static FollowVerdict Judge(in Restlessness peer) => peer switch
    {
        { ClaimsThisSecond: >= MaxClaims } => FollowVerdict.TooMany,
        { SinceLastMove: { } since } when since < Restless => peer is { IsReturn: true, MovesInARow: 1 } ? FollowVerdict.Move : FollowVerdict.ProbeFirst,
        _ => FollowVerdict.Move,
    };
}

/// <summary>The moves of one peer: counted, and remembered as long as they matter.</summary>
public sealed class Trail
{
    Instant? _movedAt, _second;
    Endpoint _left;
    int _inARow, _claims;

    /// <summary>Moves in all.</summary>
    public int Moves { get; private set; }

    /// <summary>Where the peer was before the last of them; null when it has never moved.</summary>
    public Endpoint? Left => Moves > 0 ? _left : null;

    /// <summary>Packets from places that the peer was not followed to.</summary>
    public long Refused { get; private set; }

    /// <summary>The newest place that the peer seems to be at, and when it is believed if nothing speaks against it.</summary>
    public (Path Path, Instant At)? Claim { get; set; }

    /// <summary>A packet has come from there.</summary>
    public FollowVerdict Judge(Instant now, Endpoint from)
    {
        Begin(now);
        var verdict = Following.Judge(new(now - _movedAt, from == _left, _inARow, _claims));
        _claims++;
        if (verdict != FollowVerdict.Move)
            Refused++;
        return verdict;
    }

    /// <summary>The peer says itself that it is somewhere else, which is believed; but not of too many places within a second: false.</summary>
    public bool Accepts(Instant now)
    {
        Begin(now);
        if (_claims++ < Following.MaxClaims)
            return true;
        Refused++;
        return false;
    }

    /// <summary>The peer has moved away from there, for whatever reason.</summary>
    public void Moved(Instant now, Endpoint from)
    {
        _inARow = _movedAt is { } last && now - last < Following.Restless ? _inARow + 1 : 1;
        (_movedAt, _left, Claim) = (now, from, null);
        Moves++;
    }

    void Begin(Instant now)
    {
        if (_second is not { } began || now - began >= TimeSpan.FromSeconds(1))
            (_second, _claims) = (now, 0);
    }
}
