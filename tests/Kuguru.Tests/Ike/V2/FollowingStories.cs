using Kuguru.Ike;
using Kuguru.Ike.V2;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>A peer behind a NAT that changes its mind: once, often, and a thousand times a second.</summary>
public class FollowingStories
{
    static readonly Endpoint Stray = new(IpAddress.Parse("198.51.100.66"), 6666), Other = new(IpAddress.Parse("198.51.100.77"), 7777);

    [Fact]
    public void An_idle_client_notices_within_a_minute_without_MOBIKE_and_liveness_checks()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        pair.Moon.Nat!.Reboot();
        pair.World.Run(61);
        Assert.Equal("203.0.113.9[1026]", $"{pair.Sun.Installed.Values.Single().Path.Remote}");
    }

    [Fact]
    public void A_question_that_nobody_wanted_an_answer_to_ends_nothing()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        pair.World.Loses = (_, _) => true;
        pair.World.Run(1200);
        Assert.Equal(IkeState.Established, pair.Moon.Session.State);
        pair.World.Loses = (_, _) => false;
        pair.World.Run(61);
        pair.World.Forget();
        pair.World.Run(61);
        Assert.Contains("< 4500>1025 INFORMATIONAL response 3 {", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void A_redirected_packet_is_answered_by_the_next_true_one_and_the_second_time_the_known_endpoint_is_asked()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        var home = pair.Sun.Session.Path.Remote;
        EspFrom(pair, Stray);
        Assert.Equal(Stray, pair.Sun.Session.Path.Remote);
        EspFrom(pair, home);
        Assert.Equal(home, pair.Sun.Session.Path.Remote);
        pair.World.Forget();
        EspFrom(pair, Stray);
        Assert.Equal(home, pair.Sun.Session.Path.Remote);
        pair.World.Run(5);
        Assert.StartsWith("2.00 < 4500>1025 INFORMATIONAL request 0 { }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Equal(home, pair.Sun.Installed.Values.Single().Path.Remote);
        Assert.Equal(2, pair.Sun.Events.OfType<Event.Moved>().Count());
        Assert.Equal((2, Stray, 1L), (pair.Sun.Session.Status(pair.World.Now).Moves, pair.Sun.Session.Status(pair.World.Now).MovedFrom, pair.Sun.Session.Status(pair.World.Now).MovesRefused));
    }

    [Fact]
    public void A_second_new_endpoint_is_believed_when_the_first_one_is_silent_for_a_second()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        EspFrom(pair, Stray);
        EspFrom(pair, Other);
        pair.World.Run(0.9);
        Assert.Equal(Stray, pair.Sun.Session.Path.Remote);
        pair.World.Run(0.2);
        Assert.Equal(Other, pair.Sun.Installed.Values.Single().Path.Remote);
        Assert.Equal(MoveCause.Silence, pair.Sun.Events.OfType<Event.Moved>().Last().Cause);
    }

    [Fact]
    public void A_peer_at_a_thousand_places_a_second_is_limited_reported_once_and_found_in_the_end()
    {
        var pair = new Pair(nat: new("203.0.113.9")).Up();
        for (var port = 1; port <= 1000; port++)
        {
            EspFrom(pair, Stray with { Port = (ushort)port });
            pair.World.Run(0.001);
        }
        Assert.InRange(pair.Sun.Events.OfType<Event.Moved>().Count(), 1, 3);
        Assert.InRange(pair.Sun.Drops[IkeDrop.TooManyMoves], 980, 1000);
        Assert.Single(pair.Sun.Events, e => e.Severity == Severity.Warning && e.Sentence.Contains("places a second", StringComparison.Ordinal));
        pair.World.Run(3);
        Assert.Equal(1000, pair.Sun.Installed.Values.Single().Path.Remote.Port);
        Assert.InRange(pair.Sun.Events.OfType<Event.Moved>().Count(), 2, 4);
    }

    [Fact]
    public void So_is_one_that_says_by_MOBIKE_that_it_is_at_a_thousand_places()
    {
        var pair = Pair.Both(c => c with { Mobike = true }).Up();
        var (session, next) = (pair.Moon.Session, pair.Moon.Session.Window.NextOut);
        for (ushort port = 1; port <= 1000; port++)
        {
            var header = new IkeMessage(session.InitiatorSpi, session.ResponderSpi, ExchangeType.Informational, IkeFlags.Initiator, next, []);
            var update = ((KeyedPhase)session.Phase).Keying.Seal(header, [new Payload.Notify(NotifyType.UpdateSaAddresses)], pair.Moon.Dice);
            pair.Sun.Receive(new(new(pair.Sun.Address, 500), Stray with { Port = port }), update);
            next = next.Next;
            pair.World.Run(0.0005);
        }
        Assert.Equal(Following.MaxClaims, pair.Sun.Events.OfType<Event.Moved>().Count());
        Assert.Equal(1000 - Following.MaxClaims, pair.Sun.Drops[IkeDrop.TooManyMoves]);
        Assert.Single(pair.Sun.Events, e => e.Severity == Severity.Warning && e.Sentence.Contains("places a second", StringComparison.Ordinal));
        Assert.Equal(Following.MaxClaims, pair.Sun.Session.Path.Remote.Port);
        // Where it is said to be nobody answers: the child stays where it was.
        Assert.Equal(pair.Moon.Address, pair.Sun.Installed.Values.Single().Path.Remote.Address);
    }

    static void EspFrom(Pair pair, Endpoint remote) => pair.Sun.Order((session, outbox) =>
        session.EspMoved(pair.World.Now, pair.Sun.Installed.Keys.Single(), new(new(pair.Sun.Address, 4500), remote), outbox));
}
