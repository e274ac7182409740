using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;

namespace Kuguru.Tests.Engine;

/// <summary>What a node does when several things happen at once.</summary>
public class NodeTests
{
    [Fact]
    public void A_child_that_is_asked_for_while_the_IKE_SA_is_rekeyed_comes_up_on_it_and_cuts_nothing()
    {
        var pair = new NodePair().Up();
        pair.Moon.Order(token => new Order.Rekey(token, new SaFilter(Ike: "gw")));
        var more = pair.Moon.Order(token => new Order.Initiate(token, "gw", "more"));
        pair.Run(5);
        Assert.Null(pair.Moon.Outcome(more));
        Assert.Equal(["more", "net"], Assert.Single(pair.Moon.Sas).Children.Select(child => child.Name).Order());
        Assert.Empty(pair.Sun.Events.OfType<Event.ChildDown>());
    }

    [Fact]
    public void No_INITIAL_CONTACT_while_the_other_IKE_SA_with_the_peer_is_rekeyed()
    {
        var pair = new NodePair().Up();
        pair.Moon.Order(token => new Order.Rekey(token, new SaFilter(Ike: "gw")));
        Assert.False(pair.Moon.Node.IsFirstContact(Identity.Parse("moon.example.org"), Identity.Parse("sun.example.org")));
    }

    [Fact]
    public void A_node_that_shuts_down_takes_nobody_in_any_more()
    {
        // Sun is told that moon's child is to come back at once; moon is on its way out.
        var pair = new NodePair(sun: c => c with { Children = [.. c.Children.Select(child => child with { CloseAction = CloseAction.Start })] }).Up();
        var stop = pair.Moon.Order(token => new Order.ShutDown(token));
        pair.Run(10);
        Assert.Null(pair.Moon.Outcome(stop));
        Assert.Equal(0, pair.Moon.Node.IkeSaCount);
    }

    [Fact]
    public void Messages_longer_than_max_packet_are_dropped_before_anything_is_kept_of_them()
    {
        var pair = new NodePair(sunSettings: new IkeSettings { MaxPacket = 2000 });
        Blob? first = null;
        pair.Loses = (_, bytes) => { first ??= bytes; return true; };
        pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        Assert.True(IkeMessage.TryParse(first!.Value.Span, out var message, out _));
        var bulky = new Payload.Notify((NotifyType)40960, new byte[2000]);
        pair.Sun.Receive(new(new(pair.Sun.Address, 500), new(pair.Moon.Address, 500)), (message with { Payloads = [.. message.Payloads, bulky] }).Write());
        Assert.Equal(0, pair.Sun.Node.HalfOpenCount);
        Assert.Equal(1, pair.Sun.Node.Counters[Drop.Malformed]);
    }

    [Theory]
    [InlineData(UniquePolicy.No)]
    [InlineData(UniquePolicy.Keep)]
    [InlineData(UniquePolicy.Replace)]
    public void A_peer_that_has_lost_everything_and_says_INITIAL_CONTACT_gets_in_again(UniquePolicy policy)
    {
        var pair = new NodePair(sun: c => c with { Unique = policy }).Up();
        // Moon crashes: it forgets its IKE SA without a word.
        pair.Loses = (_, _) => true;
        pair.Moon.Order(token => new Order.Terminate(token, new SaFilter(Ike: "gw"), Force: true));
        pair.Run(1);
        pair.Loses = (_, _) => false;
        var again = pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        pair.Run(5);
        Assert.Null(pair.Moon.Outcome(again));
        Assert.Single(pair.Sun.Sas);
    }

    [Theory]
    [InlineData(1, 4)] // main mode takes three messages, quick mode one
    [InlineData(2, 2)] // IKE_SA_INIT, IKE_AUTH
    public void INITIAL_CONTACT_ends_the_older_IKE_SA_without_a_word(int version, int answers)
    {
        var pair = new NodePair(c => c with { Version = version }, c => c with { Version = version }).Up();
        var said = 0;
        pair.Loses = (_, _) => true;
        pair.Moon.Order(token => new Order.Terminate(token, new SaFilter(Ike: "gw"), Force: true));
        pair.Loses = (from, _) => from == pair.Sun && said++ < 0;
        pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        pair.Run(5);
        Assert.Equal(2u, Assert.Single(pair.Sun.Sas).UniqueId);
        Assert.Equal(answers, said);
        Assert.Equal("its peer says INITIAL_CONTACT on another one", Assert.Single(pair.Sun.Events.OfType<Event.IkeDown>()).Why);
    }

    [Fact]
    public void Both_ends_of_a_collision_forget_the_redundant_IKE_SA_although_its_deletion_is_lost()
    {
        for (var seconds = 0; seconds < 4; seconds++)
        {
            var pair = new NodePair(c => c with { RekeyTime = TimeSpan.Zero }, c => c with { RekeyTime = TimeSpan.Zero }).Up();
            pair.Run(seconds);
            pair.Moon.Order(token => new Order.Rekey(token, new SaFilter(Ike: "gw")));
            pair.Sun.Order(token => new Order.Rekey(token, new SaFilter(Ike: "gw")));
            // The answers still come, the first deletes of both ends do not.
            pair.Loses = (_, bytes) => bytes.Span[18] == (byte)ExchangeType.Informational;
            pair.Run(0.5);
            pair.Loses = (_, _) => false;
            pair.Run(120);
            Assert.Single(pair.Moon.Sas);
            Assert.Single(pair.Sun.Sas);
        }
    }

    [Fact]
    public void A_peer_that_cannot_be_found_is_one_line_in_the_log_whoever_waits()
    {
        var pair = new NodePair();
        pair.Moon.Searches = [];
        var token = pair.Moon.Order(token => new Order.Initiate(token, "gw", "net"));
        pair.Moon.Tell(new Order.PathFound(Assert.Single(pair.Moon.Searches).Request, null, "no route to sun"));
        Assert.Equal("no route to sun", pair.Moon.Outcome(token)!.Sentence);
        Assert.Single(pair.Moon.Failures);
    }

    [Fact]
    public void A_trap_is_installed_once_however_often_it_is_asked_for_and_not_for_a_connection_that_is_unloaded_meanwhile()
    {
        var pair = new NodePair();
        pair.Moon.Searches = [];
        var one = pair.Moon.Order(token => new Order.Install(token, "gw", "net"));
        var two = pair.Moon.Order(token => new Order.Install(token, "gw", "net"));
        var more = pair.Moon.Order(token => new Order.Install(token, "gw", "more"));
        var path = new Path(new(pair.Moon.Address, 0), new(pair.Sun.Address, 0));
        foreach (var search in pair.Moon.Searches.Take(2).ToList())
            pair.Moon.Tell(new Order.PathFound(search.Request, path, ""));
        Assert.Single(pair.Moon.Effects.OfType<Effect.InstallTrap>());
        pair.Moon.Node.Unload(pair.Now, "gw", new Outbox());
        pair.Moon.Tell(new Order.PathFound(pair.Moon.Searches[2].Request, path, ""));
        Assert.Empty(pair.Moon.Node.TrapStatus);
        Assert.Null(pair.Moon.Outcome(one));
        Assert.Null(pair.Moon.Outcome(two));
        Assert.NotNull(pair.Moon.Outcome(more));
    }
}
