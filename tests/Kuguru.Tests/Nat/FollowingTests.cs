using Kuguru.Nat;
using Xunit;

namespace Kuguru.Tests.Nat;

/// <summary>When a peer is believed to be where its newest authentic packet came from.</summary>
public class FollowingTests
{
    [Theory]
    [InlineData(null, false, 0, 0, FollowVerdict.Move)]
    [InlineData(60.0, false, 1, 0, FollowVerdict.Move)]
    [InlineData(60.0, true, 1, 0, FollowVerdict.Move)]
    [InlineData(10.0, false, 5, 0, FollowVerdict.Move)]
    [InlineData(9.9, false, 1, 0, FollowVerdict.ProbeFirst)]
    [InlineData(0.01, false, 1, 0, FollowVerdict.ProbeFirst)]
    [InlineData(0.01, true, 1, 0, FollowVerdict.Move)]
    [InlineData(0.01, true, 2, 0, FollowVerdict.ProbeFirst)]
    [InlineData(0.01, true, 3, 0, FollowVerdict.ProbeFirst)]
    [InlineData(null, false, 0, 7, FollowVerdict.Move)]
    [InlineData(null, false, 0, 8, FollowVerdict.TooMany)]
    [InlineData(0.5, true, 1, 8, FollowVerdict.TooMany)]
    public void A_peer_seems_to_move(double? since, bool isReturn, int inARow, int claims, FollowVerdict expected) => Assert.Equal(expected,
        Following.Judge(new(since is { } s ? TimeSpan.FromSeconds(s) : null, isReturn, inARow, claims)));

    [Fact]
    public void A_trail_counts_moves_and_forgets_restless_times()
    {
        var (trail, now) = (new Trail(), new Instant(1_000_000_000));
        Assert.Null(trail.Left);
        Assert.Equal(FollowVerdict.Move, trail.Judge(now, At(2)));
        trail.Moved(now, At(1));
        Assert.Equal(FollowVerdict.Move, trail.Judge(now, At(1)));
        trail.Moved(now, At(2));
        Assert.Equal(FollowVerdict.ProbeFirst, trail.Judge(now, At(2)));
        Assert.Equal(FollowVerdict.ProbeFirst, trail.Judge(now, At(3)));
        Assert.Equal((2, At(2), 2L), (trail.Moves, trail.Left, trail.Refused));
        Assert.Equal(FollowVerdict.Move, trail.Judge(now + Following.Restless, At(3)));
    }

    [Fact]
    public void Of_a_thousand_places_within_a_second_all_but_the_first_few_are_not_listened_to()
    {
        var (trail, now) = (new Trail(), new Instant(1_000_000_000));
        var verdicts = Enumerable.Range(1, 1000).Select(number => trail.Judge(now + TimeSpan.FromMilliseconds(number), At(number))).ToList();
        Assert.Equal(1000 - Following.MaxClaims, verdicts.Count(verdict => verdict == FollowVerdict.TooMany));
        Assert.NotEqual(FollowVerdict.TooMany, trail.Judge(now + TimeSpan.FromSeconds(3), At(1)));
    }

    static Endpoint At(int port) => new(IpAddress.Parse("203.0.113.1"), (ushort)port);
}
