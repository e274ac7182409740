using Kuguru.Ike;
using Xunit;

namespace Kuguru.Tests.Ike.V2;

/// <summary>Both ends have the same thought, and the wire loses what would have told them (RFC 7296 sections 2.8 and 2.25).</summary>
public class CollisionStories
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void An_IKE_rekeying_whose_question_is_lost_gives_way_to_the_peers_and_nothing_goes_down(int seed)
    {
        var pair = new Pair(seed: seed).Up();
        LoseFirstOf(pair, pair.Moon, response: false);
        BothRekeyIke(pair);
        pair.World.Run(200);
        AssertOneTunnel(pair);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void An_IKE_rekeying_whose_answer_is_late_finds_the_redundant_IKE_SA_deleted_already(int seed)
    {
        var pair = new Pair(seed: seed).Up();
        LoseFirstOf(pair, pair.Sun, response: true);
        BothRekeyIke(pair);
        pair.World.Run(200);
        AssertOneTunnel(pair);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_child_rekeying_whose_question_is_lost_gives_way_to_the_peers_which_is_used_at_once(int seed)
    {
        var pair = new Pair(seed: seed).Up();
        LoseFirstOf(pair, pair.Moon, response: false);
        BothRekeyChild(pair);
        pair.World.Run(1);
        var fresh = Assert.Single(pair.Moon.Installed.Keys);
        Assert.Contains(new Effect.UseSa(fresh), pair.Moon.Effects);
        pair.World.Run(200);
        Assert.Equal(fresh, Assert.Single(pair.Moon.Installed.Keys));
        AssertSameKeys(pair);
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
        {
            Assert.Null(host.Outcome(2));
            Assert.Empty(host.Events.OfType<Event.ChildDown>());
            Assert.Single(host.Events.OfType<Event.ChildUp>());
            Assert.Single(host.Events.OfType<Event.ChildRekeyed>());
            Assert.Single(host.ReqIds);
        }
    }

    static void BothRekeyIke(Pair pair)
    {
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Order((session, outbox) => session.RekeyIke(pair.World.Now, 2, outbox));
    }

    static void BothRekeyChild(Pair pair)
    {
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
            host.Order((session, outbox) => session.RekeyChild(pair.World.Now, session.Status(pair.World.Now).Children[0].UniqueId, 2, outbox));
    }

    static void LoseFirstOf(Pair pair, Host sender, bool response)
    {
        var lost = false;
        pair.World.Loses = (path, bytes) =>
            path.Local.Address == sender.Address && (bytes.Span[path.Local.Port == 4500 ? 23 : 19] & 0x20) != 0 == response && !lost && (lost = true);
    }

    static void AssertOneTunnel(Pair pair)
    {
        Assert.Equal((pair.Moon.Session.LocalSpi, pair.Moon.Session.RemoteSpi), (pair.Sun.Session.RemoteSpi, pair.Sun.Session.LocalSpi));
        AssertSameKeys(pair);
        foreach (var host in (Host[])[pair.Moon, pair.Sun])
        {
            Assert.Null(host.Outcome(2));
            Assert.Single(host.Session.InboundSpis);
            Assert.Empty(host.Events.OfType<Event.ChildDown>());
            Assert.DoesNotContain(host.Events.OfType<Event.IkeDown>(), down => !down.Status.Children.IsEmpty);
            Assert.Single(host.Events.OfType<Event.IkeRekeyed>());
        }
    }

    static void AssertSameKeys(Pair pair)
    {
        var (moon, sun) = (pair.Moon.Installed.Values.Single(), pair.Sun.Installed.Values.Single());
        Assert.Equal((moon.InboundSpi, moon.OutboundSpi), (sun.OutboundSpi, sun.InboundSpi));
        Assert.Equal((moon.InboundKeys, moon.OutboundKeys), (sun.OutboundKeys, sun.InboundKeys));
    }
}
