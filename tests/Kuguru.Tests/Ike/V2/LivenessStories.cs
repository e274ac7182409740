using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Is anybody there?</summary>
public class LivenessStories
{
    [Fact]
    public void Silence_is_asked_about_and_the_answer_is_enough()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(10) }).Up();
        pair.World.Run(21);
        Assert.Equal("""
            10.20 > INFORMATIONAL request 2 { }
            10.25 < INFORMATIONAL response 2 { }
            20.30 > INFORMATIONAL request 3 { }
            20.35 < INFORMATIONAL response 3 { }

            """, pair.World.Transcript);
    }

    [Fact]
    public void ESP_that_arrives_is_a_sign_of_life()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(10) }).Up();
        for (var i = 0; i < 10; i++)
        {
            pair.Moon.Installed.Values.Single().Usage.CountInbound(pair.World.Now, 1, 100);
            pair.World.Run(8);
        }
        Assert.Empty(pair.World.Transcript);
        pair.World.Run(10);
        Assert.Contains("INFORMATIONAL request 2 { }", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void ESP_that_only_leaves_is_none()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(10) }).Up();
        for (var i = 0; i < 3; i++)
        {
            pair.Moon.Installed.Values.Single().Usage.CountOutbound(pair.World.Now, 1, 100);
            pair.World.Run(4);
        }
        Assert.Contains("INFORMATIONAL request 2 { }", pair.World.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_does_not_answer_is_given_up_with_its_children_and_addresses()
    {
        var pair = new Pair(moon: c => c with { DpdDelay = TimeSpan.FromSeconds(10), Children = [c.Children[0] with { DpdAction = CloseAction.Start, CloseAction = CloseAction.Trap }] }).Up();
        pair.World.Loses = (_, _) => true;
        pair.World.Run(180);
        Assert.Empty(pair.Moon.Sessions);
        Assert.Empty(pair.Moon.Installed);
        Assert.Equal(FailureCode.TimedOut, pair.Moon.Events.OfType<Event.Failed>().Single().Failure.Code);
        Assert.Equal("peer not responding", pair.Moon.Events.OfType<Event.IkeDown>().Single().Why);
        Assert.Equal(CloseAction.Start, pair.Moon.Events.OfType<Event.ChildDown>().Single().Next);
        Assert.Empty(pair.Moon.ReqIds);
    }

    [Fact]
    public void Without_a_delay_nothing_is_asked()
    {
        var pair = new Pair().Up();
        pair.World.Run(3000);
        Assert.Empty(pair.World.Transcript);
    }

    [Fact]
    public void Both_ask_at_once_and_both_answer()
    {
        var pair = Pair.Both(c => c with { DpdDelay = TimeSpan.FromSeconds(10) }).Up();
        pair.World.Loses = (_, _) => false;
        pair.World.Run(3600);
        Assert.Single(pair.Moon.Sessions);
        Assert.Single(pair.Sun.Sessions);
        Assert.Empty(pair.Moon.Failures);
    }
}
