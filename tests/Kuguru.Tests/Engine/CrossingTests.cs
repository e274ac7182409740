using Kuguru.Engine;
using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Engine;

/// <summary>What two nodes do at the same time, or each out of the other's sight.</summary>
public class CrossingTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(60)]
    [InlineData(120)]
    [InlineData(180)]
    [InlineData(220)]
    [InlineData(260)]
    [InlineData(300)]
    public void New_keys_for_an_IKE_SA_that_is_being_replaced_leave_no_second_one(int apart)
    {
        foreach (var (bySun, unique) in ((bool, UniquePolicy)[])[(true, UniquePolicy.No), (true, UniquePolicy.Replace), (false, UniquePolicy.No), (false, UniquePolicy.Replace)])
        {
            var pair = new NodePair(sun: c => c with { Unique = unique }).Up();
            pair.Moon.Order(token => new Order.Rekey(token, new SaFilter(Ike: "gw"), Reauthenticate: true));
            pair.Run(apart / 1000.0);
            (bySun ? pair.Sun : pair.Moon).Order(token => new Order.Rekey(token, new SaFilter(IkeId: 1)));
            pair.Run(400);
            Assert.True(pair.Moon.Sas.Count() == 1 && pair.Sun.Sas.Count() == 1, $"{apart} {bySun}: {pair.Moon.Sas.Count()} {pair.Sun.Sas.Count()}");
            Assert.Equal((1, 1), (pair.Moon.Sas.Single().Children.Length, pair.Sun.Sas.Single().Children.Length));
            Assert.Equal(pair.Moon.Sas.Single().Children[0].InboundSpi, pair.Sun.Sas.Single().Children[0].OutboundSpi);
        }
    }

    [Fact]
    public void A_child_whose_volume_is_used_up_at_both_ends_at_once_is_made_anew_once()
    {
        var pair = new NodePair(c => Short(c), c => Short(c)).Up();
        foreach (var side in (NodePair.Side[])[pair.Moon, pair.Sun])
            Assert.Single(side.Sas.Single().Children).Usage.CountInbound(pair.Now, 5000, 5000);
        // Sun's word of it is lost, so that moon comes to the same end by herself.
        var lost = 0;
        pair.Loses = (from, _) => from == pair.Sun && lost++ == 0;
        pair.Run(60);
        Assert.Equal((1, 1), (pair.Moon.Sas.Single().Children.Length, pair.Sun.Sas.Single().Children.Length));

        static Connection Short(Connection c) => c with { Children = [c.Children[0] with { RekeyPackets = 3000, LifePackets = 4000 }] };
    }

    [Theory]
    [InlineData(UniquePolicy.No)]
    [InlineData(UniquePolicy.Replace)]
    [InlineData(UniquePolicy.Keep)]
    [InlineData(UniquePolicy.Never)]
    public void Both_ends_start_at_the_same_time_and_agree_on_what_there_is(UniquePolicy unique)
    {
        var pair = new NodePair(c => Start(c), c => Start(c));
        pair.Run(120);
        static IEnumerable<ulong> Spis(NodePair.Side side) => side.Sas.Select(sa => sa.InitiatorSpi.Value).Order();
        Assert.Equal(Spis(pair.Moon), Spis(pair.Sun));
        Assert.True(pair.Moon.Sas.Sum(sa => sa.Children.Length) is 1 or 2);
        Assert.Equal(pair.Moon.Sas.Sum(sa => sa.Children.Length), pair.Sun.Sas.Sum(sa => sa.Children.Length));

        Connection Start(Connection c) => c with
        {
            Unique = unique,
            KeyingTries = 0,
            DpdDelay = TimeSpan.FromSeconds(30),
            Children = [c.Children[0] with { StartAction = StartAction.Start, DpdAction = CloseAction.Start, CloseAction = CloseAction.Start }],
        };
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_that_takes_down_at_once_whatever_is_made_gets_it_ever_more_seldom_and_is_told_of_once(bool wholeIkeSa)
    {
        var pair = new NodePair(c => c with { KeyingTries = 0, Children = [c.Children[0] with { CloseAction = CloseAction.Start, StartAction = StartAction.Start }] });
        void TakeDownFor(int seconds)
        {
            for (var i = 0; i < seconds * 20; i++)
            {
                pair.Run(0.05);
                foreach (var sa in pair.Sun.Sas.Where(sa => sa.State == IkeState.Established && sa.Children.Length > 0).ToList())
                    pair.Sun.Order(token => new Order.Terminate(token, wholeIkeSa ? new SaFilter(IkeId: sa.UniqueId) : new SaFilter(Child: "net"), Force: true));
            }
        }
        TakeDownFor(300);
        Assert.InRange(pair.Moon.Events.OfType<Event.ChildUp>().Count(), 6, 14);
        Assert.Single(pair.Moon.Events, e => e.Sentence == "child 'net' of 'gw' ends as soon as it is up: the pauses before it is tried again grow");
        // It is not given up, and one that has lived is there again at once.
        pair.Run(90);
        Assert.Single(Assert.Single(pair.Moon.Sas).Children);
        TakeDownFor(1);
        pair.Run(1);
        Assert.Single(Assert.Single(pair.Moon.Sas).Children);
    }
}
