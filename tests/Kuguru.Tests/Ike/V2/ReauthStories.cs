using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Both ends prove anew who they are (RFC 7296 section 2.8.3, RFC 4478): before the old IKE SA goes, or after.</summary>
public class ReauthStories
{
    static readonly TimeSpan TenMinutes = TimeSpan.FromMinutes(10);

    [Fact]
    public void The_new_IKE_SA_and_its_child_are_up_before_the_old_ones_go()
    {
        var pair = new Pair(moon: c => c with { ReauthTime = TenMinutes, RandTime = TimeSpan.Zero }).Up();
        var (old, spi) = (pair.Moon.Session, pair.Moon.Installed.Keys.Single());
        pair.World.Run(610);
        Assert.Equal("""
            600.20 > IKE_SA_INIT request 0 { SA, KEi, Ni, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED) }
            600.25 < IKE_SA_INIT response 0 { SA, KEr, Nr, N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(IKEV2_FRAGMENTATION_SUPPORTED), N(CHILDLESS_IKEV2_SUPPORTED) }
            600.30 > IKE_AUTH request 1 { IDi, IDr, AUTH, SA, TSi, TSr }
            600.35 < IKE_AUTH response 1 { IDr, AUTH, SA, TSi, TSr }
            600.40 > INFORMATIONAL request 2 { D }
            600.45 < INFORMATIONAL response 2 { }

            """, pair.World.Transcript);
        Assert.NotSame(old, pair.Moon.Session);
        Assert.True(old.IsGone);
        var effects = pair.Moon.Effects.SkipWhile(effect => effect is not Effect.InstallSa { Sa.InboundSpi: var first } || first == spi).ToList();
        Assert.Equal(["InstallSa", "RemoveSa"], effects.Select(effect => effect.GetType().Name));
        Assert.Equal(CloseAction.Clear, pair.Moon.Events.OfType<Event.ChildDown>().Single().Next);
        Assert.Single(pair.Sun.Sessions);
        Assert.Single(pair.Sun.Installed);
    }

    [Fact]
    public void Who_answers_sends_on_the_old_child_until_the_new_one_is_used_or_a_second_has_passed()
    {
        var pair = new Pair(moon: c => c with { ReauthTime = TenMinutes, RandTime = TimeSpan.Zero }).Up();
        pair.World.Run(598.37);
        var install = pair.Sun.Effects.OfType<Effect.InstallSa>().Last();
        Assert.True(install.InboundOnly);
        pair.World.Run(1);
        Assert.Contains(new Effect.UseSa(install.Sa.InboundSpi), pair.Sun.Effects);
    }

    [Fact]
    public void It_comes_again_as_long_as_the_peer_does_not_answer_and_at_last_the_old_one_ends()
    {
        var pair = new Pair(moon: c => c with { ReauthTime = TimeSpan.FromHours(3), OverTime = TimeSpan.FromMinutes(20), RandTime = TimeSpan.Zero, RekeyTime = TimeSpan.Zero }).Up();
        pair.World.Loses = (path, bytes) => bytes.Span[18] is 34;
        pair.World.Run(3 * 3600 + 19 * 60);
        Assert.InRange(pair.World.Transcript.Split('\n').Count(line => line.Contains("IKE_SA_INIT", StringComparison.Ordinal)), 12, 24);
        Assert.Single(pair.Moon.Installed);
        pair.World.Run(120);
        Assert.Equal("its lifetime is over", Assert.Single(pair.Moon.Events.OfType<Event.IkeDown>()).Why);
    }

    [Fact]
    public void By_setting_the_old_IKE_SA_goes_first_and_its_children_are_asked_for_anew()
    {
        var pair = new Pair(moon: c => c with { ReauthTime = TenMinutes });
        pair.Moon.Settings = pair.Moon.Settings with { MakeBeforeBreak = false };
        pair.Up();
        pair.World.Run(601);
        var down = Assert.Single(pair.Moon.Events.OfType<Event.IkeDown>());
        Assert.Equal("its peer has to authenticate again", down.Why);
        Assert.Equal(CloseAction.Start, pair.Moon.Events.OfType<Event.ChildDown>().Single().Next);
        Assert.Empty(pair.Sun.Sessions);
    }

    [Fact]
    public void A_responder_says_how_long_and_the_initiator_comes_in_time()
    {
        var pair = new Pair(sun: c => c with { ReauthTime = TenMinutes, RandTime = TimeSpan.Zero, OverTime = TimeSpan.FromMinutes(1) },
            moon: c => c with { OverTime = TimeSpan.FromMinutes(1) }).Up();
        Assert.Contains(pair.Moon.Events.OfType<Event.Note>(), note => note.Text == "received AUTH_LIFETIME of 600s, scheduling reauthentication in 540s");
        var old = pair.Moon.Session;
        pair.World.Run(545);
        Assert.NotSame(old, pair.Moon.Session);
        Assert.Equal(old.UniqueId, Assert.Single(pair.Moon.Events.OfType<Event.IkeDown>()).Status.UniqueId);
        Assert.Single(pair.Sun.Sessions);
    }

    [Fact] // RFC 4478 section 3
    public void A_responder_that_cannot_begin_asks_the_initiator_to()
    {
        var pair = new Pair().Up();
        var old = pair.Moon.Session;
        pair.World.Forget();
        pair.Sun.Order((session, outbox) => session.Reauthenticate(pair.World.Now, 2, outbox));
        pair.World.Run(1);
        Assert.Contains("< INFORMATIONAL request 0 { N(AUTH_LIFETIME) }", pair.World.Transcript, StringComparison.Ordinal);
        Assert.Null(pair.Sun.Outcome(2));
        pair.World.Run(15);
        Assert.NotSame(old, pair.Moon.Session);
        Assert.Single(pair.Sun.Sessions);
        Assert.Single(pair.Sun.Installed);
    }

    [Fact]
    public void A_responder_whose_peer_has_no_address_of_ours_may_begin_himself()
    {
        var pair = new Pair(sun: c => c with { ReauthTime = TenMinutes, RandTime = TimeSpan.Zero, RemoteAddresses = [AddressPattern.Of(IpAddress.Parse("192.0.2.1"))] }).Up();
        // Sun knows the way, which the small host of these stories remembers from its own orders only.
        pair.Sun.Way(pair.Moon);
        pair.Moon.Events.Clear();
        pair.Sun.Order((session, outbox) => session.Reauthenticate(pair.World.Now, 2, outbox));
        pair.World.Run(2);
        Assert.Null(pair.Sun.Outcome(2));
        Assert.True(pair.Sun.Session.IsInitiator);
        Assert.Single(pair.Moon.Installed);
    }
}
